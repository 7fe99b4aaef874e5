from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.conditions.installer import explain, variables_for_uv
from repro.core.errors import RealisationError

UNSATISFIABLE = (
    "error: No solution found when resolving dependencies\n  cause: Because {} we can conclude that"
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            "error: Failed to extract archive\n  cause: No space left on device (os error 28)",
            "the disk is full",
        ),
        ("error: Failed to fetch: `…`\n  cause: operation timed out", "the package index cannot be reached"),
        (
            UNSATISFIABLE.format("all versions of cc depend on aa==2.0 and you require cc==1.0,"),
            "the locked versions do not fit together on Python 3.12",
        ),
        (
            UNSATISFIABLE.format("the current Python version (3.12.1) does not satisfy Python>=3.13 and"),
            "a locked package does not support Python 3.12",
        ),
        (
            UNSATISFIABLE.format("zz was not found in the package registry and you require zz==1.0,"),
            "the package index does not have zz",
        ),
        (
            "error: Hash-checking is required, but no trusted hash was provided for: `aa`",
            "the lock is not complete",
        ),
        ("error: something new", "uv failed"),
        ("", "uv failed"),
    ],
)
def test_words_of_uv_are_understood(said: str, meant: str) -> None:
    """What uv says gets a meaning and a next step, and its own words stay."""
    error = explain(said, name="lab", python="3.12")
    assert error.message.startswith(f"environment lab: {meant}")
    assert said in error.message
    assert error.hint


@given(st.text(max_size=5000))
def test_any_words_of_uv_make_an_error(said: str) -> None:
    """No output of uv, however odd or long, breaks its explanation."""
    error = explain(said, name="lab", python="3.12")
    assert type(error).__mro__.count(RealisationError) == 1
    assert len(error.message) < 2 * 5000


NAMES = st.from_regex(r"(UV|PYTHON|PIP|CONDA|VIRTUAL_ENV|SSL_CERT|HTTPS)_?[A-Z_]{0,12}", fullmatch=True)


@given(st.dictionaries(NAMES, st.just("x")))
def test_only_the_index_and_the_network_are_the_callers(callers: dict[str, str]) -> None:
    """No variable of Python, pip or conda reaches uv; of uv's own, those of index, cache and network."""
    kept = variables_for_uv({**callers, "UV_DEFAULT_INDEX": "i", "UV_OVERRIDE": "o", "HTTPS_PROXY": "p"})
    assert kept["UV_DEFAULT_INDEX"] == "i"
    assert kept["HTTPS_PROXY"] == "p"
    assert not [name for name in kept if re.match(r"PYTHON|PIP|CONDA|VIRTUAL_ENV|UV_OVERRIDE", name)]
    assert kept.items() <= {**callers, "UV_DEFAULT_INDEX": "i", "HTTPS_PROXY": "p"}.items()
