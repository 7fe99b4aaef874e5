"""Real provenance and a real summary against whole policies: accepted as it is, refused at the right step."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.verify.shared import SHARED, needs_shared
from tests.verify.test_shared_provenance import GENERATOR, REAL, Real, artifact_for, evidence_of

from repro.attest.trust import load_trust
from repro.core.check import Status
from repro.core.errors import EvidenceError
from repro.core.exits import Exit
from repro.flows.policy_reading import parse_policy
from repro.verify.candidate import Surroundings
from repro.verify.judge import judge

if TYPE_CHECKING:
    from repro.attest.trust import Trust
    from repro.sbom.audit import Audit
    from repro.sbom.component import Inventory
    from repro.verify.judge import Verdict

ROOT = SHARED / "provenance"
EXAMPLE = "https://github.com/slsa-framework/example-package"
NPM_TESTED = "https://github.com/laurentsimon/provenance-npm-test"
GOGGLES = "https://github.com/trishankatdatadog/supreme-goggles"
DELEGATED = "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"
WORKFLOW = "https://actions.github.io/buildtypes/workflow/v1"

pytestmark = needs_shared


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a policy says of a real build: who built it, how, with which parameters, from where."""

    path: str
    at: int = 0
    builder: str
    level: int = 3
    demanded: int = 3
    build_type: str
    parameters: tuple[str, ...]
    repository: str
    ref: str
    pinned: bool = True
    identity: str = ""

    @property
    def real(self) -> Real:
        """The attestation itself."""
        return next(one for one in REAL if (one.path, one.at) == (self.path, self.at))


BUILT = (
    Built(
        path="gha_generic/v2.1.0/binary-linux-amd64-push-v14.intoto.jsonl",
        builder=f"{GENERATOR}/generator_generic_slsa3.yml@refs/tags/v2.1.0",
        build_type="https://github.com/slsa-framework/slsa-github-generator/generic@v1",
        parameters=("configSource",),
        repository=EXAMPLE,
        ref='tag = "v14"',
    ),
    Built(
        path="gha_go/v2.1.0/binary-linux-amd64-workflow_dispatch.intoto.jsonl",
        builder=f"{GENERATOR}/builder_go_slsa3.yml@refs/tags/v2.1.0",
        build_type="https://github.com/slsa-framework/slsa-github-generator/go@v1",
        parameters=("configSource",),
        repository=EXAMPLE,
        ref='branch = "main"',
        pinned=False,
    ),
    Built(
        path="gha_container-based/v2.1.0/binary-linux-amd64-push-v14.intoto.build.slsa",
        builder=f"{GENERATOR}/builder_container-based_slsa3.yml@refs/tags/v2.1.0",
        build_type="https://slsa.dev/container-based-build/v0.1?draft",
        parameters=("source", "builderImage", "configPath", "buildConfig"),
        repository=EXAMPLE,
        ref='tag = "v14"',
    ),
    Built(
        path="gha_gradle/v2.1.0/binary-linux-amd64-push-v14.2.build.slsa",
        builder=f"{GENERATOR}/builder_gradle_slsa3.yml@refs/tags/v2.1.0",
        build_type=DELEGATED,
        parameters=("inputs", "vars"),
        repository=EXAMPLE,
        ref='tag = "v14.2"',
    ),
    Built(
        path="gha_maven/v2.1.0/binary-linux-amd64-push-v14.build.slsa",
        builder=f"{GENERATOR}/builder_maven_slsa3.yml@refs/tags/v2.1.0",
        build_type=DELEGATED,
        parameters=("inputs", "vars"),
        repository=EXAMPLE,
        ref='tag = "v14"',
    ),
    Built(
        path="github/custom-issuer.sigstore.json",
        builder="https://github.com/too-legit/attest/.github/workflows/integration.yml@refs/heads/main",
        build_type=WORKFLOW,
        parameters=("workflow",),
        repository="https://github.com/too-legit/attest",
        ref='branch = "main"',
        level=2,
        demanded=2,
    ),
    Built(
        path="bcr/MODULE.bazel.intoto.jsonl",
        builder="https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml@refs/tags/v0.0.1",
        build_type=WORKFLOW,
        parameters=("workflow",),
        repository="https://github.com/aspect-build/rules_lint",
        ref='branch = "publish-to-bcr"',
    ),
    Built(
        path="npm/gha/provenance-npm-test-ossf.tgz.json",
        at=1,
        builder=f"{GENERATOR}/builder_nodejs_slsa3.yml@refs/tags/v1.6.0",
        build_type=DELEGATED,
        parameters=("configSource", "parameters"),
        repository=NPM_TESTED,
        ref='branch = "main"',
    ),
    Built(
        path="npm/gha/supreme-googles-cli-v02-tag.tgz.json",
        at=1,
        builder="https://github.com/actions/runner",
        build_type="https://github.com/npm/cli/gha/v2",
        parameters=("configSource",),
        repository=GOGGLES,
        ref='tag = "v1.0.5"',
        level=2,
        demanded=2,
    ),
)

