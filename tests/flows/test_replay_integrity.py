from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

import pytest

from repro.conditions.enclosure import Method
from repro.core.errors import ConfigError, RunError, TamperError
from repro.core.exits import Exit
from repro.core.verdict import Verdict
from repro.flows.workshop import Demands

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Lab

BEGIN = """\
import os, pathlib, stat, sys
def free(path):
    for each in (path.parent, path):
        if each.exists():
            each.chmod(each.stat().st_mode | stat.S_IWUSR)
    return path
here = pathlib.Path.cwd()
"""
"""What a command can do to its own read-only checkout where nothing encloses it."""

ALTERATIONS = {
    "code changed": 'free(here / "src/mean.py").write_text("pass")',
    "code removed": 'free(here / "src/mean.py").unlink()',
    "code added": '(free(here / "src/x").parent / "sitecustomize.py").write_text("pass")',
    "link added": '(free(here / "src/x").parent / "link").symlink_to("mean.py")',
    "program made": '(here / "src/mean.py").chmod(0o755)',
    "data under DVC changed": 'free(here / "data/points.csv").write_text("1")',
    "data in git changed": 'free(here / "data/offset.txt").write_text("1")',
    "data removed": 'free(here / "data/points.csv").unlink()',
}


def wheel(lab: Lab) -> str:
    """A tiny wheel on a shelf of its own; returns its lock line."""
    info = "tiny-1.0.dist-info"
    files = {
        "tiny.py": b"X = 1\n",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}"
        for name, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    path = lab.shelf.parent / "wheels/tiny-1.0-py3-none-any.whl"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return f"tiny==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def locked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The lab with a second environment, `locked`, of one tiny wheel."""
    monkeypatch.setenv("UV_FIND_LINKS", str(lab.shelf.parent / "wheels"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(lab.shelf.parent / "uv"))
    monkeypatch.setenv("REPRO_CACHE_DIR", str(lab.shelf.parent / "environments"))
    lab.write("requirements.lock", wheel(lab))
    lab.environments["locked"] = {"kind": "venv", "lock": "requirements.lock"}
    lab.define(environment="locked")
    return lab


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS)
def test_a_command_that_alters_its_conditions_fails(lab: Lab, alteration: str) -> None:
    """Code and data are hashed after the run as well; the record is kept as failed and never a hit."""
    body = lab.root.joinpath("src/mean.py").read_text()
    lab.script(f"{body}\n{BEGIN}{alteration}\n")
    result = lab.plain()
    assert isinstance(result.error, TamperError), result
    assert (result.state, result.exit, result.verdict) == ("failed", Exit.WRONG, Verdict.NOT_MEASURED)
    record = lab.record_of(result)
    assert record.outcome["state"] == "failed"
    assert record.outcome["reason"] == result.error.message
    assert record.outputs["results.json"]["digest"].startswith("sha256:")
    assert lab.plain().state == "failed", "it runs again"
    assert len(lab.store.ids()) == 2


def test_a_tampered_checkout_is_not_given_to_the_next_run(lab: Lab) -> None:
    """Runs of one call share a checkout, but one that altered it does not spoil those after it."""
    body = lab.root.joinpath("src/mean.py").read_text()
    lab.script(f"{body}\n{BEGIN}if sys.argv[3] == '0':\n    {ALTERATIONS['code added']}\n")
    lab.define(command=["python", "src/mean.py", "{data}", "{out}", "{n}"], matrix={"n": [0, 1, 2]})
    results = lab.replay("mean", demands=Demands(isolation=Method.PLAIN)).results
    assert [result.state for result in results] == ["failed", "ran", "ran"]


def test_isolation_keeps_a_command_from_its_own_code(lab: Lab) -> None:
    """Where isolation works the same attempt fails in the command, and nothing was altered."""
    body = lab.root.joinpath("src/mean.py").read_text()
    lab.script(f"{body}\n{BEGIN}{ALTERATIONS['code changed']}\n")
    result = lab.one()
    if lab.record_of(result).isolation["method"] == Method.PLAIN:
        pytest.skip("this machine allows neither bubblewrap nor namespaces")
    assert isinstance(result.error, RunError)
    assert "Read-only file system" in result.error.message
    integrity = lab.record_of(result).integrity
    assert integrity["before"] == integrity["after"]


def test_before_and_after_are_in_the_record(lab: Lab) -> None:
    """The digests of code, data and environment before and after a good run are recorded, and equal."""
    record = lab.record_of(lab.one())
    assert set(record.integrity["before"]) == {"code", "data", "environment"}
    assert record.integrity["before"] == record.integrity["after"]
    assert record.integrity["before"]["code"] == record.conditions["code"]["digest"]
    assert record.integrity["before"]["data"] == record.conditions["data"]["digest"]


def test_a_locked_environment_is_realised_and_recorded(locked: Lab) -> None:
    """The command imports what the lock names; the record has the lock's meaning and the tree's digest."""
    body = locked.root.joinpath("src/mean.py").read_text()
    locked.script(f"import tiny\n{body}")
    result = locked.one()
    assert result.verdict is Verdict.MATCH
    assert result.judgement is not None
    assert result.judgement.reference.why == "same platform class, another environment"
    environment = locked.record_of(result).conditions["environment"]
    assert environment["reproducible"] is True
    assert environment["facts"]["packages"] == {"tiny": "1.0"}
    assert environment["content"].startswith("sha256:")
    assert locked.one(demands=Demands(environment="here")).state == "failed", "the host has no such package"


