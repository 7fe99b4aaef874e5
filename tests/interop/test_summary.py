"""The summary that `repro verify --vsa` writes is taken by slsa-verifier, for what it says alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tests.interop import peers
from tests.interop.signers import ARTIFACT, DIGEST
from tests.interop.test_command import repro

from repro.attest.keys import generate, write_private
from repro.attest.signing import KeySigner
from repro.attest.statement import statement
from repro.core.subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

BUILDER = "https://builder.example/one"
SOURCE = "https://github.com/example/lab"
VERIFIER = "https://example.org/verifier"
RESOURCE = "pkg:generic/lab/artifact@1"
POLICY = f"""
version = 1
name = "release"
uri = "https://example.org/policy"
[signers.builder]
key = "builder.pub"
[builders.one]
id = "{BUILDER}"
signers = ["builder"]
level = 3
[[artifacts]]
name = "all"
match = ["artifact"]
resource_uri = "{RESOURCE}"
[artifacts.demands.build]
kind = "provenance"
builders = ["one"]
level = 3
source = "{SOURCE}"
"""
PREDICATE = {
    "buildDefinition": {
        "buildType": "https://example.org/make/v1",
        "externalParameters": {"source": f"git+{SOURCE}"},
        "resolvedDependencies": [],
    },
    "runDetails": {"builder": {"id": BUILDER}},
}


def summary(folder: Path, *, artifact: bytes = ARTIFACT) -> int:
    """Verify an artifact and write its summary; gives back the exit code."""
    builder, verifier = generate(), generate()
    (folder / "artifact").write_bytes(artifact)
    (folder / "policy.toml").write_text(POLICY)
    (folder / "builder.pub").write_bytes(builder.public.to_pem())
    (folder / "verifier.pub").write_bytes(verifier.public.to_pem())
    write_private(folder / "verifier.key", verifier.to_pem(b""))
    made = statement(
        [Subject(name="artifact", digests={"sha256": DIGEST})], "https://slsa.dev/provenance/v1", PREDICATE
    )
    (folder / "artifact.sigstore.json").write_bytes(KeySigner(key=builder).statement(made))
    done = repro(
        folder,
        "verify",
        "artifact",
        "--policy=policy.toml",
        "--vsa=summary.sigstore.json",
        "--vsa-key=verifier.key",
        f"--verifier={VERIFIER}",
    )
    bundle = json.loads((folder / "summary.sigstore.json").read_bytes())
    # slsa-verifier reads envelopes, not bundles
    (folder / "summary.json").write_text(json.dumps(bundle["dsseEnvelope"]))
    return done.returncode


def asked(
    folder: Path,
    *,
    digest: str = DIGEST,
    level: str = "SLSA_BUILD_LEVEL_3",
    resource: str = RESOURCE,
    verifier: str = VERIFIER,
    key: str = "verifier.pub",
) -> bool:
    """Whether slsa-verifier takes the summary."""
    return peers.slsa_verifier(
        folder,
        "verify-vsa",
        f"--subject-digest=sha256:{digest}",
        f"--attestation-path={folder / 'summary.json'}",
        f"--verifier-id={verifier}",
        f"--resource-uri={resource}",
        f"--verified-level={level}",
        f"--public-key-path={folder / key}",
    ).accepted


def test_a_summary_by_repro_is_taken(tmp_path: Path) -> None:
    """A summary of a good artifact is taken for its level and those below, its resource, verifier and key."""
    assert summary(tmp_path) == 0
    assert asked(tmp_path)
    assert asked(tmp_path, level="SLSA_BUILD_LEVEL_2")
    assert not asked(tmp_path, level="SLSA_BUILD_LEVEL_4")
    assert not asked(tmp_path, digest="0" * 64)
    assert not asked(tmp_path, resource=f"{RESOURCE}0")
    assert not asked(tmp_path, verifier=f"{VERIFIER}/other")
    assert not asked(tmp_path, key="builder.pub")


def test_a_summary_of_a_refusal_is_no_pass(tmp_path: Path) -> None:
    """Of an artifact that was altered there is a summary too, which says that it failed: nobody takes it."""
    assert summary(tmp_path, artifact=b"altered") == 1
    assert not asked(tmp_path, digest=hashlib.sha256(b"altered").hexdigest())
    assert not asked(tmp_path)
