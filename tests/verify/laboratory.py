"""Policies, statements and signatures for the tests of steps 9 to 13 and of demands."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.sigstore.order import COMMIT, GITHUB, WORKFLOW

from repro.attest.keys import generate
from repro.attest.reading import Evidence
from repro.attest.signing import KeySigner
from repro.attest.statement import parse_statement
from repro.attest.trust import Trust, load_trust
from repro.core.errors import EvidenceError
from repro.flows.policy_reading import parse_policy
from repro.verify.artifact import Artifact, artifact_of
from repro.verify.candidate import Surroundings
from repro.verify.judge import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from repro.attest.keys import PrivateKey
    from repro.sbom.audit import Audit
    from repro.sbom.component import Inventory
    from repro.verify.memory import Accepted

KEYS = {name: generate() for name in ("a", "b", "c")}
SHA = hashlib.sha256(b"artifact").hexdigest()
NAME = "lab-1.0.whl"
NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
SOURCE = "git+https://github.com/example/lab@refs/tags/v1"
SHA_2 = "12" * 32

HEAD = f"""
version = 1
name = "test"
[roots.private]
file = "root.json"
[signers.a]
key = "a.pub"
[signers.b]
key = "b.pub"
[signers.c]
key = "c.pub"
[signers.release]
identity = "{WORKFLOW}"
issuer = "{GITHUB}"
root = "private"
[builders.one]
id = "https://builder.example/one"
signers = ["a"]
level = 3
operator = "one"
[builders.two]
id = "https://builder.example/two"
signers = ["b"]
level = 2
operator = "two"
[builders.hosted]
id = "https://builder.example/hosted"
signers = ["release"]
level = 3
[build_types.make]
uri = "https://example.org/make/v1"
[build_types.make.parameters]
target = {{ equals = "all" }}
level = {{ one_of = [1, 2], optional = true }}
profile = {{ pattern = "[a-z]+", optional = true }}
notes = {{ any = true, optional = true }}
"""

RULE = """
[[artifacts]]
name = "rule"
match = ["*.whl"]
"""

BUILD = """
[artifacts.demands.build]
kind = "provenance"
builders = ["one"]
level = 3
build_types = ["make"]
source = "https://github.com/example/lab"
tag = "v1"
pinned_dependencies = true
"""

PROVENANCE: dict[str, Any] = {
    "buildDefinition": {
        "buildType": "https://example.org/make/v1",
        "externalParameters": {"target": "all"},
        "internalParameters": {},
        "resolvedDependencies": [
            {"name": "source", "uri": SOURCE, "digest": {"gitCommit": COMMIT}},
            {"name": "library", "uri": "https://example.org/library", "digest": {"sha256": SHA_2}},
        ],
    },
    "runDetails": {
        "builder": {"id": "https://builder.example/one"},
        "metadata": {"finishedOn": "2026-01-15T11:00:00Z"},
    },
}
V1 = "https://slsa.dev/provenance/v1"

REPLAY: dict[str, Any] = {
    "result": "PASSED",
    "configuration": [],
    "repro_replay": {
        "experiment": "branin",
        "finishedOn": "2026-01-15T11:00:00Z",
        "conditions": {"commit": COMMIT},
    },
}
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"

SUMMARY: dict[str, Any] = {
    "verifier": {"id": "https://verifier.example"},
    "timeVerified": "2026-01-15T11:00:00Z",
    "resourceUri": f"pkg:generic/{NAME}",
    "policy": {"uri": "https://example.org/policy", "digest": {"sha256": SHA_2}},
    "verificationResult": "PASSED",
    "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
}
VSA = "https://slsa.dev/verification_summary/v1"

SBOM: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": [
        {
            "type": "library",
            "bom-ref": "x",
            "name": "x",
            "version": "1",
            "licenses": [{"license": {"id": "MIT"}}],
            "hashes": [{"alg": "SHA-256", "content": SHA_2}],
        }
    ],
}
CYCLONEDX = "https://cyclonedx.org/bom"


def changed(document: Any, *path: str | int, to: Any = None) -> Any:  # noqa: ANN401 - JSON
    """A copy with one value replaced, or taken out where there is no new one."""
    made = copy.deepcopy(document)
    node = made
    for part in path[:-1]:
        node = node[part]
    if to is None:
        del node[path[-1]]
    else:
        node[path[-1]] = to
    return made


def statement(
    predicate: object, kind: str = V1, *, subjects: list[dict[str, Any]] | None = None, sha256: str = SHA
) -> bytes:
    """A statement about the artifact, or about whatever is said."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": subjects or [{"name": NAME, "digest": {"sha256": sha256}}],
            "predicateType": kind,
            "predicate": predicate,
        }
    ).encode()


def by(key: str | PrivateKey, raw: bytes) -> bytes:
    """A bundle of a statement by a key."""
    signer = KeySigner(key=KEYS[key] if isinstance(key, str) else key)
    return signer.statement(parse_statement(raw))


def build(*path: str | int, to: object = None, key: str = "a") -> bytes:
    """Signed provenance with one value changed."""
    return by(key, statement(changed(PROVENANCE, *path, to=to) if path else PROVENANCE))


@dataclass(frozen=True, kw_only=True)
class Lab:
    """Where the keys and the root lie, and what judges."""

    folder: Path
    trusts: Mapping[str, Trust]
    inventory: Callable[[], Inventory] | None = None
    documents: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, root: bytes) -> Lab:
        """A laboratory in a folder."""
        for name, key in KEYS.items():
            (folder / f"{name}.pub").write_bytes(key.public.to_pem())
        (folder / "root.json").write_bytes(root)
        trusts = {"": Trust(b"{}", name="no root"), "private": load_trust(folder / "root.json")}
        return cls(folder=folder, trusts=trusts)

    def judge(
        self,
        demands: str,
        evidence: list[bytes],
        *,
        now: datetime = NOW,
        name: str = NAME,
        sha256: str = SHA,
        memory: Mapping[str, Accepted] | None = None,
    ) -> Verdict:
        """The verdict on the artifact."""
        policy = parse_policy((HEAD + demands).encode(), name="policy.toml", folder=self.folder)
        pieces = [Evidence(name=f"e{at}", raw=raw) for at, raw in enumerate(evidence)]
        around = Surroundings(
            now=now, inventory=self.inventory or _nothing, audit=_no_audit, document=self._document
        )
        known = artifact_of(name, {"sha256": sha256}) if sha256 else Artifact(name=name, digests={})
        return judge(known, pieces, policy, self.trusts, around, memory)

    def _document(self, sha256: str) -> bytes:
        if sha256 not in self.documents:
            raise EvidenceError("not at hand")
        return self.documents[sha256]

    def holding(self, inventory: Inventory) -> Lab:
        """The same with an artifact that holds these components."""
        return replace(self, inventory=lambda: inventory)


def _nothing() -> Inventory:
    raise EvidenceError("nothing tells what is in it")


def _no_audit(inventory: Inventory) -> Audit:
    raise EvidenceError(f"no database tells of {len(inventory.components)} components")


def failing(verdict: Verdict) -> set[str]:
    """The names of the checks that failed, of attempts too."""
    found = {one.name for one in verdict.failures}
    for rule in verdict.rules:
        for judged in rule.demands:
            for attempt in judged.attempts:
                found |= {one.name for one in attempt.checks if one.status == "fail"}
    return found
