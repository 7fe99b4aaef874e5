"""What comes before what, and under which conditions: no gate can be passed by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.workflows.documents import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.workflows.documents import Job, Step, Tree

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


def gates(tree: Tree) -> Iterator[str]:
    """What the workflows gate is the table [gate] of repro.toml, no more and no less."""
    called: dict[str, set[str]] = {"pull-request": set(), "release": set(), "deploy": set()}
    for job in tree.jobs:
        for step in job.steps:
            for stage, names in gate_calls(job, step):
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
        stages = {stage for step in job.steps for stage, _ in gate_calls(job, step)}
        right = where.get(job.file) or where.get(job.where)
        if stages - {right}:
            yield f"{job.where}: gates another stage: {stages}"


def gate_calls(job: Job, step: Step) -> Iterator[tuple[str, list[str]]]:
    """The stages that a step gates, each with the checks that it names (none: all of the stage)."""
    text = step.run
    for name, value in step.table.get("env", {}).items():
        text = text.replace(f'"${name}"', str(value))
    for one in expanded(job, text):
        for call in re.finditer(r"repro gate --stage (\S+)(.*)", one):
            yield call[1], re.findall(r"--only (\S+)", call[2])
