"""One-way analysis of variance, twice: in exact arithmetic on the decimals, and in doubles.

The hardest datasets hold 13 leading digits that never change, such as 1000000000000.4: a double keeps only
three digits of what does, whatever the algorithm. The decimals themselves lose nothing.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

Number = TypeVar("Number", int, float)
Rows = tuple[tuple[str, ...], ...]


def exact(rows: Rows) -> dict[str, float]:
    """Every statistic as a fraction, rounded once at the end."""
    places = max(-_exponent(text) for _, text in rows)
    groups = _groups((treatment, int(Decimal(text).scaleb(places))) for treatment, text in rows)
    unit = Fraction(1, 10 ** (2 * places))
    count, total = len(rows), sum(map(sum, groups))
    by_group = sum(Fraction(sum(group) ** 2, len(group)) for group in groups)
    squares = sum(value * value for group in groups for value in group)
    between, within = (by_group - Fraction(total**2, count)) * unit, (squares - by_group) * unit
    f = (between / (len(groups) - 1)) / (within / (count - len(groups)))
    return {
        "between_ss": float(between),
        "within_ss": float(within),
        "f": float(f),
        "r_squared": float(between / (between + within)),
        "residual_deviation": math.sqrt(within / (count - len(groups))),
    }


def in_doubles(rows: Rows) -> dict[str, float]:
    """The same by the two-pass algorithm on doubles, with sums rounded once."""
    groups = _groups((treatment, float(text)) for treatment, text in rows)
    count = len(rows)
    grand = math.fsum(value for group in groups for value in group) / count
    means = [math.fsum(group) / len(group) for group in groups]
    pairs = list(zip(groups, means, strict=True))
    between = math.fsum(len(group) * square(mean - grand) for group, mean in pairs)
    within = math.fsum(square(value - mean) for group, mean in pairs for value in group)
    variance = within / (count - len(groups))
    return {
        "between_ss": between,
        "within_ss": within,
        "f": between / (len(groups) - 1) / variance,
        "r_squared": between / (between + within),
        "residual_deviation": math.sqrt(variance),
    }


def square(number: float) -> float:
    """The product, which IEEE 754 rounds correctly; no such promise holds for `pow`."""
    return number * number


def _exponent(text: str) -> int:
    exponent = Decimal(text).as_tuple().exponent
    if not isinstance(exponent, int):
        raise TypeError(f"not a finite number: {text}")
    return exponent


def _groups(pairs: Iterable[tuple[str, Number]]) -> list[list[Number]]:
    """The responses of each treatment, in order of appearance."""
    table: dict[str, list[Number]] = {}
    for treatment, value in pairs:
        table.setdefault(treatment, []).append(value)
    return list(table.values())
