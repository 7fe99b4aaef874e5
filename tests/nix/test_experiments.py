"""Experiments as derivations: really run, with NumPy, in the sandbox."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.nix.conftest import Nix

pytestmark = pytest.mark.nix


class Project:
    """A project made from the template, in a folder of its own."""

    def __init__(self, nix: Nix, folder: Path, repro: Path, nixpkgs: Path) -> None:
        self.nix = nix
        self.folder = folder
        inputs = {"repro": repro, "repro/nixpkgs": nixpkgs}
        self.options = ["--no-write-lock-file", "--offline"]
        for name, path in inputs.items():
            self.options += ["--override-input", name, f"path:{path}"]

    def run(self, verb: str, attribute: str = "fit", *more: str) -> subprocess.CompletedProcess[str]:
        """Run a verb of Nix on one of the project's attributes, whatever the outcome."""
        return self.nix.run(verb, *self.options, f"path:{self.folder}#{attribute}", *more)

    def build(self, attribute: str = "fit") -> Path:
        """The folder of what the attribute builds to; a failure fails the test."""
        done = self.run("build", attribute, "--no-link", "--print-out-paths")
        assert done.returncode == 0, done.stderr
        return type(self.folder)(done.stdout.strip())

    def check(self) -> subprocess.CompletedProcess[str]:
        """`nix flake check`, which builds every experiment."""
        return self.nix.run("flake", "check", *self.options, f"path:{self.folder}")

    def log(self, stderr: str) -> str:
        """The whole log of the derivation whose failure was reported."""
        (derivation,) = set(re.findall(r"nix log (\S+\.drv)", stderr))
        return self.nix("log", derivation)


@pytest.fixture
def project(nix: Nix, tree: Path, toolchain: Path, tmp_path: Path) -> Project:
    """What `nix flake init` leaves in an empty folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    nix("flake", "init", "--offline", "--template", f"path:{tree}#templates.default", cwd=folder)
    return Project(nix, folder, tree, toolchain)


def test_the_template_builds_and_matches(project: Project) -> None:
    """A new project's experiment gives the numbers of its baseline, in the sandbox, at once."""
    result = json.loads((project.build() / "results.json").read_text())
    baseline = project.folder / "baselines" / "fit" / "science-linux-x86_64" / "results.json"
    assert result["slope"] == pytest.approx(json.loads(baseline.read_text())["slope"], rel=1e-12)
    assert project.check().returncode == 0


def test_results_are_content_and_nothing_else(project: Project) -> None:
    """A result keeps no interpreter or source alive: its closure is the result itself."""
    path = project.build()
    assert project.nix("path-info", "--recursive", path).split() == [str(path)]


def test_a_rebuild_is_identical(project: Project) -> None:
    """`nix build --rebuild` runs the experiment again and finds the same bytes."""
    project.build()
    done = project.run("build", "fit", "--rebuild", "--no-link", "--print-build-logs")
    assert done.returncode == 0, done.stderr
    assert "match: " in done.stderr


def test_a_drift_fails_the_build(project: Project) -> None:
    """A number of the baseline moved by one part in a million is a failing build that names it; the same run
    without the comparison still gives its numbers.
    """
    baseline = project.folder / "baselines" / "fit" / "science-linux-x86_64" / "results.json"
    numbers = json.loads(baseline.read_text())
    numbers["slope"] *= 1 + 1e-6
    baseline.write_text(json.dumps(numbers))
    done = project.check()
    assert done.returncode != 0
    log = project.log(done.stderr)
    assert "slope" in log
    assert "fit: not the numbers of its baseline" in log
    kept = json.loads((project.build("fit.results") / "results.json").read_text())
    assert kept["slope"] != numbers["slope"]


