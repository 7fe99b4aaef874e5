"""All that can be done to the files of a folder, one thing after the other, and what verifying says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.check import Status
from repro.core.errors import ReproError
from repro.flows.verify import Wishes, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.core.check import Check
    from repro.flows.verify_report import Report

SMALL = 200
"""Bytes of a file up to which every one of them is altered."""

PLACES = 8
"""How many bytes of a larger file are altered, at even distances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was done to which file, the exit code, and in words what failed, each with its step."""

    file: str
    done: str
    code: int
    said: tuple[str, ...]

    @property
    def is_harmless(self) -> bool:
        """Whether all evidence is still there: beside a line of junk, or under another's name."""
        is_bundle = ".sigstore.json" in self.file
        return is_bundle and (self.done == "longer" or self.done.endswith(".sigstore.json"))


def answers(folder: Path, work: Path, wishes: Wishes) -> Iterator[Answer]:
    """Alter the files of `folder`, and verify from `work` each time."""
    for file, done in _tampered(folder):
        try:
            report = verify(work, wishes)
        except ReproError as error:
            yield Answer(file=file, done=done, code=int(error.exit), said=(error.message,))
        else:
            yield Answer(file=file, done=done, code=int(report.exit), said=tuple(_failures(report)))


def _tampered(folder: Path) -> Iterator[tuple[str, str]]:
    """Which file, and what was done to it; it is undone before the next."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        data, name = path.read_bytes(), path.relative_to(folder).as_posix()
        for at in _places(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
            yield name, f"byte {at}"
        for what, changed in (("cut", data[: len(data) // 2]), ("longer", data + b"x"), ("emptied", b"")):
            if changed != data:
                path.write_bytes(changed)
                yield name, what
        path.unlink()
        yield name, "removed"
        path.write_bytes(data)
    for first, second in zip(files, [*files[1:], files[0]], strict=True):
        one, other = first.read_bytes(), second.read_bytes()
        if one != other:
            first.write_bytes(other)
            second.write_bytes(one)
            yield first.relative_to(folder).as_posix(), f"swapped with {second.name}"
            first.write_bytes(one)
            second.write_bytes(other)


def _places(size: int) -> list[int]:
    if size <= SMALL:
        return list(range(size))
    return sorted({size - 1, *(size * part // PLACES for part in range(PLACES))})


def _failures(report: Report) -> Iterator[str]:
    """Everything in a report that failed: artifact or evidence, step, name and reason."""
    for verdict in report.verdicts:
        yield from _failed(verdict.name, verdict.checks)
        for seen in verdict.seen:
            yield from _failed(seen.outcome.evidence, seen.outcome.checks)
        for rule in verdict.rules:
            for demand in rule.demands:
                yield from _failed(f"{verdict.name}: demand {demand.demand.name}", demand.checks)


def _failed(about: str, checks: tuple[Check, ...]) -> Iterator[str]:
    for one in checks:
        if one.status is Status.FAIL:
            yield f"{about}: step {one.step} {one.name}: {one.reason}"
