"""What the launcher asks of the Linux kernel: namespaces, a root of its own, no privileges.

Imported by `launch.py` alone, as a file beside it; like that script it imports nothing of this package.
Sources: namespaces(7), user_namespaces(7), mount_namespaces(7), pivot_root(2), capabilities(7), prctl(2).
"""
# pathlib is slow to import, and this starts once per run
# ruff: noqa: PTH103, PTH112, PTH120, PTH123, PTH211

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1 << 5, 1 << 12, 1 << 14, 1 << 18
MOUNT_OPTIONS = {
    "ro": MS_RDONLY,
    "nosuid": MS_NOSUID,
    "nodev": MS_NODEV,
    "noexec": MS_NOEXEC,
    "noatime": 1 << 10,
    "nodiratime": 1 << 11,
    "relatime": 1 << 21,
}
"""Flags that mountinfo names; a remount that forgets one that is locked is refused by the kernel."""
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 4, 24, 36
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
CAPABILITY_VERSION_3 = 0x20080522
SIOCSIFFLAGS, IFF_UP, IFREQ_BYTES = 0x8914, 1, 40


class StepError(Exception):
    """A step of the enclosure failed."""


def call(name: str, *arguments: object) -> int:
    """A function of the C library; -1 is raised with the arguments that led to it."""
    result: int = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if result == -1:
        said = " ".join(os.fsdecode(a) for a in arguments if isinstance(a, bytes))
        raise StepError(f"{name} {said}: {os.strerror(ctypes.get_errno())}".replace(" :", ":"))
    return result


def prctl(option: int, value: int = 0) -> None:
    """Set something of this process; the unused arguments are zero, as some options insist."""
    zero = ctypes.c_ulong(0)
    call("prctl", option, ctypes.c_ulong(value), zero, zero, zero)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Mount, or change the flags of a mount."""
    call(
        "mount",
        *(os.fsencode(text) for text in (source, target, kind)),
        ctypes.c_ulong(flags),
        options.encode(),
    )


def enter_namespaces(*, network: bool, report: Callable[[int], None]) -> None:
    """Become the first process of new namespaces; the process that was there before waits outside."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (0 if network else CLONE_NEWNET)
    try:
        call("unshare", flags | CLONE_NEWUSER)
    except StepError:
        if user != 0:  # root can do without a user namespace where they are switched off
            raise
        call("unshare", flags)
    else:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    if init := os.fork():
        report(init)
        _, status = os.waitpid(init, 0)
        os._exit(1 if status else 0)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    call("sethostname", b"repro", 5)
    if not network:
        request = ctypes.create_string_buffer(
            b"lo".ljust(16, b"\0") + IFF_UP.to_bytes(2, sys.byteorder), IFREQ_BYTES
        )
        descriptor = call("socket", 2, 2, 0)
        call("ioctl", descriptor, SIOCSIFFLAGS, request)
        os.close(descriptor)


def build_root(root: str, view: list[list[str]]) -> None:
    """A new root with nothing in it but what the specification shows, read-only but for `rw` places."""
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    for kind, source, target in view:
        place = root + target
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if kind == "link":
            os.symlink(source, place)
        elif kind == "tmpfs":
            os.makedirs(place, exist_ok=True)
            mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
        elif kind == "proc":
            os.makedirs(place, exist_ok=True)
            mount("proc", place, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        else:
            make_mount_point(source, place)
            mount(source, place, "", MS_BIND | MS_REC)
    os.chdir(root)
    call("pivot_root", b".", b".")
    call("umount2", b".", MNT_DETACH)
    os.chdir("/")
    protect({target for kind, _, target in view if kind in {"rw", "tmpfs"}})


def make_mount_point(source: str, place: str) -> None:
    """A folder for a folder, an empty file for anything else."""
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    else:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))


def protect(writable: set[str]) -> None:
    """Remount every mount of the new root, those inside others too: read-only, no devices, no setuid."""
    with open("/proc/self/mountinfo", "rb") as file:
        lines = file.readlines()
    for line in lines:
        fields = line.split()
        target = fields[4].decode("unicode_escape").encode("latin-1").decode(errors="surrogateescape")
        flags = MS_NOSUID | (0 if target.startswith("/dev/") else MS_NODEV)
        for option in fields[5].decode().split(","):
            flags |= MOUNT_OPTIONS.get(option, 0)
        if target not in writable:
            flags |= MS_RDONLY
        mount("none", target, "", MS_REMOUNT | MS_BIND | flags)


def drop_privileges() -> None:
    """No capability in any set, and no way to gain one by executing a file."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        last = int(file.read())
    for capability in range(last + 1):
        prctl(PR_CAPBSET_DROP, capability)
    call("capset", (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)())
