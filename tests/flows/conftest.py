"""A small project of its own for each test: git, data under DVC and in git, one experiment, its baseline."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repro.conditions.enclosure import Method
from repro.core.events import silent
from repro.flows import baseline
from repro.flows.replay import Replayed, Request, replay
from repro.flows.workshop import Demands
from repro.store.runs import Store
from repro.tools import host, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from repro.core.events import Listener
    from repro.flows.attempt import Result
    from repro.store.record import Record

DEADLINE = 30.0
"""Seconds after which a condition that does not come makes a test fail."""

SCRIPT = """\
import json, pathlib, sys
data, out = map(pathlib.Path, sys.argv[1:3])
values = [float(line) for line in (data / "points.csv").read_text().split()]
offset = float((data / "offset.txt").read_text())
results = {"mean": sum(values) / len(values) + offset, "values": values}
(out / "results.json").write_text(json.dumps(results))
"""
"""The experiment as it is first committed."""

POINTS = "1.5\n2.5\n4.25\n"
WRITE = "import json, pathlib, sys\nout = pathlib.Path(sys.argv[2])\n"
"""How a script that only writes begins; its folder is `out`."""


@dataclass(kw_only=True)
class Lab:
    """A project's root, the DVC remote beside it, and shorthands for what tests do with them."""

    root: Path
    shelf: Path
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=lambda: {"here": {"kind": "host"}})

    @property
    def store(self) -> Store:
        """The store of the project."""
        return Store(self.root)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def script(self, body: str, name: str = "src/mean.py") -> None:
        """Replace the experiment's script."""
        self.write(name, body)

    def define(self, name: str = "mean", **keys: Any) -> None:  # noqa: ANN401 - any TOML
        """Define an experiment, or change keys of it, and write `repro.toml`."""
        table = self.experiments.setdefault(
            name,
            {
                "command": ["python", "src/mean.py", "{data}", "{out}"],
                "environment": "here",
                "sources": ["src/**"],
                "inputs": ["data/points.csv", "data/offset.txt"],
                "outputs": ["results.json"],
            },
        )
        self.rules[name] = keys.pop("rules", self.rules.get(name, []))
        table.update(keys)
        self.write("repro.toml", self._toml())

    def _toml(self) -> str:
        lines = ["version = 1"]
        for name, table in self.environments.items():
            lines += [f"[environments.{name}]", *_pairs(table)]
        for name, table in self.experiments.items():
            lines += [f"[experiments.{name}]", *_pairs(table)]
            for rule in self.rules[name]:
                lines += [f"[[experiments.{name}.rules]]", *_pairs(rule)]
        return "\n".join(lines) + "\n"

    def track(self, name: str, content: str) -> str:
        """Put a file under DVC: a pointer in git, the object in the remote alone. Returns its md5."""
        md5 = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
        stored = self.shelf / "files/md5" / md5[:2] / md5[2:]
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_text(content)
        pointer = f"outs:\n- md5: {md5}\n  size: {len(content)}\n  hash: md5\n  path: {Path(name).name}\n"
        self.write(f"{name}.dvc", pointer)
        return md5

    def git(self, *arguments: str) -> str:
        """Call git in the project."""
        return process.run(["git", *arguments], cwd=self.root, env=host.variables()).text

    def commit(self, message: str = "change", *, tag: str = "") -> str:
        """Commit everything; returns the commit."""
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        if tag:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def replay(
        self,
        *selections: str,
        listener: Listener = silent,
        demands: Demands | None = None,
        **options: Any,  # noqa: ANN401 - fields of Request
    ) -> Replayed:
        """Replay in this process, one run at a time unless told otherwise."""
        request = Request(selections=selections, demands=demands or Demands(), **{"jobs": 1, **options})
        return replay(self.root, request, listener)

    def one(self, **options: Any) -> Result:  # noqa: ANN401 - as `replay`
        """Replay the experiment `mean` alone and return its result."""
        (result,) = self.replay("mean", **options).results
        return result

    def plain(self, **options: Any) -> Result:  # noqa: ANN401 - as `replay`
        """The same without any isolation."""
        return self.one(demands=Demands(isolation=Method.PLAIN), **options)

    def record_baseline(self, *selections: str) -> None:
        """Make the present outputs the baseline."""
        changes = baseline.record(self.root, Request(selections=selections, jobs=1), "first", silent)
        assert [change.outcome for change in changes] == ["recorded"] * len(changes), changes

    def record_of(self, result: Result) -> Record:
        """The record of a result's run."""
        return self.store.get(result.run_id)

    def start(self, *arguments: str) -> Started:
        """Start the command line in a process of its own."""
        return Started([*REPRO, *arguments], self.root)

    def worktrees(self) -> list[str]:
        """The worktrees that git knows, by path."""
        listed = self.git("worktree", "list", "--porcelain").splitlines()
        return [line.removeprefix("worktree ") for line in listed if line.startswith("worktree ")]


