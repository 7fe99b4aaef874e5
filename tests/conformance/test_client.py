"""The client for the sigstore-conformance suite follows the suite's protocol."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from tests.conformance.client import main
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

from repro.attest.keys import generate
from repro.attest.signing import KeySigner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact with a keyless and a keyed bundle, and the root."""
    place = tmp_path_factory.mktemp("conformance")
    world, key = PrivateSigstore(), generate()
    (place / "artifact").write_bytes(b"artifact")
    (place / "keyless").write_bytes(world.sign(Order(payload=b"artifact", form="message")))
    (place / "keyed").write_bytes(KeySigner(key=key).blob(b"artifact"))
    (place / "key.pub").write_bytes(key.public.to_pem())
    (place / "root").write_bytes(world.trusted_root())
    return place


def keyless(folder: Path, artifact: str, *, identity: str = WORKFLOW, issuer: str = GITHUB) -> int:
    who = ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer]
    root = ["--trusted-root", str(folder / "root")]
    return main(["verify-bundle", "--bundle", str(folder / "keyless"), *who, *root, artifact])


def test_a_bundle_verifies_by_file_and_by_digest(folder: Path) -> None:
    """The artifact is a path, or a digest that is no path."""
    digest = json.loads((folder / "keyless").read_bytes())["messageSignature"]["messageDigest"]["digest"]
    assert keyless(folder, str(folder / "artifact")) == 0
    assert keyless(folder, "sha256:" + base64.b64decode(digest).hex()) == 0


@pytest.mark.parametrize(
    "who", [{"identity": "eve@example.org"}, {"issuer": "https://id.invalid"}, {"issuer": ""}]
)
def test_another_signer_is_refused(folder: Path, who: dict[str, str]) -> None:
    """Identity and issuer are what the suite says, and neither may be missing."""
    assert keyless(folder, str(folder / "artifact"), **who) == 1


@pytest.mark.parametrize("artifact", ["sha256:" + "0" * 64, "sha256:0", "missing"])
def test_another_artifact_is_refused(folder: Path, artifact: str) -> None:
    """Another digest, and what is neither a digest nor a file, do not verify."""
    assert keyless(folder, artifact) == 1


def test_a_key_verifies(folder: Path) -> None:
    """With a key no identity is asked, and the root is the packaged one, which is not needed."""
    argv = ["verify-bundle", "--bundle", str(folder / "keyed"), "--key", str(folder / "key.pub")]
    assert main([*argv, str(folder / "artifact")]) == 0
    assert main([*argv, str(folder / "root")]) == 1
