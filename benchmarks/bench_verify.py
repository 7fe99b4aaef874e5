"""Speeds of verifying, beside peers measured in the same run: sigstore-python's library and command, cosign.

    python benchmarks/bench_verify.py [TURNS]

Bundles are made by the private Sigstore of the tests. In one process times are of the CPU, the least of some
rounds; of processes they are wall clock, by turns with the peer. A missed target is said, and the exit is 0.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify import policy as policies
from stopwatch import alternate, process
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

from repro.attest.keys import PrivateKey, generate
from repro.attest.reading import Evidence, split_evidence
from repro.attest.signing import KeySigner
from repro.attest.statement import parse_statement
from repro.attest.trust import Trust, load_trust
from repro.verify.artifact import artifact_of, open_artifact
from repro.verify.protocol import verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 1000
ROUNDS = 5
BATCH_SECONDS, REFUSAL_SECONDS, COSIGN = 2e-3, 0.1, 10
CLIENT = Path(__file__).parent.parent / "tests/conformance/client.py"
PREDICATE = "https://example.org/p/v1"


def least(work: Callable[[], object], times: int) -> float:
    """Seconds of CPU of one call: the least of several rounds."""
    work()
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - start) / times)
    return min(found)


def statement_about(content: bytes) -> bytes:
    """A statement whose subject is these bytes."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "a", "digest": {"sha256": hashlib.sha256(content).hexdigest()}}],
            "predicateType": PREDICATE,
        }
    ).encode()


def row(name: str, seconds: float, peer: str, peer_seconds: float, *, target: float = 0) -> None:
    """One line."""
    ratio = f"{seconds / peer_seconds:6.2f} x {peer} ({peer_seconds * 1e3:.2f} ms)" if peer_seconds else ""
    said = f"   target {target * 1e3:.0f} ms: {'met' if seconds <= target else 'MISSED'}" if target else ""
    print(f"{name:<36} {seconds * 1e3:8.3f} ms  {ratio}{said}")


def in_one_process(world: PrivateSigstore, key: PrivateKey) -> None:
    """A bundle after another, with a root that is loaded once."""
    content = b"artifact"
    payload, artifact = (
        statement_about(content),
        artifact_of("a", {"sha256": hashlib.sha256(content).hexdigest()}),
    )
    trust = Trust(world.trusted_root(), name="private")
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(world.trusted_root())
        file.flush()
        library = Verifier(trusted_root=TrustedRoot.from_file(file.name))
    who = policies.Identity(identity=WORKFLOW, issuer=GITHUB)
    wanted = Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),), keys=(key.public,))
    for version in (1, 2):
        raw = world.sign(Order(payload=payload, rekor=version))
        evidence = Evidence(name="b", raw=raw)
        assert verify(artifact, evidence, wanted, trust).is_accepted
        ours = least(lambda evidence=evidence: verify(artifact, evidence, wanted, trust), 100)  # type: ignore[misc]
        theirs = least(lambda raw=raw: library.verify_dsse(Bundle.from_json(raw), who), 100)  # type: ignore[misc]
        row(
            f"keyless bundle, Rekor v{version}",
            ours,
            "sigstore-python's library",
            theirs,
            target=BATCH_SECONDS,
        )
    evidence = Evidence(name="b", raw=KeySigner(key=key).statement(parse_statement(payload)))
    assert verify(artifact, evidence, wanted, trust).is_accepted
    row("bundle by key", least(lambda: verify(artifact, evidence, wanted, trust), 300), "", 0)


def batch(world: PrivateSigstore, folder: Path, cosign: float) -> None:
    """A thousand files with a bundle each, read from the disk, on one core."""
    pairs = []
    for at in range(MANY):
        content = f"artifact {at}".encode()
        (folder / f"a{at}").write_bytes(content)
        (folder / f"b{at}").write_bytes(world.sign(Order(payload=statement_about(content), rekor=1 + at % 2)))
        pairs.append((folder / f"a{at}", folder / f"b{at}"))
    wanted = Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),))
    start = time.process_time()
    trust = Trust(world.trusted_root(), name="private")
    for artifact, bundle in pairs:
        (evidence,) = split_evidence(bundle.read_bytes(), name=bundle.name)
        assert verify(open_artifact(artifact), evidence, wanted, trust).is_accepted
    each = (time.process_time() - start) / MANY
    row(f"{MANY} files and bundles, each", each, "cosign, one call", cosign, target=BATCH_SECONDS)
    if cosign:
        met = "met" if cosign / each >= COSIGN else "MISSED"
        print(f"{'':<36} {cosign / each:8.1f} times cosign's speed; target {COSIGN}: {met}")


def refusal(key: PrivateKey) -> None:
    """A statement of 500,000 subjects, refused by its cap."""
    payload = b'{"_type":"x","subject":[' + b",".join([b'{"digest":{"a":""}}'] * 500_000) + b"]}"
    raw = KeySigner(key=key).envelope(payload, "application/vnd.in-toto+json")
    wanted, artifact = Expectation(keys=(key.public,)), artifact_of("a", {"sha256": "0" * 64})

    def refuse() -> None:
        (evidence,) = split_evidence(raw, name="b")
        assert not verify(artifact, evidence, wanted, load_trust()).is_accepted

    row("500,000 subjects refused", least(refuse, 1), "", 0, target=REFUSAL_SECONDS)


def processes(world: PrivateSigstore, key: PrivateKey, folder: Path, turns: int) -> float:
    """Whole processes; returns cosign's seconds, 0 where there is none on the PATH."""
    (folder / "artifact").write_bytes(b"artifact")
    (folder / "keyless").write_bytes(world.sign(Order(payload=b"artifact", form="message", rekor=1)))
    (folder / "keyed").write_bytes(KeySigner(key=key).blob(b"artifact"))
    (folder / "key.pub").write_bytes(key.public.to_pem())
    (folder / "root").write_bytes(world.trusted_root())
    root = json.loads(world.trusted_root())
    config = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root,
        "signingConfig": json.loads(world.signing_config()),
    }
    (folder / "config").write_text(json.dumps(config))
    who = ["--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", GITHUB]
    client = [sys.executable, str(CLIENT), "verify-bundle", "--bundle"]
    peer = [sys.executable, "-m", "sigstore", "--trust-config", "config", "verify", "identity", "--offline"]
    peer += ["--bundle", "keyless", "--cert-identity", WORKFLOW, "--cert-oidc-issuer", GITHUB, "artifact"]
    cosign = shutil.which("cosign")
    works = [
        [*client, "keyless", *who, "--trusted-root", "root", "artifact"],
        [*client, "keyed", "--key", "key.pub", "artifact"],
        peer,
    ]
    if cosign:
        works.append(
            [cosign, "verify-blob", "--bundle", "keyless", "--trusted-root", "root", *who, "artifact"]
        )
    series = alternate(turns, *(process(argv, cwd=folder, env=os.environ) for argv in works))
    row("one process, keyless", series[0].wall, "python -m sigstore verify", series[2].wall, target=0.25)
    row("one process, by key", series[1].wall, "python -m sigstore verify", series[2].wall, target=0.15)
    return series[3].wall if cosign else 0


def main() -> None:
    """Print the table."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    world, key = PrivateSigstore(), generate()
    with tempfile.TemporaryDirectory() as name:
        cosign = processes(world, key, Path(name), turns)
        in_one_process(world, key)
        batch(world, Path(name), cosign)
    refusal(key)


if __name__ == "__main__":
    main()
