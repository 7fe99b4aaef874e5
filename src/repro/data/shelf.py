"""A remote opened: objects got, put and looked at by their hash, whatever kind of storage it is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.errors import DataError
from repro.data.cache import Standing, digest_as
from repro.data.pointers import LEGACY
from repro.tools.files import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from repro.data.pointers import Object

NOISY = ("gcsfs", "fsspec", "asyncio", "aiohttp", "google", "urllib3", "dvc", "dvc_objects", "dvc_data")
"""Libraries that tell on standard error what they also raise."""

NAMED = 5
"""How many failures one error names."""

IDLE_SECONDS = 60.0
"""How long a cloud may send nothing before a request counts as failed, and is made again."""

LISTED = 500
"""From how many objects on the remote is listed whole, which takes fewer requests than asking for each."""

WORDS = 300
"""Characters of a storage's own words that a message carries."""


class UnreachableError(DataError):
    """A remote as a whole cannot be asked: nothing is known of any object in it."""


class RefusedError(Exception):
    """A storage's answer that this account may not: asked again, it would say the same."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


class Stop:
    """Whether what goes on at once is to end; what waits for an answer sees it when one comes."""

    def __init__(self) -> None:
        self.now = False
        self._refusal: RefusedError | None = None

    def check(self) -> None:
        """Raise where it is: the refusal that was its cause, or that somebody cancelled it."""
        if self._refusal:
            raise RefusedError(self._refusal.code, str(self._refusal))
        if self.now:
            raise DataError("the transfer was cancelled", hint="run the same command again")

    @contextmanager
    def asking(self) -> Iterator[None]:
        """One question to a remote, which is not asked after another was refused."""
        self.check()
        try:
            yield
        except Exception as error:
            refusal = _refusal_in(error)
            if refusal is None:
                raise
            self._refusal, self.now = refusal, True
            raise refusal from error


def _refusal_in(error: Exception) -> RefusedError | None:
    """The refusal that an error is: gcsfs has one of its own where a login cannot be renewed in between."""
    if isinstance(error, RefusedError):
        return error
    return RefusedError(401, str(error)) if getattr(error, "code", None) == 401 else None  # noqa: PLR2004 - HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A file system of DVC's, fsspec's below it, and where objects lie; `name` is for people."""

    fs: Any
    raw: Any
    base: str
    name: str

    @property
    def jobs(self) -> int:
        """How many transfers at once suit this kind of storage, by DVC's own choice."""
        return int(self.fs.jobs)

    @property
    def together(self) -> int:
        """How many objects a thread may transfer before it is given others: one, where each is waited for."""
        return 32 if self.is_local else 1

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return bool(self.fs.protocol == "local")

    def address(self, wanted: Object) -> str:
        """Where an object lies in the remote."""
        return str(self.fs.join(self.base, *wanted.location.split("/")))

    def get(self, wanted: Object, target: Path, stop: Callable[[], None]) -> None:
        """Write an object's bytes to a file; FileNotFoundError or an error of the storage's own otherwise.

        `stop` is called before anything is written and with each chunk, and ends the transfer by raising.
        """
        from fsspec.callbacks import Callback  # type: ignore[import-untyped]

        hooks = {"stop": lambda *_, **__: stop()}
        # One request for an object, without asking first how large it is.
        options = {"concurrency": 1} if self.fs.protocol == "gs" else {}
        self.raw.get_file(self.address(wanted), str(target), callback=Callback(hooks=hooks), **options)

    def put(self, source: Path, wanted: Object) -> None:
        """Store a file under an object's name, whole or not at all."""
        self.raw.put_file(str(source), self.address(wanted))

    def read(self, wanted: Object, limit: int) -> bytes:
        """An object's bytes, at most `limit` of them."""
        with self.raw.open(self.address(wanted), "rb") as file:
            return bytes(file.read(limit + 1))[: limit + 1]

    def look(self, objects: Sequence[Object], *, read: bool = False) -> dict[Object, Standing]:
        """The standing of each object: by the hash that the storage itself keeps, or by its bytes.

        The bytes of a folder of this machine are always read, those of other remotes with `read` only.
        Raises DataError where the remote cannot be asked.
        """
        from concurrent.futures import ThreadPoolExecutor

        if not objects:
            return {}
        stop = Stop()

        def look(one: Object) -> Standing:
            with stop.asking():
                return self._look(one, listed, read=read)

        try:
            listed = self._listing() if len(objects) > LISTED and not self.is_local else None
            with ThreadPoolExecutor(min(self.jobs, len(objects))) as pool:
                found = pool.map(look, objects)
                return dict(zip(objects, found, strict=True))
        except Exception as error:
            raise self.failure(error) from error

    def _look(self, wanted: Object, listed: Mapping[str, Any] | None, *, read: bool) -> Standing:
        path = self.address(wanted)
        if self.is_local:
            return self._by_bytes(wanted)
        try:
            facts = self.raw.info(path) if listed is None else listed[path]
        except (FileNotFoundError, KeyError):
            return Standing.MISSING
        md5 = recorded_md5(facts)
        if md5 == wanted.digest.hex:
            return Standing.PRESENT
        if md5 and wanted.digest.algorithm != LEGACY:
            return Standing.CORRUPT
        return self._by_bytes(wanted) if read else Standing.UNCHECKED

    def _by_bytes(self, wanted: Object) -> Standing:
        if self.is_local:
            from pathlib import Path

            try:
                found = digest_as(Path(self.address(wanted)), wanted.digest)
            except (FileNotFoundError, NotADirectoryError):
                return Standing.MISSING
            return Standing.PRESENT if found == wanted.digest else Standing.CORRUPT
        hasher = hashlib.md5(usedforsecurity=False)
        with self.raw.open(self.address(wanted), "rb") as file:
            while chunk := file.read(CHUNK):
                hasher.update(chunk)
        if hasher.hexdigest() == wanted.digest.hex:
            return Standing.PRESENT
        return Standing.UNCHECKED if wanted.digest.algorithm == LEGACY else Standing.CORRUPT

    def _listing(self) -> Mapping[str, Any] | None:
        """Everything in the remote by its path; None where this kind of storage cannot list."""
        try:
            found = self.raw.find(self.base, detail=True)
        except (NotImplementedError, AttributeError):
            return None
        return found if isinstance(found, dict) and found else None

    def place_is_missing(self) -> bool:
        """Whether there is not even the bucket, or the folder of this machine, that the address names."""
        if self.is_local:
            return not self.raw.isdir(self.base)
        if self.fs.protocol != "gs":
            return False
        try:
            self.raw.info(self.base.strip("/").partition("/")[0])
        except FileNotFoundError:
            return True
        except Exception:  # noqa: BLE001 - some may read objects but not ask for the bucket
            return False
        return False

    def failure(self, error: BaseException) -> DataError:
        """What a storage raised, as an error with a next step."""
        if isinstance(error, DataError):
            return error
        if isinstance(error, FileNotFoundError) and self.place_is_missing():
            if self.is_local:
                return UnreachableError(
                    f"remote {self.name}: there is no such folder",
                    hint="mount it, or correct its address: dvc remote modify; repro data push makes it",
                )
            return UnreachableError(
                f"remote {self.name}: there is no such bucket",
                hint="correct the address: dvc remote modify; or make the bucket",
            )
        return UnreachableError(f"remote {self.name}: {words_of(error)}", hint=hint_for(error))


