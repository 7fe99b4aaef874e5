"""The one door to dvc: the caller's cache and remote, as the caller's own DVC configuration names them.

Objects are asked for by hash. DVC's repository class is not used: it takes DVC's lock, keeps a database and
writes to `.dvc/tmp`, and nothing of that is needed to copy bytes that prove themselves by their hash.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from repro.core.errors import DataError
from repro.core.events import silent
from repro.data.cache import Cache
from repro.data.google import open_google
from repro.data.shelf import NAMED, RefusedError, Shelf, hint_for, quiet, without_credentials, words_of
from repro.tools.files import disk_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repro.core.events import Listener
    from repro.data.pointers import Object
    from repro.data.transfer import Moved


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
        with quiet():
            shelf = self.shelf()
            try:
                there = shelf.raw.exists(shelf.base)
            except Exception as error:  # each kind of remote raises its own
                raise shelf.failure(error) from error
            if not there and shelf.place_is_missing():
                raise shelf.failure(FileNotFoundError())
        if not there:
            raise DataError(
                f"remote {self.name}: it answers, but has nothing at that place",
                hint="repro data push fills it; or correct the address: dvc remote modify",
            )

    @cached_property
    def cache(self) -> Cache:
        """The cache, which need not exist yet."""
        return Cache(folder=self._cache, shared=self._config["cache"].get("shared") == "group")

    def fetch(self, objects: Sequence[Object]) -> None:
        """Copy the objects from the remote into the cache, each checked by its hash before it counts."""
        self.pull(objects)

    def pull(self, objects: Sequence[Object], listener: Listener = silent, jobs: int = 0) -> Moved:
        """The same, told while it goes on, so many at a time; says what was done."""
        from repro.data import transfer  # threads and queues, which a cached replay does without

        with disk_errors("writing to the DVC cache"):
            if transfer.all_present(Cache(folder=self._cache), objects):  # known without reading settings
                return transfer.Moved(there=len(set(objects)))
            return transfer.fetch(self.cache, objects, self.shelf, listener=listener, jobs=jobs)

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
        raise DataError(
            f"{self.root}: not in a DVC repository", hint="run: dvc init; then dvc remote add -d NAME URL"
        )

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

    def shelf(self, wanted: Sequence[Object] = ()) -> Shelf:
        """The default remote, opened; `wanted` is what it is wanted for, named where there is none."""
        from dvc.fs import get_cloud_fs

        chosen = self._config["core"].get("remote")
        listed = ", ".join(str(one) for one in wanted[:NAMED])
        lacking = f"missing from the cache {self.cache_folder()}: {listed}" if wanted else ""
        if not chosen:
            raise DataError(
                f"{lacking}; and there is no default remote" if wanted else "no default remote is configured",
                hint="run: dvc remote add -d NAME URL",
            )
        try:
            cls, settings, path = get_cloud_fs(self._config, name=chosen)
            fs = cls(**settings)
            raw = open_google(fs, settings, self.name) if fs.protocol == "gs" else fs.fs
        except DataError:
            raise
        except RefusedError as error:
            raise DataError(f"remote {self.name}: {words_of(error)}", hint=hint_for(error)) from error
        except Exception as error:  # each kind of remote raises its own
            said = without_credentials(str(error))
            raise DataError(
                f"remote {self.name}: {said}" + (f"; {lacking}" if lacking else ""),
                hint="run: dvc remote list; the packages of its kinds are extras: "
                "pip install 'repro-toolchain[gs]', or azure, gdrive, hdfs, s3, ssh",
            ) from error
        if settings.get("worktree") or settings.get("version_aware"):
            raise DataError(
                f"remote {self.name}: cloud versioning is not supported"
                + (f"; {lacking}" if lacking else ""),
                hint="run `dvc fetch` yourself, or use a remote addressed by content",
            )
        return Shelf(fs=fs, raw=raw, base=path, name=self.name)
