"""The one door to dvc: the caller's cache and remote, as the caller's own DVC configuration names them.

Objects are asked for by hash. DVC's repository class is not used: it takes DVC's lock, keeps a database and
writes to `.dvc/tmp`, and nothing of that is needed to copy bytes that prove themselves by their hash.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from repro.core.digest import Digest
from repro.core.errors import DataError
from repro.data.pointers import LEGACY, Object
from repro.tools.files import disk_errors, hash_file, locked

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 5
"""How many failures one error names."""


class Remote(Protocol):
    """Where objects come from, and the folder in which they are kept."""

    @property
    def name(self) -> str:
        """The remote's name, for people; never raises for a missing remote."""

    def cache_folder(self) -> Path:
        """The cache, in DVC's layout; it need not exist yet."""

    def fetch(self, objects: Sequence[Object]) -> None:
        """Put the objects into the cache, good ones left alone, bad ones replaced; DataError otherwise."""


class DvcRemote:
    """The default remote and the cache of the DVC repository that holds the folder `root`.

    Several processes and threads may fetch at once: one works, the others wait and find the work done.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def name(self) -> str:
        """The name that `core.remote` gives, with its address."""
        chosen = self._config["core"].get("remote")
        if not chosen:
            return "none (no default remote is configured)"
        url = self._config["remote"].get(chosen.lower(), {}).get("url", "not configured")
        return f"{chosen} ({without_credentials(url)})"

    def cache_folder(self) -> Path:
        """`cache.dir` of the caller's configuration, at whichever level, else `.dvc/cache`."""
        return self._cache

    @cached_property
    def _cache(self) -> Path:
        if not self._mentions_cache():
            return self._dvc_folder / "cache"
        settings = self._config["cache"]
        if named := settings.get("local"):
            return Path(self._config["remote"].get(named.lower(), {}).get("url", named))
        return Path(settings.get("dir", self._dvc_folder / "cache"))

    def reach(self) -> None:
        """Ask the default remote for anything; DataError where there is none, or it does not answer."""
        from dvc.fs import get_cloud_fs

        chosen = self._config["core"].get("remote")
        if not chosen:
            raise DataError("no default remote is configured", hint="run: dvc remote add -d NAME URL")
        try:
            cls, settings, path = get_cloud_fs(self._config, name=chosen)
            there = cls(**settings).exists(path)
        except Exception as error:  # each kind of remote raises its own
            said = without_credentials(str(error))
            raise DataError(
                f"remote {self.name}: {type(error).__name__}: {said}",
                hint="run: dvc remote list; most kinds need a package, such as dvc-gs, and credentials",
            ) from error
        if not there:
            raise DataError(
                f"remote {self.name}: it answers, but has nothing at that place",
                hint="dvc push fills it; or correct the address: dvc remote modify",
            )

    def fetch(self, objects: Sequence[Object]) -> None:
        """Copy the objects from the remote into the cache, each checked by its hash before it counts."""
        from concurrent.futures import ThreadPoolExecutor

        with locked(self.root / ".repro" / "data.lock"), disk_errors("writing to the DVC cache"):
            wanted = [one for one in dict.fromkeys(objects) if not self._is_good(one)]
            if not wanted:
                return
            fs, base = self._open(wanted)
            with ThreadPoolExecutor(max_workers=min(fs.jobs, len(wanted))) as pool:
                failures = [said for said in pool.map(lambda one: self._copy(fs, base, one), wanted) if said]
        if failures:
            more = f"\nand {len(failures) - NAMED} more" if len(failures) > NAMED else ""
            raise DataError(
                f"remote {self.name}: {len(failures)} of {len(wanted)} objects cannot be fetched:\n"
                + "\n".join(failures[:NAMED])
                + more,
                hint="`dvc push` them from where they are, or name another remote: dvc remote default",
            )

    def _mentions_cache(self) -> bool:
        """Whether any file of DVC's configuration may name a cache; to read one as DVC does takes long."""
        from dvc.dirs import global_config_dir, system_config_dir

        elsewhere = [Path(place, "config") for place in (system_config_dir(), global_config_dir())]
        try:
            return any(
                b"cache" in file.read_bytes().lower()
                for file in (*elsewhere, self._dvc_folder / "config", self._dvc_folder / "config.local")
                if file.exists()
            )
        except OSError:  # DVC's own error says more
            return True

    @cached_property
    def _dvc_folder(self) -> Path:
        root = self.root.absolute()
        for folder in (root, *root.parents):
            if (folder / ".dvc").is_dir():
                return folder / ".dvc"
        raise DataError(f"{self.root}: not in a DVC repository", hint="run: dvc init && dvc remote add -d …")

    @cached_property
    def _config(self) -> Any:  # noqa: ANN401 - dvc has no types
        from dvc.config import Config
        from dvc.exceptions import DvcException

        try:
            return Config(dvc_dir=str(self._dvc_folder))
        except (DvcException, OSError, ValueError) as error:
            raise DataError(
                f"{self._dvc_folder}: {without_credentials(str(error))}",
                hint="run: dvc config --list --show-origin",
            ) from error

    def _open(self, wanted: Sequence[Object]) -> tuple[Any, str]:
        from dvc.fs import get_cloud_fs

        chosen = self._config["core"].get("remote")
        listed = ", ".join(str(one) for one in wanted[:NAMED])
        if not chosen:
            raise DataError(
                f"missing from the cache {self.cache_folder()}: {listed}; and there is no default remote",
                hint="run: dvc remote add -d NAME URL",
            )
        try:
            cls, settings, path = get_cloud_fs(self._config, name=chosen)
            fs = cls(**settings)
        except Exception as error:  # each kind of remote raises its own
            said = without_credentials(str(error))
            raise DataError(
                f"remote {self.name}: {said}; missing from the cache {self.cache_folder()}: {listed}",
                hint="run: dvc remote list; most kinds of remote need a package, such as dvc-gs",
            ) from error
        if settings.get("worktree") or settings.get("version_aware"):
            raise DataError(
                f"remote {self.name}: cloud versioning is not supported; missing from the cache: {listed}",
                hint="run `dvc fetch` yourself, or use a remote addressed by content",
            )
        return fs, path

    def _copy(self, fs: Any, base: str, wanted: Object) -> str:  # noqa: ANN401 - dvc has no types
        """One object; returns what went wrong, in words, or nothing."""
        place = self.cache_folder() / wanted.location
        part = place.with_name(f".{place.name}.part")
        self._make_folder(place.parent)
        try:
            part.unlink(missing_ok=True)
            fs.get_file(fs.join(base, *wanted.location.split("/")), str(part))
            if (found := digest_as(part, wanted.digest)) != wanted.digest:
                return f"{wanted}: the remote's copy ({wanted.location}) is corrupt, its hash is {found}"
            part.chmod(0o444)
            part.replace(place)
        except FileNotFoundError:
            return f"{wanted}: not in the remote ({wanted.location})"
        except Exception as error:  # noqa: BLE001 - each kind of remote raises its own
            return f"{wanted}: {type(error).__name__}: {without_credentials(str(error))}"
        finally:
            part.unlink(missing_ok=True)
        return ""

    def _is_good(self, wanted: Object) -> bool:
        place = self.cache_folder() / wanted.location
        return place.is_file() and digest_as(place, wanted.digest) == wanted.digest

    def _make_folder(self, folder: Path) -> None:
        # `cache.shared = group`: what this user makes, the group must be able to fill.
        shared = self._config["cache"].get("shared") == "group"
        for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
            missing.mkdir(exist_ok=True)
            if shared:
                missing.chmod(0o2775)


def without_credentials(text: str) -> str:
    """A text without the user and password of the addresses in it: messages end up in logs and records."""
    return re.sub(r"://[^/@\s]*@", "://", text)


def digest_as(path: Path, wanted: Digest) -> Digest:
    """The digest of a file by the algorithm of `wanted`: md5, or that of DVC before 3.0 by DVC's own rule."""
    raw = hash_file(path, "md5")
    if (
        wanted.algorithm != LEGACY or raw.hex == wanted.hex
    ):  # bytes without CRLF have one md5 under both rules
        return Digest(wanted.algorithm, raw.hex)
    from dvc_data.hashfile.hash import fobj_md5

    with path.open("rb") as file:
        return Digest(LEGACY, fobj_md5(file, name=LEGACY))
