"""Replays in the shell of a flake, with a real Nix, a real interpreter from its store, and real isolation."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from repro.conditions.enclosure import Method
from repro.conditions.isolation import available
from repro.core.errors import ConfigError, RealisationError, TamperError, ToolNotFound
from repro.core.events import silent
from repro.core.verdict import Verdict
from repro.flows import baseline
from repro.flows.replay import Request, replay
from repro.flows.runs import conditions_apart
from repro.flows.workshop import Demands
from repro.store.runs import Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.nix.conftest import Nix

    from repro.flows.attempt import Result
    from repro.store.record import Record

pytestmark = [pytest.mark.nix, pytest.mark.xdist_group("nix-builds")]

FLAKE = """{
  inputs.nixpkgs.url = "path:TOOLCHAIN";
  outputs =
    { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      version = "1.0";
      marker = pkgs.runCommand "marker-${version}" { words = builtins.readFile ./words.txt; } ''
        mkdir -p "$out/bin"
        echo "$words" > "$out/words"
        printf '#!%s/bin/sh\\necho ${version}\\n' "${pkgs.coreutils}" > "$out/bin/marker"
        chmod +x "$out/bin/marker"
      '';
      shell =
        packages:
        pkgs.mkShell {
          inherit packages;
          shellHook = "exit 7";
          LD_LIBRARY_PATH = "/nowhere";
        };
    in
    {
      devShells.x86_64-linux.default = shell [ pkgs.python3 marker ];
      devShells.x86_64-linux.bare = shell [ marker ];
    };
}
"""

SCRIPT = """\
import json, math, os, shutil, subprocess, sys
def said(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
with open(sys.argv[1] + "/results.json", "w") as file:
    json.dump({"roots": [math.sqrt(n) for n in range(100)]}, file)
with open(sys.argv[1] + "/seen.json", "w") as file:
    json.dump({
        "shell": os.path.realpath("/bin/sh"),
        "said": said("/bin/sh", "-c", "echo $LD_LIBRARY_PATH"),
        "marker": said("/usr/bin/env", "marker") if shutil.which("marker") else "",
        "path": os.environ["PATH"],
        "system": sorted(set(os.listdir("/")) & {"lib", "lib64", "sbin", "nix", "home", "root"}),
        "programs": sorted(os.listdir("/usr/bin")),
        "secret": os.environ.get("SECRET", "hidden"),
    }, file)
"""

PROJECT = """\
version = 1

[environments.shell]
kind = "nix"

[environments.here]
kind = "host"

[experiments.roots]
command = ["python3", "src/roots.py", "{out}"]
environment = "shell"
sources = ["src/**"]
outputs = ["results.json", "seen.json"]

[[experiments.roots.rules]]
output = "seen.json"
ignore = true
reason = "what it saw of the machine"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A project with a flake, and what tests do with it."""

    root: Path
    nix: Nix

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def swap(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands in a file."""
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def git(self, *arguments: str) -> str:
        """Run git here."""
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit everything; returns the commit."""
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def run(self, *, revision: str = "", cache: bool = False, **demands: Any) -> Result:  # noqa: ANN401
        """Replay the one experiment."""
        request = Request(
            selections=("roots",), revision=revision, use_cache=cache, demands=Demands(**demands)
        )
        (result,) = replay(self.root, request, silent).results
        return result

    def record(self, result: Result) -> Record:
        """What was written down about a run."""
        assert result.run_id, result.error
        return Store(self.root).get(result.run_id)

    def seen(self, result: Result) -> Mapping[str, Any]:
        """What the experiment saw of the machine."""
        found: dict[str, Any] = json.loads(
            (Store(self.root).runs / result.run_id / "out" / "seen.json").read_text()
        )
        return found

    def environment(self, result: Result) -> Any:  # noqa: ANN401 - JSON
        """The environment's part of it."""
        return self.record(result).conditions["environment"]


@pytest.fixture
def lab(nix: Nix, toolchain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A committed project whose flake is locked to the toolchain; the caller's variables are those of Nix."""
    for name in ("SECRET", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, "/dev/null")
    for name, value in nix.environment.items():
        if name.startswith("NIX_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("REPRO_NIX", str(nix.program))
    monkeypatch.setenv("REPRO_CACHE_DIR", str(tmp_path / "cache"))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
    made = Lab(root=tmp_path / "project", nix=nix)
    made.write("flake.nix", FLAKE.replace("TOOLCHAIN", str(toolchain)))
    made.write("words.txt", "first\n")
    made.write("src/roots.py", SCRIPT)
    made.write("repro.toml", PROJECT)
    made.write(".gitignore", ".repro\n")
    nix("flake", "lock", "--offline", f"path:{made.root}")
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit()
    return made


@pytest.mark.parametrize("method", [Method.BUBBLEWRAP, Method.NAMESPACES])
def test_a_run_sees_the_shell_and_nothing_of_the_host(lab: Lab, method: Method) -> None:
    """Interpreter, PATH, /bin/sh and variables are the shell's, and the host's libraries are gone."""
    if available() is Method.PLAIN:
        pytest.skip("this machine has no sandbox")
    result = lab.run(isolation=method, require_isolation=True)
    seen, store = lab.seen(result), f"{lab.nix.store}/"
    assert seen["shell"].startswith(store)
    assert all(folder.startswith(store) for folder in seen["path"].split(":"))
    assert (seen["said"], seen["marker"], seen["secret"]) == ("/nowhere", "1.0", "hidden")
    assert (seen["system"], seen["programs"]) == ([], ["env"])
    isolation = lab.record(result).isolation
    assert {check["status"] for check in isolation["checks"]} == {"pass"}


def test_the_record_names_derivation_and_closure(lab: Lab) -> None:
    """The record holds the shell's derivation, as Nix itself evaluates it, and the NAR hash of every path."""
    environment = lab.environment(lab.run())
    facts = environment["facts"]
    shell = f"path:{lab.root}#devShells.x86_64-linux.default"
    # Beside the flake lies .repro by now, and a path is copied whole: git's view is the one that counts.
    assert (
        facts["derivation"]
        == lab.nix("path-info", "--derivation", shell.replace("path:", "git+file://")).strip()
    )
    assert {name[33:].split("-")[0] for name in facts["closure"]} == {"tools", "python3", "marker"}
    for name, nar_hash in facts["closure"].items():
        (info,) = lab.nix.json("path-info", "--json", lab.nix.store / name).values()
        assert info["narHash"] == nar_hash
    assert (environment["kind"], environment["reproducible"]) == ("nix", True)
    assert facts["python"].startswith("3.13.")


def test_two_kinds_of_environment_can_be_compared(lab: Lab) -> None:
    """A baseline of the shell is what a replay under the caller's interpreter is compared with."""
    changes = baseline.record(lab.root, Request(selections=("roots",)), "first", silent)
    assert [change.outcome for change in changes] == ["recorded"]
    other = lab.run(environment="here", isolation=Method.PLAIN)
    assert (other.verdict, lab.environment(other)["kind"]) == (Verdict.MATCH, "host")
    names = {name for name, *_ in conditions_apart(lab.record(lab.run(cache=True)), lab.record(other))}
    assert {"conditions.environment.kind", "conditions.environment.facts.closure"} <= names


def test_the_identity_is_that_of_the_derivation(lab: Lab) -> None:
    """Whatever the flake reads makes another environment; a file that it does not read makes none."""
    first = lab.environment(lab.run())["digest"]
    lab.write("README", "new\n")
    lab.commit()
    assert lab.environment(lab.run())["digest"] == first
    lab.write("words.txt", "second\n")
    dirty = lab.environment(lab.run())["digest"]
    assert dirty != first
    lab.commit()
    assert lab.environment(lab.run())["digest"] == dirty


def test_a_revision_has_its_own_shell(lab: Lab) -> None:
    """`--at` enters the shell of the flake at that revision; the difference names packages and versions."""
    old = lab.git("rev-parse", "HEAD")
    lab.swap("flake.nix", 'version = "1.0"', 'version = "2.0"')
    lab.commit()
    new, before = lab.run(), lab.run(revision=old)
    assert (lab.seen(new)["marker"], lab.seen(before)["marker"]) == ("2.0", "1.0")
    rows = {name: values for name, *values in conditions_apart(lab.record(before), lab.record(new))}
    assert rows["conditions.environment.facts.closure.marker"] == ["1.0", "2.0"]
    assert "conditions.environment.facts.closure.python3" not in rows


def test_a_shell_that_stands_needs_no_nix(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once built, a shell is entered without Nix; a new one cannot be had then, and the hint says so."""
    first = lab.environment(lab.run())
    monkeypatch.setenv("REPRO_NIX", "/nowhere/nix")
    assert lab.environment(lab.run()) == first
    lab.write("words.txt", "second\n")
    result = lab.run()
    assert isinstance(result.error, ToolNotFound)
    assert "install Nix" in result.error.hint
    assert result.exit == 3


def test_a_collected_shell_is_built_again(lab: Lab) -> None:
    """The shell is kept from the garbage collector; one that was deleted all the same is built anew."""
    lab.write("words.txt", "to be collected\n")
    marker = next(name for name in lab.environment(lab.run())["facts"]["closure"] if "marker" in name)
    path = lab.nix.store / marker
    assert lab.nix.run("store", "delete", path).returncode != 0
    (root,) = (lab.root.parent / "cache" / "environments").glob("*/shell")
    environment = root.resolve()
    for link in root.parent.glob("shell*"):
        link.unlink()
    lab.nix("store", "delete", environment, path)
    assert not path.exists()
    assert lab.seen(lab.run())["marker"] == "1.0"


def test_an_altered_store_is_found(lab: Lab) -> None:
    """A file that was altered after it was registered stops the replay, exit 1, and its path is named."""
    lab.write("words.txt", "to be altered\n")
    marker = next(name for name in lab.environment(lab.run())["facts"]["closure"] if "marker" in name)
    words = lab.nix.store / marker / "words"
    words.chmod(0o644)
    words.write_text("TO BE ALTERED\n\n")
    words.chmod(0o444)
    result = lab.run()
    assert isinstance(result.error, TamperError)
    assert marker in result.error.message
    assert result.exit == 1


def test_an_unlocked_input_is_refused(lab: Lab) -> None:
    """A flake whose lock does not pin every input has no environment: exit 3, and how to lock it."""
    (lab.root / "flake.lock").unlink()
    result = lab.run()
    assert isinstance(result.error, RealisationError)
    assert "nix flake lock" in result.error.hint


def test_a_shell_without_python_is_refused(lab: Lab) -> None:
    """What runs an experiment has to be in the shell; the host's interpreter never stands in for it."""
    lab.swap("repro.toml", 'kind = "nix"', 'kind = "nix"\nshell = "bare"')
    result = lab.run()
    assert isinstance(result.error, RealisationError)
    assert "no Python" in result.error.message


@pytest.mark.parametrize(
    ("keys", "said", "hint"),
    [
        ('shell = "defualt"', "has no devShells.x86_64-linux.defualt", "did you mean 'default'?"),
        ('flake = "src"', "no flake.nix in 'src'", "nix flake init"),
    ],
)
def test_a_shell_that_is_not_there_is_a_mistake(lab: Lab, keys: str, said: str, hint: str) -> None:
    """A wrong folder or name of a shell is wrong configuration, and the near name is told."""
    lab.swap("repro.toml", 'kind = "nix"', f'kind = "nix"\n{keys}')
    with pytest.raises(ConfigError) as error:
        lab.run()
    assert said in error.value.message
    assert hint in error.value.hint


def test_paranoid_hashes_the_closure(lab: Lab) -> None:
    """With --paranoid the store itself is asked around the run, and the verdict is the same."""
    assert lab.run(paranoid=True).error is not None  # there is no baseline
    changes = baseline.record(lab.root, Request(selections=("roots",)), "first", silent)
    assert [change.outcome for change in changes] == ["recorded"]
    assert lab.run(paranoid=True).verdict is Verdict.MATCH


def test_the_machine_is_named_as_nix_names_it(lab: Lab) -> None:
    """The system of the shell is what Nix calls this machine."""
    assert sys.platform == "linux"
    said = lab.nix("eval", "--impure", "--raw", "--expr", "builtins.currentSystem")
    assert lab.environment(lab.run())["facts"]["system"] == said == f"{platform.machine()}-linux"