WRONG = (
    ("signer-with-a-longer-ref", 6, lambda one: replace(one, identity=f"{one.real.identity}-evil")),
    ("builder-at-another-ref", 9, lambda one: replace(one, builder=f"{one.builder}-evil")),
    ("builder-of-another-org", 9, lambda one: replace(one, builder=one.builder.replace(".com/", ".com/x"))),
    ("builder-of-a-lower-level", 9, lambda one: replace(one, level=one.demanded - 1)),
    ("other-build-type", 10, lambda one: replace(one, build_type=f"{one.build_type}/")),
    ("parameter-that-is-not-allowed", 11, lambda one: replace(one, parameters=one.parameters[1:])),
    ("parameter-that-is-missing", 11, lambda one: replace(one, parameters=(*one.parameters, "x"))),
    ("repository-with-a-longer-name", 12, lambda one: replace(one, repository=f"{one.repository}-evil")),
    ("fork", 12, lambda one: replace(one, repository=one.repository.replace(".com/", ".com/mallory-"))),
    ("other-host", 12, lambda one: replace(one, repository=one.repository.replace(".com/", ".com.evil/"))),
    ("longer-ref", 12, lambda one: replace(one, ref=one.ref[:-1] + '0"')),
    ("tag-for-branch", 12, lambda one: replace(one, ref=swapped(one.ref))),
)
"""What is said wrongly, and the step that refuses."""


def swapped(ref: str) -> str:
    """The branch of a tag's name, or the reverse."""
    return ref.replace("tag", "branch") if "tag" in ref else ref.replace("branch", "tag")


@pytest.fixture(scope="module")
def trust() -> Trust:
    """The root of the folder."""
    return load_trust(ROOT / "trusted_root_public_good.json")


def policy_of(built: Built) -> str:
    """The policy in words of TOML."""
    parameters = "\n".join(f"{json.dumps(one)} = {{ any = true }}" for one in built.parameters)
    return f"""
version = 1
name = "real"
[signers.builder]
identity = {json.dumps(built.identity or built.real.identity)}
issuer = {json.dumps(built.real.issuer)}
[builders.builder]
id = {json.dumps(built.builder)}
signers = ["builder"]
level = {built.level}
[builders.other]
id = "https://builder.example/other"
signers = ["builder"]
level = 3
[build_types.kind]
uri = {json.dumps(built.build_type)}
[build_types.kind.parameters]
{parameters}
[[artifacts]]
name = "all"
match = ["**"]
[artifacts.demands.build]
kind = "provenance"
builders = ["builder", "other"]
level = {built.demanded}
build_types = ["kind"]
source = {json.dumps(built.repository)}
{built.ref}
pinned_dependencies = {json.dumps(built.pinned)}
"""


def nothing_inside() -> Inventory:
    raise EvidenceError("nothing tells what is in it")


def no_audit(_inventory: Inventory) -> Audit:
    raise EvidenceError("no database is at hand")


def no_document(_sha256: str) -> bytes:
    raise EvidenceError("no document is at hand")


def held(real: Real, text: str, trust: Trust) -> Verdict:
    """The verdict on a real artifact by a policy."""
    policy = parse_policy(text.encode(), name="policy.toml", folder=ROOT)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    around = Surroundings(now=now, inventory=nothing_inside, audit=no_audit, document=no_document)
    return judge(artifact_for(real), [evidence_of(real.path, real.at)], policy, {"": trust}, around)


