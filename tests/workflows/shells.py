"""Shells and scripts: none goes on where something has failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.workflows.documents import expanded
from tests.workflows.order import gate_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.workflows.documents import Tree

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

NOT_ON_MACOS = re.compile(
    r"\b(?:sha256sum|md5sum|tac|timeout|mapfile|readarray|nproc)\b|\bdeclare -[a-z]*A|\bgrep -[a-z]*P\b"
    r"|\bdate (?:-d|--)|\bsed -i\b|\bstat -c\b|\$\{\w+(?:,,|\^\^)"
)
"""What GNU or a newer bash than 3.2 has, and a runner with macOS has not."""

RUNNER = {"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ACTION_PATH", "RUNNER_ENVIRONMENT", "PWD"}
RUNNER |= {"HEALTH_TRIES", "HEALTH_PAUSE"}
"""Variables that a runner sets, and those that only tests set."""


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


def portable(tree: Tree) -> Iterator[str]:
    """What runs on macOS, or may where the action is used, needs nothing that macOS has not."""
    for name, texts in on_macos(tree).items():
        for text in texts:
            if hit := NOT_ON_MACOS.search(text):
                yield f"{name}: macOS has no {hit[0]}"


def on_macos(tree: Tree) -> dict[str, list[str]]:
    """Shells that run there, by where they are called, each with the scripts that it reaches."""
    shells = {step.where: step.run for step in tree.steps if step.run and step.file in tree.actions}
    for job in tree.jobs:
        if any(runner.startswith("macos") for runner in expanded(job, str(job.table.get("runs-on")))):
            shells |= {step.where: step.run for step in job.steps if step.run}
            for step in job.steps:
                for _, names in gate_calls(job, step):
                    shells |= {f"gate.{name}": " ".join(tree.gate[name]["command"]) for name in names}
    return {where: tree.reached(text) for where, text in shells.items()}


def given(tree: Tree) -> Iterator[str]:
    """Every variable that a step or a script of it reads is set by the step, its job or the runner."""
    for job in [*tree.jobs, None]:
        steps = job.steps if job else [step for step in tree.steps if step.file in tree.actions]
        for step in steps:
            texts = tree.reached(step.run)
            known = {*RUNNER, *step.table.get("env", {}), *(job.table.get("env", {}) if job else ())}
            known |= {name for text in texts for name in re.findall(r"\b([A-Z][A-Z0-9_]*)=", text)}
            read = {name for text in texts for name in re.findall(r"\$\{?!?([A-Z][A-Z0-9_]*)\b", text)}
            if read - known:
                yield f"{step.where}: nobody sets {', '.join(sorted(read - known))}"


def expressions(tree: Tree) -> Iterator[str]:
    """No expression stands in a shell: values come by variables, so that none of them is code."""
    for step in tree.steps:
        if "${{" in step.run:
            yield f"{step.where}: an expression in its shell"
