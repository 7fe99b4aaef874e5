from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from repro.testing import plugin
from repro.testing.workflow import check_workflow

ROOT = Path(__file__).parents[2]

NESTED = """
import numpy as np
def test_model(drift):
    drift.check(VALUES)
"""
ONE = "{'loss': np.array([0.5, 0.25]), 'deep': {'list': [1.0, 2.0], 'name': 'adam', 'none': None}}"
OTHER = "{'loss': np.array([0.5, 0.25 + 1e-6]), 'deep': {'list': [1.0, 2.0], 'name': 'adam', 'none': None}}"
LARGE = "{'w': np.arange(5000.0), 'z': np.array([1 + 2j])}"
LARGER = "{'w': np.arange(5000.0) + 1e-3, 'z': np.array([1 + 2j])}"


@pytest.mark.parametrize(
    ("one", "other", "arguments"), [(ONE, OTHER, ()), (LARGE, LARGER, ()), (ONE, OTHER, ("-n", "2"))]
)
def test_a_reference_lives_from_the_first_run_to_an_accepted_change(
    inner: pytest.Pytester, one: str, other: str, arguments: tuple[str, ...]
) -> None:
    """First run writes and fails, changes fail, only --drift-accept changes a reference; also under xdist."""
    check_workflow(inner, NESTED, one=one, other=other, arguments=arguments)


def test_the_message_has_both_values_errors_and_digits(inner: pytest.Pytester) -> None:
    """A failure says where, both values, the errors, the digits that agree, and the next command."""
    source = "def test_loss(drift):\n    drift.check({{'loss': [1.0, {}, 3.0]}})\n"
    inner.makepyfile(test_it=source.format("2.0"))
    inner.runpytest()
    inner.makepyfile(test_it=source.format("2.001"))
    result = inner.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*loss: drift*",
            "*1 of 3 values over*",
            "*[[]1]: baseline 2.0, observed 2.001*",
            "*abs 0.001, rel 0.0005*",
            "*digits of agreement: worst 3.3*",
            "*reference: test_it.drift/test_loss.json*",
            "*obtained:  test_it.drift/test_loss.obtained.json*",
            "*pytest 'test_it.py::test_loss' --drift-accept*",
        ]
    )
    kept = json.loads((inner.path / "test_it.drift" / "test_loss.obtained.json").read_text())
    assert kept["values"]["loss"]["values"] == [1.0, 2.001, 3.0]
    inner.makepyfile(test_it=source.format("2.0"))
    inner.runpytest().assert_outcomes(passed=1)
    assert [path.name for path in (inner.path / "test_it.drift").iterdir()] == ["test_loss.json"]


def test_parameters_classes_and_names_have_references_of_their_own(inner: pytest.Pytester) -> None:
    """Every test has a file named after it; hostile parameters neither collide nor leave the folder."""
    inner.makepyfile(
        test_it="""
        import pytest
        @pytest.mark.parametrize("what", ["adam", "a/b", "a b", "../../x", "a[b]", "é"])
        def test_p(drift, what):
            drift.check({"x": what})
        class TestC:
            def test_p(self, drift):
                drift.check([1.0], name="before")
                drift.check([2.0], name="after")
        """
    )
    inner.runpytest("--drift-accept").assert_outcomes(passed=7)
    inner.runpytest().assert_outcomes(passed=7)
    names = {path.name for path in (inner.path / "test_it.drift").iterdir()}
    assert len(names) == 8
    assert {"test_p-adam.json", "TestC.test_p.before.json", "TestC.test_p.after.json"} <= names
    assert {path.name for path in inner.path.iterdir()} >= {"test_it.py", "test_it.drift"}
    assert not list(inner.path.parent.glob("x*"))


