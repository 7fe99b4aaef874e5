"""The tests' own Sigstore before independent tools: its bundles are real ones, its defects real defects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.interop import peers
from tests.interop.signers import ARTIFACT, PROVENANCE, STATEMENT
from tests.sigstore.defects.table import DEFECTS
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

if TYPE_CHECKING:
    from pathlib import Path

WHO = (WORKFLOW, GITHUB)
WITNESSED = [name for name, defect in DEFECTS.items() if defect.step in {4, 6}]

LET_BY = {
    "cosign": {
        "ca-as-leaf",
        "edited-leaf-index",
        "kind-in-disguise",
        "not-for-signatures",
        "one-of-two-times-too-late",
        "timestamp-twice",
        "wrong-root-hash",
    },
    "sigstore-js": {
        "ca-as-leaf",
        "entry-with-another-certificate",
        "not-for-code-signing",
        "not-for-signatures",
        "wrong-root-hash",
    },
}
"""What the pinned versions accept, and `repro` does not."""


@pytest.fixture(scope="module")
def present() -> PrivateSigstore:
    return PrivateSigstore(now=datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def folder(present: PrivateSigstore, tmp_path: Path) -> Path:
    (tmp_path / "artifact").write_bytes(ARTIFACT)
    (tmp_path / "root.json").write_bytes(present.trusted_root())
    return tmp_path


def by_cosign(folder: Path, form: str, *, stamped: bool) -> peers.Outcome:
    bundle, root = folder / "bundle.json", folder / "root.json"
    verb = "verify-blob-attestation" if form == "dsse" else "verify-blob"
    more = [f"--type={PROVENANCE}"] if form == "dsse" else []
    more += ["--use-signed-timestamps"] if stamped else []
    return peers.cosign_verify(bundle, folder / "artifact", root, WHO, verb, *more)


def by_javascript(folder: Path, form: str) -> peers.Outcome:
    more = [folder / "artifact"] if form == "message" else []
    return peers.javascript_call(folder, "verify", folder / "bundle.json", folder / "root.json", *WHO, *more)


@pytest.mark.parametrize("form", ["dsse", "message"])
@pytest.mark.parametrize("rekor", [1, 2])
def test_other_tools_verify_the_private_sigstore(
    present: PrivateSigstore, folder: Path, rekor: int, form: str
) -> None:
    """What the private Sigstore signs, with either log, is taken by cosign and sigstore-js."""
    payload = STATEMENT if form == "dsse" else ARTIFACT
    order = Order(payload=payload, form=form, rekor=rekor)
    (folder / "bundle.json").write_bytes(present.sign(order))
    cosign = by_cosign(folder, form, stamped=rekor == 2)
    assert cosign.accepted, cosign.said
    javascript = by_javascript(folder, form)
    assert javascript.accepted, javascript.said


@pytest.mark.parametrize("name", WITNESSED)
def test_other_tools_refuse_the_defects(present: PrivateSigstore, folder: Path, name: str) -> None:
    """Each defect of signature, witness or identity is one to others too, but for what they let by."""
    defect = DEFECTS[name]
    form = str(defect.changes.get("form", "dsse"))
    payload = STATEMENT if form == "dsse" else ARTIFACT
    (folder / "bundle.json").write_bytes(present.sign(Order(payload=payload), name))
    cosign = by_cosign(folder, form, stamped=defect.changes.get("rekor", 2) == 2)
    assert cosign.accepted == (name in LET_BY["cosign"]), cosign.said
    javascript = by_javascript(folder, form)
    assert javascript.accepted == (name in LET_BY["sigstore-js"]), javascript.said
