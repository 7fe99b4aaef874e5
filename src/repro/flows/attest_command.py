"""Provenance of files that a command makes: the command is run here, and must write every file anew."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro import __version__
from repro.attest.predicates import COMMAND, PROVENANCE, VALUE, descriptor, provenance, stamp
from repro.attest.statement import statement
from repro.core.digest import of_bytes
from repro.core.errors import ReproError, RunError, UsageError
from repro.flows.attest_subjects import origin_of, subject_of
from repro.tools import clock, process
from repro.tools.git import Git
from repro.tools.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from repro.attest.statement import Statement

TIMEOUT_SECONDS = 3600.0
"""After so long a command is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What tells a file from the one that was there before."""

    inode: int
    changed: int
    size: int


def provenance_of(folder: Path, files: Sequence[Path], command: str, builder: str) -> Statement:
    """Run `command` in `folder` and attest the files that it wrote. Raises RunError where it fails.

    Nothing is isolated: the statement says which command ran over which source, not what else it read.
    """
    argv = words(command)
    git = Git(folder)
    before = git.state()
    difference = git.difference(before) if before.dirty else None
    marks = {file: _mark(file) for file in files}
    started = clock.now()
    done = process.run(argv, cwd=folder, timeout_seconds=TIMEOUT_SECONDS, check=False)
    ended = clock.now()
    if done.code != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-process.TAIL :]
        raise RunError(f"{shlex.join(argv)}: exit code {done.code}\n{said}", hint="make the command succeed")
    _require_written(marks)
    after = git.state()
    if after.commit != before.commit:
        raise ReproError("the commit changed while the command ran", hint="run it again")
    commit = {"gitCommit": before.commit} if before.commit else {}
    dirty = {"dirty": True, "difference": {VALUE: difference.hex}} if difference else None
    predicate = provenance(
        build_type=COMMAND,
        external={"argv": [redacted(word) for word in argv]},
        internal={"isolation": "none"},
        dependencies=[descriptor("source", commit, uri=origin_of(folder), annotations=dirty)],
        builder=builder,
        versions={"repro": __version__},
        metadata={"startedOn": stamp(started), "finishedOn": stamp(ended)},
        byproducts=[
            descriptor("stdout.log", {"sha256": of_bytes(done.stdout).hex}),
            descriptor("stderr.log", {"sha256": of_bytes(done.stderr).hex}),
        ],
    )
    return statement([subject_of(file) for file in files], PROVENANCE, predicate)


def words(command: str) -> list[str]:
    """A command as an argument list; no shell ever reads it."""
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--run {command!r}: {error}", hint="close every quote") from error
    if not argv:
        raise UsageError("--run: no command", hint="write --run 'uv build --wheel'")
    return argv


def _mark(file: Path) -> Mark | None:
    if not file.exists():
        return None
    status = file.stat()
    return Mark(inode=status.st_ino, changed=status.st_ctime_ns, size=status.st_size)


def _require_written(marks: Mapping[Path, Mark | None]) -> None:
    """A file that was there already was made by something else."""
    for file, mark in marks.items():
        now = _mark(file)
        if now is None or now == mark:
            what = "was not written" if now is None else "is the one that was there before"
            raise ReproError(f"{file}: {what}, though the command ended well", hint="remove it and run again")
