"""Whose code runs: actions of others by commit, checkouts of this repository only, on runners of GitHub's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.workflows.documents import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.workflows.documents import Tree

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

ENVIRONMENTS = {("release.yml", "publish"): "pypi", ("release.yml", "deploy"): "production"}

RUNNERS = {"ubuntu-24.04", "macos-15"}


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
