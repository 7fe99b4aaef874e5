"""Statements that sigstore-js signs by identity, in entries of Rekor v1 of both kinds: `repro` verifies them.

Its entries of kind `dsse` for Rekor v2 the real server no longer takes, so their log here is the tests' own;
certificate and timestamp are by the real servers.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from tests.interop import peers
from tests.interop.ours import verdict
from tests.interop.rekor_v1 import rekor_v1
from tests.interop.signers import ARTIFACT, PROVENANCE, STATEMENT
from tests.interop.who import Who, workflow
from tests.sigstore.log import b64

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.servers import RealSigstore

STAMPED = "--use-signed-timestamps"


@pytest.fixture(scope="module")
def who(real: RealSigstore) -> Who:
    """A run of a workflow, as npm's provenance is signed by."""
    return workflow(real)


@pytest.fixture(scope="module", params=["dsse", "intoto"])
def attested(
    request: pytest.FixtureRequest, real: RealSigstore, who: Who, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """The kind of the log entry, and the bundle, with the artifact and the root beside it."""
    folder = tmp_path_factory.mktemp("javascript")
    (folder / "artifact").write_bytes(ARTIFACT)
    (folder / "other").write_bytes(b"another artifact\n")
    (folder / "statement").write_bytes(STATEMENT)
    (folder / "token").write_text(who.token)
    bundle = folder / "bundle.json"
    with rekor_v1() as log:
        (folder / "root.json").write_bytes(log.trusted(real.trusted_root.read_bytes()))
        parts = (real.signing_config, folder / "token", folder / "statement", bundle)
        done = peers.javascript_call(folder, "attest", *parts, log.address, request.param)
    assert done.accepted, done.said
    return request.param, bundle


def test_repro_verifies_its_statements(who: Who, attested: tuple[str, Path]) -> None:
    """`repro` finds who signed, when by log and authority, and the kind of entry that it is logged in."""
    kind, bundle = attested
    outcome = verdict(bundle, bundle.with_name("root.json"), who=who.pair)
    assert outcome.is_accepted, outcome.failed
    assert outcome.statement is not None
    assert outcome.statement.predicate_type == PROVENANCE
    assert outcome.signed is not None
    assert outcome.signed.log[0].startswith(f"{kind} 0.0.{2 if kind == 'intoto' else 1} at")
    assert len(outcome.signed.times) == 2


def test_repro_refuses_what_differs(real: RealSigstore, who: Who, attested: tuple[str, Path]) -> None:
    """Another signer is refused at step 6, another artifact at 8, a changed statement or unknown log at 4."""
    _, bundle = attested
    root = bundle.with_name("root.json")
    changed = json.loads(bundle.read_bytes())
    payload = base64.b64decode(changed["dsseEnvelope"]["payload"]).replace(b"build/v1", b"build/v2")
    changed["dsseEnvelope"]["payload"] = b64(payload)
    bundle.with_name("changed.json").write_text(json.dumps(changed))
    found = (
        verdict(bundle, root, who=("eve@example.org", who.issuer)),
        verdict(bundle, root, who=who.pair, content=b"another"),
        verdict(bundle.with_name("changed.json"), root, who=who.pair),
        verdict(bundle, real.trusted_root, who=who.pair),
    )
    assert [one.failed and one.failed.step for one in found] == [6, 8, 4, 4]


def test_cosign_agrees(who: Who, attested: tuple[str, Path]) -> None:
    """What cosign makes of the same bundles: it takes each for its artifact, and for no other."""
    _, bundle = attested
    more = ("verify-blob-attestation", f"--type={PROVENANCE}", STAMPED)
    root = bundle.with_name("root.json")
    good = peers.cosign_verify(bundle, bundle.with_name("artifact"), root, who.pair, *more)
    assert good.accepted, good.said
    assert not peers.cosign_verify(bundle, bundle.with_name("other"), root, who.pair, *more).accepted
