from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from repro.drift import kernel
from repro.drift.kernel import Terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 1.7976931348623157e308
SMALLEST = 5e-324
DOUBLES = st.floats() | st.sampled_from([0.0, -0.0, 1.0, LARGEST, -LARGEST, SMALLEST, -SMALLEST, 1e-10])
PAIRS = st.tuples(DOUBLES, DOUBLES) | st.tuples(
    DOUBLES, st.sampled_from([0.0, 1e-16, 1e-11, -1e-9, 1e-3])
).map(lambda pair: (pair[0], pair[0] * (1 + pair[1])))
TOLERANCE = st.sampled_from([0.0, 1e-300, 1e-15, 1e-10, 1e-3, 0.5, 1.0, 3.0])
TERMS = st.builds(Terms, rtol=TOLERANCE, atol=TOLERANCE, srtol=TOLERANCE, strict_zero=st.booleans())


def over(r: NDArray[Any], x: NDArray[Any], terms: Terms) -> list[int]:
    admission = kernel.admit(r, x, terms)
    return [int(number) for number in admission.touched[admission.over]]


def array(*values: Any, dtype: Any = np.float64) -> NDArray[Any]:  # noqa: ANN401 - anything numpy takes
    return np.array(values, dtype=dtype)


def reference(r: float, x: float, terms: Terms, scale: float) -> tuple[bool, bool]:
    """The rule of the design in exact arithmetic: whether it admits x, and whether the bound is too near."""
    if not (math.isfinite(r) and math.isfinite(x)):
        return r == x or (math.isnan(r) and math.isnan(x)), False
    if r == x:
        return not (terms.strict_zero and r == 0 and math.copysign(1, r) != math.copysign(1, x)), False
    distance = abs(Fraction(x) - Fraction(r))
    bound = max(
        Fraction(terms.atol), Fraction(terms.rtol) * abs(Fraction(r)), Fraction(terms.srtol) * Fraction(scale)
    )
    near = abs(distance - bound) <= bound * Fraction(1, 2**50) + Fraction(SMALLEST)
    return distance <= bound, near


@given(st.lists(PAIRS, min_size=1, max_size=8), TERMS)
def test_the_kernel_agrees_with_exact_arithmetic(pairs: list[tuple[float, float]], terms: Terms) -> None:
    """Values are admitted exactly if |x - r| <= max(atol, rtol*|r|, srtol*scale) in rational arithmetic."""
    r, x = array(*(pair[0] for pair in pairs)), array(*(pair[1] for pair in pairs))
    scale = max((abs(value) for value in r.tolist() if math.isfinite(value)), default=0.0)
    assert kernel.largest(r) == scale
    expected = [reference(a, b, terms, scale) for a, b in pairs]
    assume(not any(near for _, near in expected))
    assert over(r, x, replace(terms, scale=scale)) == [n for n, (ok, _) in enumerate(expected) if not ok]


@given(st.lists(PAIRS, min_size=1, max_size=8), TERMS)
def test_the_counts_account_for_every_value(pairs: list[tuple[float, float]], terms: Terms) -> None:
    """The values that terms admitted and those over tolerance add up to all; none is counted twice."""
    r, x = array(*(pair[0] for pair in pairs)), array(*(pair[1] for pair in pairs))
    admission = kernel.admit(r, x, replace(terms, scale=kernel.largest(r)))
    assert sum(admission.admitted.values()) + admission.over_count == admission.count == len(pairs)
    assert all(count <= len(pairs) for count in admission.alone.values())


@given(st.lists(PAIRS, min_size=1, max_size=8), TERMS, st.sampled_from(["rtol", "atol", "srtol"]))
def test_a_bigger_tolerance_never_loses_a_value(
    pairs: list[tuple[float, float]], terms: Terms, term: str
) -> None:
    """What is admitted stays admitted when one tolerance grows."""
    r, x = array(*(pair[0] for pair in pairs)), array(*(pair[1] for pair in pairs))
    terms = replace(terms, scale=kernel.largest(r))
    bigger = replace(terms, **{term: getattr(terms, term) * 10 + 1e-6})
    assert set(over(r, x, bigger)) <= set(over(r, x, terms))


@given(st.lists(st.complex_numbers(), min_size=1, max_size=6))
def test_any_array_admits_itself(values: list[complex]) -> None:
    """A copy of an array is admitted without any tolerance, NaN and infinity included."""
    for r in (
        np.array(values),
        np.array(values).real.copy(),
        np.array(values).astype(np.complex128).imag.copy(),
    ):
        assert kernel.same_bits(r, r.copy())
        assert over(r, r.copy(), Terms()) == []


INTEGERS = st.sampled_from([0, 1, -1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1])


@given(INTEGERS | st.integers(-(2**63), 2**64 - 1), INTEGERS | st.integers(-(2**63), 2**64 - 1))
def test_integers_are_compared_as_integers(a: int, b: int) -> None:
    """Two 64-bit integers of any signedness are admitted only if they are equal, whatever the tolerance."""
    generous = Terms(rtol=1.0, atol=1e300, srtol=1.0, scale=1.0)
    r = array(a, dtype=np.int64 if a < 2**63 else np.uint64)
    x = array(b, dtype=np.int64 if b < 2**63 else np.uint64)
    assert over(r, x, generous) == ([] if a == b else [0])


