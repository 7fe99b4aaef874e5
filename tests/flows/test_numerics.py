from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from repro.conditions.enclosure import Method
from repro.core.digest import of_bytes
from repro.core.events import silent
from repro.flows import config, trees
from repro.flows.matrix import select
from repro.flows.numerics import numerics
from repro.flows.replay import open_place
from repro.flows.workshop import Demands, Workshop
from repro.tools import host

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.flows.conftest import Lab

pytestmark = pytest.mark.skipif(not host.boot(), reason="this system does not tell one start from another")


@pytest.fixture
def kept(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where facts are kept, by the tests of this file alone."""
    monkeypatch.setenv("REPRO_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache/numerics"


def facts(
    lab: Lab, *, content: bytes | None = b"packages", paranoid: bool = False, threads: str = "1"
) -> Mapping[str, Any]:
    """What a call of its own finds out, in an environment of this content."""
    with ExitStack() as held:
        workshop = Workshop(
            project=config.load(lab.root),
            tree=trees.present(lab.root),
            place=open_place(lab.root, silent, held),
            demands=Demands(paranoid=paranoid, isolation=Method.PLAIN),
            definition={},
        )
        (run,) = select(workshop.project, ["mean"])
        identity = workshop.identity(run, {"OMP_NUM_THREADS": threads})
        realised = workshop.realised(identity).value
        digest = None if content is None else of_bytes(content)
        return numerics(
            workshop, identity, replace(realised, content=digest), workshop.snapshot(identity).value
        )


def mark(kept: Path) -> None:
    """Alter what is kept, so that it can be told from what is asked anew."""
    for file in kept.iterdir():
        file.write_text(json.dumps(json.loads(file.read_bytes()) | {"python": "kept"}))


def test_facts_are_asked_once_per_environment_and_variables(lab: Lab, kept: Path) -> None:
    """A second call takes the kept facts; another content, other variables and --paranoid ask anew."""
    asked = facts(lab)
    mark(kept)
    assert facts(lab) == {**asked, "python": "kept"}
    assert facts(lab, content=b"other packages") == asked
    assert facts(lab, threads="2")["python"] == asked["python"]
    assert facts(lab, paranoid=True) == asked


def test_damaged_facts_are_asked_anew(lab: Lab, kept: Path) -> None:
    """What is kept but is not what a probe prints is replaced."""
    asked = facts(lab)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", b"{", b"[]", whole[:-1]):
        file.write_bytes(damaged)
        assert facts(lab) == asked
        assert file.read_bytes() == whole


def test_nothing_is_kept_of_the_caller_s_own_interpreter(lab: Lab, kept: Path) -> None:
    """An environment without a content that is known is asked each time."""
    facts(lab, content=None)
    assert not kept.exists()