@pytest.mark.parametrize("paranoid", [False, True])
def test_a_command_that_alters_its_environment_fails(locked: Lab, *, paranoid: bool) -> None:
    """A changed package fails the run, and the next run of the same call gets the environment as locked."""
    body = locked.root.joinpath("src/mean.py").read_text()
    alter = "import tiny\nassert tiny.X == 1\nif sys.argv[3] == '0':\n"
    alter += "    free(pathlib.Path(tiny.__file__)).write_text('X = 2')\n"
    locked.script(f"{body}\n{BEGIN}{alter}")
    locked.define(command=["python", "src/mean.py", "{data}", "{out}", "{n}"], matrix={"n": [0, 1]})
    demands = Demands(isolation=Method.PLAIN, paranoid=paranoid)
    first, second = locked.replay("mean", demands=demands).results
    assert isinstance(first.error, TamperError)
    assert "environment" in first.error.message
    assert (second.state, second.run_id in locked.store.ids()) == ("ran", True)
    assert locked.record_of(second).completed
    first, second = locked.replay("mean", demands=demands).results
    assert (first.state, second.state) == ("failed", "cached")


def test_a_lock_without_hashes_is_wrong_configuration(locked: Lab) -> None:
    """Exit 2, with the line, and nothing is installed."""
    locked.write("requirements.lock", "tiny==1.0\n")
    with pytest.raises(ConfigError, match="line 1") as caught:
        locked.one()
    assert caught.value.exit is Exit.USAGE


def test_a_wheel_of_another_hash_is_not_installed(locked: Lab) -> None:
    """The run could not be checked: exit 3, and the package is named."""
    locked.write("requirements.lock", f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    result = locked.one()
    assert result.exit is Exit.NOT_CHECKED
    assert result.error is not None
    assert "tiny" in result.error.message
    assert locked.store.ids() == []


def test_a_missing_interpreter_says_what_provides_it(locked: Lab) -> None:
    """Exit 3, and the hint names a way to get that version."""
    locked.environments["locked"]["python"] = "3.99"
    locked.define()
    result = locked.one()
    assert result.exit is Exit.NOT_CHECKED
    assert result.error is not None
    assert "3.99" in result.error.message
    assert result.error.hint


def test_an_environment_that_fails_does_not_stop_other_experiments(locked: Lab) -> None:
    """What cannot be realised fails its own runs; the others are measured, and the worst exit counts."""
    locked.write("requirements.lock", f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    locked.define("other", environment="here")
    replayed = locked.replay()
    states = {result.run: result.state for result in replayed.results}
    assert states == {"mean": "failed", "other": "ran"}
    assert replayed.exit is Exit.NOT_CHECKED


def test_unmet_isolation_is_exit_3_where_it_is_required(lab: Lab) -> None:
    """The failed run is kept and says which items did not hold; without the demand it is a match."""
    result = lab.one(demands=Demands(isolation=Method.PLAIN, require_isolation=True))
    assert (result.state, result.exit) == ("failed", Exit.NOT_CHECKED)
    assert result.error is not None
    assert "isolation did not hold" in result.error.message
    record = lab.record_of(result)
    assert record.outcome["state"] == "failed"
    assert {"fail"} < {check["status"] for check in record.isolation["checks"]}
    assert all(check["reason"] for check in record.isolation["checks"] if check["status"] != "pass")
    assert lab.plain().verdict is Verdict.MATCH
    assert lab.one(demands=Demands(isolation=Method.PLAIN, require_isolation=True)).state == "failed"


def test_only_declared_sources_are_visible(lab: Lab, tmp_path: Path) -> None:
    """The command sees its sources and inputs, and no other file of the repository."""
    lab.script(
        "import json, pathlib, sys\n"
        "names = sorted(str(p) for p in pathlib.Path('.').rglob('*') if p.is_file())\n"
        "(pathlib.Path(sys.argv[2]) / 'results.json').write_text(json.dumps(names))\n"
    )
    result = lab.one()
    names = (lab.store.runs / result.run_id / "out/results.json").read_text()
    assert names == '["data/offset.txt", "data/points.csv", "src/mean.py"]'


def test_a_dirty_tree_is_recorded_as_dirty(lab: Lab) -> None:
    """It works; the record lists what differs from the commit, with the digest of the difference."""
    clean = lab.record_of(lab.one()).conditions["code"]
    assert (clean["dirty"], clean["changed"], clean["difference"]) == (False, [], None)
    digests = set()
    for text in ("0.25\n", "0.5\n"):
        lab.write("data/offset.txt", text)
        lab.write("new.txt", text)
        code = lab.record_of(lab.one()).conditions["code"]
        assert (code["dirty"], code["changed"]) == (True, ["data/offset.txt", "new.txt"])
        assert code["commit"] == clean["commit"]
        digests.add(code["difference"])
    assert len(digests) == 2
