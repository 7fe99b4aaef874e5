"""Where each key, table and array item of a TOML document stands: tomllib itself does not tell."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache

Path = tuple[str | int, ...]
"""Where a value stands: keys, and positions in arrays."""

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*+"'
    r"|'[^'\n]*+'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*+")


@lru_cache(maxsize=4)
def places(text: str) -> dict[Path, int]:
    """The offset at which each path of a document begins; `text` must be TOML that tomllib has accepted."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


def line_of(text: str, path: Path) -> int | None:
    """The line (from 1) of the longest part of `path` that is in the document, None where none is."""
    found = places(text)
    for length in range(len(path), 0, -1):
        if path[:length] in found:
            return text.count("\n", 0, found[path[:length]]) + 1
    return None


class _Scanner:
    """One pass over a document, after the grammar of TOML 1.0; what is no structure is skipped."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Path, int] = {}
        self.last: dict[Path, int] = {}  # the current item of each array of tables

    def document(self) -> None:
        table: Path = ()
        self._skip()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip()

    def _header(self) -> Path:
        start = self.at
        is_array = self.text.startswith("[[", start)
        self.at += 2 if is_array else 1
        keys = self._keys()
        self.at += 2 if is_array else 1
        path: Path = ()
        for key in keys[:-1]:
            path += (key,)
            self._note(path, start)
            if path in self.last:
                path += (self.last[path],)
        path += keys[-1:]
        self._note(path, start)
        if is_array:
            self.last[path] = self.last.get(path, -1) + 1
            path += (self.last[path],)
            self._note(path, start)
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        path = table
        for key in self._keys():
            path += (key,)
            self._note(path, start)
        self.at += 1  # the equals sign
        self._value(path)

    def _keys(self) -> tuple[str, ...]:
        """The parts of a dotted key; leaves the position at what follows it."""
        keys = []
        while True:
            self._skip()
            if string := _STRING.match(self.text, self.at):
                keys.append(str(tomllib.loads(f"key = {string[0]}")["key"]))
                self.at = string.end()
            else:
                bare = _BARE_KEY.match(self.text, self.at)
                keys.append(bare[0] if bare else "")
                self.at = bare.end() if bare else self.at
            self._skip()
            if self.text[self.at : self.at + 1] != ".":
                return tuple(keys)
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip()
        if self.text[self.at] == "[":
            self._items(path)
        elif self.text[self.at] == "{":
            self._inline(path)
        else:
            self.at = (_STRING.match(self.text, self.at) or self._scalar()).end()

    def _scalar(self) -> re.Match[str]:
        match = _SCALAR.match(self.text, self.at)
        assert match is not None  # noqa: S101 - the expression matches the empty text too
        return match

    def _items(self, path: Path) -> None:
        self._open()
        position = 0
        while self.text[self.at] != "]":
            self._note((*path, position), self.at)
            self._value((*path, position))
            self._separate()
            position += 1
        self.at += 1

    def _inline(self, path: Path) -> None:
        self._open()
        while self.text[self.at] != "}":
            self._pair(path)
            self._separate()
        self.at += 1

    def _open(self) -> None:
        self.at += 1
        self._skip()

    def _separate(self) -> None:
        self._skip()
        if self.text[self.at] == ",":
            self._open()

    def _note(self, path: Path, offset: int) -> None:
        self.found.setdefault(path, offset)

    def _skip(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