def test_a_rule_lets_a_drift_pass(project: Project) -> None:
    """A rule of repro.toml, its last day included, means in the sandbox what it means to a replay."""
    baseline = project.folder / "baselines" / "fit" / "science-linux-x86_64" / "results.json"
    numbers = json.loads(baseline.read_text())
    numbers["slope"] *= 1 + 1e-6
    baseline.write_text(json.dumps(numbers))
    config = project.folder / "repro.toml"
    rule = '\n[[experiments.fit.rules]]\npath = "slope"\nrtol = 1e-5\nreason = "a test"\nexpires = {}\n'
    text = config.read_text()
    config.write_text(text + rule.format("9999-12-31"))
    project.build()
    config.write_text(text + rule.format("2000-01-01"))
    assert project.run("build", "fit", "--no-link").returncode != 0


def test_a_missing_output_fails_the_build(project: Project) -> None:
    """An experiment that writes another file than its baseline has is no match."""
    script = project.folder / "experiments" / "fit.py"
    script.write_text(script.read_text().replace("out.write_text", "out.with_name('x.json').write_text"))
    assert project.run("build", "fit", "--no-link").returncode != 0


def test_an_altered_object_is_refused(project: Project) -> None:
    """Data whose MD5 is not the one its pointer names fails before the experiment runs."""
    pointer = project.folder / "data" / "points" / "points.csv.dvc"
    (named,) = re.findall(r"md5: (\w{32})", pointer.read_text())
    claimed = hashlib.md5(b"x,y\n0,0\n1,1\n", usedforsecurity=False).hexdigest()
    pointer.write_text(pointer.read_text().replace(named, claimed))
    objects = project.folder / "data" / "remote" / "files" / "md5"
    (objects / claimed[:2]).mkdir()
    (objects / named[:2] / named[2:]).rename(objects / claimed[:2] / claimed[2:])
    done = project.run("build", "fit", "--no-link")
    assert done.returncode != 0
    assert "hash mismatch" in done.stderr


