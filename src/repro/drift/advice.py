"""The rule that would admit differences which are all tiny against the size of the values."""

from __future__ import annotations

import glob
import json
import math
import shlex
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from repro.drift.report import Worst

TINY: Final = 1e-6
"""Relative to the scale: below this, differences look like amplified rounding, not like a change."""


def advice(
    worst: dict[str, Worst], *, path: str, output: str, scale: float | None = None, scalar: bool = False
) -> str:
    """What to grant, as the rule itself; empty if the differences are not all tiny.

    `worst` holds the largest relative and scaled error of all values; `scale` is the one a rule declares.
    """
    relative, scaled = worst.get("relative"), worst.get("scaled")
    if relative is None or scaled is None or "pattern" in worst:
        return ""
    if relative.error <= TINY:
        return _text(relative.error, "rtol", "of the baseline's value", _selects(path, output))
    # half the distance of two subnormal numbers may be none
    if 0 < scaled.error <= TINY and (scale is not None or not scalar):
        declared = "" if scale is None else f", scale = {scale!r}"
        whose = "the declared scale" if scale is not None else "the largest value"
        return _text(scaled.error, "srtol", f"of {whose}", _selects(path, output) + declared)
    return ""


def order_advice(keys: tuple[str, ...], output: str) -> str:
    """What pairs rows by their keys: the option, and the rule itself; without keys, how to name them."""
    if not keys:
        return "--sorted-by COLUMN pairs rows by a column whose values tell them apart"
    options = " ".join(f"--sorted-by {shlex.quote(key)}" for key in keys)
    names = _toml(keys[0]) if len(keys) == 1 else f"[{', '.join(map(_toml, keys))}]"
    return f"{options} would pair them; as a rule: {{ {_selects('$', output)}, sorted_by = {names} }}"


def _text(error: float, term: str, of_what: str, selects: str) -> str:
    rule = f'{{ {selects}, {term} = {_bound(error)}, reason = "…" }}'
    return f"all differences are within {error:.2g} {of_what}; this rule would admit them: {rule}"


def _bound(error: float) -> str:
    """The next power of ten that is certainly larger, in spite of rounding."""
    return f"1e{math.ceil(math.log10(error * (1 + 1e-12)))}"


def _selects(path: str, output: str) -> str:
    return f"path = {_toml(path)}, output = {_toml(glob.escape(output))}"


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
