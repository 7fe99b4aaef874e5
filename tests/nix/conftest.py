"""A Nix with a store of its own, our stub of nixpkgs, and a tiny real toolchain for sandboxed builds.

Other rooms take the fixtures with `from tests.nix.conftest import nix, stub, toolchain`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
STUB = ROOT / "tests" / "nix" / "stub"
INSTALLER = ROOT / ".ci" / "nix"

SYSTEMS = ("x86_64-linux", "aarch64-linux", "aarch64-darwin")

DEBS = (
    "libbz2-1.0",
    "libc6",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    "libpython3.13-minimal",
    "libpython3.13-stdlib",
    "libsqlite3-0",
    "libssl3t64",
    "libstdc++6",
    "libuuid1",
    "libzstd1",
    "python3.13-minimal",
    "zlib1g",
)
STATIC = ("bash-static", "busybox-static")

WHEELS = (
    "annotated-doc",
    "annotated-types",
    "click",
    "markdown-it-py",
    "mdurl",
    "numpy",
    "pydantic",
    "pydantic-core",
    "pygments",
    "rich",
    "shellingham",
    "typer",
    "typing-extensions",
    "typing-inspection",
)
"""What an experiment and `repro drift` import; versions and hashes are those of the lock files."""

CONFIGURATION = """\
experimental-features = nix-command flakes
build-users-group =
sandbox = true
sandbox-fallback = false
sandbox-paths =
substituters =
flake-registry =
allow-import-from-derivation = false
max-jobs = 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nix:
    """A `nix` program, and the folder that holds its store, state, configuration and caches."""

    program: Path
    home: Path

    @property
    def store(self) -> Path:
        """The folder of the store's paths."""
        return self.home / "store"

    @property
    def environment(self) -> dict[str, str]:
        """The caller's variables, with every place that Nix reads or writes below `home`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIX_", "XDG_"))}
        return kept | {
            "HOME": str(self.home / "user"),
            "NIX_BIN_DIR": str(self.program.parent),
            "NIX_CONF_DIR": str(self.home / "etc"),
            "NIX_LOCALSTATE_DIR": str(self.home / "var"),
            "NIX_LOG_DIR": str(self.home / "var" / "log"),
            "NIX_REMOTE": "local",
            "NIX_STATE_DIR": str(self.home / "var"),
            "NIX_STORE_DIR": str(self.store),
            "PATH": f"{self.program.parent}:{os.environ['PATH']}",
            "TMPDIR": str(self.home / "tmp"),
        }

    def run(
        self, *arguments: str | Path, cwd: Path | None = None, program: str = "nix"
    ) -> subprocess.CompletedProcess[str]:
        """Run it, whatever the outcome; `program` may be one of its older names, such as nix-store."""
        argv = [str(self.program.with_name(program)), *map(str, arguments)]
        return subprocess.run(
            argv, cwd=cwd or self.home, env=self.environment, capture_output=True, text=True, check=False
        )

    def __call__(self, *arguments: str | Path, cwd: Path | None = None, program: str = "nix") -> str:
        """What it prints; a failure fails the test."""
        done = self.run(*arguments, cwd=cwd, program=program)
        assert done.returncode == 0, f"{done.args}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
        """The document it prints."""
        return json.loads(self(*arguments))


def unavailable(reason: str) -> NoReturn:
    """In CI what is missing is a failure; elsewhere the test is skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def cache() -> Path:
    """The user's folder for what can be had again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """One process at a time; the others find what it made."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder


def find_nix() -> Path | None:
    """The one that REPRO_NIX names, the user's, or the one that .ci/nix has installed."""
    named = os.environ.get("REPRO_NIX") or shutil.which("nix")
    installed = cache() / "repro-nix" / "bin" / "nix"
    if named is None and not installed.exists():
        return None
    return Path(named or installed)


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this run of the tests."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "nix"


@pytest.fixture(scope="session")
def nix(session_folder: Path) -> Nix:
    """A Nix whose store begins empty and is shared by the workers of this run."""
    program = find_nix()
    if program is None:
        unavailable("no Nix on PATH, and .ci/nix has not installed one")
    with locked(session_folder / "home") as home:
        for name in ("etc", "user", "tmp", "var"):
            (home / name).mkdir(exist_ok=True)
        (home / "etc" / "nix.conf").write_text(CONFIGURATION)
    return Nix(program=program, home=home)


@pytest.fixture(scope="session")
def tree(session_folder: Path) -> Path:
    """A copy of the project as git would have it, files not yet added included."""
    with locked(session_folder) as folder:
        copy = folder / "tree"
        if not copy.exists():
            _copy_project(folder / "tree.part")
            (folder / "tree.part").rename(copy)
    return copy


def _copy_project(target: Path) -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


@pytest.fixture(scope="session")
def stub() -> Path:
    """The names of nixpkgs, as far as evaluating needs it; it builds nothing."""
    return STUB


