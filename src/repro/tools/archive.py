"""The door to archives: tar read as a stream with caps; nothing is unpacked to disk.

Beside it: `archive_streams` decompresses, `archive_zip` reads zip.

Names and targets of links are text with surrogate escapes for bytes that are no UTF-8. What is yielded is
safe to use as a path below some root: relative, without `..`, without NUL, not too long.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from repro.core.errors import FormatError

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator

CHUNK = 1 << 20
"""Bytes read at a time."""

MAX_HEADER = 1 << 20
"""Bytes that describe one member of a tar: its header with long names and attributes (pax, GNU)."""

MAX_SHARED = 1000
"""Attributes that a tar states for all members that follow (pax global headers)."""


class Stream(Protocol):
    """Bytes in order."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What is too much: `total` bytes after decompression, `members`, `name` bytes of a name or a target.

    Once more than `free` bytes came out, `ratio` bounds how many may come out per byte that went in: ordinary
    layers shrink to between a half and a tenth, DEFLATE cannot do better than 1 : 1032.
    """

    total: int = 64 << 30
    members: int = 2_000_000
    name: int = 4096
    ratio: int = 200
    free: int = 256 << 20


CAPS = Caps()


class Sort(StrEnum):
    """What a member is; `OTHER` are devices, pipes and sockets."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry: `path` below the root ("" is the root itself), `size` of its content in bytes.

    `target` is what a link says: of a hardlink a path below the root, of a symlink any text. `offset` is
    where the content lies in the decompressed tar.
    """

    path: str
    sort: Sort
    size: int = 0
    executable: bool = False
    target: str = ""
    offset: int = 0


def tar_members(
    stream: Stream, *, name: str, caps: Caps = CAPS, layer: bool = False
) -> Iterator[tuple[Member, Stream]]:
    """The members of a tar in order, each with its content, to be read until the next is asked for.

    `stream` is decompressed already (`decompressed`). A `layer` is read as container engines read one: `/a`
    is `a`, and its end needs no mark (umoci writes none), for a digest vouches for it. Raises FormatError for
    all that is no whole and sane tar.
    """
    import tarfile

    source = _Forward(stream, name, caps.total)
    with _complaints(name, tarfile.TarError):
        tar = tarfile.TarFile(fileobj=source, mode="r", encoding="utf-8", errors="surrogateescape")  # type: ignore[arg-type]
    info = tar.firstmember  # type: ignore[attr-defined]
    count = 0
    while info is not None:
        count += 1
        if count > caps.members:
            raise FormatError(f"{name}: more than {caps.members} members")
        yield _tar_member(info, name, caps, rooted=layer), source.window(info)
        tar.members = []  # type: ignore[attr-defined] # else it remembers them all
        with _complaints(name, tarfile.TarError):
            source.skip_to(tar.offset, spare=tarfile.BLOCKSIZE - 1 if layer else 0)
            info = _next(tar, marked=not layer)
        if len(tar.pax_headers) > MAX_SHARED:
            raise FormatError(f"{name}: more than {MAX_SHARED} attributes for all members")


def _next(tar: tarfile.TarFile, *, marked: bool) -> tarfile.TarInfo | None:
    """The next header; `TarFile.next` takes a damaged one for the end of the archive."""
    import tarfile

    try:
        return tarfile.TarInfo.fromtarfile(tar)
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
        return None
    except tarfile.EmptyHeaderError as error:  # type: ignore[attr-defined]
        if not marked:
            return None
        raise tarfile.ReadError("ends without the mark of its end, so it may have been cut") from error


def _tar_member(info: tarfile.TarInfo, name: str, caps: Caps, *, rooted: bool) -> Member:
    if info.issparse():
        raise FormatError(
            f"{name}: {info.name[:200]!r} is sparse, which is not read",
            hint="pack it with `tar --format=pax` and without `--sparse`",
        )
    sort = _sort(info)
    target = info.linkname if sort in {Sort.HARDLINK, Sort.SYMLINK} else ""
    if sort is Sort.HARDLINK:
        target = inside(target, name=name, caps=caps, rooted=rooted)
    elif len(target) > caps.name or "\0" in target:
        raise FormatError(f"{name}: a link's target of {len(target)} characters or with NUL")
    return Member(
        # `tarfile` takes the slash from a folder's name, and leaves nothing of the root's own.
        path=inside(info.name or "/" * info.isdir(), name=name, caps=caps, rooted=rooted),
        sort=sort,
        size=info.size if sort is Sort.FILE else 0,
        executable=bool(info.mode & stat.S_IXUSR),
        target=target,
        offset=info.offset_data,
    )


def _sort(info: tarfile.TarInfo) -> Sort:
    if info.isreg():
        return Sort.FILE
    if info.isdir():
        return Sort.FOLDER
    if info.issym():
        return Sort.SYMLINK
    return Sort.HARDLINK if info.islnk() else Sort.OTHER


def inside(path: str, *, name: str, caps: Caps = CAPS, rooted: bool = False) -> str:
    """A member's name as a path below the root, normalised; FormatError where it leads out or is none."""
    if len(path) > caps.name or len(path.encode(errors="surrogateescape")) > caps.name:
        raise FormatError(f"{name}: a name of more than {caps.name} bytes: {path[:80]!r}…")
    if not path or "\0" in path or (path.startswith("/") and not rooted):
        raise FormatError(f"{name}: {path!r} is no name below the archive's root")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise FormatError(
            f"{name}: {path!r} leads out of the archive",
            hint="whoever packed this wants to write outside of it: do not unpack it",
        )
    return "/".join(parts)


