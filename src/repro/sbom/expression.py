"""Licences as SPDX expressions: parsed, and evaluated against what is allowed (license-expression)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LENGTH = 4_000
"""Cap on an expression, in characters; the longest in nixpkgs have a few hundred."""

MAX_PARENTHESES = 50
"""Cap on nesting: the parser recurses."""


@cache
def _licensing() -> Any:  # noqa: ANN401 - the library has no types
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Any:  # noqa: ANN401 - a node of the library
    """The tree of an SPDX expression. FormatError where it is none.

    Names that are in no list of SPDX are allowed where they begin with `LicenseRef-`, as SPDX does.
    """
    wrong = FormatError(f"not an SPDX licence expression: {text[:200]!r}", hint="see spdx.org/licenses")
    if not text.strip() or len(text) > MAX_LENGTH or text.count("(") > MAX_PARENTHESES:
        raise wrong
    try:
        tree = _licensing().parse(text, strict=True)
        unknown = [key for key in _licensing().unknown_license_keys(tree) if not _is_ref(key)]
    except Exception as error:  # the library raises many kinds, some of them its own crashes
        raise wrong from error
    if tree is None or unknown:
        raise wrong
    return tree


def is_expression(text: str) -> bool:
    """Whether `text` is an SPDX expression."""
    try:
        parse_expression(text)
    except FormatError:
        return False
    return True


def normal(text: str) -> str:
    """An expression as the list of SPDX writes it: `mit or apache-2.0` becomes `MIT OR Apache-2.0`."""
    return str(parse_expression(text))


def holds(tree: Any, allowed: Callable[[str], bool]) -> bool:  # noqa: ANN401 - a node of the library
    """Whether the terms of an expression can be met by licences of which each is `allowed`.

    OR holds where one side holds, AND where both do (SPDX 2.3, annex D); `X WITH Y` is asked for whole.
    """
    kind = type(tree).__name__
    if kind in {"AND", "OR"}:
        sides = (holds(each, allowed) for each in tree.args)
        return all(sides) if kind == "AND" else any(sides)
    return allowed(str(tree))


def names(tree: Any) -> list[str]:  # noqa: ANN401 - a node of the library
    """The licences of an expression, each with its exception."""
    if type(tree).__name__ in {"AND", "OR"}:
        return [name for each in tree.args for name in names(each)]
    return [str(tree)]


def _is_ref(key: str) -> bool:
    return key.startswith(("LicenseRef-", "DocumentRef-"))


def known_licences() -> list[str]:
    """The identifiers of SPDX's list."""
    return sorted(key for key in _licensing().known_symbols if not _is_ref(key))
