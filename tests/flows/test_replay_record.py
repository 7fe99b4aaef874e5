from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from repro.conditions.enclosure import Method
from repro.core.canonical import to_pretty_bytes
from repro.core.errors import ConfigError
from repro.flows.workshop import Demands
from repro.render.replay_json import error_document, replay_document
from repro.store.record import parse
from repro.tools import process

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.conftest import Lab

REFERENCE = Path(__file__).parents[2] / "docs/reference"


def schema(name: str) -> Draft202012Validator:
    """A published schema, itself checked."""
    document = json.loads((REFERENCE / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def is_dirty(lab: Lab) -> None:
    lab.write("data/offset.txt", "0.25\n")


def has_links(lab: Lab) -> None:
    (lab.root / "src/link.py").symlink_to("mean.py")
    (lab.root / "src/mean.py").chmod(0o755)
    lab.write("src/\u00e9 \n.txt", "any name")


def has_a_matrix(lab: Lab) -> None:
    lab.define(command=["python", "src/mean.py", "{data}", "{out}", "{n}"], matrix={"n": [1]})


def is_slow(lab: Lab) -> None:
    lab.script("import time\nwhile True:\n    time.sleep(1)\n")
    lab.define(timeout=0.2)


CASES: dict[str, Callable[[Lab], Any]] = {
    "match": lambda _lab: None,
    "dirty drift": is_dirty,
    "links and programs": has_links,
    "matrix": has_a_matrix,
    "failed": lambda lab: lab.script("raise SystemExit(1)\n"),
    "killed": lambda lab: lab.script("import os\nos.kill(os.getpid(), 9)\n"),
    "missing output": lambda lab: lab.script(""),
    "link among the outputs": lambda lab: lab.script("import os, sys\nos.symlink('x', sys.argv[2] + '/y')\n"),
    "not found": lambda lab: lab.define(command=["no-such-program"]),
    "timeout": is_slow,
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_records_and_reports_have_the_published_form(lab: Lab, case: Callable[[Lab], Any]) -> None:
    """Whatever becomes of a run, its record and the JSON of the replay fit their schemas."""
    case(lab)
    replayed = lab.replay("mean")
    (result,) = replayed.results
    data = (lab.store.runs / result.run_id / "record.json").read_bytes()
    schema("record").validate(json.loads(data))
    document = json.loads(to_pretty_bytes(replay_document(replayed)))
    schema("replay").validate(document)
    assert document["exit"] == int(replayed.exit)
    assert parse(data, name="record").to_bytes() == data, "a record survives reading and writing"
    again = json.loads(to_pretty_bytes(replay_document(lab.replay("mean"))))
    schema("replay").validate(again)


def test_the_form_covers_revisions_repeats_and_failures(lab: Lab) -> None:
    """The JSON of `--at`, of `--repeat`, of a run without a record and of a failed call fit as well."""
    form = schema("replay")
    form.validate(replay_document(lab.replay("mean", revision="v1")))
    form.validate(replay_document(lab.replay("mean", repeat=2)))
    plain = Demands(isolation=Method.PLAIN, require_isolation=True)
    form.validate(replay_document(lab.replay("mean", demands=plain)))
    lab.define(inputs=["data/none"])
    form.validate(replay_document(lab.replay("mean")))
    form.validate(error_document(ConfigError("wrong", hint="right")))


def test_the_form_refuses_what_it_does_not_know(lab: Lab) -> None:
    """A section or key that the schema lacks is an error: the schema describes all of a record."""
    document = json.loads((lab.store.runs / lab.one().run_id / "record.json").read_text())
    form = schema("record")
    for section, value in document.items():
        assert not form.is_valid({key: document[key] for key in document if key != section})
        if isinstance(value, dict) and section not in {"outputs", "logs"}:
            assert not form.is_valid({**document, section: {**value, "more": 1}}), section
    assert not form.is_valid({**document, "more": 1})


def test_a_record_has_every_condition(lab: Lab) -> None:
    """Conditions, command, variables, isolation, stages, outputs, logs and verdict are all there."""
    result = lab.one()
    record = lab.record_of(result)
    assert set(record.conditions) == {"code", "environment", "data", "platform"}
    assert record.conditions["data"]["files"].keys() == {"data/points.csv", "data/offset.txt"}
    assert record.conditions["code"]["files"].keys() == {"src/mean.py"}
    assert record.conditions["platform"]["keyed"]["cpu_flags"]
    assert record.conditions["platform"]["observed"]["cpu_model"]
    assert record.conditions["environment"]["reproducible"] is False
    assert record.command["variables"]["PYTHONHASHSEED"] == "0"
    assert record.isolation["method"] in set(Method)
    assert len(record.isolation["checks"]) >= 8
    assert record.verdict["verdict"] == "match"
    assert record.verdict["reference"]["why"] == "same environment and platform class"
    assert set(record.logs) == {"stdout.log", "stderr.log"}


def test_no_secret_of_the_caller_is_in_the_record(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies, tokens and other variables reach neither the command nor the record."""
    for name in ("HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PYTHONPATH", "ANYTHING"):
        monkeypatch.setenv(name, "hunter2-4711")
    body = (lab.root / "src/mean.py").read_text()
    lab.script(f"{body}\nimport os\nprint(dict(os.environ))\n")
    result = lab.one()
    folder = lab.store.runs / result.run_id
    assert "PYTHONHASHSEED" in (folder / "stdout.log").read_text()
    for path in folder.rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path


def test_the_same_conditions_give_the_same_record(lab: Lab) -> None:
    """Under two hash seeds of the tool itself, keys and records are the same, times and ids apart."""
    has_links(lab)
    is_dirty(lab)
    program = (
        "import sys; from pathlib import Path; from repro.core.events import silent;"
        "from repro.flows.replay import Request, replay;"
        "(r,) = replay(Path('.'), Request(selections=('mean',), use_cache=False), silent).results;"
        "print(r.run_id)"
    )
    documents = []
    for seed in ("1", "2"):
        variables = {**os.environ, "PYTHONHASHSEED": seed}
        name = process.run([sys.executable, "-c", program], cwd=lab.root, env=variables).text
        document = json.loads((lab.store.runs / name / "record.json").read_text())
        for volatile in ("id", "started_at", "ended_at"):
            del document[volatile]
        document["stages"] = [stage["name"] for stage in document["stages"]]
        comparison = (lab.store.runs / name / document["verdict"]["comparison"]).read_bytes()
        documents.append((to_pretty_bytes(document), comparison))
    assert documents[0] == documents[1]