def test_the_sandbox_decides(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads, BLAS kernel, hash seed, home and network are those of the derivation, not of the caller."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    script = project.folder / "experiments" / "fit.py"
    script.write_text(
        "import json, os, pathlib, socket, sys\n"
        "names = ['OPENBLAS_CORETYPE', 'OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'PYTHONHASHSEED', 'HOME']\n"
        "seen = {name: os.environ[name] for name in names}\n"
        "seen['network'] = [name for _, name in socket.if_nameindex() if name != 'lo']\n"
        f"seen['host'] = os.path.exists({str(project.folder)!r})\n"
        "pathlib.Path(sys.argv[2]).write_text(json.dumps(seen))\n"
    )
    seen = json.loads((project.build("fit.results") / "results.json").read_text())
    home = seen.pop("HOME")
    assert home.endswith("/home")
    assert home.startswith("/build")
    assert seen == {
        "OPENBLAS_CORETYPE": "Nehalem",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "network": [],
        "host": False,
    }


def test_chance_is_found(project: Project) -> None:
    """An experiment that asks the machine for randomness differs from itself under `--rebuild`."""
    script = project.folder / "experiments" / "fit.py"
    script.write_text(
        "import pathlib, secrets, sys\npathlib.Path(sys.argv[2]).write_text(secrets.token_hex())\n"
    )
    project.build("fit.results")
    done = project.run("build", "fit.results", "--rebuild", "--no-link")
    assert done.returncode != 0
    assert "may not be deterministic" in done.stderr


def test_the_shell_has_what_it_says(project: Project) -> None:
    """`nix develop` enters with one line on stderr, the program, and the interpreter of the experiments."""
    command = "python -c 'import numpy; print(numpy.__version__)'; repro --version; echo $PATH"
    *options, flake = [*project.options, f"path:{project.folder}"]
    isolation = ["--ignore-environment", "--set-env-var", "PATH", "/no-such-path"]
    done = project.nix.run("develop", *options, *isolation, flake, "--command", "bash", "-c", command)
    assert done.returncode == 0, done.stderr
    numpy, repro, path = done.stdout.splitlines()
    assert re.fullmatch(r"\d+\.\d+\.\d+", numpy)
    assert "0." in repro
    assert all(part.startswith((str(project.nix.store), "/no-such-path")) for part in path.split(":"))
    said = [line for line in done.stderr.splitlines() if not line.startswith(("warning:", "•", " "))]
    assert "repro replay --all" in said


def test_results_travel_by_a_binary_cache(project: Project, tmp_path: Path) -> None:
    """The results of an experiment, copied through a binary cache in a folder, are the same content in a
    store that never ran it.
    """
    path, nix = project.build(), project.nix
    cache = f"file://{tmp_path}/cache?compression=none"
    nix("copy", "--to", cache, path)
    elsewhere = tmp_path / "elsewhere"
    nix("copy", "--no-check-sigs", "--from", cache, "--to", f"local?root={elsewhere}", path)
    here, there = path, elsewhere / "nix" / "store" / path.name
    assert {file.name: file.read_bytes() for file in there.iterdir()} == {
        file.name: file.read_bytes() for file in here.iterdir()
    }
    shutil.rmtree(tmp_path / "cache")


def on_toolchain(tree: Path, toolchain: Path, attribute: str) -> tuple[str, ...]:
    """An attribute of the project's own flake, with the toolchain in place of nixpkgs."""
    options = ("--no-write-lock-file", "--offline", "--override-input", "nixpkgs", f"path:{toolchain}")
    return (*options, f"path:{tree}#{attribute}")


@pytest.mark.parametrize("shell", ["ci", "default", "full"])
def test_a_shell_says_one_line(nix: Nix, tree: Path, toolchain: Path, shell: str) -> None:
    """Each shell of the project is entered, has its programs, and prints one line, on stderr."""
    entered = on_toolchain(tree, toolchain, shell)
    isolation = ("--quiet", "--ignore-environment", "--set-env-var", "PATH", "/no-such-path")
    done = nix.run("develop", *isolation, *entered, "--command", "gnumake")
    assert (done.returncode, done.stdout) == (0, "gnumake\n"), done.stderr
    assert [line[:6] for line in done.stderr.splitlines() if "repro: " in line] == ["repro:"]


def test_a_failing_program_fails_its_check(nix: Nix, tree: Path, toolchain: Path, tmp_path: Path) -> None:
    """A check builds where its programs are content, and fails where one of them is not."""
    wanted = "checks.x86_64-linux.formatting"
    nix("build", "--no-link", *on_toolchain(tree, toolchain, wanted))
    strict = shutil.copytree(toolchain, tmp_path / "strict")
    fake = strict / "fake.sh"
    fake.write_text(fake.read_text().replace("echo %s", "exit 1 %s"))
    done = nix.run("build", "--no-link", *on_toolchain(tree, strict, wanted))
    assert done.returncode != 0
    assert re.search(r"repro-formatting\.drv'.*failed with exit code 1", done.stderr, re.DOTALL)


SHIPPED = [
    "experiment-branin",
    "experiment-linalg",
    "experiment-lorenz",
    "experiment-nist",
    'experiment-noise.runs."sigma=0.5,seed=7"',
    "experiment-policy-gradient",
]


def test_shipped_experiments_match_in_the_sandbox(nix: Nix, tree: Path, toolchain: Path) -> None:
    """What the project ships gives the numbers of its baselines under another Python and another libc."""
    *options, first = on_toolchain(tree, toolchain, f"checks.x86_64-linux.{SHIPPED[0]}")
    others = [on_toolchain(tree, toolchain, f"checks.x86_64-linux.{name}")[-1] for name in SHIPPED[1:]]
    done = nix.run("build", *options, "--keep-going", "--no-link", "--print-build-logs", first, *others)
    assert done.returncode == 0, done.stderr
    for name in SHIPPED:
        run = name.removeprefix("experiment-").replace('.runs."', "-").replace(",", "-").strip('"')
        assert re.search(rf"(?m)^{re.escape(run)}> match: ", done.stderr), name
