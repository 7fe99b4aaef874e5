"""One piece of evidence about many artifacts: read, verified and parsed once; judged for each."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import pytest
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.verify.conftest import CONTENT

from repro.attest.keys import generate
from repro.attest.reading import Evidence, parse_evidence
from repro.attest.signing import KeySigner
from repro.attest.statement import parse_statement, statement
from repro.attest.trust import Trust
from repro.core.errors import CapError
from repro.core.exits import Exit
from repro.core.subject import Subject
from repro.flows.verify import Wishes
from repro.flows.verify import verify as verify_all
from repro.verify.artifact import Artifact, artifact_of
from repro.verify.protocol import verify
from repro.verify.shared import MAX_BYTES, Shared
from repro.verify.signatures import require_signed
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path
    from types import FrameType

    from tests.sigstore.world import PrivateSigstore

Part = TypeVar("Part")
KEY = generate()
MANY = 40
RIGHT = Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),), keys=(KEY.public,))
WRONG = Expectation(identities=(Identity(identity=f"{WORKFLOW}x", issuer=GITHUB),), keys=(generate().public,))


class Counting(Shared):
    """The same, which counts what is really done, by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[str, int] = {}

    def once(self, question: Hashable, size: int, answer: Callable[[], Part]) -> Part:
        """Count, and answer."""

        def counted() -> Part:
            assert isinstance(question, tuple)
            self.done[question[0]] = self.done.get(question[0], 0) + 1
            return answer()

        return super().once(question, size, counted)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Artifacts, and one statement about all of them."""

    artifacts: tuple[Artifact, ...]
    statement: bytes


@pytest.fixture
def batch() -> Batch:
    digests = {f"file-{at}": f"{at:064x}" for at in range(1, MANY + 1)}
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": one}} for name, one in digests.items()],
        "predicateType": "https://example.org/p/v1",
        "predicate": {},
    }
    artifacts = tuple(artifact_of(name, {"sha256": one}) for name, one in digests.items())
    return Batch(artifacts=artifacts, statement=json.dumps(document).encode())


@pytest.fixture(params=["key", "identity"])
def evidence(request: pytest.FixtureRequest, batch: Batch, world: PrivateSigstore) -> Evidence:
    by_key = KeySigner(key=KEY).envelope(batch.statement, "application/vnd.in-toto+json")
    raw = by_key if request.param == "key" else world.sign(Order(payload=batch.statement))
    return Evidence(name="bundle", raw=raw)


def test_what_is_shared_is_done_once(batch: Batch, evidence: Evidence, trust: Trust) -> None:
    """One bundle about forty artifacts is read, verified and parsed once, with outcomes as if alone."""
    shared = Counting()
    together = [verify(one, evidence, RIGHT, trust, shared) for one in batch.artifacts]
    assert shared.done == {"read": 1, "signed": 1, "stated": 1}
    assert together == [verify(one, evidence, RIGHT, trust) for one in batch.artifacts]
    assert all(one.is_accepted for one in together)
    assert len({one.subject.name for one in together if one.subject}) == MANY


def test_a_verdict_is_never_shared(batch: Batch, evidence: Evidence, trust: Trust) -> None:
    """Each artifact is looked for among the subjects: what holds for its neighbours is nothing to it."""
    shared = Counting()
    stranger = artifact_of("stranger", {"sha256": "f" * 64})
    for artifact, holds in ((batch.artifacts[0], True), (stranger, False), (batch.artifacts[1], True)):
        assert verify(artifact, evidence, RIGHT, trust, shared).is_accepted is holds
    assert shared.done["signed"] == 1


def test_nothing_is_shared_across_expectations_or_roots(
    batch: Batch, evidence: Evidence, trust: Trust, world: PrivateSigstore
) -> None:
    """Whoever else may sign, and whatever else is trusted, the signature is looked at anew."""
    shared = Counting()
    artifact = batch.artifacts[0]
    same_bytes = Trust(world.trusted_root(), name="another")
    asked = (RIGHT, WRONG, replace(RIGHT, identities=WRONG.identities, keys=WRONG.keys), RIGHT)
    found = [verify(artifact, evidence, one, trust, shared).is_accepted for one in asked]
    assert found == [True, False, False, True]
    assert shared.done["signed"] == 2  # the second and the third are equal
    assert verify(artifact, evidence, RIGHT, same_bytes, shared).is_accepted
    assert shared.done == {"read": 1, "signed": 3, "stated": 1}


def test_a_refusal_is_shared_too(batch: Batch, trust: Trust) -> None:
    """Evidence that cannot be read or does not hold is looked at once, and refused in the same words."""
    shared = Counting()
    broken = Evidence(name="broken", raw=b"{")
    foreign = KeySigner(key=generate()).envelope(batch.statement, "application/vnd.in-toto+json")
    for evidence, step in ((broken, 3), (Evidence(name="foreign", raw=foreign), 4)):
        found = [verify(one, evidence, RIGHT, trust, shared).failed for one in batch.artifacts]
        assert {one.step for one in found if one} == {step}
        assert len({one.reason for one in found if one}) == 1
    assert shared.done == {"read": 2, "signed": 1}


def test_a_signature_over_an_artifact_is_not_shared(trust: Trust) -> None:
    """A bundle with a signature over one file says nothing about another, whichever is asked about first."""
    bundle = Evidence(name="bundle", raw=KeySigner(key=KEY).blob(CONTENT))
    right, wrong = (
        artifact_of("a", {"sha256": hashlib.sha256(one).hexdigest()}) for one in (CONTENT, b"artifacT")
    )
    for order in ((right, wrong), (wrong, right)):
        shared = Counting()
        found = {one.sha256: verify(one, bundle, RIGHT, trust, shared).is_accepted for one in order}
        assert found == {right.sha256: True, wrong.sha256: False}
        assert shared.done == {"read": 1}


def test_what_is_remembered_has_an_end() -> None:
    """More evidence than the cap is forgotten and asked about again, never kept."""
    shared = Counting()
    done: list[str] = []
    for name in ("a", "b", "a", "a"):
        shared.once((name,), MAX_BYTES, partial(done.append, name))
    assert done == ["a", "b", "a"]


def test_a_refusal_keeps_its_kind() -> None:
    """What is remembered of an error is the error: its class, its words and its hint, and no traceback."""
    shared = Shared()

    def refuse() -> None:
        raise CapError("too much", hint="less")

    errors = []
    for _ in range(3):
        with pytest.raises(CapError, match="too much") as caught:
            shared.once("question", 0, refuse)
        errors.append(caught.value)
    assert len(set(map(id, errors))) == 3
    assert [one.hint for one in errors] == ["less"] * 3


def test_a_whole_call_shares(tmp_path: Path) -> None:
    """`repro verify` of a folder with one bundle for all its files parses it once, and judges every file."""
    (tmp_path / "key.pub").write_bytes(KEY.public.to_pem())
    (tmp_path / "dist").mkdir()
    subjects = []
    for at in range(MANY):
        content = f"content {at}".encode()
        (tmp_path / "dist" / f"file-{at}").write_bytes(content)
        digest = {"sha256": hashlib.sha256(content).hexdigest()}
        subjects.append(Subject(name=f"file-{at}", digests=digest))
    made = statement(subjects, "https://example.org/p/v1", {})
    (tmp_path / "all.sigstore.json").write_bytes(KeySigner(key=KEY).statement(made))
    (tmp_path / "dist" / "file-7").write_bytes(b"altered")
    wishes = Wishes(targets=("dist",), keys=("key.pub",), bundles=("all.sigstore.json",), offline=True)
    counted = {parse_evidence.__code__: 0, parse_statement.__code__: 0, require_signed.__code__: 0}

    def count(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code in counted:
            counted[frame.f_code] += 1

    sys.setprofile(count)
    try:
        report = verify_all(tmp_path, wishes)
    finally:
        sys.setprofile(None)
    assert list(counted.values()) == [1, 1, 1]
    assert {one.name: one.exit for one in report.verdicts if one.exit is not Exit.GOOD} == {
        "dist/file-7": Exit.WRONG
    }
    assert len(report.verdicts) == MANY


def test_evidence_in_a_folder_is_read_once(tmp_path: Path) -> None:
    """Whether a file beside another is evidence, and what it proves, is told by one reading of it."""
    (tmp_path / "key.pub").write_bytes(KEY.public.to_pem())
    (tmp_path / "dist").mkdir()
    for at in range(MANY):
        content = f"content {at}".encode()
        (tmp_path / "dist" / f"file-{at}").write_bytes(content)
        (tmp_path / "dist" / f"file-{at}.sigstore.json").write_bytes(KeySigner(key=KEY).blob(content))
    wishes = Wishes(targets=("dist",), keys=("key.pub",), offline=True)
    read = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal read
        read += event == "call" and frame.f_code is parse_evidence.__code__

    sys.setprofile(count)
    try:
        report = verify_all(tmp_path, wishes)
    finally:
        sys.setprofile(None)
    assert read == MANY
    assert {one.name for one in report.verdicts} == {f"dist/file-{at}" for at in range(MANY)}
    assert report.exit is Exit.GOOD