def test_rules_need_a_reason_and_admit_what_they_grant(inner: pytest.Pytester) -> None:
    """A rule grants its tolerance; without a reason it is refused, with nothing to match warned about."""
    source = """
    def test_rule(drift):
        drift.check({{"x": {}}}, rules=[{{"path": "x", "rtol": 1e-2, "reason": "measured"}}])
    def test_dead(drift):
        drift.check({{"x": 1.0}}, rules=[{{"path": "y"}}])
    def test_bare(drift):
        drift.check({{"x": 1.0}}, rules=[{{"path": "x", "rtol": 1e-2}}])
    """
    inner.makepyfile(test_it=source.format("1.0"))
    inner.runpytest_subprocess("--drift-accept")
    inner.makepyfile(test_it=source.format("1.001"))
    result = inner.runpytest_subprocess()
    result.assert_outcomes(passed=2, failed=1, warnings=1)
    result.stdout.fnmatch_lines(["*looser than the default without a reason*"])
    result.stdout.fnmatch_lines(["*DriftWarning: rule 1 (y): matched nothing*"])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("drift.check({})", "*would hold nothing to compare*"),
        ("drift.check({'x': object()})", "*x: a object cannot be compared*"),
        ("drift.check({1: 2.0})", "*the key 1 is no text*"),
        ("drift.check({'x': np.array([object()])})", "*an array of object cannot be compared*"),
        ("drift.check({'x': {1.0}})", "*x: a set cannot be compared*"),
        ("drift.check(loop)", "*hold themselves*"),
        ("[drift.check(1.0) for _ in range(2)]", "*a check without a name was made before*"),
        ("drift.check(1.0, name='../x')", "*not a name for a check*"),
        ("drift.check(1.0, name='obtained')", "*not a name for a check*"),
        ("drift.check(1.0, rules=[{'pth': 'x'}])", "*unknown key*"),
    ],
)
def test_what_cannot_be_checked_fails_with_a_sentence(inner: pytest.Pytester, call: str, said: str) -> None:
    """What is no comparison is a failure that says why, also where everything is accepted."""
    inner.makepyfile(
        test_it=f"""
        import numpy as np
        def test_it(drift):
            loop = []
            loop.append(loop)
            {call}
        """
    )
    result = inner.runpytest("--drift-accept")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("test_it.json", b""),
        ("test_it.json", b"[]"),
        ("test_it.json", b'{"version": 1}'),
        ("test_it.json", b'{"version": 1, "arrays": null, "values": {"x[*]": 1}}'),
        ("test_it.json", b'{"version": 1, "arrays": null, "values": {"x": {"dtype": "O", "shape": []}}}'),
        ("test_it.npz", b"PK"),
    ],
)
def test_a_damaged_reference_fails_until_it_is_accepted_anew(
    inner: pytest.Pytester, file: str, damage: bytes
) -> None:
    """A reference that cannot be read never passes, and is replaced only where that is asked for."""
    inner.makepyfile(test_it="import numpy as np\ndef test_it(drift):\n    drift.check(np.arange(3000.0))\n")
    inner.runpytest("--drift-accept").assert_outcomes(passed=1)
    (inner.path / "test_it.drift" / file).write_bytes(damage)
    inner.runpytest().assert_outcomes(failed=1)
    assert (inner.path / "test_it.drift" / file).read_bytes() == damage
    inner.runpytest("--drift-accept").assert_outcomes(passed=1)
    inner.runpytest().assert_outcomes(passed=1)


def test_the_plugin_is_declared() -> None:
    """The distribution names the plugin to pytest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"repro": plugin.__name__}


def test_loading_the_plugin_is_cheap(inner: pytest.Pytester) -> None:
    """An installed plugin that no test uses imports neither numpy nor the comparison."""
    inner.makepyfile(
        test_it="""
        import sys
        def test_it():
            assert "repro.testing.plugin" in sys.modules
            assert not {"numpy", "repro.drift.match", "repro.testing.fixture"} & set(sys.modules)
        """
    )
    inner.runpytest_subprocess().assert_outcomes(passed=1)
