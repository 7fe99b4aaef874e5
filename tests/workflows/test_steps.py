"""The shell of every step that can run here is run, as GitHub would; others are named with the reason.

The project is a small one with the same files; its gate has the names of this project's checks, and commands
that are quick. Stand-ins: the files and variables that a runner has, and values for expressions.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.sbom.images import makers
from tests.workflows.documents import Step, read
from tests.workflows.shells import SHELL

from repro.core.digest import of_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.skipif(
    not Path("/usr/bin/env").exists(),
    reason="no /usr/bin/env here, as inside of a Nix build: scripts begin with it",
)

if shutil.which("sha256sum") is None:
    pytest.skip("no sha256sum here, as on macOS: the release is made on Ubuntu", allow_module_level=True)

ROOT = Path(__file__).parents[2]
TREE = read(ROOT)
STEPS = {step.where: step for step in TREE.steps if step.run}

NIX = "builds with nixpkgs, which a test has not"
CLOUD = "asks the cloud; test_scripts runs the script with a stand-in for gcloud"
HUB = "asks GitHub, with a token"

CANNOT = {
    "ci.yml:flake:Time of a build with a warm cache": NIX,
    "ci.yml:comment:Comment": HUB,
    "build.yml:image:Build the stream of the image": NIX,
    "build.yml:image:Convert it once to an OCI layout, whose digest names the image": (
        f"{NIX}; test_scripts runs the script with a stream of its own"
    ),
    "build.yml:image:What must come out again": NIX,
    "reproduce.yml:again:Build the package and the stream of the image": NIX,
    "reproduce.yml:again:Convert it to an OCI layout": NIX,
    "reproduce.yml:again:What came out": NIX,
    "release.yml:verify:By GitHub's own tool": HUB,
    "release.yml:publish:Publish them": "uploads to the package index",
    "release.yml:deploy:Push the layout as it is": "needs a registry; test_scripts runs it up to there",
    "release.yml:deploy:Which revision serves now": CLOUD,
    "release.yml:deploy:Send all traffic to it": CLOUD,
    "release.yml:deploy:Its health": CLOUD,
    "release.yml:deploy:Roll back": CLOUD,
    "release.yml:announce:Release": HUB,
    "nightly.yml:audit:Fetch the SBOMs of the newest release": HUB,
    "nightly.yml:audit:Fetch the database of vulnerabilities": "fetches from the network",
    "nightly.yml:audit:Audit them": "needs a database; test_scripts runs the script",
    ".github/actions/setup/action.yml::Install, hashes checked": "installs, which `make test` has done",
    "action.yml::Install, hashes checked": "installs, which `make test` has done",
    "action.yml::Comment": HUB,
}
"""Steps that cannot run in a test, each with the reason."""

DIGEST = "the digest of the image"
SUMS = "the digest of SHA256SUMS"
EVIDENCE = "the digest of the list of bundles and SBOM"

VALUES: dict[str, dict[str, str]] = {
    "ci.yml:static:Gate": {"CHECK": "lint"},
    "ci.yml:required:All succeeded": {"RESULTS": "success success success success"},
    "build.yml:attest:Collect the bundles": dict.fromkeys(
        ("DIST_PROVENANCE", "DIST_SBOM", "IMAGE_PROVENANCE", "IMAGE_SBOM"), "bundle.json"
    ),
    "release.yml:gate:The policy is that of this repository": {"REPOSITORY": "lab/repro"},
    "release.yml:verify:Digests of what was verified": {"BUILT": DIGEST},
    "release.yml:publish:These are the files that were verified": {"SUMS": SUMS},
    "release.yml:announce:These are the files that were verified": {"SUMS": SUMS},
    "release.yml:announce:This is the evidence that was verified": {"EVIDENCE": EVIDENCE},
    "release.yml:deploy:Everything that a deployment needs is set": dict.fromkeys(
        ("DIGEST", "IMAGE", "SERVICE", "REGION", "PROVIDER", "ACCOUNT"), "x"
    ),
    "release.yml:deploy:This is the image that was verified": {"DIGEST": DIGEST},
    "action.yml::Replay": {"FOLDER": ".", "EXPERIMENTS": "sums"},
    "action.yml::Verify": {"FOLDER": ".", "TARGETS": "", "POLICY": "", "REPLAYED": "sums"},
}
"""What expressions are in a good run."""

WRONG: dict[str, dict[str, str]] = {
    "ci.yml:static:Gate": {"CHECK": "no-such-check"},
    "ci.yml:required:All succeeded": {"RESULTS": "success skipped success success"},
    "build.yml:attest:Collect the bundles": {"DIST_PROVENANCE": ""},
    "release.yml:gate:The policy is that of this repository": {"REPOSITORY": "other/repro"},
    "release.yml:verify:Digests of what was verified": {"BUILT": ""},
    "release.yml:publish:These are the files that were verified": {"SUMS": "0" * 64},
    "release.yml:announce:These are the files that were verified": {"SUMS": ""},
    "release.yml:announce:This is the evidence that was verified": {"EVIDENCE": "0" * 64},
    "release.yml:deploy:Everything that a deployment needs is set": {"PROVIDER": ""},
    "release.yml:deploy:This is the image that was verified": {"DIGEST": ""},
    "action.yml::Replay": {"EXPERIMENTS": "no-such-experiment"},
    "action.yml::Verify": {"REPLAYED": " "},
}
"""What they are in a bad one: each must fail."""

SUMS_PY = "import json, sys\njson.dump({'sum': 45}, open(sys.argv[1], 'w'))\n"
PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "lab"
version = "1"

[tool.hatch.build.targets.wheel]
packages = ["lab"]
"""
CONFIG = """\
version = 1

[environments.here]
kind = "host"

[defaults]
environment = "here"

[experiments.sums]
command = ["python", "sums.py", "{out}/r.json"]
sources = ["sums.py"]
outputs = ["r.json"]
"""


