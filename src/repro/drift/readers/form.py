"""What a format is to the comparison: how its files are recognised, and the reader that makes a tree of them.

A reader of one's own is one file with a `Format` in it, named by an entry point of the group
`repro.readers`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from repro.core.errors import ExtraMissing
from repro.core.strictjson import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.drift.tree import Plain, Tree

Data = bytes | memoryview
"""The content of a file: a view where it is mapped and not read."""

MAPPED: Final = 1 << 40
"""Cap in bytes for formats that are used where they lie, without a copy in memory."""

MAX_UNPACKED: Final = 1 << 32
"""Cap in bytes on what a compressed file may declare to hold."""


class Reader(Protocol):
    """Turns the bytes of one file into a tree, or into a document that is made into one where it must be.

    `name` names the file in errors. With `printed`, the way numbers were written is kept. Raises FormatError
    for any bytes that are not of its format, ExtraMissing if a library is not installed, and nothing else.
    """

    def __call__(self, data: Data, *, name: str, printed: bool) -> Tree | Plain:
        """The tree of the file, or the document of which it is made."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format: its name for people, its reader, and by what its files are known.

    `magic`: offsets and the bytes that stand there; one of them suffices, and the content counts before the
    suffix. `suffixes`: in lower case, with the dot. Larger files than `max_bytes` are refused unread.
    """

    name: str
    read: Reader
    suffixes: tuple[str, ...] = ()
    magic: tuple[tuple[int, bytes], ...] = ()
    max_bytes: int = MAX_BYTES

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins with `head` is of this format, whatever it is called."""
        return any(head[offset : offset + len(sign)] == sign for offset, sign in self.magic)


@contextmanager
def needs(package: str, *, extra: str, name: str) -> Iterator[None]:
    """Import a library inside: where it is not installed, ExtraMissing names the line that installs it."""
    try:
        yield
    except ImportError as error:
        raise ExtraMissing(
            f"{name}: {package} is not installed, which reads this format",
            hint=f"pip install 'repro-toolchain[{extra}]'",
        ) from error
