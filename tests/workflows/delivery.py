"""What is verified is published and deployed: the same bytes, by digest, and nothing is built after."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.workflows.documents import Tree

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

VERIFIED = "${{ needs.verify.outputs.image-digest }}"


def verified(tree: Tree) -> Iterator[str]:
    """The job `verify` ends by naming what it has verified, by digest."""
    verify = tree.job("release.yml", "verify")
    if verify is None:
        return  # `needs` says so
    outputs = {
        "image-digest": "${{ steps.digests.outputs.image-digest }}",
        "sums-sha256": "${{ steps.digests.outputs.sums-sha256 }}",
        "evidence-sha256": "${{ steps.digests.outputs.evidence-sha256 }}",
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

WITNESSED = [
    "export LC_ALL=C",
    "sha256sum image-sbom/* bundles/* > evidence",
    'echo "$EVIDENCE  evidence" | sha256sum --check --strict -',
]

EVIDENCE = {"EVIDENCE": "${{ needs.verify.outputs.evidence-sha256 }}"}


def published(tree: Tree) -> Iterator[str]:
    """The files that are published are compared with those that were verified, before anything else."""
    for name in ("publish", "announce"):
        job = tree.job("release.yml", name)
        first = next((step for step in job.steps if step.run), None) if job else None
        if first is None or first.table.get("env") != SUMS or first.run.splitlines() != COMPARED:
            yield f"release.yml:{name}: does not begin by comparing files with what was verified"
    announce = tree.job("release.yml", "announce")
    shells = [step for step in announce.steps if step.run] if announce else []
    if len(shells) < 2 or shells[1].table.get("env") != EVIDENCE or shells[1].run.splitlines() != WITNESSED:
        yield "release.yml:announce: does not go on by comparing SBOM and bundles with what was verified"


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
            for text in tree.reached(step.run):
                if hit := BUILDS.search(text):
                    yield f"{step.where}: builds after verification: {hit[0]}"
