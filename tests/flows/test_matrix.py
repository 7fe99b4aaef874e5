"""From experiments to named runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import ConfigError, UsageError
from repro.flows import config, matrix


def project(axes: str, command: str = '"p"') -> config.Project:
    """A project with an experiment `noise` on these axes and an experiment `plain` without."""
    text = f"""
version = 1
defaults = {{ environment = "e" }}
environments = {{ e = {{ kind = "host" }} }}
[experiments.noise]
command = [{command}]
outputs = ["o"]
matrix = {{ {axes} }}
[experiments.plain]
command = ["p", "{{seed}}"]
outputs = ["o"]
seed = 3
"""
    return config.parse(text.encode(), root=Path("/nowhere"))


NOISE = project("sigma = [0, 0.1, 0.5, 1e-7], seed = { range = [0, 3] }", '"p", "{sigma}", "{seed}"')


def names(*selections: str) -> list[str]:
    return [run.name for run in matrix.select(NOISE, selections)]


def test_every_combination_is_a_run_in_the_order_of_the_file() -> None:
    """The last axis runs fastest, and numbers are printed as they were meant."""
    runs = matrix.expand(NOISE.experiment("noise"))
    assert len(runs) == 12
    assert [run.name for run in runs[:4]] == [
        "noise[sigma=0,seed=0]",
        "noise[sigma=0,seed=1]",
        "noise[sigma=0,seed=2]",
        "noise[sigma=0.1,seed=0]",
    ]
    assert runs[3].folder == "noise/sigma=0.1,seed=0"
    assert runs[3].values == {"sigma": "0.1", "seed": "0"}
    assert runs[-1].axes["sigma"] == "1e-07"


def test_an_experiment_without_a_matrix_is_one_run() -> None:
    """Such a run has the experiment's name, and its seed as a value."""
    (run,) = matrix.expand(NOISE.experiment("plain"))
    assert (run.name, run.folder, run.values) == ("plain", "plain", {"seed": "3"})


def test_selections_name_runs() -> None:
    """A name means all runs, axes narrow it in any order, nothing means all, and no run comes twice."""
    assert len(names()) == 13
    assert len(names("noise")) == len(names("noise[]")) == 12
    assert names("noise[seed=1]") == [
        f"noise[sigma={sigma},seed=1]" for sigma in ("0", "0.1", "0.5", "1e-07")
    ]
    assert names("noise[seed=1,sigma=0.5]") == names("noise[sigma=0.5,seed=1]") == ["noise[sigma=0.5,seed=1]"]
    assert names("plain", "noise[sigma=0,seed=0]", "plain") == ["plain", "noise[sigma=0,seed=0]"]


@pytest.mark.parametrize(
    ("selection", "message", "hint"),
    [
        ("nosie", "no experiment 'nosie'", "did you mean 'noise'?"),
        ("noise[sigma=0.7]", "noise: no run with sigma=0.7", "did you mean"),
        ("noise[sgima=0.5]", "noise: no axis 'sgima'", "did you mean 'sigma'?"),
        ("noise[sigma]", "noise: 'sigma' has no value", "noise[sigma=0]"),
        ("noise[seed=0,seed=1]", "an axis is given twice", "one value of each axis"),
        ("plain[seed=1]", "plain: no axis 'seed'", "plain has no matrix"),
        ("noise[sigma=0", "not a name of runs", "NAME[axis=value]"),
        ("", "not a name of runs", "NAME"),
        ("[]", "not a name of runs", "NAME"),
    ],
)
def test_a_selection_of_nothing_is_wrong_usage(selection: str, message: str, hint: str) -> None:
    """What names no run is told what is near."""
    with pytest.raises(UsageError) as caught:
        matrix.select(NOISE, [selection])
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


AXES = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True),
    st.lists(
        st.integers(-(10**6), 10**6)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.from_regex(r"[A-Za-z0-9_.+-]{1,6}", fullmatch=True),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=3,
)


@given(AXES)
def test_runs_have_names_of_their_own_that_select_them(axes: dict[str, list[int | float | str]]) -> None:
    """Whatever axes are accepted: names and folders differ, and each name selects its run alone."""
    text = ", ".join(
        f"{name} = [{', '.join(repr(value) for value in values)}]" for name, values in axes.items()
    )
    try:
        made = project(text, ", ".join(f'"{{{name}}}"' for name in axes))
    except ConfigError:
        values = [value for each in axes.values() for value in each]
        printed = [str(value) for value in values]
        assert (
            len(set(printed)) < len(printed)
            or len(set(values)) < len(values)
            or {"code", "out", "data"} & {*axes}
        )
        return
    runs = matrix.expand(made.experiment("noise"))
    assert len({run.name for run in runs}) == len({run.folder for run in runs}) == len(runs)
    assert all("/" not in run.folder.removeprefix("noise/") for run in runs)
    for run in runs:
        assert matrix.select(made, [run.name]) == (run,)
