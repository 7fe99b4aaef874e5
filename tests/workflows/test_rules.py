"""The workflows keep every rule, and an edit that breaks one is caught."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.workflows.documents import UnreadableError, load, read
from tests.workflows.rules import findings

from repro import __version__

ROOT = Path(__file__).parents[2]
CI, BUILD, RELEASE, REPRODUCE, NIGHTLY = (
    f".github/workflows/{name}.yml" for name in ("ci", "build", "release", "reproduce", "nightly")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An edit that must be caught: in `file` the first `old` becomes `new`, and a finding says `caught`."""

    name: str
    file: str
    old: str
    new: str
    caught: str


CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
GATE = "run: .venv/bin/repro gate --stage release\n"
PUSH = 'run: .github/scripts/push.sh image "$IMAGE@$DIGEST"\n'
IMAGE = "${{ vars.CLOUD_RUN_IMAGE }}@${{ needs.verify.outputs.image-digest }}"
BUILD_JOB = "    timeout-minutes: 20\n    permissions:\n      contents: read\n"

FAULTS = [
    # failures that are swallowed
    Fault(name="or-true", file=RELEASE, old=GATE, new=GATE[:-1] + " || true\n", caught="swallows"),
    Fault(
        name="or-colon",
        file=RELEASE,
        old=GATE,
        new=GATE.replace(" ", " |\n          ", 1)[:-1] + " || :\n",
        caught="swallows",
    ),
    Fault(name="or-echo", file=RELEASE, old=GATE, new=GATE[:-1] + " || echo failed\n", caught="swallows"),
    Fault(name="or-exit-0", file=RELEASE, old=GATE, new=GATE[:-1] + " || exit 0\n", caught="swallows"),
    Fault(name="then-true", file=RELEASE, old=GATE, new=GATE[:-1] + "; true\n", caught="swallows"),
    Fault(name="in-background", file=RELEASE, old=GATE, new=GATE[:-1] + " &\n", caught="swallows"),
    Fault(name="set-plus-e", file=RELEASE, old=PUSH, new="run: set +e; .github/x\n", caught="swallows"),
    Fault(
        name="continue-on-error-of-a-step",
        file=CI,
        old="      - name: Gate\n",
        new="      - name: Gate\n        continue-on-error: true\n",
        caught="not allowed: continue-on-error",
    ),
    Fault(
        name="continue-on-error-of-a-job",
        file=RELEASE,
        old="  verify:\n",
        new="  verify:\n    continue-on-error: true\n",
        caught="not allowed: continue-on-error",
    ),
    Fault(
        name="a-shell-that-goes-on", file=CI, old="-euo pipefail {0}", new="{0}", caught="the shell is not"
    ),
    Fault(
        name="a-step-with-its-own-shell",
        file=CI,
        old="      - name: Gate\n",
        new="      - name: Gate\n        shell: sh\n",
        caught="not allowed: shell",
    ),
    Fault(
        name="a-script-that-goes-on",
        file=".github/scripts/dist.sh",
        old="set -euo pipefail\n",
        new="",
        caught="does not begin",
    ),
    Fault(
        name="a-script-that-swallows",
        file=".github/scripts/dist.sh",
        old=">&2)",
        new=">&2) || true",
        caught="swallows",
    ),
    Fault(
        name="a-failure-inside-of-echo",
        file=".github/scripts/dist.sh",
        old='rm -rf "$out"',
        new='echo "built $(false)"',
        caught="swallows",
    ),
    Fault(
        name="a-script-that-forgets-its-exit-code",
        file=".github/scripts/past.sh",
        old='exit "$worst"',
        new="",
        caught="does not end with it",
    ),
    Fault(
        name="a-program-that-macos-lacks",
        file=".github/scripts/dist.sh",
        old='rm -rf "$out"',
        new='sha256sum "$work"/*',
        caught="reproduce.yml:macos:Wheel and sdist, built twice: macOS has no sha256sum",
    ),
    Fault(
        name="a-gate-that-macos-cannot-run",
        file=".github/scripts/flake.sh",
        old="nix flake check",
        new="timeout 60 nix flake check",
        caught="gate.flake: macOS has no timeout",
    ),
    Fault(
        name="a-variable-that-nobody-sets",
        file=RELEASE,
        old="      HEALTH_PATH: ${{ vars.CLOUD_RUN_HEALTH_PATH }}\n",
        new="",
        caught="release.yml:deploy:Its health: nobody sets HEALTH_PATH",
    ),
    # pins
    Fault(name="a-branch", file=CI, old=CHECKOUT, new="actions/checkout@main", caught="not pinned"),
    Fault(name="a-tag", file=CI, old=CHECKOUT, new="actions/checkout@v7", caught="not pinned"),
    Fault(
        name="a-short-commit", file=CI, old=CHECKOUT, new="actions/checkout@3d3c42e5aac5", caught="not pinned"
    ),
    Fault(
        name="another-commit",
        file=CI,
        old=CHECKOUT,
        new=CHECKOUT.replace("3d3c42e5", "deadbeef"),
        caught="not pinned",
    ),
    Fault(name="no-version", file=CI, old=CHECKOUT, new=CHECKOUT[:-9], caught="no comment # v7.0.1"),
    Fault(
        name="an-unknown-action",
        file=CI,
        old=CHECKOUT,
        new="evil/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        caught="not pinned",
    ),
    Fault(
        name="a-branch-in-the-action",
        file="action.yml",
        old="@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
        new="@v7",
        caught="not pinned",
    ),
    # permissions
    Fault(
        name="id-token-for-a-build-job",
        file=BUILD,
        old=BUILD_JOB,
        new=BUILD_JOB + "      id-token: write\n",
        caught="build.yml:dist: other permissions",
    ),
    Fault(
        name="write-all",
        file=CI,
        old="permissions: {}",
        new="permissions: write-all",
        caught="whole workflow",
    ),
    Fault(
        name="permissions-left-out",
        file=REPRODUCE,
        old="permissions: {}\n",
        new="",
        caught="permissions of the whole workflow",
    ),
    Fault(
        name="a-verifier-that-may-write",
        file=RELEASE,
        old="      attestations: read\n",
        new="      attestations: write\n",
        caught="release.yml:verify: other permissions",
    ),
    Fault(
        name="a-token-left-behind",
        file=BUILD,
        old="          persist-credentials: false\n",
        new="          persist-credentials: true\n",
        caught="persist-credentials",
    ),
    Fault(
        name="a-signer-that-runs-our-code",
        file=BUILD,
        old="        run: sha256sum --check --strict SHA256SUMS\n",
        new="        run: .github/scripts/sums.sh dist\n",
        caught="code of the repository where the identity is",
    ),
    Fault(
        name="a-second-signer",
        file=RELEASE,
        old="astral-sh/setup-uv@20cfd1bf945f4377ade1205e4dbc17946fc9a30d # v10.0.1",
        new="actions/attest@1e69f48acb82d1966a394da916b4c1698aa569d6 # v4.2.2",
        caught="attests outside build.yml",
    ),
    Fault(
        name="no-sbom-attested",
        file=BUILD,
        old="        uses: actions/attest@1e69f48acb82d1966a394da916b4c1698aa569d6 # v4.2.2\n",
        new="        run: date\n",
        caught="3 attestations",
    ),
    # gates that are lost
    Fault(
        name="verify-without-reproduce",
        file=RELEASE,
        old="needs: [gate, build, reproduce]",
        new="needs: [gate, build]",
        caught="verify: does not need reproduce",
    ),
    Fault(
        name="deploy-without-verify",
        file=RELEASE,
        old="  deploy:\n    needs: verify\n",
        new="  deploy:\n    needs: build\n",
        caught="deploy: does not need reproduce, verify",
    ),
    Fault(
        name="publish-without-needs",
        file=RELEASE,
        old="  publish:\n    needs: verify\n",
        new="  publish:\n",
        caught="publish: does not need",
    ),
    Fault(
        name="a-gate-left-out",
        file=CI,
        old="check: [lint, types, sbom, dist, policy]",
        new="check: [lint, types, sbom, dist]",
        caught="stage pull-request: workflows and table differ in ['policy']",
    ),
    Fault(
        name="a-gate-that-is-not-in-the-table",
        file=CI,
        old="check: [lint, types,",
        new="check: [lint, types, luck,",
        caught="differ in ['luck']",
    ),
    Fault(
        name="a-release-of-fewer-checks",
        file=RELEASE,
        old=GATE,
        new=GATE[:-1] + " --only lint\n",
        caught="stage release: workflows and table differ",
    ),
    Fault(
        name="a-release-gated-as-a-pull-request",
        file=RELEASE,
        old=GATE,
        new=GATE.replace("release", "pull-request"),
        caught="gates another stage",
    ),
    Fault(
        name="a-check-that-nothing-calls",
        file="repro.toml",
        old="[gate.verify]\n",
        new='[gate.luck]\ncommand = ["true"]\nstages = ["pull-request"]\n\n[gate.verify]\n',
        caught="stage pull-request: workflows and table differ in ['luck']",
    ),
    Fault(
        name="a-check-that-is-left-out",
        file=RELEASE,
        old=GATE,
        new=GATE[:-1] + " --without test\n",
        caught="leaves out a check",
    ),
    Fault(
        name="required-without-tests",
        file=CI,
        old="needs: [static, test, flake, replay]",
        new="needs: [static, flake, replay]",
        caught="required: does not need test",
    ),
    # conditions
    Fault(
        name="skipped-where-a-secret-is-missing",
        file=RELEASE,
        old="      - name: Deploy the verified digest\n",
        new="      - name: Deploy the verified digest\n        if: ${{ env.PROVIDER != '' }}\n",
        caught="a condition that may skip it",
    ),
    Fault(
        name="a-job-that-is-skipped",
        file=RELEASE,
        old="  verify:\n",
        new="  verify:\n    if: ${{ vars.VERIFY == 'yes' }}\n",
        caught="a condition that may skip it",
    ),
    Fault(
        name="deployed-although-verification-failed",
        file=RELEASE,
        old="  deploy:\n",
        new="  deploy:\n    if: ${{ always() }}\n",
        caught="a condition that may skip it",
    ),
    Fault(
        name="secrets-not-demanded",
        file=RELEASE,
        old=" REGION PROVIDER ACCOUNT\n",
        new=" REGION\n",
        caught="does not begin by demanding its secrets",
    ),
    Fault(
        name="no-rollback",
        file=RELEASE,
        old="        if: ${{ (failure() || cancelled()) && steps.before.outcome == 'success' }}\n",
        new="",
        caught="the condition is gone",
    ),
    Fault(
        name="no-rollback-of-what-is-cancelled",
        file=RELEASE,
        old="(failure() || cancelled())",
        new="failure()",
        caught="a condition that may skip it",
    ),
    Fault(
        name="traffic-stays-with-the-old-revision",
        file=RELEASE,
        old="        run: .github/scripts/cloud-run.sh switch\n",
        new="        run: .github/scripts/cloud-run.sh serving\n",
        caught="no step cloud-run.sh switch",
    ),
    Fault(
        name="the-health-of-nobody",
        file=RELEASE,
        old="        run: .github/scripts/cloud-run.sh healthy\n",
        new="        run: .github/scripts/cloud-run.sh serving\n",
        caught="no step cloud-run.sh healthy",
    ),
    Fault(
        name="anybody's-policy",
        file=RELEASE,
        old='owner.sh policy.toml "$REPOSITORY"',
        new="required.sh REPOSITORY",
        caught="does not begin by comparing the policy's repository",
    ),
    Fault(
        name="files-that-nobody-named",
        file=RELEASE,
        old='          [ "$(find . -type f | wc -l)" -eq',
        new='          [ 1 -gt 0 ] || [ "$(find . -type f | wc -l)" -eq',
        caught="does not begin by comparing files",
    ),
    # what is deployed
    Fault(name="a-tag-deployed", file=RELEASE, old=IMAGE, new="lab/repro:latest", caught="not the verified"),
    Fault(
        name="the-built-digest-deployed",
        file=RELEASE,
        old=IMAGE,
        new=IMAGE.replace("needs.verify", "needs.build"),
        caught="not the verified digest",
    ),
    Fault(
        name="a-tag-pushed",
        file=RELEASE,
        old=PUSH,
        new='run: .github/scripts/push.sh image "$IMAGE:latest"\n',
        caught="no step push.sh",
    ),
    Fault(
        name="deployed-from-source",
        file=RELEASE,
        old="          image: " + IMAGE,
        new="          source: .",
        caught="told more than service, region and image",
    ),
    Fault(
        name="the-layout-not-compared",
        file=RELEASE,
        old='run: .github/scripts/digest.sh image "$DIGEST"\n',
        new="run: .github/scripts/digest.sh image\n",
        caught="no step digest.sh",
    ),
    Fault(
        name="verified-digests-from-elsewhere",
        file=RELEASE,
        old="image-digest: ${{ steps.digests.outputs.image-digest }}",
        new="image-digest: ${{ needs.build.outputs.image-digest }}",
        caught="verify: other outputs",
    ),
    Fault(
        name="published-files-not-compared",
        file=RELEASE,
        old='          echo "$SUMS  SHA256SUMS" | sha256sum --check --strict -\n',
        new="",
        caught="publish: does not begin by comparing",
    ),
    Fault(
        name="evidence-not-compared",
        file=RELEASE,
        old='          echo "$EVIDENCE  evidence" | sha256sum --check --strict -\n',
        new="",
        caught="announce: does not go on by comparing SBOM and bundles",
    ),
    Fault(
        name="evidence-from-elsewhere",
        file=RELEASE,
        old="${{ needs.verify.outputs.evidence-sha256 }}",
        new="${{ github.sha }}",
        caught="announce: does not go on by comparing SBOM and bundles",
    ),
    Fault(
        name="evidence-that-nobody-names",
        file=RELEASE,
        old="      evidence-sha256: ${{ steps.digests.outputs.evidence-sha256 }}\n",
        new="",
        caught="verify: other outputs",
    ),
    # built again after verification
    Fault(
        name="a-wheel-built-again",
        file=RELEASE,
        old="run: uv publish",
        new="run: uv build && uv publish",
        caught="builds after verification: uv build",
    ),
    Fault(
        name="an-image-built-again",
        file=RELEASE,
        old=PUSH,
        new="run: nix build .#docker\n",
        caught="builds after verification: nix",
    ),
    Fault(
        name="built-again-by-a-script",
        file=".github/scripts/push.sh",
        old="skopeo --insecure-policy copy",
        new="docker build .\nskopeo --insecure-policy copy",
        caught="builds after verification: docker build",
    ),
    Fault(
        name="an-action-that-builds",
        file=RELEASE,
        old="astral-sh/setup-uv@20cfd1bf945f4377ade1205e4dbc17946fc9a30d # v10.0.1",
        new="cachix/install-nix-action@13d8dd58da0234aa297dedd986986ccb8e7f3e24 # v31.11.1",
        caught="cachix/install-nix-action after verification",
    ),
    Fault(
        name="the-build-called-after-verification",
        file=RELEASE,
        old="  reproduce:\n    needs: build\n",
        new="  reproduce:\n    needs: [build, verify]\n",
        caught="calls a workflow after verification",
    ),
    # code and secrets
    Fault(
        name="an-expression-in-a-shell",
        file=CI,
        old='run: .venv/bin/repro gate --stage pull-request --only "$CHECK"',
        new="run: .venv/bin/repro gate --stage pull-request --only ${{ github.head_ref }}",
        caught="an expression in its shell",
    ),
    Fault(
        name="a-secret-in-ci",
        file=CI,
        old="GH_TOKEN: ${{ github.token }}",
        new="GH_TOKEN: ${{ secrets.ADMIN_TOKEN }}",
        caught="a secret that is not written down",
    ),
    Fault(
        name="secrets-handed-on",
        file=RELEASE,
        old="    uses: ./.github/workflows/build.yml\n",
        new="    uses: ./.github/workflows/build.yml\n    secrets: inherit\n",
        caught="not allowed: secrets",
    ),
    Fault(
        name="a-stranger-with-our-rights",
        file=CI,
        old="  pull_request:\n",
        new="  pull_request_target:\n",
        caught="other triggers",
    ),
    Fault(
        name="another-ref-checked-out",
        file=BUILD,
        old="          persist-credentials: false\n",
        new="          persist-credentials: false\n          ref: main\n",
        caught="another ref",
    ),
    Fault(
        name="a-runner-of-our-own",
        file=RELEASE,
        old="runs-on: ubuntu-24.04",
        new="runs-on: self-hosted",
        caught="runs on self-hosted",
    ),
    Fault(
        name="no-approval",
        file=RELEASE,
        old="    environment: production # its protection rules ask for an approval\n",
        new="",
        caught="environment is None",
    ),
    Fault(name="no-time-limit", file=NIGHTLY, old="    timeout-minutes: 30\n", new="", caught="no timeout"),
    Fault(
        name="a-key-twice", file=CI, old="permissions: {}\n", new="permissions: {}\nname: x\n", caught="name"
    ),
]


