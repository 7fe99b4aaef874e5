"""How long verifying takes: 1,000 artifacts in one call, and one from the shell beside a peer's import.

python -m benchmarks.verify
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

from repro.attest.keys import generate
from repro.attest.signing import KeySigner
from repro.attest.statement import statement
from repro.core.exits import Exit
from repro.core.subject import Subject
from repro.flows.verify import Wishes, verify

ARTIFACTS = 1000
CALLS = 5


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        each = batch(folder)
        print(f"{ARTIFACTS} artifacts signed by key, one call: {each * 1000:.2f} ms of CPU each")
        shell(folder)


def batch(folder: Path) -> float:
    """CPU seconds for each of many artifacts, every one with its own statement."""
    signer = KeySigner(key=generate())
    (folder / "key.pub").write_bytes(signer.key.public.to_pem())
    for number in range(ARTIFACTS):
        content, file = str(number).encode(), folder / "many" / f"{number}.bin"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        subject = Subject(name=file.name, digests={"sha256": hashlib.sha256(content).hexdigest()})
        said = statement([subject], "https://example.org/p/v1", {})
        file.with_name(f"{file.name}.sigstore.json").write_bytes(signer.statement(said))
    (folder / "one.bin").write_bytes(b"one")
    (folder / "one.bin.sigstore.json").write_bytes(signer.blob(b"one"))
    start = time.process_time()
    report = verify(folder, Wishes(targets=("many",), keys=("key.pub",)))
    taken = time.process_time() - start
    if report.exit is not Exit.GOOD or len(report.verdicts) != ARTIFACTS:
        raise SystemExit("the artifacts do not verify")
    return taken / ARTIFACTS


def shell(folder: Path) -> None:
    """One call of each program, the best of some."""
    world = PrivateSigstore()
    (folder / "root.json").write_bytes(world.trusted_root())
    (folder / "id.bin").write_bytes(b"id")
    bundle = world.sign(Order(payload=b"id", form="message"))
    (folder / "id.bin.sigstore.json").write_bytes(bundle)
    identity = ("--identity", WORKFLOW, "--issuer", GITHUB, "--trusted-root", "root.json", "--offline")
    repro = (sys.executable, "-m", "repro", "verify", "-q")
    by_key = best(folder, *repro, "one.bin", "--key", "key.pub")
    by_identity = best(folder, *repro, "id.bin", *identity)
    peer = best(folder, sys.executable, "-c", "import sigstore.verify")
    print(
        f"one by key {by_key:.3f} s, by identity {by_identity:.3f} s; `import sigstore.verify` {peer:.3f} s"
    )
    print(f"by key {by_key / peer:.2f}, by identity {by_identity / peer:.2f} times that import")


def best(folder: Path, *argv: str) -> float:
    """Wall seconds of the fastest call."""
    found = []
    for _ in range(CALLS):
        start = time.perf_counter()
        subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return min(found)


if __name__ == "__main__":
    main()