@pytest.fixture(scope="session")
def shelf() -> Path:
    """Debian packages and wheels, fetched by name with their own clients and kept between runs."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        unavailable("the tiny toolchain is made of packages for Linux on x86_64")
    requirements = _requirements()
    key = hashlib.sha256("\n".join([*DEBS, *STATIC, requirements]).encode()).hexdigest()[:16]
    with locked(cache() / "repro-nix-shelf") as folder:
        done = folder / key
        if not done.exists():
            part = folder / f"{key}.part"
            shutil.rmtree(part, ignore_errors=True)
            (part / "wheels").mkdir(parents=True)
            _fetch([str(INSTALLER), "debs", str(part / "debs"), *DEBS, *STATIC])
            (part / "requirements.txt").write_text(requirements)
            _fetch([*_pip(), "--dest", str(part / "wheels"), "--requirement", str(part / "requirements.txt")])
            part.rename(done)
    return done


def _fetch(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        unavailable(f"the toolchain cannot be had: {(done.stderr or done.stdout).strip()[-500:]}")


def _pip() -> list[str]:
    options = "download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all:"
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in (17, 27, 28)]
    return [
        *(sys.executable, "-m", "pip", *options.split()),
        *(
            "--python-version",
            "3.13",
            "--implementation",
            "cp",
            "--platform=manylinux2014_x86_64",
            *platforms,
        ),
    ]


def _requirements() -> str:
    """The wheels' entries of the lock files; numpy is the one that experiments are replayed with."""
    entries: dict[str, str] = {}
    for lock in (ROOT / "requirements.lock", ROOT / "experiments" / "requirements.lock"):
        for block in lock.read_text().replace("\\\n", "").splitlines():
            name = block.partition("==")[0].strip()
            if name in WHEELS:
                entries[name] = block
    assert sorted(entries) == sorted(WHEELS), "the lock files have other packages now"
    return "\n".join(entries[name] for name in WHEELS) + "\n"


@pytest.fixture(scope="session")
def toolchain(nix: Nix, shelf: Path, session_folder: Path) -> Path:
    """The stub again, with bash, busybox, Python and NumPy that really build; its folder is a flake."""
    with locked(session_folder) as folder:
        made = folder / "toolchain"
        if not made.exists():
            part = folder / "toolchain.part"
            shutil.copytree(STUB, part)
            (part / "toolchain.json").write_text(json.dumps(_stock(nix, shelf, folder), indent=1))
            part.rename(made)
            _require_sandbox(nix, made)
    return made


def _require_sandbox(nix: Nix, toolchain: Path) -> None:
    """Build something small: without user namespaces, and not as root, there is no sandbox."""
    python = f"path:{toolchain}#legacyPackages.x86_64-linux.python3"
    done = nix.run("build", "--no-link", "--no-write-lock-file", "--offline", python)
    if re.search(r"namespace|unshare|clone|[Oo]peration not permitted", done.stderr):
        unavailable(f"Nix has no sandbox here: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr


def _stock(nix: Nix, shelf: Path, folder: Path) -> dict[str, Any]:
    """Put everything into the store by hash; names and hashes are what the stub needs to find it."""
    stock = folder / "stock"
    stock.mkdir()
    debs = {f"{path.name.split('_')[0]}.deb": path for path in sorted((shelf / "debs").iterdir())}
    tools = _tools([debs.pop(f"{name}.deb") for name in STATIC], stock)
    wheels = {path.name: path for path in sorted((shelf / "wheels").iterdir())}
    for name, path in (debs | wheels).items():
        shutil.copy(path, stock / name)
    nix("--add-fixed", "sha256", *(stock / name for name in debs | wheels), program="nix-store")
    nix("--add-fixed", "--recursive", "sha256", tools, program="nix-store")
    entry = {
        name: {"name": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for name, path in (debs | wheels).items()
    }
    return {
        "system": "x86_64-linux",
        "tools": {"name": "tools", "sha256": nix("--type", "sha256", tools, program="nix-hash").strip()},
        "debs": [entry[name] for name in debs],
        "wheels": {name.split("-")[0].replace("_", "-"): entry[name] for name in wheels},
    }


def _tools(debs: Sequence[Path], stock: Path) -> Path:
    """A folder `bin` with bash, busybox and a link for each of its applets."""
    unpacked, programs = stock / "unpacked", stock / "tools" / "bin"
    programs.mkdir(parents=True)
    for deb in debs:
        subprocess.run(["dpkg", "--extract", str(deb), str(unpacked)], check=True)
    for name, source in {"bash": "bash-static", "busybox": "busybox"}.items():
        (found,) = (path for path in unpacked.rglob(source) if path.parent.name == "bin")
        shutil.copy(found, programs / name)
    applets = subprocess.run([programs / "busybox", "--list"], capture_output=True, text=True, check=True)
    for applet in sorted(set(applets.stdout.split()) - {"bash", "busybox"}):
        (programs / applet).symlink_to("busybox")
    return stock / "tools"
