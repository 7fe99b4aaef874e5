from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.drift import kernel, scan, stats
from repro.drift.kernel import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SMALL = 32


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    """Blocks and strips so small that a few hundred values fill many, and threads for the longer arrays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "BLOCK", SMALL)
        patch.setattr(scan, "STRIP", SMALL)
        patch.setattr(scan, "WORTH_TWO", 3 * SMALL)
        yield


SPECIAL = [0.0, -0.0, 1.0, -1.0, 5e-324, 1e-310, 1.7976931348623157e308, math.nan, math.inf, -math.inf]
TERMS = st.builds(
    Terms,
    rtol=st.sampled_from([0.0, 1e-12, 1e-3]),
    atol=st.sampled_from([0.0, 1e-9]),
    srtol=st.sampled_from([0.0, 1e-6]),
    digits=st.sampled_from([0.0, 5.0]),
    scale=st.just(10.0),
)


@st.composite
def arrays(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two arrays of many blocks: some alike, some plain, some with values that are not finite."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    size = draw(st.integers(SMALL + 1, 6 * SMALL))
    r = rng.normal(size=size) * 10.0 ** draw(st.integers(-5, 5))
    x = r * (1 + rng.normal(size=size) * draw(st.sampled_from([0.0, 1e-16, 1e-12, 1e-4])))
    for values in (r, x):
        for place, value in draw(
            st.lists(st.tuples(st.integers(0, size - 1), st.sampled_from(SPECIAL)), max_size=4)
        ):
            values[place] = value
    alike = draw(st.integers(0, size // SMALL)) * SMALL
    x[alike : alike + SMALL] = r[alike : alike + SMALL]
    return r, x


@given(arrays(), TERMS)
def test_blocks_change_nothing(pair: tuple[NDArray[Any], NDArray[Any]], terms: Terms) -> None:
    """Counts, attribution, largest errors with their places, and the bias are those of the whole at once."""
    r, x = pair
    found = scan.scan(r, x, terms)
    admission = kernel.admit(r, x, terms)
    touched = admission.touched
    with np.errstate(all="ignore"):
        errors = stats.errors(r[touched], x[touched])
        digits = stats.digits(r, x, touched, errors)
    assert (found.count, found.over) == (r.size, admission.over_count)
    assert {k: n for k, n in found.admitted.items() if n} == {
        k: n for k, n in admission.admitted.items() if n
    }
    assert {k: n for k, n in found.alone.items() if n} == admission.alone
    assert found.pattern == int(admission.pattern.sum())
    differing = admission.over | (errors["absolute"] > 0)
    assert found.differing == int(differing.sum())
    assert found.first_difference == (int(touched[np.argmax(differing)]) if differing.any() else None)
    assert found.first_over == (int(touched[np.argmax(admission.over)]) if found.over else None)
    for sort, sizes in errors.items():
        largest = sizes.max().item() if sizes.size else 0
        assert found.worst.get(sort, (0.0, 0))[0] == largest
        if largest:
            assert found.worst[sort][1] == int(touched[np.argmax(sizes)])
    if found.differing:
        assert found.largest == kernel.largest(r)
        assert int(found.fine.sum()) == int(found.classes.sum()) == digits.size
    if found.differing and digits.size:
        assert found.least_digits == pytest.approx(digits.min(), abs=1e-12)
        summary = stats._summary(found)
        assert summary is not None
        assert summary.median == pytest.approx(np.sort(digits)[(digits.size - 1) // 2], abs=0.06)


@pytest.mark.parametrize("later", [0, SMALL])
@pytest.mark.parametrize("share", [1, 40])
def test_zeros_of_two_signs_are_no_ulp_apart(later: int, share: int) -> None:
    """Beside values that differ, be they all or few, 0.0 and -0.0 are one number."""
    r = np.linspace(1, 2, 4 * SMALL)
    x = r.copy()
    x[::share] *= 1 + 1e-12
    r[later], x[later] = 0.0, -0.0
    distances = kernel.ulp_distance(r, x)
    assert distances is not None
    found = scan.scan(r, x, Terms(rtol=1e-9))
    assert found.worst["ulp"] == (int(distances.max()), int(np.argmax(distances)))
    assert (found.over, found.differing) == (0, int(np.count_nonzero(r != x)))


@given(st.integers(-1074, -900), st.sampled_from([1e-3, 1e-10, 1e-300, 5e-324]))
def test_the_smallest_doubles_are_judged_as_the_kernel_judges_them(power: int, rtol: float) -> None:
    """Where products with the tolerance lose digits, the fast measure admits what the kernel admits."""
    rng = np.random.default_rng(-power)
    r = rng.integers(1, 1 << 20, size=4 * SMALL) * 2.0**power
    x = r + rng.integers(-1, 2, size=r.size) * np.spacing(r) * rng.integers(1, 4, size=r.size)
    admission = kernel.admit(r, x, Terms(rtol=rtol))
    found = scan.scan(r, x, Terms(rtol=rtol))
    assert (found.over, +found.admitted) == (admission.over_count, +Counter(admission.admitted))


@given(arrays(), TERMS)
def test_a_scan_is_symmetric_where_nothing_is_relative(
    pair: tuple[NDArray[Any], NDArray[Any]], terms: Terms
) -> None:
    """Under absolute tolerances alone, baseline and observed may change places."""
    r, x = pair
    absolute = Terms(atol=terms.atol)
    one, other = scan.scan(r, x, absolute), scan.scan(x, r, absolute)
    assert (one.over, one.pattern, one.up, one.down) == (other.over, other.pattern, other.down, other.up)
    assert one.worst.get("absolute") == other.worst.get("absolute")


@pytest.mark.parametrize(
    "dtype",
    ["<f2", ">f4", "<f4", ">f8", "<f8", "g", "<c8", ">c16", "<i4", ">u8", "?", "<U3", "<M8[s]", "<m8[ms]"],
)
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_every_type_and_layout_is_scanned(dtype: str, order: str) -> None:
    """One changed value is found at its place in every type, byte order and memory order."""
    r = (np.arange(12 * 11) % 2 if dtype == "?" else np.arange(12 * 11)).reshape(12, 11).astype(dtype)
    x = r.copy()
    x[7, 3] = r[7, 2]
    if order == "F":
        r, x = np.asfortranarray(r), np.asfortranarray(x)
    elif order == "strided":
        r, x = np.repeat(r, 2, axis=1)[:, ::2], np.repeat(x, 2, axis=1)[:, ::2]
    found = scan.scan(r, x, Terms())
    assert (found.count, found.over, found.first_over, found.first_difference) == (132, 1, 80, 80)
    pair = stats.Pair(
        r=r,
        x=x,
        scan=found,
        scale=1.0,
        locate=lambda at: (tuple(map(int, np.unravel_index(at, r.shape))), ""),
    )
    worst = next(iter(stats.describe(pair)["worst"].values()))
    assert worst.index == (7, 3)
    assert worst.baseline != worst.observed


def test_memory_stays_that_of_a_block() -> None:
    """A scan of large arrays takes little memory beyond them."""
    import tracemalloc

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "BLOCK", 1 << 16)
        patch.setattr(scan, "STRIP", 1 << 15)
        r = np.linspace(1, 2, 1 << 21)
        x = r * (1 + 1e-12)
        tracemalloc.start()
        found = scan.scan(r, x, Terms(rtol=1e-10))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert found.over == 0
    assert peak < r.nbytes / 2
