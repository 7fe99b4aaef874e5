"""What must hold of the workflows. `findings` says what does not; an empty list is a pass.

Every exception is written down here by name, so that an edit that wants another one has to change this file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.workflows.documents import EXPRESSION, Job, Step, Tree, UnreadableError, expanded, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PINS = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "actions/upload-artifact": ("043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "v7.0.1"),
    "actions/download-artifact": ("3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"),
    "actions/attest": ("1e69f48acb82d1966a394da916b4c1698aa569d6", "v4.2.2"),
    "cachix/install-nix-action": ("13d8dd58da0234aa297dedd986986ccb8e7f3e24", "v31.11.1"),
    "astral-sh/setup-uv": ("20cfd1bf945f4377ade1205e4dbc17946fc9a30d", "v10.0.1"),
    "google-github-actions/auth": ("7c6bc770dae815cd3e89ee6cdf493a5fab2cc093", "v3.0.0"),
    "google-github-actions/deploy-cloudrun": ("2028e2d7d30a78c6910e0632e48dd561b064884d", "v3.0.1"),
}
"""The actions of others that may be used, each at one commit."""

READ = {"contents": "read"}
PERMISSIONS: dict[tuple[str, str], dict[str, str]] = {
    ("ci.yml", "comment"): {"pull-requests": "write"},
    ("ci.yml", "required"): {},
    ("build.yml", "attest"): {"id-token": "write", "attestations": "write"},
    # A workflow that is called has at most what its caller grants.
    ("release.yml", "build"): {**READ, "id-token": "write", "attestations": "write"},
    ("release.yml", "verify"): {**READ, "attestations": "read"},
    ("release.yml", "publish"): {"id-token": "write"},
    ("release.yml", "deploy"): {**READ, "id-token": "write"},
    ("release.yml", "announce"): {"contents": "write"},
}
"""Every job that may do more, or less, than read the repository."""

GATES = {
    ("build.yml", "attest"): {"dist", "image"},
    ("reproduce.yml", "compare"): {"again", "macos"},
    ("release.yml", "build"): {"gate"},
    ("release.yml", "reproduce"): {"gate", "build"},
    ("release.yml", "verify"): {"gate", "build", "reproduce"},
    ("release.yml", "publish"): {"gate", "build", "reproduce", "verify"},
    ("release.yml", "deploy"): {"gate", "build", "reproduce", "verify"},
    ("release.yml", "announce"): {"gate", "build", "reproduce", "verify", "publish", "deploy"},
    ("ci.yml", "required"): {"static", "test", "flake", "replay"},
    ("ci.yml", "comment"): {"replay"},
}
"""What must have succeeded before a job begins, directly or through others."""

CONDITIONS = {
    ("ci.yml", "replay", "Show the drift report"): "${{ !cancelled() }}",
    ("ci.yml", "replay", "Keep the drift report"): "${{ !cancelled() }}",
    ("ci.yml", "comment", ""): (
        "${{ !cancelled() && github.event_name == 'pull_request'"
        " && github.event.pull_request.head.repo.full_name == github.repository }}"
    ),
    ("ci.yml", "required", ""): "${{ always() }}",
    ("release.yml", "deploy", "Roll back"): (
        "${{ (failure() || cancelled()) && steps.before.outcome == 'success' }}"
    ),
    ("nightly.yml", "past", "Show what could be realised and what could not"): "${{ !cancelled() }}",
    ("nightly.yml", "past", "Keep it"): "${{ !cancelled() }}",
    ("action.yml", "", "Comment"): (
        "${{ !cancelled() && inputs.comment == 'true' && steps.replay.outputs.report != '' }}"
    ),
}
"""Every condition there may be: whatever else is conditional could skip a gate."""

ENVIRONMENTS = {("release.yml", "publish"): "pypi", ("release.yml", "deploy"): "production"}
SECRETS = {"GCP_WORKLOAD_IDENTITY_PROVIDER", "GCP_SERVICE_ACCOUNT"}
TRIGGERS = {
    "ci.yml": {"push", "pull_request"},
    "build.yml": {"workflow_call"},
    "reproduce.yml": {"workflow_call", "workflow_dispatch"},
    "release.yml": {"push"},
    "nightly.yml": {"schedule", "workflow_dispatch"},
}
RUNNERS = {"ubuntu-24.04", "macos-15"}
SHELL = "bash --noprofile --norc -euo pipefail {0}"
SCRIPT_HEAD = re.compile(r"#!/usr/bin/env bash\n(?:#.*\n)+set -euo pipefail\n")

SWALLOWED = re.compile(
    r"\|\|\s*(?:true|:|exit\s+0|echo|printf|return\s+0)|;\s*true\b|&\s*$|set\s+\+[a-z]*e|set\s+\+o"
    r"|\bexit\s+0\b|trap\s+(?:-|''|\"\")\s+ERR|\bif\s+!\s"
    r"|\b(?:echo|printf|export|local|readonly|declare)\b[^\n;|]*\$\((?!\()|<\(",
    re.MULTILINE,
)
"""What hides a failure in a shell."""

HARMLESS = {
    ".github/scripts/isolation.sh": 2,  # not Linux, or not a hosted runner: nothing to prepare
    ".github/scripts/health.sh": 1,  # it answers
    ".github/scripts/action-replay.sh": 1,  # no experiments are asked for
}
"""How often a script may match SWALLOWED, for the reason beside it."""

AFTER = {
    "actions/checkout",
    "actions/download-artifact",
    "astral-sh/setup-uv",
    "google-github-actions/auth",
    "google-github-actions/deploy-cloudrun",
}
"""What jobs that come after verification may use: nothing that builds."""

BUILDS = re.compile(
    r"\bnix\b|\bdocker\s+(?:build|buildx|compose)|\bpodman\b|\bbuildah\b|\bhatchling\b|\buv build\b|\bmake\b"
    r"|\bpip\b|\bpython3? -m build\b|dist\.sh|layout\.sh|sbom\.sh|docker-archive:|gcloud builds|--source\b"
)


def findings(root: Path) -> list[str]:
    """All that does not hold, in words."""
    try:
        tree = read(root)
    except UnreadableError as error:
        return [str(error)]
    rules = (
        triggers, pins, checkouts, permissions, signer, needs, conditions, swallowed, shells, expressions,
        secrets, verified, deployed, published, nothing_built_after, gates, jobs,
    )  # fmt: skip
    return [found for rule in rules for found in rule(tree)]


def triggers(tree: Tree) -> Iterator[str]:
    """Workflows begin where it is written here; none for a stranger with the rights of the owner."""
    if set(tree.workflows) != set(TRIGGERS):
        yield f"workflows: {sorted(tree.workflows)}, not {sorted(TRIGGERS)}"
    for file, workflow in tree.workflows.items():
        on = workflow["on"]
        if ({on} if isinstance(on, str) else set(on)) != TRIGGERS.get(file):
            yield f"{file}: other triggers: {on}"
        if "workflow_call" not in TRIGGERS.get(file, set()) and "concurrency" not in workflow:
            yield f"{file}: no concurrency"


def pins(tree: Tree) -> Iterator[str]:
    """Every action of others is a commit that is written here, with its version beside it."""
    for step in tree.steps:
        uses = str(step.table.get("uses", ""))
        if uses.startswith("./"):
            if f"{uses[2:]}/action.yml" not in tree.actions:
                yield f"{step.where}: no such action"
        elif uses:
            name, _, ref = uses.partition("@")
            commit, version = PINS.get(name, ("", ""))
            if not re.fullmatch(r"[0-9a-f]{40}", ref) or ref != commit:
                yield f"{step.where}: not pinned to the commit of {version or 'a known version'}: {uses}"
    for file, text in tree.texts.items():
        for line in text.splitlines():
            name = line.partition("@")[0].rpartition(" ")[2]
            version = PINS.get(name, ("", "a known version"))[1]
            if re.search(r"^\s*(?:- )?uses: [^.]", line) and not line.endswith(f" # {version}"):
                yield f"{file}: no comment # {version} beside {name}"


def checkouts(tree: Tree) -> Iterator[str]:
    """No checkout leaves its token behind."""
    for step in tree.steps:
        if str(step.table.get("uses", "")).startswith("actions/checkout@"):
            told = step.table.get("with", {})
            if told.get("persist-credentials") is not False:
                yield f"{step.where}: persist-credentials is not false"
            if set(told) - {"persist-credentials", "fetch-depth"}:
                yield f"{step.where}: another ref or repository than the one that was asked for"


def permissions(tree: Tree) -> Iterator[str]:
    """No workflow has permissions; each job has those that are written here, exactly."""
    for file, workflow in tree.workflows.items():
        if workflow.get("permissions") != {}:
            yield f"{file}: permissions of the whole workflow are not {{}}"
    for job in tree.jobs:
        if job.table.get("permissions") != PERMISSIONS.get((job.file, job.name), READ):
            yield f"{job.where}: other permissions: {job.table.get('permissions')}"


def signer(tree: Tree) -> Iterator[str]:
    """Only build.yml attests; the job that does runs no code of the repository."""
    for step in tree.steps:
        attests = str(step.table.get("uses", "")).startswith("actions/attest")
        if attests and (step.file, step.job) != ("build.yml", "attest"):
            yield f"{step.where}: attests outside build.yml"
    job = tree.job("build.yml", "attest")
    if job is None:
        yield "build.yml: no job attest"
        return
    attested = [step for step in job.steps if str(step.table.get("uses", "")).startswith("actions/attest@")]
    if len(attested) != 4:
        yield f"{job.where}: {len(attested)} attestations, not provenance and SBOM of files and of the image"
    for step in job.steps:
        uses = str(step.table.get("uses", ""))
        if uses.startswith(("./", "actions/checkout")) or re.search(r"\.github/|\.venv/", step.run):
            yield f"{step.where}: code of the repository where the identity is"


def needs(tree: Tree) -> Iterator[str]:
    """Whatever must come first does."""
    for (file, name), wanted in GATES.items():
        job = tree.job(file, name)
        if job is None:
            yield f"{file}: no job {name}"
        elif lost := wanted - tree.above(job):
            yield f"{job.where}: does not need {', '.join(sorted(lost))}"


def conditions(tree: Tree) -> Iterator[str]:
    """There are no conditions but those that are written here."""
    found = {}
    for job in tree.jobs:
        if "if" in job.table:
            found[job.file, job.name, ""] = str(job.table["if"])
    for step in tree.steps:
        if "if" in step.table:
            found[step.file, step.job, str(step.table.get("name"))] = str(step.table["if"])
    for place, condition in found.items():
        if " ".join(condition.split()) != CONDITIONS.get(place):
            yield f"{':'.join(place)}: a condition that may skip it: {condition}"
    for place in CONDITIONS.keys() - found.keys():
        yield f"{':'.join(place)}: the condition is gone"


def swallowed(tree: Tree) -> Iterator[str]:
    """No step or script goes on where something has failed."""
    for step in tree.steps:
        for hit in SWALLOWED.finditer(step.run):
            yield f"{step.where}: swallows a failure: {hit[0].strip()}"
    for name, text in tree.texts.items():
        if name.endswith(".sh"):
            hits = SWALLOWED.findall(text)
            if len(hits) > HARMLESS.get(name, 0):
                yield f"{name}: swallows a failure: {hits}"
            if "=$?" in text and not re.search(r'^exit "\$\w+"\n\Z', text, re.MULTILINE):
                yield f"{name}: keeps an exit code and does not end with it"
            if not SCRIPT_HEAD.match(text):
                yield f"{name}: does not begin with what it is for and set -euo pipefail"


def shells(tree: Tree) -> Iterator[str]:
    """Every step stops at its first failure, in a pipe too, and at a variable that is not set."""
    for file, workflow in tree.workflows.items():
        if workflow.get("defaults") != {"run": {"shell": SHELL}}:
            yield f"{file}: the shell is not {SHELL}"
    for step in tree.steps:
        if step.file in tree.actions and step.run and step.table.get("shell") != SHELL:
            yield f"{step.where}: the shell is not {SHELL}"


def expressions(tree: Tree) -> Iterator[str]:
    """No expression stands in a shell: values come by variables, so that none of them is code."""
    for step in tree.steps:
        if "${{" in step.run:
            yield f"{step.where}: an expression in its shell"


def secrets(tree: Tree) -> Iterator[str]:
    """Secrets are named in the job that deploys and nowhere else, and it fails where one is missing."""
    for file, text in tree.texts.items():
        for expression in EXPRESSION.findall(text):
            for name in re.findall(r"\bsecrets\b(?:\.(\w+))?", expression):
                if file != "release.yml" or name not in SECRETS:
                    yield f"{file}: a secret that is not written down: {expression}"
        if re.search(r"^\s*secrets:", text, re.MULTILINE):
            yield f"{file}: hands on secrets"
    for job in tree.jobs:
        if "secrets." in str(job.table) and (job.file, job.name) != ("release.yml", "deploy"):
            yield f"{job.where}: has secrets"
    deploy = tree.job("release.yml", "deploy")
    runs = [step.run.strip() for step in deploy.steps] if deploy else []
    wanted = ".github/scripts/required.sh DIGEST IMAGE SERVICE REGION PROVIDER ACCOUNT"
    if wanted not in runs or any(runs[: runs.index(wanted)]):
        yield "release.yml:deploy: does not begin by demanding its secrets"


VERIFIED = "${{ needs.verify.outputs.image-digest }}"


def verified(tree: Tree) -> Iterator[str]:
    """The job `verify` ends by naming what it has verified, by digest."""
    verify = tree.job("release.yml", "verify")
    if verify is None:
        return  # `needs` says so
    outputs = {
        "image-digest": "${{ steps.digests.outputs.image-digest }}",
        "sums-sha256": "${{ steps.digests.outputs.sums-sha256 }}",
    }
    if verify.table.get("outputs") != outputs:
        yield "release.yml:verify: other outputs"
    gate = tree.job("release.yml", "gate")
    first = next((step.run for step in gate.steps if step.run), "") if gate else ""
    if first != '.github/scripts/owner.sh policy.toml "$REPOSITORY"':
        yield "release.yml:gate: does not begin by comparing the policy's repository with its own"
    last = verify.steps[-1]
    if last.table.get("id") != "digests" or last.run != '.github/scripts/verified.sh release "$BUILT"':
        yield "release.yml:verify: does not end by naming what it has verified"


def deployed(tree: Tree) -> Iterator[str]:
    """What is deployed is named by the digest that the job `verify` gives out, never by a tag."""
    deploy = tree.job("release.yml", "deploy")
    if deploy is None:
        return  # `needs` says so
    if deploy.table.get("env", {}).get("DIGEST") != VERIFIED:
        yield "release.yml:deploy: DIGEST is not what was verified"
    steps = [step for step in deploy.steps if "deploy-cloudrun@" in str(step.table.get("uses"))]
    if len(steps) != 1:
        yield "release.yml:deploy: not one deployment"
    for step in steps:
        told = step.table.get("with", {})
        if set(told) != {"service", "region", "image"}:
            yield f"{step.where}: told more than service, region and image"
        if told.get("image") != "${{ vars.CLOUD_RUN_IMAGE }}@" + VERIFIED:
            yield f"{step.where}: deploys {told.get('image')}, not the verified digest"
    runs = [step.run.strip() for step in deploy.steps]
    for wanted in (
        'digest.sh image "$DIGEST"',
        'push.sh image "$IMAGE@$DIGEST"',
        "cloud-run.sh switch",
        "cloud-run.sh healthy",
    ):
        if f".github/scripts/{wanted}" not in runs:
            yield f"release.yml:deploy: no step {wanted}"


COMPARED = [
    'echo "$SUMS  SHA256SUMS" | sha256sum --check --strict -',
    "sha256sum --check --strict SHA256SUMS",
    (
        '[ "$(find . -type f | wc -l)" -eq "$(($(wc -l < SHA256SUMS) + 1))" ] '
        '|| { echo "a file that SHA256SUMS does not name" >&2; exit 1; }'
    ),
]
SUMS = {"SUMS": "${{ needs.verify.outputs.sums-sha256 }}"}


def published(tree: Tree) -> Iterator[str]:
    """The files that are published are compared with those that were verified, before anything else."""
    for name in ("publish", "announce"):
        job = tree.job("release.yml", name)
        first = next((step for step in job.steps if step.run), None) if job else None
        if first is None or first.table.get("env") != SUMS or first.run.splitlines() != COMPARED:
            yield f"release.yml:{name}: does not begin by comparing files with what was verified"


def nothing_built_after(tree: Tree) -> Iterator[str]:
    """No job that comes after verification builds anything, itself or by a script that it calls."""
    for job in tree.jobs:
        if job.file != "release.yml" or "verify" not in tree.above(job):
            continue
        if "uses" in job.table:
            yield f"{job.where}: calls a workflow after verification"
        for step in job.steps:
            uses = str(step.table.get("uses", "")).partition("@")[0]
            if uses and uses not in AFTER:
                yield f"{step.where}: {uses} after verification"
            for text in _reached(tree, step.run):
                if hit := BUILDS.search(text):
                    yield f"{step.where}: builds after verification: {hit[0]}"


def _reached(tree: Tree, text: str) -> list[str]:
    """A shell, and the scripts that it calls, and those that they call; comments left out."""
    found, left = [], [text]
    seen: set[str] = set()
    while left:
        text = re.sub(r"^\s*#.*$", "", left.pop(), flags=re.MULTILINE)
        found.append(text)
        for name in re.findall(r"([\w-]+\.sh)\b", text):
            path = f".github/scripts/{name}"
            if path in tree.texts and path not in seen:
                seen.add(path)
                left.append(tree.texts[path])
    return found


def gates(tree: Tree) -> Iterator[str]:
    """What the workflows gate is the table [gate] of repro.toml, no more and no less."""
    called: dict[str, set[str]] = {"pull-request": set(), "release": set(), "deploy": set()}
    for job in tree.jobs:
        for step in job.steps:
            for stage, names in _gate_calls(job, step):
                here = [name for name, check in tree.gate.items() if stage in check["stages"]]
                called.setdefault(stage, set()).update(names or here)
    for stage, found in called.items():
        wanted = {name for name, check in tree.gate.items() if stage in check["stages"]}
        if found != wanted:
            yield f"stage {stage}: workflows and table differ in {sorted(found ^ wanted)}"
    for name, text in tree.texts.items():
        if re.search(r"\bgate\b.*--without", text):
            yield f"{name}: leaves out a check"
    where = {"ci.yml": "pull-request", "release.yml:gate": "release", "release.yml:verify": "deploy"}
    for job in tree.jobs:
        stages = {stage for step in job.steps for stage, _ in _gate_calls(job, step)}
        right = where.get(job.file) or where.get(job.where)
        if stages - {right}:
            yield f"{job.where}: gates another stage: {stages}"


def _gate_calls(job: Job, step: Step) -> Iterator[tuple[str, list[str]]]:
    text = step.run
    for name, value in step.table.get("env", {}).items():
        text = text.replace(f'"${name}"', str(value))
    for one in expanded(job, text):
        for call in re.finditer(r"repro gate --stage (\S+)(.*)", one):
            yield call[1], re.findall(r"--only (\S+)", call[2])


def jobs(tree: Tree) -> Iterator[str]:
    """Every job ends in time, on a runner of GitHub's; those that publish and deploy ask for approval."""
    for job in tree.jobs:
        if "uses" in job.table:
            path = str(job.table["uses"])
            if not path.startswith("./.github/workflows/") or path.rpartition("/")[2] not in tree.workflows:
                yield f"{job.where}: calls {path}"
            continue
        if not isinstance(job.table.get("timeout-minutes"), int):
            yield f"{job.where}: no timeout-minutes"
        if not set(expanded(job, str(job.table.get("runs-on")))) <= RUNNERS:
            yield f"{job.where}: runs on {job.table.get('runs-on')}"
        if job.table.get("environment") != ENVIRONMENTS.get((job.file, job.name)):
            yield f"{job.where}: environment is {job.table.get('environment')}"
