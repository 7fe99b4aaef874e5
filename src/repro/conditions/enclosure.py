"""The nouns of isolation: the methods, what one run is enclosed in, its variables and its placeholders."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from repro.conditions import view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")


class Method(StrEnum):
    """Ways to isolate a run, best first."""

    BUBBLEWRAP = "bubblewrap"
    NAMESPACES = "namespaces"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """One command and everything it may see.

    `argv` is the command as written, with placeholders; `code` the folder with its code and data, which
    becomes the read-only working directory (with PLAIN its files lose their write permission, so it must be a
    copy made for runs); `out` the only folder that is writable and kept; `scratch` an empty folder for a
    private HOME and TMPDIR, which the caller throws away; `visible` what can be read at its own path besides
    the system; `search_path` comes first in PATH; `variables` are the experiment's own; `placeholders` are
    those beside `{code}`, `{out}` and `{data}`. With a `launcher`, the words that start an interpreter of
    `visible`, the system is not shown: programs and libraries are those of `visible`, and PATH is
    `search_path`; `links` are then made at places outside, such as `/bin/sh`.
    """

    argv: tuple[str, ...]
    code: Path
    out: Path
    scratch: Path
    visible: tuple[Path, ...]
    search_path: tuple[Path, ...]
    variables: Mapping[str, str]
    network: bool = False
    placeholders: Mapping[str, str] = field(default_factory=dict)
    launcher: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


def base_variables() -> dict[str, str]:
    """The variables that every run gets unless its experiment sets others; PATH, HOME and TMPDIR come on top.

    They fix what moves results: locale, time zone, hash seed, and one thread for each numerical library.
    """
    return {
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def places(method: Method, enclosure: Enclosure) -> dict[str, str]:
    """The folders of a run as the command sees them, by placeholder: `code`, `out` and `data`."""
    plain = method is Method.PLAIN
    code = str(enclosure.code.resolve()) if plain else view.CODE
    return {"code": code, "out": str(enclosure.out.resolve()) if plain else view.OUT, "data": f"{code}/data"}


def render(argv: Sequence[str], placeholders: Mapping[str, str]) -> tuple[str, ...]:
    """Replace `{name}` by its value; `{{` and `}}` stand for braces; an unknown name stays as it is."""

    def value(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else placeholders.get(match[1], match[0])

    return tuple(PLACEHOLDER.sub(value, argument) for argument in argv)
