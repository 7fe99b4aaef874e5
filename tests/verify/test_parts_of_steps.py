"""A mutation test inside of steps 1 to 13: each refusal is taken out of the code in turn, and a case notices.

`test_policy_cases.py` removes whole steps, and all that policies ask.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, field, replace
from hashlib import sha256, sha512
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.sigstore.defects.catalogue import CHECKPOINT, ENTRY, PROOF, edited, value_at, without
from tests.sigstore.defects.certificate import ca_as_leaf
from tests.sigstore.defects.table import DEFECTS
from tests.sigstore.log import b64, dsse_of
from tests.sigstore.order import GITHUB, WORKFLOW, Order, to_bytes
from tests.sigstore.world import PrivateSigstore
from tests.sigstore.world import entry_of as proposed_for
from tests.verify.cases import BAD, Case
from tests.verify.conftest import CONTENT
from tests.verify.laboratory import Lab
from tests.verify.mutants import Refusal, refusals
from tests.verify.test_keys import KEY, OTHER, by, envelope

from repro.attest import entry, sigstore
from repro.attest.dsse import IN_TOTO, pae
from repro.attest.keys import public_of
from repro.attest.reading import Evidence
from repro.attest.signing import KeySigner
from repro.verify import protocol, signatures, steps, subjects
from repro.verify.artifact import Artifact
from repro.verify.protocol import verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from types import ModuleType

    from tests.sigstore.log import Document

    from repro.attest.trust import Trust
    from repro.core.check import Check
    from repro.core.errors import ReproError
    from repro.verify.protocol import Step

ANYTHING = Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),))
OURS = replace(ANYTHING, predicate_types=("https://example.org/p/v1",))
BARE = ec.generate_private_key(ec.SECP256R1())
BY_BARE = Expectation(keys=(public_of(BARE.public_key()),))

MODULES = (protocol, signatures, subjects, sigstore, entry)
NOT_REFUSALS = ("NotApplicable(", "NotAsked(", "ConfigError(")
GUARDS = ("an earlier step has left nothing", "no demand for provenance")
"""What no evidence leads to: it stands for a step that is missing, and test_policy_cases.py removes those."""


def parts(*modules: ModuleType) -> list[Refusal]:
    """The refusals in modules."""
    found = [one for module in modules for one in refusals(module)]
    return [
        one
        for one in found
        if not one.raises.startswith(NOT_REFUSALS) and not any(guard in one.raises for guard in GUARDS)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """Evidence that is refused, and where in the code."""

    name: str
    raw: bytes
    wanted: Expectation
    artifact: Artifact
    places: set[tuple[str, int]] = field(default_factory=set)


def outcome(case: Bad, trust: Trust) -> tuple[int, str]:
    """The step and words that refuse a case; 0 where it is accepted, -1 where something broke."""
    try:
        failed = verify(case.artifact, Evidence(name="b", raw=case.raw), case.wanted, trust).failed
    except Exception as error:  # noqa: BLE001 - a mutant may break in any way
        return -1, type(error).__name__
    return (failed.step, failed.reason) if failed else (0, "")


def places_of(error: BaseException | None) -> set[tuple[str, int]]:
    """Every line that an error, and what it is from, came through."""
    found: set[tuple[str, int]] = set()
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            found.add((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return found


@pytest.fixture(scope="module")
def cases(world: PrivateSigstore, trust: Trust) -> list[Bad]:
    """All of them, with the lines that refuse each."""
    artifact = Artifact(name="artifact", digests=digests())
    statement = about(artifact)
    found = [
        Bad(name=name, raw=raw, wanted=wanted, artifact=own)
        for make in (of_defects, of_keys, of_entries_by_key, of_identities)
        for name, (raw, wanted, own) in make(world, statement, artifact).items()
    ]
    with pytest.MonkeyPatch.context() as patch:
        real = protocol._failed
        current: list[Bad] = []

        def recorded(step: Step, error: ReproError) -> Check:
            current[0].places.update(places_of(error))
            return real(step, error)

        patch.setattr(protocol, "_failed", recorded)
        for case in found:
            current[:] = [case]
            assert outcome(case, trust)[0] > 0, case.name
    return found


Made = dict[str, tuple[bytes, Expectation, Artifact]]


def digests() -> dict[str, str]:
    """The artifact's."""
    return {"sha256": sha256(CONTENT).hexdigest(), "sha512": sha512(CONTENT).hexdigest()}


