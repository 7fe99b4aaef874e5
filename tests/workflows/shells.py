"""Shells and scripts: none goes on where something has failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
