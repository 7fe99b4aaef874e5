"""Digits of agreement with a certified value."""

from __future__ import annotations

import math

NONLINEAR_DIGITS = 11.0
LINEAR_DIGITS = 15.0
"""Significant digits to which NIST certifies; no more agreement than that can be claimed."""


def log_relative_error(value: float, certified: float, *, digits: float) -> float:
    """LRE = -log10(|value - certified| / |certified|), kept between 0 and `digits`.

    For a certified zero the absolute error takes the place of the relative one. Source: B. D. McCullough
    (1998), Assessing the reliability of statistical software: part I, The American Statistician 52, 358-366.
    """
    error = abs(value - certified) / (abs(certified) or 1.0)
    if not error < 1.0:
        return 0.0
    return min(-math.log10(error), digits) if error else digits