REPRO = (sys.executable, "-c", "from repro.cli.main import main; main()")


class Started:
    """A call of the command line that is under way; what it says on standard error is heard line by line."""

    def __init__(self, argv: list[str], cwd: Path) -> None:
        import subprocess

        self._process = subprocess.Popen(
            argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.heard: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                with self._changed:
                    self.heard.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def until(self, said: str) -> None:
        """Wait until it has said something that contains `said`; fail when it ends or takes too long."""

        def there() -> bool:
            return any(said in line for line in self.heard)

        with self._changed:
            assert self._changed.wait_for(lambda: there() or self._ended, DEADLINE), self.heard
            assert there(), self.heard

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def ended(self) -> tuple[int, str]:
        """Wait for its end; its exit code and what it printed. One that does not end is killed, and fails."""
        late = threading.Event()

        def kill() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(DEADLINE, kill)
        timer.start()
        try:
            assert self._process.stdout is not None
            with self._process.stdout:
                printed = self._process.stdout.read()
            self._process.wait()
        finally:
            timer.cancel()
        assert not late.is_set(), self.heard
        self._listening.join(DEADLINE)
        return self._process.returncode, printed


def _pairs(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value: Any) -> str:  # noqa: ANN401 - any TOML
    if isinstance(value, dict):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


@pytest.fixture(scope="session")
def private(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables by which no setting or cache of this machine takes part."""
    home = tmp_path_factory.mktemp("home")
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "REPRO_CACHE_DIR": str(home / "repro"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        "DVC_NO_ANALYTICS": "1",
        **{
            f"DVC_{place}_DIR": str(home / place)
            for place in ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")
        },
    }


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, private: dict[str, str]) -> Path:
    """The project with its baseline, committed and tagged v1; made once."""
    top = tmp_path_factory.mktemp("lab")
    lab = Lab(root=top / "project", shelf=top / "shelf")
    lab.root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in private.items():
            patch.setenv(name, value)
        lab.git("init", "--quiet", "--initial-branch=main")
        lab.write(".dvc/config", "[core]\n    remote = shelf\n['remote \"shelf\"']\n    url = ../../shelf\n")
        lab.write(".dvc/.gitignore", "/cache\n/tmp\n/config.local\n")
        lab.track("data/points.csv", POINTS)
        lab.write("data/offset.txt", "0.125\n")
        lab.write("notes.txt", "nobody declared this file\n")
        lab.script(SCRIPT)
        lab.define()
        lab.commit("first")
        lab.record_baseline("mean")
        lab.commit("baseline", tag="v1")
    shutil.rmtree(lab.store.folder)
    shutil.rmtree(lab.root / ".dvc/cache")
    return top


@pytest.fixture
def lab(
    made: Path, private: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    """A copy of the project, free to be spoilt; its tree is clean and at v1."""
    for name, value in private.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(made, tmp_path / "lab", symlinks=True)
    lab = Lab(root=tmp_path / "lab/project", shelf=tmp_path / "lab/shelf")
    lab.define()
    yield lab
    assert lab.worktrees() == [str(lab.root)]


@pytest.fixture
def tree_of() -> Callable[[Path], dict[str, object]]:
    """What a folder holds, byte for byte; `.git`, `.repro` and DVC's cache aside."""

    def read(root: Path) -> dict[str, object]:
        return {
            str(path.relative_to(root)): path.readlink() if path.is_symlink() else path.read_bytes()
            for path in sorted(root.rglob("*"))
            if not {".git", ".repro", "cache"}.intersection(path.relative_to(root).parts)
            and (path.is_symlink() or path.is_file())
        }

    return read
