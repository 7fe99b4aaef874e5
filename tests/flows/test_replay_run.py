from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.core.verdict import Verdict

if TYPE_CHECKING:
    from tests.flows.conftest import Lab


def test_a_fresh_clone_matches_its_baseline(lab: Lab) -> None:
    """Data is fetched, the command runs, every number matches, and the second call runs nothing."""
    first = lab.one()
    assert (first.state, first.verdict, first.exit) == ("ran", Verdict.MATCH, Exit.GOOD)
    second = lab.one()
    assert (second.state, second.run_id, second.exit) == ("cached", first.run_id, Exit.GOOD)
    assert len(lab.store.ids()) == 1
