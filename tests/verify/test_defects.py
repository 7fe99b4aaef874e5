"""Every defect that the private Sigstore makes, with the step that refuses it, as for real material."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.sigstore.defects.table import DEFECTS
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.verify.conftest import CONTENT

from repro.attest.reading import Evidence
from repro.core.check import Status
from repro.verify.protocol import Outcome, verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from tests.sigstore.world import PrivateSigstore

    from repro.attest.trust import Trust
    from repro.verify.artifact import Artifact

ANYTHING = Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),))
OURS = replace(ANYTHING, predicate_types=("https://example.org/p/v1",))

OTHER_STEPS = {
    "message-digest-mismatch": 8,  # what a bundle says it is about is held against the artifact there
    "no-subject": 7,  # a statement about nothing, or with a digest that is none, cannot be parsed
    "digest-in-capitals": 7,
}
"""Where the protocol finds a defect at another step than the one its generator names."""


def run(raw: bytes, artifact: Artifact, trust: Trust, expectation: Expectation = OURS) -> Outcome:
    return verify(artifact, Evidence(name="bundle", raw=raw), expectation, trust)


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_refused_at_its_step(
    name: str, world: PrivateSigstore, trust: Trust, artifact: Artifact, statement: bytes
) -> None:
    """A bundle with one thing wrong is refused by the step for that thing, and no later step is done."""
    defect = DEFECTS[name]
    is_message = defect.changes.get("form") == "message"
    raw = world.sign(Order(payload=CONTENT if is_message else statement), name)
    outcome = run(raw, artifact, trust, ANYTHING if is_message else OURS)
    step = OTHER_STEPS.get(name, defect.step)
    assert not outcome.is_accepted
    assert outcome.failed is not None
    assert outcome.failed.step == step, outcome.failed
    assert outcome.failed.reason
    assert [one.step for one in outcome.checks] == list(range(1, 9))
    assert all(one.status is not Status.FAIL for one in outcome.checks if one.step < step)
    assert all(one.reason == f"step {step} failed" for one in outcome.checks if one.step > step)


@pytest.mark.parametrize("form", ["dsse", "message"])
@pytest.mark.parametrize(("rekor", "media"), [(1, "0.1"), (1, "0.2"), (1, "0.3"), (2, "0.2"), (2, "0.3")])
@pytest.mark.parametrize("stamps", [None, 2])
def test_what_is_sound_is_accepted(
    form: str,
    rekor: int,
    media: str,
    stamps: int | None,
    world: PrivateSigstore,
    trust: Trust,
    artifact: Artifact,
    statement: bytes,
) -> None:
    """Every version of bundle and log, with and without an envelope and timestamps, passes every step."""
    payload = statement if form == "dsse" else CONTENT
    raw = world.sign(Order(payload=payload, form=form, rekor=rekor, media=media, stamps=stamps))
    outcome = run(raw, artifact, trust, OURS if form == "dsse" else ANYTHING)
    assert outcome.failed is None
    assert outcome.is_accepted
    assert outcome.signed is not None
    assert outcome.signed.signer is not None
    assert outcome.signed.signer.claims["source_repository_uri"] == "https://github.com/example/lab"
    assert {one.at for one in outcome.signed.times} == {world.now}


@pytest.mark.parametrize("media", ["0.1", "0.2"])
def test_an_entry_of_kind_intoto_is_accepted(
    media: str, world: PrivateSigstore, trust: Trust, artifact: Artifact, statement: bytes
) -> None:
    """The kind of entry that npm's provenance has, which sigstore-python refuses, is bound here."""
    outcome = run(world.sign(Order(payload=statement, rekor=1, entry="intoto", media=media)), artifact, trust)
    assert outcome.failed is None