def recorded_md5(facts: Mapping[str, Any]) -> str:
    """The md5 that a storage keeps of an object's bytes, in hexadecimal; "" where it keeps none."""
    if isinstance(encoded := facts.get("md5Hash"), str):  # Google Cloud Storage, JSON API "Objects"
        try:
            return base64.b64decode(encoded, validate=True).hex()
        except (binascii.Error, ValueError):
            return ""
    etag = str(facts.get("ETag", "")).strip('"')  # S3, of an object that was put in one part
    return etag if re.fullmatch(r"[0-9a-f]{32}", etag) else ""


def words_of(error: BaseException) -> str:
    """A storage's error in one short line without credentials or markup."""
    text = re.sub(r"<[^>]*>", " ", str(error))
    text = without_credentials(" ".join(text.split()))
    if isinstance(error, RefusedError):
        return f"refused ({error.code}): {text[:WORDS]}".rstrip(": ")
    if isinstance(error, json.JSONDecodeError):  # such as the page of a proxy that wants a login
        return "what answers there is no storage of this kind"
    return f"{type(error).__name__}: {text[:WORDS]}".rstrip(": ")


def hint_for(error: BaseException) -> str:
    """What to do about a storage's error, by its status where it has one."""
    if isinstance(error, json.JSONDecodeError):
        return "correct the address: dvc remote list; or look what stands between, such as a proxy"
    code = getattr(error, "code", getattr(error, "status", None))
    kind, said = type(error).__name__, str(error).lower()
    if code == 401 or "credential" in kind.lower() or "credentials" in said or "refresh" in kind.lower():  # noqa: PLR2004 - HTTP
        return "log in where your cloud expects it, such as: gcloud auth application-default login"
    if "quota" in said or code == 429:  # noqa: PLR2004 - HTTP
        return "wait or have the quota raised, and run it again: what has arrived stays"
    if code == 403 or "forbidden" in said or "permission" in said:  # noqa: PLR2004 - HTTP
        return "have this account permitted to read and write the bucket"
    return "run the same command again: what has arrived stays; or look at: dvc remote list"


def without_credentials(text: str) -> str:
    """A text without the user and password of the addresses in it: messages end up in logs and records."""
    return re.sub(r"://[^/@\s]*@", "://", text)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep libraries of storages from speaking for themselves: what they have to say is raised too."""
    import warnings

    loggers = [logging.getLogger(name) for name in NOISY]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
