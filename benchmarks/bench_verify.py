"""Speeds of verifying, beside peers measured in the same run: sigstore-python, its command, and cosign.

    python benchmarks/bench_verify.py [TURNS] [COSIGN_CALLS]

Bundles are made by the private Sigstore of the tests. Processes take turns (A B A B …), whole, from start to
exit; in one process times are of the CPU, the least of some rounds. cosign is the one on the PATH or the one
that `make interop` built; it is called once for each of the thousand artifacts (with COSIGN_CALLS for so many
of them), with the evidence that ours reads, which takes about a minute. A missed target is said, and the exit
is 0.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from stopwatch import UNIT, Sample, alternate, measure, process, ratio
from tests.interop.tools import TOOLS
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

from repro.attest.keys import PrivateKey, generate
from repro.attest.reading import Evidence, split_evidence
from repro.attest.signing import KeySigner
from repro.attest.statement import parse_statement
from repro.attest.trust import Trust, load_trust
from repro.core.errors import ReproError
from repro.verify.artifact import artifact_of
from repro.verify.protocol import verify
from repro.verify.signers import Expectation, Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MANY = 1000
ROUNDS = 8
EACH_SECONDS, REFUSAL_SECONDS, REFUSAL_BYTES, COSIGN = 2e-3, 0.1, 100 << 20, 10
IDENTITY_SHARE, KEY_SHARE = 0.25 / 0.29, 0.15 / 0.29
"""What one verification may take: parts of what sigstore's own command takes, on one and the same machine."""

PREDICATE = "https://example.org/p/v1"
PYTHON = sys.executable
REPRO = (PYTHON, "-m", "repro", "-q", "verify")
BY_IDENTITY = ("--identity", WORKFLOW, "--issuer", GITHUB, "--trusted-root", "root", "--offline")


def met(found: float, target: float) -> str:
    """Whether a target is met."""
    return "met" if found <= target else "MISSED"


def least(*works: Callable[[], object], times: int = 1) -> list[float]:
    """Seconds of CPU of one call of each: the least of several rounds, in which they take turns."""
    found: list[list[float]] = [[] for _ in works]
    for at in range(ROUNDS + 1):
        for work, seconds in zip(works, found, strict=True):
            start = time.process_time()
            for _ in range(times):
                work()
            if at:  # the first round does not count
                seconds.append((time.process_time() - start) / times)
    return [min(seconds) for seconds in found]


def statement_about(content: bytes, *, name: str = "a") -> bytes:
    """A statement whose subject is these bytes."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}],
            "predicateType": PREDICATE,
            "predicate": {},
        }
    ).encode()


def cosign() -> str:
    """The program, "" where there is none."""
    built = TOOLS["cosign"].path
    return shutil.which("cosign") or (str(built) if built.exists() else "")


def prepare(world: PrivateSigstore, key: PrivateKey, folder: Path) -> None:
    """One artifact with its bundles, and the files that say who is trusted."""
    (folder / "artifact").write_bytes(b"artifact")
    for version in (1, 2):
        order = Order(payload=b"artifact", form="message", rekor=version)
        (folder / f"keyless{version}").write_bytes(world.sign(order))
    (folder / "keyed").write_bytes(KeySigner(key=key).blob(b"artifact"))
    (folder / "key.pub").write_bytes(key.public.to_pem())
    (folder / "root").write_bytes(world.trusted_root())
    config = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": json.loads(world.trusted_root()),
        "signingConfig": json.loads(world.signing_config()),
    }
    (folder / "config").write_text(json.dumps(config))


def one_by_one(folder: Path, turns: int) -> None:
    """One verification from the shell: ours, beside sigstore's command, a bare import of it, and cosign."""
    works: dict[str, Sequence[str]] = {
        f"repro verify, Rekor v{version}": (*REPRO, "artifact", "--bundle", f"keyless{version}", *BY_IDENTITY)
        for version in (1, 2)
    }
    works["repro verify, by key"] = (*REPRO, "artifact", "--bundle", "keyed", "--key", "key.pub")
    theirs = (PYTHON, "-m", "sigstore", "--trust-config", "config", "verify", "identity", "--offline")
    who = ("--cert-identity", WORKFLOW, "--cert-oidc-issuer", GITHUB)
    works["sigstore verify"] = (*theirs, "--bundle", "keyless1", *who, "artifact")
    works["import sigstore.verify"] = (PYTHON, "-c", "import sigstore.verify")
    works["python -c pass"] = (PYTHON, "-c", "pass")
    if cosign():
        works["cosign verify-blob"] = cosign_call("verify-blob", "keyless1", "artifact")
    found = alternate(turns, *(process(argv, cwd=folder, env=os.environ) for argv in works.values()))
    series = dict(zip(works, found, strict=True))
    peer = series["sigstore verify"]
    print(f"{'one process':<26} {'wall':>8} {'least':>8} {'cpu':>8}   of `sigstore verify`, median of pairs")
    for name, one in series.items():
        share = ratio(one, peer)
        target = KEY_SHARE if "key" in name and "repro" in name else IDENTITY_SHARE
        said = f"   target {target:.2f}: {met(share, target)}" if "repro" in name else ""
        times = f"{one.wall:7.3f}s {one.least:7.3f}s {one.cpu:7.3f}s"
        print(f"{name:<26} {times}   {share:.2f}, cpu {one.cpu / peer.cpu:.2f}{said}")