def test_the_workflows_keep_the_rules() -> None:
    """There is nothing to find in the workflows as they stand."""
    assert findings(ROOT) == []


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("parts")
    shutil.copytree(ROOT / ".github", place / ".github")
    for name in ("action.yml", "repro.toml"):
        shutil.copy(ROOT / name, place / name)
    return place


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_is_caught(fault: Fault, parts: Path) -> None:
    """Each edit that would weaken a gate is found, for what it is."""
    path = parts / fault.file
    whole = path.read_text(encoding="utf-8")
    assert fault.old in whole, "the edit has nothing to change any more"
    try:
        path.write_text(whole.replace(fault.old, fault.new, 1), encoding="utf-8")
        found = findings(parts)
    finally:
        path.write_text(whole, encoding="utf-8")
    assert any(fault.caught in one for one in found), found


def test_faults_have_names_of_their_own() -> None:
    """No fault stands twice."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "a: [\n", "a: !!python/object:os.system {}\n"], ids=["twice", "cut", "tag"]
)
def test_the_loader_is_strict(text: str, tmp_path: Path) -> None:
    """A key that stands twice, a document that is cut and a tag of Python's are refused."""
    path = tmp_path / "x.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableError):
        load(path)


def test_what_publishes_is_the_locked_uv() -> None:
    """The job that may publish runs the version of uv that the lock file names, not whatever is newest."""
    [step] = [step for step in read(ROOT).steps if "setup-uv@" in str(step.table.get("uses"))]
    lock = (ROOT / "requirements-bootstrap.lock").read_text(encoding="utf-8")
    assert f"uv=={step.table['with']['version']} " in lock


