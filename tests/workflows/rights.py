"""Who may do what: what begins a workflow, what its jobs may, who signs, who has secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.workflows.documents import EXPRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.workflows.documents import Tree

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

SECRETS = {"GCP_WORKLOAD_IDENTITY_PROVIDER", "GCP_SERVICE_ACCOUNT"}

TRIGGERS = {
    "ci.yml": {"push", "pull_request"},
    "build.yml": {"workflow_call"},
    "reproduce.yml": {"workflow_call", "workflow_dispatch"},
    "release.yml": {"push"},
    "nightly.yml": {"schedule", "workflow_dispatch"},
}


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
