"""The models of the nonlinear datasets, as their files state them.

Each takes the parameters b and the predictors x, shape (k, n), and returns n values. All are analytic, and so
also take complex parameters, which gives their derivatives (see `strd.fit`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Numbers = Any
    """An array of doubles, or of complex numbers where a derivative is taken."""

    Model = Callable[[Numbers, Numbers], Numbers]


def _bennett(b: Numbers, x: Numbers) -> Numbers:
    return b[0] * (b[1] + x[0]) ** (-1 / b[2])


def _saturation(b: Numbers, x: Numbers) -> Numbers:
    return b[0] * (1 - np.exp(-b[1] * x[0]))


def _misra1b(b: Numbers, x: Numbers) -> Numbers:
    return b[0] * (1 - (1 + b[1] * x[0] / 2) ** -2)


def _misra1c(b: Numbers, x: Numbers) -> Numbers:
    return b[0] * (1 - (1 + 2 * b[1] * x[0]) ** -0.5)


def _misra1d(b: Numbers, x: Numbers) -> Numbers:
    return b[0] * b[1] * x[0] / (1 + b[1] * x[0])


def _chwirut(b: Numbers, x: Numbers) -> Numbers:
    return np.exp(-b[0] * x[0]) / (b[1] + b[2] * x[0])


def _danwood(b: Numbers, x: Numbers) -> Numbers:
    return b[0] * x[0] ** b[1]


def _enso(b: Numbers, x: Numbers) -> Numbers:
    def wave(cosine: Numbers, sine: Numbers, period: Numbers) -> Numbers:
        angle = 2 * np.pi * x[0] / period
        return cosine * np.cos(angle) + sine * np.sin(angle)

    return b[0] + wave(b[1], b[2], 12) + wave(b[4], b[5], b[3]) + wave(b[7], b[8], b[6])


def _eckerle(b: Numbers, x: Numbers) -> Numbers:
    return b[0] / b[1] * np.exp(-0.5 * ((x[0] - b[2]) / b[1]) ** 2)


def _gauss(b: Numbers, x: Numbers) -> Numbers:
    first = b[2] * np.exp(-(((x[0] - b[3]) / b[4]) ** 2))
    second = b[5] * np.exp(-(((x[0] - b[6]) / b[7]) ** 2))
    return b[0] * np.exp(-b[1] * x[0]) + first + second


def _cubic_ratio(b: Numbers, x: Numbers) -> Numbers:
    t = x[0]
    return (b[0] + t * (b[1] + t * (b[2] + t * b[3]))) / (1 + t * (b[4] + t * (b[5] + t * b[6])))


def _quadratic_ratio(b: Numbers, x: Numbers) -> Numbers:
    t = x[0]
    return (b[0] + t * (b[1] + t * b[2])) / (1 + t * (b[3] + t * b[4]))


def _lanczos(b: Numbers, x: Numbers) -> Numbers:
    return b[0] * np.exp(-b[1] * x[0]) + b[2] * np.exp(-b[3] * x[0]) + b[4] * np.exp(-b[5] * x[0])


def _mgh09(b: Numbers, x: Numbers) -> Numbers:
    t = x[0]
    return b[0] * (t * t + t * b[1]) / (t * t + t * b[2] + b[3])


def _mgh10(b: Numbers, x: Numbers) -> Numbers:
    return b[0] * np.exp(b[1] / (x[0] + b[2]))


def _mgh17(b: Numbers, x: Numbers) -> Numbers:
    return b[0] + b[1] * np.exp(-x[0] * b[3]) + b[2] * np.exp(-x[0] * b[4])


def _nelson(b: Numbers, x: Numbers) -> Numbers:
    return b[0] - b[1] * x[0] * np.exp(-b[2] * x[1])


def _rat42(b: Numbers, x: Numbers) -> Numbers:
    return b[0] / (1 + np.exp(b[1] - b[2] * x[0]))


def _rat43(b: Numbers, x: Numbers) -> Numbers:
    return b[0] / (1 + np.exp(b[1] - b[2] * x[0])) ** (1 / b[3])


def _roszman(b: Numbers, x: Numbers) -> Numbers:
    return b[0] - b[1] * x[0] - np.arctan(b[2] / (x[0] - b[3])) / np.pi


MODELS: dict[str, Model] = {
    "Bennett5": _bennett,
    "BoxBOD": _saturation,
    "Chwirut1": _chwirut,
    "Chwirut2": _chwirut,
    "DanWood": _danwood,
    "ENSO": _enso,
    "Eckerle4": _eckerle,
    "Gauss1": _gauss,
    "Gauss2": _gauss,
    "Gauss3": _gauss,
    "Hahn1": _cubic_ratio,
    "Kirby2": _quadratic_ratio,
    "Lanczos1": _lanczos,
    "Lanczos2": _lanczos,
    "Lanczos3": _lanczos,
    "MGH09": _mgh09,
    "MGH10": _mgh10,
    "MGH17": _mgh17,
    "Misra1a": _saturation,
    "Misra1b": _misra1b,
    "Misra1c": _misra1c,
    "Misra1d": _misra1d,
    "Nelson": _nelson,
    "Rat42": _rat42,
    "Rat43": _rat43,
    "Roszman1": _roszman,
    "Thurber": _cubic_ratio,
}