@pytest.mark.parametrize("file", ["action.yml", ".github/actions/setup/action.yml"])
def test_an_action_leaves_the_python_of_the_job(file: str) -> None:
    """Later steps find the Python and the libraries that were there; what is installed has its own."""
    steps = [step.table for step in read(ROOT).steps if step.file == file]
    assert steps[0]["with"]["update-environment"] is False
    install = next(step for step in steps if "Install" in str(step.get("name")))
    assert install["run"].startswith("make ")
    assert install["env"]["PYTHON"] == "${{ steps.python.outputs.python-path }}"
    assert "PYTHON ?= python3\n" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_policy_releases_this_version() -> None:
    """Every tag in the policy is that of the version, and one owner and one workflow stand in all of it."""
    text = (ROOT / "policy.toml").read_text(encoding="utf-8")
    assert set(re.findall(r"refs/tags/([^\"\s]+)", text)) == {f"v{__version__}"}
    assert set(re.findall(r"^tag = \"(.*)\"$", text, re.MULTILINE)) == {f"v{__version__}"}
    assert len(set(re.findall(r"https://github\.com/([^/]+/[^/\"]+)", text))) == 1
    assert set(re.findall(r"\.github/workflows/[a-z]+\.yml", text)) == {BUILD, RELEASE}


def test_the_policy_is_in_order() -> None:
    """`repro policy check` takes the committed policy, which asks for level 3 of all that is released."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "policy", "check", "policy.toml"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rules = tomllib.loads((ROOT / "policy.toml").read_text(encoding="utf-8"))["artifacts"]
    demanded = {glob for rule in rules if "provenance" in rule["demands"] for glob in rule["match"]}
    assert demanded == {"*.whl", "*.tar.gz", "*.cdx.json", "image"}
    levels = {demand["level"] for rule in rules for demand in rule["demands"].values() if "level" in demand}
    assert levels == {3}


def test_zizmor_has_nothing_to_say_and_looks(parts: Path) -> None:
    """Nothing is found in the workflows and the action, and something in a workflow that was worsened."""
    program = shutil.which("zizmor", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("no zizmor here; make lint has one")

    def zizmor(folder: Path) -> int:
        command = [program, "--quiet", "--offline", "--no-progress", ".github", "action.yml"]
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode

    assert zizmor(ROOT) == 0
    path = parts / RELEASE
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(CHECKOUT, "actions/checkout@main"))
    try:
        assert zizmor(parts) != 0
    finally:
        path.write_text(whole)
