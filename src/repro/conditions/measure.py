"""The measuring program: says what isolation holds around the place where a command is about to run.

The launcher starts it exactly as it will start the command: same folder, variables, identity, descriptors. It
reads from standard input what should be so, tries it, and writes a JSON list of checks to standard output. It
imports nothing of this package, and it leaves no trace: nothing is created, and no packet is sent.
"""
# pathlib is slow to import, and this starts once per run
# ruff: noqa: PTH101, PTH116, PTH123

from __future__ import annotations

import _socket
import ctypes
import errno
import json
import os
import sys
from typing import Any

PR_GET_PDEATHSIG, SIGKILL = 2, 9
DOCUMENTATION_ADDRESSES = ((_socket.AF_INET, "192.0.2.1"), (_socket.AF_INET6, "2001:db8::1"))
"""Addresses that belong to nobody (RFC 5737, RFC 3849); a datagram socket sends nothing to connect."""
CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

Findings = list[str]
"""What is not as it should be; empty means that the item holds."""


def network(asked: dict[str, Any]) -> Findings:
    """Only a loopback interface of its own, and no route to anywhere else."""
    found = [f"interface {name}" for _, name in _socket.if_nameindex() if name != "lo"]
    for family, address in DOCUMENTATION_ADDRESSES:
        if succeeds(lambda family=family, address=address: connect(family, address)):
            found.append(f"a route to {address}")
    return found + same_namespace(asked, "net", "network")


def connect(family: int, address: str) -> None:
    """Look for a route to an address."""
    probe = _socket.socket(family, _socket.SOCK_DGRAM)
    try:
        probe.connect((address, 9))
    finally:
        probe.close()


def same_namespace(asked: dict[str, Any], kind: str, word: str) -> Findings:
    """Whether a namespace is the one of the caller."""
    try:
        own = os.stat(f"/proc/self/ns/{kind}").st_ino
    except OSError as error:
        return [f"{word} namespace: {error.strerror}"]
    return [f"the {word} namespace is the caller's"] if own == asked["namespaces"].get(kind) else []


def checkout_read_only(asked: dict[str, Any]) -> Findings:
    """No file can be created in the folder of the code, none written, no permission changed."""
    folder = asked["folder"]
    found = [f"{how} is possible" for how, attempt in writes(folder).items() if succeeds(attempt)]
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        mounts = [line.split() for line in file]
    for fields in mounts:
        if fields[4].startswith(folder + "/") and "ro" not in fields[5].split(","):
            found.append(f"{fields[4]} is a writable mount")
    return found


def writes(folder: str) -> dict[str, Any]:
    """Ways to write into a folder, as calls that change nothing when they succeed."""
    attempts: dict[str, Any] = {
        "creating a file": lambda: create_nameless(folder),
        "changing permissions": lambda: os.chmod(folder, os.stat(folder).st_mode & 0o7777),
    }
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                attempts[f"writing {entry.name}"] = lambda path=entry.path: os.close(
                    os.open(path, os.O_WRONLY)
                )
                break
    return attempts


def create_nameless(folder: str) -> None:
    """Create a file that has no name (O_TMPFILE); where the file system has none, ask for permission only."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY))
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT}:
            raise
        if not os.access(folder, os.W_OK):
            raise


def succeeds(attempt: Any) -> bool:  # noqa: ANN401 - a call of any result
    """Whether the operating system lets it happen."""
    try:
        attempt()
    except OSError:
        return False
    return True


def private_folder(asked: dict[str, Any], variable: str) -> Findings:
    """The variable names the folder that was made for this run, and it can be written."""
    path = os.environ.get(variable, "")
    if identity(path) != asked["folders"][variable]:
        return [f"{variable} is not the folder made for this run"]
    return [] if succeeds(lambda: create_nameless(path)) else [f"{variable} cannot be written"]


def identity(path: str) -> list[int]:
    """Device and inode of what stands at a path; nothing for nothing."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_dev, status.st_ino]


def variables(asked: dict[str, Any]) -> Findings:
    """The environment that the kernel handed over is exactly what was named."""
    if sys.platform == "linux":
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().decode(errors="surrogateescape").split("\0")
        held = dict(entry.split("=", 1) for entry in entries if entry)
    else:
        held = dict(os.environ)
    named = asked["variables"]
    return [f"{name} differs" for name in sorted({*held, *named}) if held.get(name) != named.get(name)]


def status_fields() -> dict[str, str]:
    """/proc/self/status."""
    with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def capabilities(_asked: dict[str, Any]) -> Findings:
    """No capability is held or can be gained (capabilities(7))."""
    fields = status_fields()
    return [f"{name} {fields[name]}" for name in CAPABILITY_SETS if int(fields[name], 16)]


def no_new_privileges(_asked: dict[str, Any]) -> Findings:
    """Executing a file cannot give privileges (PR_SET_NO_NEW_PRIVS)."""
    return [] if status_fields().get("NoNewPrivs") == "1" else ["setuid programs take effect"]


def process_ids(asked: dict[str, Any]) -> Findings:
    """Processes outside cannot be seen, and none outlives the first one of the namespace."""
    return same_namespace(asked, "pid", "process")


def dies_with_parent(asked: dict[str, Any]) -> Findings:
    """The launcher ends when its caller does, and this process when the launcher does."""
    death_signal = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(PR_GET_PDEATHSIG, ctypes.byref(death_signal), 0, 0, 0)
    found = [] if death_signal.value == SIGKILL else ["no signal is sent when the launcher ends"]
    return found + ([] if asked["tethered"] else ["the caller has ended"])


def other_files_hidden(asked: dict[str, Any]) -> Findings:
    """None of the caller's own places can be seen; homes go unnamed, as records are shown to others."""
    seen = [path for path, known in asked["hidden"].items() if identity(path) == known]
    names = ["the home" if path in asked["homes"] else path for path in seen]
    return [f"{name} is visible" for name in dict.fromkeys(names)]


ITEMS = {
    "network": network,
    "checkout read-only": checkout_read_only,
    "private home": lambda asked: private_folder(asked, "HOME"),
    "private tmp": lambda asked: private_folder(asked, "TMPDIR"),
    "variables": variables,
    "capabilities": capabilities,
    "no new privileges": no_new_privileges,
    "process ids": process_ids,
    "dies with parent": dies_with_parent,
    "other files hidden": other_files_hidden,
}


def check(name: str, asked: dict[str, Any]) -> dict[str, str]:
    """One item; what cannot be measured does not hold."""
    if name == "network" and asked["network"]:
        return {"name": name, "status": "skip", "reason": "the experiment asks for network"}
    try:
        found = ITEMS[name](asked)
    except (OSError, KeyError, ValueError, AttributeError) as error:
        found = [f"not measurable here: {error}"]
    return {"name": name, "status": "fail" if found else "pass", "reason": "; ".join(found[:5])}


if __name__ == "__main__":
    question = json.load(sys.stdin)
    json.dump([check(name, question) for name in ITEMS], sys.stdout)