def refused_at(verdict: Verdict) -> int | None:
    """The step that failed, of the evidence or of the demand."""
    (seen,) = verdict.seen
    checks = list(seen.outcome.checks)
    checks += [check for one in verdict.rules[0].demands[0].attempts for check in one.checks]
    return next((one.step for one in checks if one.status is Status.FAIL), None)


@pytest.mark.parametrize("built", BUILT, ids=lambda one: one.path)
def test_real_provenance_meets_its_policy(built: Built, trust: Trust) -> None:
    """A real build is accepted for its signer, builder, type, parameters, source and ref, at its level."""
    verdict = held(built.real, policy_of(built), trust)
    assert verdict.exit is Exit.GOOD, verdict.reason
    assert verdict.levels == (f"SLSA_BUILD_LEVEL_{built.level}",)
    (attempt,) = verdict.rules[0].demands[0].attempts
    passed = {one.step for one in attempt.checks if one.status is Status.PASS}
    assert passed >= {9, 10, 11, 12} | ({13} if built.pinned else set())


@pytest.mark.parametrize("built", BUILT, ids=lambda one: one.path)
@pytest.mark.parametrize(("name", "step", "make"), WRONG, ids=[one[0] for one in WRONG])
def test_real_provenance_of_another_is_refused(
    name: str, step: int, make: object, built: Built, trust: Trust
) -> None:
    """The same build under a policy that says one thing otherwise is refused at the step about that."""
    assert callable(make)
    verdict = held(built.real, policy_of(make(built)), trust)
    assert verdict.exit is Exit.WRONG, name
    assert refused_at(verdict) == step, verdict.reason
    assert verdict.levels == ()


def test_a_dependency_without_digest_is_refused(trust: Trust) -> None:
    """A real build that names an image by its tag alone fails at step 13, where digests are demanded."""
    loose = next(one for one in BUILT if not one.pinned)
    verdict = held(loose.real, policy_of(replace(loose, pinned=True)), trust)
    assert (verdict.exit, refused_at(verdict)) == (Exit.WRONG, 13)


def test_a_signer_who_vouches_for_another_builder(trust: Trust) -> None:
    """The delegator's identity signs for several builders: for one that is not named it proves nothing."""
    gradle, maven = (next(one for one in BUILT if kind in one.path) for kind in ("gradle", "maven"))
    assert gradle.real.identity == maven.real.identity
    verdict = held(gradle.real, policy_of(replace(gradle, builder=maven.builder)), trust)
    assert (verdict.exit, refused_at(verdict)) == (Exit.WRONG, 9)


VSA = {
    "verifiers": ["https://bcid.corp.google.com/verifier/bcid_package_enforcer/v0.1"],
    "resource_uri": "gce_image://gke-node-images:gke-12615-gke1418000-cos-101-17162-463-29-c-cgpv1-pre",
    "levels": ["SLSA_BUILD_LEVEL_2"],
}


def summary_policy(said: dict[str, object]) -> str:
    """A policy that takes Google's summary."""
    wanted = "\n".join(f"{key} = {json.dumps(value)}" for key, value in said.items())
    return f"""
version = 1
name = "real"
[signers.google]
key = "vsa/gce/v1/vsa_signing_public_key.pem"
[[artifacts]]
name = "all"
match = ["**"]
[artifacts.demands.summary]
kind = "vsa"
signers = ["google"]
{wanted}
"""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("", None),
        ("verifiers", ["https://bcid.corp.google.com/verifier/bcid_package_enforcer"]),
        ("resource_uri", str(VSA["resource_uri"]).removesuffix("-pre")),
        ("levels", ["SLSA_BUILD_LEVEL_3"]),
        ("policy_sha256", "12" * 32),
    ],
)
def test_a_real_summary_meets_its_policy(key: str, value: object, trust: Trust) -> None:
    """Google's summary of an image is accepted for its verifier, resource and level, and for no others."""
    real = next(one for one in REAL if one.path.startswith("vsa/"))
    verdict = held(real, summary_policy(VSA | ({key: value} if key else {})), trust)
    if not key:
        assert verdict.exit is Exit.GOOD, verdict.reason
        assert verdict.levels == ("SLSA_BUILD_LEVEL_2",)
    else:
        assert (verdict.exit, refused_at(verdict)) == (Exit.WRONG, 13)
        assert verdict.levels == ()