def cosign_call(verb: str, bundle: str, artifact: str, *more: str) -> list[str]:
    """A call of cosign with the same bundle, signer and root."""
    who = ("--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", GITHUB)
    return [cosign(), verb, "--bundle", bundle, "--trusted-root", "root", *who, *more, artifact]


LIBRARY = """
import hashlib, json, sys
from pathlib import Path
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

folder, identity, issuer = Path(sys.argv[1]), *sys.argv[2:]
verifier = Verifier(trusted_root=TrustedRoot.from_file("root"))
who = Identity(identity=identity, issuer=issuer)
for path in folder.glob("*.sigstore.json"):
    _, payload = verifier.verify_dsse(Bundle.from_json(path.read_bytes()), who)
    digest = hashlib.sha256(path.with_name(path.name.removesuffix(".sigstore.json")).read_bytes()).hexdigest()
    assert [one["digest"]["sha256"] for one in json.loads(payload)["subject"]] == [digest]
"""
"""The same with sigstore-python's library alone: signatures, logs, times, digests; no policy, no report."""


def batch(world: PrivateSigstore, folder: Path, calls: int) -> None:
    """A thousand files with a bundle beside each, in one call; cosign is called for each."""
    many = folder / "many"
    many.mkdir()
    for at in range(MANY):
        content = f"artifact {at}".encode()
        payload = statement_about(content, name=f"a{at}")
        (many / f"a{at}").write_bytes(content)
        (many / f"a{at}.sigstore.json").write_bytes(world.sign(Order(payload=payload, rekor=1 + at % 2)))
    works = {
        "all": (*REPRO, "many", *BY_IDENTITY),
        "one": (*REPRO, "many/a0", *BY_IDENTITY),
        "library": (PYTHON, "-c", LIBRARY, "many", WORKFLOW, GITHUB),
    }
    found = alternate(5, *(process(argv, cwd=folder, env=os.environ) for argv in works.values()))
    whole, one, library = (min(sample.cpu for sample in series.samples) for series in found)
    each = whole / MANY
    print(f"\n{MANY} artifacts by identity, half in Rekor v1 and half in v2, one call of `repro verify`:")
    print(f"  wall {found[0].wall:.2f} s, cpu {found[0].cpu:.2f} s, least {whole:.2f} s")
    print(f"  each {each * 1e3:.2f} ms of cpu, start included; target 2 ms: {met(each, EACH_SECONDS)}")
    print(f"  each further one {(whole - one) / (MANY - 1) * 1e3:.2f} ms; the first {one * 1e3:.0f} ms")
    print(f"  sigstore-python's library, one process for all: each {library / MANY * 1e3:.2f} ms of cpu")
    if cosign():
        theirs = calls_of_cosign(folder, calls)
        times = theirs.wall / calls * MANY / found[0].wall
        said = f"cosign called {calls} times, {theirs.wall:.2f} s, cpu {theirs.cpu:.2f} s"
        print(f"  {said}: {times:.1f} times ours; target {COSIGN}: {met(COSIGN, times)}")


def calls_of_cosign(folder: Path, calls: int) -> Sample:
    """What cosign takes for the first artifacts, one after another."""
    samples = []
    for at in range(calls):
        stamped = ("--use-signed-timestamps",) if at % 2 else ()
        argv = cosign_call(
            "verify-blob-attestation",
            f"many/a{at}.sigstore.json",
            f"many/a{at}",
            "--type",
            PREDICATE,
            *stamped,
        )
        samples.append(measure(argv, cwd=folder, env=os.environ))
    return Sample(wall=sum(one.wall for one in samples), cpu=sum(one.cpu for one in samples))