@given(DOUBLES.filter(math.isfinite), DOUBLES.filter(math.isfinite))
def test_ulp_distance_counts_floats(a: float, b: float) -> None:
    """The distance is the number of steps to the next float between the two; it never wraps."""
    distance = kernel.ulp_distance(array(a), array(b))
    back = kernel.ulp_distance(array(b), array(a))
    assert distance is not None
    assert back is not None
    assert distance[0] == back[0]
    assert (int(distance[0]) == 0) == (a == b)
    step = kernel.ulp_distance(array(a), array(math.nextafter(a, math.inf)))
    assert step is not None
    assert int(step[0]) == 1


def test_ulp_distance_of_the_extremes() -> None:
    """Between the largest and the smallest double lie two times all finite magnitudes."""
    distance = kernel.ulp_distance(array(LARGEST), array(-LARGEST))
    assert distance is not None
    assert int(distance[0]) == 2 * 0x7FEFFFFFFFFFFFFF


def test_overflow_of_the_difference_is_a_difference() -> None:
    """1e308 and -1e308 differ by more than a double holds, and are still judged by their true distance."""
    r, x = array(1e308), array(-1e308)
    assert over(r, x, Terms(rtol=1.99)) == [0]
    assert over(r, x, Terms(rtol=2.0)) == []
    assert over(r, x, Terms(atol=1e308)) == [0]
    assert over(r, x, Terms(srtol=1.0, scale=1e308)) == [0]


@pytest.mark.parametrize(
    ("r", "x"), [(math.nan, 1.0), (1.0, math.nan), (math.inf, -math.inf), (1.0, math.inf)]
)
def test_nan_and_infinity_are_a_pattern(r: float, x: float) -> None:
    """NaN or infinity on one side only is no large error: no tolerance admits it."""
    admission = kernel.admit(array(r), array(x), Terms(rtol=1.0, atol=1e308, srtol=1.0, scale=1e308))
    assert admission.pattern.tolist() == [True]
    assert admission.over.tolist() == [True]


def test_nan_is_nan_whatever_its_payload() -> None:
    """Two NaN with different bits are the same value."""
    r = array(0x7FF8000000000000, dtype=np.uint64).view(np.float64)
    x = array(0xFFF8000000000001, dtype=np.uint64).view(np.float64)
    assert over(r, x, Terms()) == []


def test_negative_zero_is_zero_unless_strict() -> None:
    """-0.0 equals 0.0, and under strict_zero nothing admits it."""
    assert over(array(0.0), array(-0.0), Terms()) == []
    assert over(array(0.0), array(-0.0), Terms(strict_zero=True, atol=1.0, rtol=1.0)) == [0]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_narrow_baseline_has_a_floor_of_four_ulp(dtype: Any) -> None:  # noqa: ANN401 - a numpy type
    """Four units in the last place of single and half precision are granted without a rule, five are not."""
    one = dtype(1.0)
    near, far = one + 4 * np.spacing(one), one + 5 * np.spacing(one)
    admission = kernel.admit(array(one, one, dtype=dtype), array(near, far, dtype=dtype), Terms(rtol=1e-10))
    assert admission.admitted == {"exact": 0, "ulp": 1}
    assert admission.over.tolist() == [False, True]


def test_a_double_has_no_floor() -> None:
    """One unit in the last place of a double is a difference when nothing is granted."""
    assert over(array(1.0), array(math.nextafter(1.0, 2)), Terms()) == [0]


def test_complex_values_are_compared_by_component_with_the_modulus_as_size() -> None:
    """A tiny imaginary part may move by a fraction of the modulus, not only by a fraction of itself."""
    r, x = array(1 + 1e-13j, dtype=complex), array(1 + 2e-13j, dtype=complex)
    assert over(r, x, Terms(rtol=1e-10)) == []
    assert over(r, x, Terms(rtol=1e-14)) == [0]
    huge = array(complex(1.7e308, 1.7e308), dtype=complex)
    assert over(huge, huge / 2, Terms(rtol=1e-10)) == [0]


def test_each_term_is_named() -> None:
    """An admitted value counts for the first term that lets it pass, and as alone if no other does."""
    r = array(1.0, 1.0, 1e-20, 1.0, 1e3)
    x = array(1.0, 1 + 1e-11, 2e-20, 1.04, 1e3)
    terms = Terms(rtol=1e-10, atol=1e-19, srtol=1e-24, scale=1e3, half_units=array(0, 0, 0, 0.05, 0))
    admission = kernel.admit(r, x, terms)
    assert admission.admitted == {"exact": 2, "rtol": 1, "atol": 1, "printed": 1}
    assert admission.alone == {"rtol": 1, "atol": 1, "printed": 1}


@pytest.mark.parametrize(
    ("r", "x", "expected"),
    [
        (array(True, False, dtype=bool), array(True, True, dtype=bool), [1]),
        (array("a", "b", dtype=str), array("a", "bc", dtype=str), [1]),
        (array("NaT", "2020-01-01", dtype="M8[D]"), array("NaT", "2020-01-02", dtype="M8[D]"), [1]),
    ],
)
def test_what_is_no_number_is_exact(r: NDArray[Any], x: NDArray[Any], expected: list[int]) -> None:
    """Bools, strings and times are equal or not; NaT is equal to NaT."""
    assert over(r, x, Terms(rtol=1.0, atol=1e9)) == expected


def test_extended_precision_keeps_its_digits() -> None:
    """A difference that a double could not hold is seen in extended precision."""
    if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("this platform's long double is a double")
    one = np.longdouble(1)
    assert over(
        array(one, dtype=np.longdouble),
        array(one + np.finfo(np.longdouble).eps, dtype=np.longdouble),
        Terms(),
    ) == [0]