class _Forward:
    """A file that is only read forward, for `tarfile`: what one header may make it read is capped."""

    def __init__(self, stream: Stream, name: str, total: int) -> None:
        self.stream, self.name, self.total = stream, name, total
        self.at = 0
        self.left = MAX_HEADER

    def tell(self) -> int:
        return self.at

    def seek(self, place: int) -> None:
        self.skip_to(place)

    def skip_to(self, place: int, spare: int = 0) -> None:
        """Read over what stands before `place`; up to `spare` bytes before it may be missing."""
        if place < self.at:
            raise FormatError(f"{self.name}: a member that ends before it begins")
        while self.at < place:
            if not self.take(min(CHUNK, place - self.at)):
                if place - self.at <= spare:
                    break
                raise FormatError(
                    f"{self.name}: ends too early, after {self.at} bytes", hint="fetch it again"
                )
        self.left = MAX_HEADER

    def read(self, size: int) -> bytes:
        """For headers; a content is read through its window."""
        self.left -= size
        if size < 0 or self.left < 0:
            raise FormatError(f"{self.name}: more than {MAX_HEADER} bytes describe one member")
        return self.full(size)

    def full(self, size: int) -> bytes:
        parts = []
        while size and (part := self.take(min(CHUNK, size))):
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def take(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.at += len(data)
        if self.at > self.total:
            raise FormatError(f"{self.name}: more than {self.total} bytes")
        return data

    def window(self, info: tarfile.TarInfo) -> _Window:
        return _Window(self, info.offset_data, info.size if info.isreg() else 0)


class _Window:
    """The content of one member; reading from it after the next was asked for is a mistake of the caller."""

    def __init__(self, source: _Forward, start: int, size: int) -> None:
        self.source, self.at, self.left = source, start, size

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        if self.source.at != self.at:
            raise ValueError("the archive was read further")
        wanted = min(size, self.left, CHUNK)
        data = self.source.take(wanted) if wanted else b""
        if wanted and not data:
            raise FormatError(
                f"{self.source.name}: ends too early, after {self.at} bytes", hint="fetch it again"
            )
        self.at += len(data)
        self.left -= len(data)
        return data


class _complaints:  # noqa: N801 - a context manager reads as a verb
    """Turn what a library raises on damaged archives into FormatError; also its own slips on hostile ones."""

    def __init__(self, name: str, *kinds: type[Exception]) -> None:
        self.name = name
        self.kinds = (*kinds, ValueError, OverflowError, RecursionError, EOFError, KeyError, IndexError)

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, self.kinds):
            words = str(error) or type(error).__name__
            raise FormatError(f"{self.name}: not a whole archive: {words}", hint="fetch it again") from error


def whole(content: Stream, limit: int, *, name: str) -> bytes:
    """All bytes of a stream; FormatError where there are more than `limit`."""
    parts = []
    size = 0
    while part := content.read(CHUNK):
        size += len(part)
        if size > limit:
            raise FormatError(f"{name}: more than the {limit} bytes that are read")
        parts.append(part)
    return b"".join(parts)
