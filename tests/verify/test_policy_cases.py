"""Policies against evidence: every named case, and a mutation test that removes each check in turn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.verify.cases import BAD, GOOD, Case
from tests.verify.laboratory import Lab, failing

from repro.core.check import Status
from repro.core.exits import Exit
from repro.verify import ages, demands, documents, judge, protocol, steps, vsa
from repro.verify.candidate import NotAsked, Question

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.sigstore.world import PrivateSigstore

    from repro.verify.judge import Verdict
    from repro.verify.protocol import Step


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, world: PrivateSigstore) -> Lab:
    """Keys and the private root in a folder."""
    return Lab.at(tmp_path_factory.mktemp("lab"), world.trusted_root())


def judged(case: Case, lab: Lab, world: PrivateSigstore) -> Verdict:
    evidence = case.make(world)
    return lab.judge(case.demands, evidence, now=case.now, name=case.artifact, sha256=case.sha256)


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_what_a_policy_demands_is_accepted(case: Case, lab: Lab, world: PrivateSigstore) -> None:
    """Evidence that meets every demand is exit 0, whatever else lies beside it."""
    verdict = judged(case, lab, world)
    assert verdict.exit is Exit.GOOD, [one.reason for one in verdict.failures]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_what_a_policy_refuses_names_the_check(case: Case, lab: Lab, world: PrivateSigstore) -> None:
    """Evidence that does not meet a demand is refused by the check that it is about, with a reason."""
    verdict = judged(case, lab, world)
    assert verdict.exit is case.exit
    names = failing(verdict) | {one.name.split()[0] for one in verdict.failures}
    assert case.refused_by in names, [f"{one.name}: {one.reason}" for one in verdict.failures]
    assert verdict.levels == ()
    assert verdict.reason


def questions() -> list[Question]:
    """Every question that is asked anywhere."""
    groups = (demands.FIRST, demands.WHOLE, steps.STEPS, vsa.QUESTIONS, documents.SBOM, documents.REPLAY)
    return [*(one for group in groups for one in group), ages.AGE, demands.YES]


def passing(question: Question) -> Question:
    """The same question, to which every answer is yes."""

    def ask(about: object) -> Mapping[str, str]:
        try:
            return question.ask(about)
        except NotAsked:
            raise
        except Exception:  # noqa: BLE001 - the mutant knows no no
            return {}

    return replace(question, ask=ask)


def without(name: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take one question out of all lists that hold it."""
    places = (
        (demands, "FIRST"), (demands, "WHOLE"), (demands, "STEPS"), (vsa, "QUESTIONS"),
        (documents, "SBOM"), (documents, "REPLAY"),
    )  # fmt: skip
    for module, attribute in places:
        group = getattr(module, attribute)
        mutant = tuple(passing(one) if (one.name, one.number) == (name, number) else one for one in group)
        monkeypatch.setattr(module, attribute, mutant)
    for attribute in ("AGE", "YES"):
        one = getattr(demands, attribute)
        if (one.name, one.number) == (name, number):
            monkeypatch.setattr(demands, attribute, passing(one))


def flipped(lab: Lab, world: PrivateSigstore, cases: tuple[Case, ...]) -> str:
    """The first case that comes out otherwise than it must, "" where none does."""
    for case in cases:
        verdict = judged(case, lab, world)
        names = failing(verdict) | {one.name.split()[0] for one in verdict.failures}
        if verdict.exit is not case.exit or case.refused_by not in names:
            return case.name
    return ""


@pytest.mark.parametrize(("name", "number"), [(one.name, one.number) for one in questions()])
def test_no_question_can_be_left_out(
    name: str, number: int, lab: Lab, world: PrivateSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any one question always answered by yes, one bad case is accepted or refused elsewhere."""
    without(name, number, monkeypatch)
    near = tuple(sorted(BAD, key=lambda case: case.refused_by != name))
    assert flipped(lab, world, near)


@pytest.mark.parametrize("number", [one.number for one in protocol.STEPS])
def test_no_step_can_be_left_out(
    number: int, lab: Lab, world: PrivateSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any one of the eight steps never refusing, a bad case is accepted, or refused by another check."""
    name = protocol.STEPS[number - 1].name

    def mutant(step: Step) -> Step:
        def do(case: protocol.Case) -> Mapping[str, str]:
            try:
                return step.do(case)
            except Exception:  # noqa: BLE001 - the mutant knows no no
                return {}

        return replace(step, do=do) if step.number == number else step

    monkeypatch.setattr(protocol, "STEPS", tuple(map(mutant, protocol.STEPS)))
    assert flipped(lab, world, tuple(case for case in BAD if case.refused_by == name))


def test_agreement_cannot_be_left_out(
    lab: Lab, world: PrivateSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the comparison of fields across attestations, commits that disagree are accepted."""
    monkeypatch.setattr(judge, "agreements", lambda _rule, _done: ())
    assert flipped(lab, world, tuple(case for case in BAD if case.refused_by == "agree"))


def test_every_check_is_reported(lab: Lab, world: PrivateSigstore) -> None:
    """Success and failure show the same checks: eight steps for each piece of evidence, then the demand's."""
    good = judged(GOOD[1], lab, world)
    bad = judged(next(case for case in BAD if case.name == "other-tag"), lab, world)
    for verdict in (good, bad):
        (seen,) = verdict.seen
        assert [one.step for one in seen.outcome.checks] == list(range(1, 9))
        (demand,) = verdict.rules[0].demands
        (attempt,) = demand.attempts
        assert [one.step for one in attempt.checks] == [6, 7, 8, 9, 10, 11, 12, 13, 0]
        assert len(demand.checks) == len(demands.WHOLE)
        assert all(one.reason for one in attempt.checks if one.status is not Status.PASS)
    assert good.levels == ("SLSA_BUILD_LEVEL_3",)


def test_less_evidence_never_helps(lab: Lab, world: PrivateSigstore) -> None:
    """Of evidence that is accepted together, no part alone meets a demand that all of it did not."""
    for case in GOOD:
        evidence = case.make(world)
        whole = lab.judge(case.demands, evidence, now=case.now)
        assert whole.exit is Exit.GOOD
        assert lab.judge(case.demands, [], now=case.now).exit is Exit.NOT_CHECKED
