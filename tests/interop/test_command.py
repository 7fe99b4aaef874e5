"""The command line against the real servers, as a release job calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.interop import peers
from tests.interop.ours import verdict
from tests.interop.signers import ARTIFACT, PROVENANCE, STATEMENT
from tests.interop.who import workflow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.servers import RealSigstore


def repro(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "repro", "-C", str(folder), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_sign_by_identity(real: RealSigstore, tmp_path: Path) -> None:
    """`repro sign` with a workflow's token writes a bundle that cosign takes, and never shows the token."""
    who = workflow(real)
    (tmp_path / "artifact").write_bytes(ARTIFACT)
    (tmp_path / "provenance.json").write_bytes(STATEMENT)
    (tmp_path / "token").write_text(who.token)
    done = repro(
        tmp_path,
        "sign",
        "provenance.json",
        "--identity-token-file=token",
        f"--trust-config={real.trust_config}",
        "--out=bundle.sigstore.json",
    )
    assert done.returncode == 0, done.stderr
    assert who.token not in done.stdout + done.stderr
    bundle = tmp_path / "bundle.sigstore.json"
    outcome = verdict(bundle, real.trusted_root, who=who.pair)
    assert outcome.is_accepted, outcome.failed
    more = (f"--type={PROVENANCE}", "--use-signed-timestamps")
    taken = peers.cosign_verify(
        bundle, tmp_path / "artifact", real.trusted_root, who.pair, "verify-blob-attestation", *more
    )
    assert taken.accepted, taken.said


def test_a_refused_token_is_no_signature(real: RealSigstore, tmp_path: Path) -> None:
    """A token that Fulcio does not take ends with exit 3 and its reason, no bundle, and no token shown."""
    (tmp_path / "provenance.json").write_bytes(STATEMENT)
    token = real.issuer.token("/nowhere", "eve@example.org", email="eve@example.org", email_verified=True)
    (tmp_path / "token").write_text(token)
    done = repro(
        tmp_path,
        "sign",
        "provenance.json",
        "--identity-token-file=token",
        f"--trust-config={real.trust_config}",
        "--out=bundle.sigstore.json",
    )
    assert done.returncode == 3, done.stderr
    assert "400" in done.stderr
    assert token not in done.stdout + done.stderr
    assert not (tmp_path / "bundle.sigstore.json").exists()
