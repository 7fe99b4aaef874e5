"""TOML, and the line on which a key stands, so that an error can point at it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from repro.core.errors import ConfigError

MAX_BYTES = 4 << 20
"""Cap on a configuration file, in bytes."""

Path = tuple[str | int, ...]
"""Where a value stands: keys, and positions in arrays."""

_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed file: its name, text and tables."""

    name: str
    text: str
    tables: dict[str, Any]

    def where(self, path: Path) -> str:
        """`file, line N: key.path`, for errors."""
        line = line_of(self.text, path)
        place = f"{self.name}, line {line}" if line else self.name
        return f"{place}: {dotted(path)}" if path else place


def parse(data: bytes, *, name: str) -> Document:
    """The tables of a TOML document; raises ConfigError with the line where it is not TOML."""
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{name}: {len(data)} bytes, more than the {MAX_BYTES} that are read")
    try:
        text = data.decode("utf-8")
        return Document(name=name, text=text, tables=tomllib.loads(text))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: {error}", hint="see toml.io for the syntax") from error
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"{name}: nested too deep or a number too long") from error


def dotted(path: Path) -> str:
    """A path as people write it: `experiments.branin.rules[0].rtol`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if re.fullmatch(r"[\w-]+", part) else f'"{part}"'
            text += f".{key}" if text else key
    return text


def line_of(text: str, path: Path) -> int | None:
    """The line (from 1) of the longest part of `path` that has a line of its own, None where none has."""
    best, best_length = None, 0
    for number, found in _places(text):
        length = len(found)
        if length > best_length and path[:length] == found:
            best, best_length = number, length
    return best


def _places(text: str) -> list[tuple[int, Path]]:
    """Every line that opens a table or gives a key, with its full path."""
    places: list[tuple[int, Path]] = []
    table: Path = ()
    counts: dict[Path, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _table(_parts(header[2]), header[1] == "[[", counts)
            places.append((number, table))
        elif key := _KEY.match(line):
            places.append((number, table + _parts(key[1])))
    return places


def _parts(text: str) -> Path:
    return tuple(next(part for part in match if part) for match in _PART.findall(text) if any(match))


def _table(keys: Path, is_array: bool, counts: dict[Path, int]) -> Path:  # noqa: FBT001 - [[…]] or […]
    """The path of a table header, with the positions of the array tables that it lies in."""
    path: Path = ()
    for key in keys[:-1]:
        path += (key,)
        if path in counts:
            path += (counts[path],)
    path += keys[-1:]
    if is_array:
        counts[path] = counts.get(path, -1) + 1
        path += (counts[path],)
    return path
