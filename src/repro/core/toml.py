"""TOML read within limits, and the line on which a key stands, so that an error can point at it."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from repro.core.errors import ConfigError
from repro.core.places import Path, line_of

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Document", "Path", "dotted", "line_of", "parse"]

MAX_BYTES = 1 << 20
"""Cap on a configuration file, in bytes."""

MAX_DEPTH = 32
"""Cap on nesting."""

INT64 = range(-(2**63), 2**63)
"""The integers that every TOML reader must hold (TOML 1.0, "Integer")."""

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")
_LONG_KEY = re.compile(
    r"""(?<![\w.])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""",
)
"""A dotted key beyond `MAX_DEPTH`; looked for in the text because tomllib takes quadratic time over one."""


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
    """The tables of a TOML document; raises ConfigError with the line where it is not TOML.

    Refused beside what TOML refuses: more than `MAX_BYTES`, nesting beyond `MAX_DEPTH`, integers
    beyond 64 bits.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{name}: {len(data)} bytes, more than the {MAX_BYTES} that are read")
    if data.startswith(b"\xef\xbb\xbf"):
        raise ConfigError(f"{name}: starts with a byte order mark", hint="write it as UTF-8 without BOM")
    too_deep = ConfigError(f"{name}: nested more than {MAX_DEPTH} levels deep")
    try:
        text = data.decode("utf-8")
        if _LONG_KEY.search(text):
            raise too_deep
        document = Document(name=name, text=text, tables=tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}, line {line}: not UTF-8", hint="write the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _syntax(name, str(error), data.count(b"\n") + 1) from error
    except RecursionError as error:
        raise too_deep from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise ConfigError(f"{name}: not a value that TOML can hold: {error}") from error
    _check_limits(document, too_deep)
    return document


def _syntax(name: str, said: str, last: int) -> ConfigError:
    """The complaint of tomllib with the line in front, as all errors have it."""
    position = _POSITION.search(said)
    line, column = position.groups() if position else (last, None)
    place = f"{name}, line {line}" + (f", column {column}" if column else "")
    return ConfigError(f"{place}: not TOML: {_POSITION.sub('', said)}", hint="see toml.io for the syntax")


def _check_limits(document: Document, too_deep: ConfigError) -> None:
    """Refuse what is nested too deep for readers that recurse, and numbers that lose digits elsewhere."""
    level: list[tuple[Path, Any]] = [((), document.tables)]
    for _ in range(MAX_DEPTH + 1):
        below: list[tuple[Path, Any]] = []
        for path, node in level:
            if isinstance(node, dict):
                below += [((*path, key), value) for key, value in node.items()]
            elif isinstance(node, list):
                below += [((*path, position), value) for position, value in enumerate(node)]
            elif isinstance(node, int) and node not in INT64:
                raise ConfigError(f"{document.where(path)}: an integer of more than 64 bits")
        if not below:
            return
        level = below
    raise too_deep


def dotted(path: Path) -> str:
    """A path as people write it: `experiments.branin.rules[0].rtol`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part, ensure_ascii=False)
            text += f".{key}" if text else key
    return text