def about(artifact: Artifact, *, name: str = "artifact") -> bytes:
    """A statement about the artifact."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {"sha256": artifact.sha256}}],
            "predicateType": "https://example.org/p/v1",
        }
    ).encode()


def of_defects(world: PrivateSigstore, statement: bytes, artifact: Artifact) -> Made:
    """The catalogue of the private Sigstore."""
    made: Made = {}
    for name, defect in DEFECTS.items():
        is_message = defect.changes.get("form") == "message"
        order = Order(payload=CONTENT if is_message else statement)
        made[name] = world.sign(order, name), ANYTHING if is_message else OURS, artifact
    return made


def of_keys(_: PrivateSigstore, statement: bytes, artifact: Artifact) -> Made:
    """Signatures by key, without witnesses."""
    message = KeySigner(key=KEY).blob(CONTENT)
    hinted = edited(
        json.loads(message), "verificationMaterial", "publicKey", value={"hint": OTHER.public.hint}
    )
    document = json.loads(message)
    odd = edited(document, "messageSignature", "messageDigest", "algorithm", value="MADE_UP")
    many = b'{"_type":"x","subject":[' + b",".join([b"{}"] * 400_001) + b"]}"
    typed = replace(by(KEY), predicate_types=("https://example.org/p/v1",))
    twice = envelope(statement, KEY, KEY)
    renamed = about(artifact, name="elsewhere/other") + b" "
    encoded = pae(IN_TOTO, statement)
    encoding = Artifact(name="a", digests={"sha256": sha256(encoded).hexdigest()}, content=encoded)
    return {
        "another-key": (KeySigner(key=OTHER).blob(CONTENT), by(KEY), artifact),
        "one-key-twice": (twice, by(KEY, OTHER, threshold=2), artifact),
        "hint-of-another-key": (to_bytes(hinted), by(KEY, OTHER), artifact),
        "no-hash-known": (message, by(KEY), replace(artifact, digests={"sha512": digests()["sha512"]})),
        "no-digest": (message, by(KEY), replace(artifact, digests={})),
        "made-up-hash": (to_bytes(odd), by(KEY), artifact),
        "too-many-objects": (envelope(many, KEY), by(KEY), artifact),
        "no-statement": (message, typed, artifact),
        "envelope-in-place-of-a-file": (message, by(KEY), encoding),
        "under-another-name": (envelope(renamed, KEY), replace(by(KEY), named=True), artifact),
    }


def of_entries_by_key(world: PrivateSigstore, statement: bytes, artifact: Artifact) -> Made:
    """Log entries beside a key's signature, each in the log and not about it."""
    now, current = world.now, world.current

    def signed(rekor: int = 2, form: str = "dsse") -> Document:
        payload = statement if form == "dsse" else CONTENT
        return current.sign(Order(payload=payload, form=form, rekor=rekor, key=BARE), now).document()

    def logged(document: Document, rekor: int, proposed: Document) -> Document:
        return edited(document, *ENTRY, value=current.logs[rekor].append(proposed, now))

    def kept(form: str, rekor: int) -> tuple[Document, Document]:
        order = Order(
            payload=statement if form == "dsse" else CONTENT, form=form, rekor=rekor, key=BARE, stamps=1
        )
        whole = current.sign(order, now)
        return whole.document(), proposed_for(whole)

    v2, proposed = kept("dsse", 2)
    inner = ("spec", "hashedRekordV002", "data", "algorithm")
    v1, hashed = kept("message", 1)
    of_dsse, logged_dsse = kept("dsse", 1)
    size = int(value_at(v2, *PROOF, "treeSize"))
    root = b64decode(value_at(v2, *PROOF, "rootHash"))
    resized = edited(v2, *CHECKPOINT, value=current.logs[2].checkpoint(size + 1, root))
    moved = edited(v2, *ENTRY, "logIndex", value=str(int(value_at(v2, *ENTRY, "logIndex")) + 1))
    disguised = edited(v2, *ENTRY, "kindVersion", value={"kind": "dsse", "version": "0.0.1"})
    made = {
        "entry-of-another-signature": edited(v2, *ENTRY, value=value_at(signed(), *ENTRY)),
        "entry-of-an-envelope": edited(v1, *ENTRY, value=value_at(of_dsse, *ENTRY)),
        "entry-in-disguise": disguised,
        "entry-without-content": logged(v2, 2, without(proposed, "spec", "hashedRekordV002")),
        "entry-of-another-hash": logged(v2, 2, edited(proposed, *inner, value="SHA2_512")),
        "entry-of-another-hash-v1": logged(
            v1, 1, edited(hashed, "spec", "data", "hash", "algorithm", value="sha512")
        ),
        "entry-without-pem": logged(of_dsse, 1, dsse_of(of_dsse["dsseEnvelope"], b64(b"no PEM"))),
        "checkpoint-of-another-size": resized,
        "another-index": moved,
    }
    assert logged_dsse["kind"] == "dsse"
    return {name: (to_bytes(one), BY_BARE, artifact) for name, one in made.items()}