def in_one_process(world: PrivateSigstore, key: PrivateKey) -> None:
    """A bundle after another, with a root that is loaded once."""
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity as LibraryIdentity

    content = b"artifact"
    payload = statement_about(content)
    artifact = artifact_of("a", {"sha256": hashlib.sha256(content).hexdigest()})
    trust = Trust(world.trusted_root(), name="private")
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(world.trusted_root())
        file.flush()
        library = Verifier(trusted_root=TrustedRoot.from_file(file.name))
    who = LibraryIdentity(identity=WORKFLOW, issuer=GITHUB)
    wanted = Expectation(identities=(Identity(identity=WORKFLOW, issuer=GITHUB),), keys=(key.public,))
    print("\nin one process, cpu, one bundle:")
    for version in (1, 2):
        raw = world.sign(Order(payload=payload, rekor=version))
        evidence = Evidence(name="b", raw=raw)
        assert verify(artifact, evidence, wanted, trust).is_accepted

        def by_library(raw: bytes = raw) -> object:
            return library.verify_dsse(Bundle.from_json(raw), who)

        ours, theirs = least(partial(verify, artifact, evidence, wanted, trust), by_library, times=50)
        print(f"  Rekor v{version}: {ours * 1e3:.2f} ms; sigstore-python's library {theirs * 1e3:.2f} ms")
    evidence = Evidence(name="b", raw=KeySigner(key=key).statement(parse_statement(payload)))
    assert verify(artifact, evidence, wanted, trust).is_accepted
    (keyed,) = least(partial(verify, artifact, evidence, wanted, trust), times=300)
    print(f"  by key: {keyed * 1e3:.2f} ms")


def refusal(key: PrivateKey, folder: Path) -> None:
    """A statement of 500,000 subjects, refused by its cap: with nothing in each, and as they usually are."""
    wanted, artifact = Expectation(keys=(key.public,)), artifact_of("a", {"sha256": "0" * 64})
    usual = '{"name":"file-%06d","digest":{"sha256":"' + "a" * 64 + '"}}'
    subjects = {
        "empty": [b'{"digest":{"a":""}}'] * 500_000,
        "usual": [(usual % at).encode() for at in range(500_000)],
    }
    print("\n500,000 subjects in one statement, signed by the key that is asked for:")
    call = ("artifact", "--key", "key.pub", "--bundle")
    small = peak_of(folder, *call, "keyed")
    for name, each in subjects.items():
        payload = b'{"_type":"https://in-toto.io/Statement/v1","subject":[' + b",".join(each) + b"]}"
        raw = KeySigner(key=key).envelope(payload, "application/vnd.in-toto+json")
        (folder / "large").write_bytes(raw)

        def refuse(raw: bytes = raw) -> None:
            try:
                (evidence,) = split_evidence(raw, name="b")
            except ReproError:
                return
            assert not verify(artifact, evidence, wanted, load_trust()).is_accepted

        (seconds,), peak = least(refuse), peak_of(folder, *call, "large", expected=1)
        print(f"  {name}, {len(raw) / 1e6:.0f} MB of bundle", end="")
        print(f": {seconds * 1e3:.1f} ms of cpu, target 100: {met(seconds, REFUSAL_SECONDS)}", end="")
        print(f"; {peak >> 20} MB at the peak, target 100: {met(peak, REFUSAL_BYTES)}", end="")
        print(f" (a small bundle: {small >> 20} MB)")


PEAK = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
assert code == int(sys.argv[1]), code
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_of(folder: Path, *arguments: str, expected: int = 0) -> int:
    """Bytes of a call of `repro verify` at its peak, asked by a process that is itself small."""
    argv = (PYTHON, "-S", "-c", PEAK, str(expected), *REPRO, *arguments)
    return int(subprocess.run(argv, cwd=folder, capture_output=True, check=True).stdout) * UNIT


def main() -> None:
    """Print the tables."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    calls = int(sys.argv[2]) if len(sys.argv) > 2 else MANY  # noqa: PLR2004 - the second argument
    world, key = PrivateSigstore(), generate()
    with tempfile.TemporaryDirectory() as name:
        prepare(world, key, Path(name))
        one_by_one(Path(name), turns)
        batch(world, Path(name), calls)
        refusal(key, Path(name))
    in_one_process(world, key)


if __name__ == "__main__":
    main()