def bash(folder: Path, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step's text with the shell of the workflows."""
    file = folder.parent / ".step.sh"
    file.write_text(text, encoding="utf-8")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "GITHUB_OUTPUT": str(folder / "OUTPUT"),
        "GITHUB_STEP_SUMMARY": str(folder / "SUMMARY"),
        "GITHUB_ACTION_PATH": str(folder),
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        **variables,
    }
    return subprocess.run(
        [str(file) if word == "{0}" else word for word in SHELL.split()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def quick_gate() -> str:
    """The names and stages of this project's checks, each with a command that does nothing."""
    text = ""
    for name, check in tomllib.loads((ROOT / "repro.toml").read_text(encoding="utf-8"))["gate"].items():
        text += f'\n[gate.{name}]\ncommand = ["true"]\nstages = {check["stages"]}\n'
    return text


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose release has been built, as far as that goes without Nix and without a signer."""
    place = tmp_path_factory.mktemp("prepared")
    shutil.copytree(ROOT / ".github", place / ".github")
    for name, text in {
        "pyproject.toml": PYPROJECT,
        "lab/__init__.py": "",
        "sums.py": SUMS_PY,
        "repro.toml": CONFIG + quick_gate(),
        ".gitignore": "*\n!/lab\n!/lab/*\n!/*.py\n!/*.toml\n!/baselines\n!/baselines/**\n",
        "bundle.json": "{}",
        "policy.toml": 'source = "https://github.com/lab/repro"\n',
    }.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    programs = place / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, words in {"python": "", "repro": '-c "from repro.cli.main import main; main()"'}.items():
        (programs / name).write_text(
            f'#!/bin/sh\nPYTHONPATH="{ROOT / "src"}" exec "{sys.executable}" {words} "$@"\n', encoding="utf-8"
        )
        (programs / name).chmod(0o755)
    makers.layout(makers.layer({"hello": b"hello"})).write(place / "image")
    (place / ".repro").mkdir()
    (place / ".repro" / "drift.md").write_text("# Drift\n")
    (place / "past").mkdir()
    (place / "past" / "report.md").write_text("# Past\n")
    done = bash(
        place,
        "git init -q\n"
        ".venv/bin/repro baseline record sums --reason first\n"
        "git add -A\ngit commit -qm first\ngit tag v1\n"
        ".github/scripts/dist.sh dist\n.github/scripts/sbom.sh dist/*.whl dist\n"
        ".github/scripts/sums.sh dist\n"
        "mkdir facts release\n.github/scripts/facts.sh dist facts/facts-one.txt\n"
        "cp facts/facts-one.txt facts/facts-two.txt\n.github/scripts/sbom.sh image image-sbom\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = (place / "dist").glob("*.whl")
    bundle(place, "dist", str(of_bytes(wheel.read_bytes())), "dist")
    bundle(place, "image", bash(place, ".github/scripts/digest.sh image").stdout.strip(), "image-sbom")
    for name in ("dist", "image", "image-sbom", "bundles"):
        shutil.copytree(place / name, place / "release" / name)
    return place


def bundle(place: Path, name: str, digest: str, folder: str) -> None:
    """A bundle as the attest job keeps it, as far as the comparison reads it."""
    statement = {
        "subject": [{"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicate": json.loads((place / folder / "sbom.cdx.json").read_text()),
    }
    payload = b64encode(json.dumps(statement).encode()).decode()
    (place / "bundles").mkdir(exist_ok=True)
    written = json.dumps({"dsseEnvelope": {"payload": payload}})
    (place / "bundles" / f"{name}-sbom.sigstore.json").write_text(written)


def told(step: Step, values: Mapping[str, str], place: Path) -> dict[str, str]:
    """A step's variables: literal ones as they are, expressions by what they are here."""
    digest = bash(place, ".github/scripts/digest.sh image").stdout.strip()
    sums = bash(place, "sha256sum < dist/SHA256SUMS | cut -d ' ' -f 1").stdout.strip()
    evidence = bash(place, "sha256sum image-sbom/* bundles/* | sha256sum | cut -d ' ' -f 1").stdout.strip()
    known = {DIGEST: digest, SUMS: sums, EVIDENCE: evidence}
    own: dict[str, Any] = step.table.get("env", {})
    unknown = [name for name, value in own.items() if "${{" in str(value) and name not in values]
    assert not unknown, f"{step.where}: no value for {unknown}"
    return {
        **{name: str(value) for name, value in own.items()},
        **{name: known.get(value, value) for name, value in values.items()},
    }


def test_every_step_is_run_or_has_a_reason() -> None:
    """No step is forgotten, none that is gone is listed, and names of steps tell them apart."""
    assert set(CANNOT) <= set(STEPS)
    assert len(STEPS) == sum(1 for step in TREE.steps if step.run)
    assert set(VALUES) | set(WRONG) <= set(STEPS) - set(CANNOT)
    assert all(CANNOT.values())


@pytest.mark.parametrize("where", [where for where in STEPS if where not in CANNOT])
def test_a_step_runs(where: str, prepared: Path, tmp_path: Path) -> None:
    """The shell of the step ends with 0 where all is well."""
    place = shutil.copytree(prepared, tmp_path / "copy", symlinks=True)
    step = STEPS[where]
    variables = told(step, VALUES.get(where, {}), place)
    done = bash(place / step.table.get("working-directory", ""), step.run, **variables)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("where", WRONG)
def test_a_step_fails(where: str, prepared: Path, tmp_path: Path) -> None:
    """The same shell fails where what it is told is wrong or missing."""
    place = shutil.copytree(prepared, tmp_path / "copy", symlinks=True)
    step = STEPS[where]
    variables = told(step, {**VALUES[where], **WRONG[where]}, place)
    done = bash(place / step.table.get("working-directory", ""), step.run, **variables)
    assert done.returncode != 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["dist.sh", "sbom.sh"])
def test_a_build_that_is_not_reproducible_fails(name: str, prepared: Path, tmp_path: Path) -> None:
    """A wheel that differs between two folders, and the SBOM of nothing, fail the step."""
    place = shutil.copytree(prepared, tmp_path / "copy", symlinks=True)
    if name == "sbom.sh":
        assert bash(place, ".github/scripts/sbom.sh none.whl out").returncode != 0
        return
    hook = (
        "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n"
        "class Hook(BuildHookInterface):\n"
        "    def initialize(self, version, build_data):\n"
        "        open(self.root + '/lab/where.py', 'w').write(repr(self.root))\n"
    )
    (place / "hatch_build.py").write_text(hook)
    with (place / "pyproject.toml").open("a") as file:
        file.write("\n[tool.hatch.build.hooks.custom]\n")
    done = bash(place, "git add -A && git commit -qm worse && .github/scripts/dist.sh other")
    assert done.returncode == 1, done.stderr
    assert "two builds of one commit differ" in done.stderr
    assert not (place / "other").exists()
