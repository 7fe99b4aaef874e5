"""The door to files: hashes, atomic writes, locks, and paths that stay in their folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import ConfigError, FormatError, ReproError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 1 << 20
"""Bytes read at a time."""

LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Half characters that no file name can hold; U+DC80 to U+DCFF stand for bytes in no encoding."""


def hash_file(path: Path, algorithm: str = "sha256") -> Digest:
    """The digest of a file's bytes, read in chunks from one descriptor."""
    with path.open("rb", buffering=0) as file:
        hasher = hashlib.new(algorithm, usedforsecurity=False)
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    return Digest(algorithm, hasher.hexdigest())


def copy_hashed(source: Path, target: Path, algorithm: str = "sha256") -> Digest:
    """Copy bytes and permission to execute, and return the digest of the bytes that were copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    with source.open("rb", buffering=0) as reader, target.open("wb") as writer:
        executable = os.fstat(reader.fileno()).st_mode & stat.S_IXUSR
        while chunk := reader.read(CHUNK):
            hasher.update(chunk)
            writer.write(chunk)
    target.chmod(0o755 if executable else 0o644)
    return Digest(algorithm, hasher.hexdigest())


def read_capped(path: Path, limit: int) -> bytes:
    """A file's bytes; one larger than `limit` bytes is refused before it is read."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise FormatError(f"{path}: {size} bytes, more than the {limit} that are read")
        data = file.read(size + 1)  # room is made for as many bytes as are asked for
        return data if len(data) <= size else data + file.read(limit + 1 - len(data))


def write_atomic(path: Path, data: bytes) -> None:
    """Write beside, flush to disk, rename: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, *, pause: Callable[[], None] | None = None) -> Iterator[int]:
    """Hold an exclusive lock on `path`; the kernel frees it when the process ends, however it ends.

    Yields the descriptor: a program that inherits it holds the lock too, until it has ended as well. With
    `pause`, that is called between two attempts while another holds the lock, and ends the wait by raising.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        while pause is not None and not _taken(file.fileno()):
            pause()
        if pause is None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock on `path` now."""
    if not path.exists():
        return False
    with path.open("ab") as file:
        try:
            # Shared, so that two that only ask do not find each other.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def tree_bytes(root: Path) -> int:
    """How many bytes the files below a folder hold; links count as themselves."""
    return sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(root) for name in names)


def remove_tree(path: Path) -> None:
    """Remove a folder even where a run left parts of it read-only or closed; a missing one is fine."""
    if not path.exists():
        return
    path.chmod(0o700)
    for folder, folders, _ in os.walk(path):
        for name in folders:  # opened before the walk goes into them
            if not (Path(folder) / name).is_symlink():
                (Path(folder) / name).chmod(0o700)
    shutil.rmtree(path)


def files_below(root: Path) -> list[str]:
    """Relative POSIX paths of all regular files below `root`, sorted; links are not followed.

    A symbolic link or special file is refused, for what it names may lie anywhere; a folder that cannot be
    read raises its OSError, for what it holds would be passed over in silence.
    """
    found = []
    for folder, folders, names in os.walk(root, onerror=_raise):
        inside = Path(folder).relative_to(root).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        for name in (*names, *(entry for entry in folders if (Path(folder) / entry).is_symlink())):
            if not stat.S_ISREG(os.lstat(f"{folder}/{name}").st_mode):
                raise FormatError(f"{prefix}{name}: neither a file nor a folder (a link or special file)")
            found.append(prefix + name)
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def require_relative(path: str, *, what: str) -> str:
    """A path that stays in its folder, normalised; otherwise ConfigError with `what` to name the place."""
    pure = PurePosixPath(path)
    nameless = not path or str(pure) == "." or "\0" in path or bool(LONE.search(path))
    if nameless or pure.is_absolute() or ".." in pure.parts:
        raise ConfigError(
            f"{what}: {path!r} is not a path inside the folder", hint="use a relative path without '..'"
        )
    return str(pure)


def require_inside(root: Path, relative: str, *, what: str) -> Path:
    """`root / relative`, refused when a symbolic link on the way leads out of `root`."""
    path = root / require_relative(relative, what=what)
    try:
        place = path.resolve()
    except (OSError, RuntimeError) as error:  # a loop of links, a name too long
        raise ConfigError(f"{what}: {relative!r} leads nowhere: {error}") from error
    if not place.is_relative_to(root.resolve()):
        raise ConfigError(f"{what}: {relative!r} leads out of {root.name}/ through a link")
    return path


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turn the operating system's refusals (disk full, no permission) into an error with a next step."""
    try:
        yield
    except OSError as error:
        raise ReproError(
            f"{doing}: {error.strerror or error}" + (f": {error.filename}" if error.filename else ""),
            hint="free space or fix permissions, then run the same command again",
        ) from error
