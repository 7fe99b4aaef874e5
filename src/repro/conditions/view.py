"""What a run sees of the machine: which files at which places, as data and for bubblewrap."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from repro.conditions.enclosure import Enclosure

CODE, OUT, HOME, TMP = "/repro/code", "/repro/out", "/repro/home", "/tmp"  # noqa: S108 - private to each run
VAR_TMP = "/var/tmp"  # noqa: S108 - the same folder
SCRIPTS = "/repro/scripts"
SCRIPT_FILES = ("launch.py", "kernel.py", "measure.py")

HARDWARE = ("/sys/devices/system",)
"""Processors and memory nodes: libraries choose threads and kernels by them."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
"""Programs and libraries of the system."""

ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "static"),
    *("passwd", "group", "nsswitch.conf", "localtime", "timezone", "os-release", "locale.alias"),
    *("hosts", "host.conf", "protocols", "services", "mime.types", "fonts", "ssl/openssl.cnf"),
)
"""What programs read below /etc; none of it is secret."""

ETC_HERMETIC = ("passwd", "group", "nsswitch.conf", "hosts", "host.conf", "protocols", "services")
"""What of it is no matter of programs: who the user is, and the names of machines and services."""

ETC_NETWORK = ("resolv.conf", "ssl/certs", "pki/tls/certs", "pki/ca-trust/extracted", "ca-certificates")
"""What they need there to speak to others."""

DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}


class Place(NamedTuple):
    """One thing in the view: `ro`, `rw`, `link`, `tmpfs` or `proc`; from where; and where the run sees it."""

    kind: str
    source: str
    target: str


def interpreter() -> Path:
    """The program that runs the launcher: the interpreter itself, not its link in a virtual environment."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def scripts() -> Path:
    """The folder that holds the launcher's scripts."""
    return Path(__file__).resolve().parent


def view(enclosure: Enclosure, *, home: Path, tmp: Path) -> list[Place]:
    """Everything that a run sees, parents before what lies in them."""
    hermetic = bool(enclosure.launcher)
    shown = [*_system(network=enclosure.network, hermetic=hermetic), *_devices()]
    shown += [
        Place("ro", str(enclosure.code.resolve()), CODE),
        *(Place("ro", str(scripts() / name), f"{SCRIPTS}/{name}") for name in SCRIPT_FILES),
        Place("rw", str(enclosure.out.resolve()), OUT),
        Place("rw", str(home.resolve()), HOME),
        Place("rw", str(tmp.resolve()), TMP),
        Place("rw", str(tmp.resolve()), VAR_TMP),
        Place("proc", "proc", "/proc"),
    ]
    shown += [Place("link", target, place) for place, target in sorted(enclosure.links.items()) if hermetic]
    wanted = {*enclosure.visible, *enclosure.search_path}
    if not hermetic:
        wanted |= {interpreter(), Path(sys.base_prefix)}
    covered = [Path(place.target) for place in shown if place.target not in {TMP, VAR_TMP}]
    return [*shown, *_at_own_places(wanted, covered)]


def _system(*, network: bool, hermetic: bool) -> Iterator[Place]:
    etc = (*(ETC_HERMETIC if hermetic else ETC), *(ETC_NETWORK if network else ()))
    names = [*(() if hermetic else SYSTEM), *HARDWARE, *(f"/etc/{name}" for name in etc)]
    for path in map(Path, names):
        if path.is_symlink() and path.parent == Path("/"):
            yield Place("link", str(path.readlink()), str(path))
        elif path.exists():
            yield Place("ro", str(path.resolve()), str(path))


def _devices() -> Iterator[Place]:
    for name in filter(lambda name: Path("/dev", name).exists(), DEVICES):
        yield Place("ro", f"/dev/{name}", f"/dev/{name}")
    for name, rest in LINKS.items():
        yield Place("link", f"/proc/self/fd{rest}", f"/dev/{name}")
    yield Place("tmpfs", "tmpfs", "/dev/shm")  # noqa: S108 - private to each run


def _at_own_places(wanted: Iterable[Path], covered: list[Path]) -> Iterator[Place]:
    """Folders and files at the paths by which they are known, and links where such a path is one."""
    real = {path.resolve() for path in wanted if path.exists()} - {Path("/")}
    for path in sorted(real):
        if not any(path.is_relative_to(parent) for parent in covered):
            covered.append(path)
            yield Place("ro", str(path), str(path))
    for path in sorted({path.absolute() for path in wanted} - real):
        if path.exists() and path.resolve() in real and not any(map(path.is_relative_to, covered)):
            covered.append(path)
            yield Place("link", str(path.resolve()), str(path))


def bubblewrap_arguments(places: Iterable[Place], *, network: bool) -> list[str]:
    """The view and everything else that bubblewrap takes away, as its arguments (bwrap(1))."""
    arguments = ["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1"]
    arguments += ["--cap-drop", "ALL", "--hostname", "repro", *(["--share-net"] if network else [])]
    for kind, source, target in places:
        match kind:
            case "ro" if target.startswith("/dev/"):
                arguments += ["--dev-bind", source, target]
            case "ro":
                arguments += ["--ro-bind", source, target]
            case "rw":
                arguments += ["--bind", source, target]
            case "link":
                arguments += ["--symlink", source, target]
            case _:
                arguments += [f"--{kind}", target]
    return [*arguments, "--remount-ro", "/", "--remount-ro", "/proc", "--chdir", CODE]