def of_identities(world: PrivateSigstore, statement: bytes, artifact: Artifact) -> Made:
    """What the catalogue has not: two thresholds, and an authority's certificate with an old bundle."""
    twice = Expectation(identities=ANYTHING.identities, keys=(KEY.public, OTHER.public), threshold=2)
    order = Order(payload=statement, rekor=1, media="0.1")
    old = json.loads(to_bytes(ca_as_leaf(world, order)))
    return {
        "threshold-of-keys": (world.sign(statement), twice, artifact),
        "ca-as-leaf-unproved": (to_bytes(without(old, *PROOF)), ANYTHING, artifact),
    }


@pytest.mark.parametrize("part", parts(*MODULES), ids=str)
def test_no_refusal_can_be_left_out(
    part: Refusal, cases: list[Bad], trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any one refusal taken out of the code, a bad case is accepted, or refused elsewhere."""
    near = [case for case in cases if part.place in case.places]
    assert near, "no case is refused here"
    before = [outcome(case, trust) for case in near]
    part.remove(monkeypatch)
    assert [outcome(case, trust) for case in near] != before


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, world: PrivateSigstore) -> Lab:
    """Keys and the private root in a folder."""
    return Lab.at(tmp_path_factory.mktemp("lab"), world.trusted_root())


@pytest.fixture(scope="module")
def provenance(world: PrivateSigstore, lab: Lab) -> list[tuple[Case, list[bytes], list[str]]]:
    """The bad cases of policies that steps 9 to 13 refuse, and why."""
    names = {one.name for one in steps.STEPS}
    found = [(case, case.make(world)) for case in BAD if case.refused_by in names]
    return [(case, made, reasons(case, made, lab)) for case, made in found]


def reasons(case: Case, evidence: list[bytes], lab: Lab) -> list[str]:
    """Why a case is refused, empty where it is not; a mutant may break in any way."""
    try:
        verdict = lab.judge(case.demands, evidence, now=case.now, name=case.artifact)
    except Exception as error:  # noqa: BLE001 - see above
        return [type(error).__name__]
    return [f"{one.name}: {one.reason}" for one in verdict.failures]


@pytest.mark.parametrize("part", parts(steps), ids=str)
def test_no_refusal_of_provenance_can_be_left_out(
    part: Refusal,
    provenance: list[tuple[Case, list[bytes], list[str]]],
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With any one refusal of steps 9 to 13 taken out, bad provenance is accepted, or refused elsewhere."""
    part.remove(monkeypatch)
    assert any(reasons(case, made, lab) != before for case, made, before in provenance)
