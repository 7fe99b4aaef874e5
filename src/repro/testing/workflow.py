"""A published helper: the life of a reference, from its first run to an accepted change, as one test."""

# ruff: noqa: S101 - it is for asserting

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MARK = "VALUES"
"""Stands in the source for the values of each run."""


def check_workflow(
    pytester: pytest.Pytester, source: str, *, one: str, other: str, arguments: tuple[str, ...] = ()
) -> None:
    """Assert that a test which uses `drift` goes through every state of its reference as it must.

    `source` is a test file with `VALUES` in it, which stands first for the expression `one`, then for
    `other`, whose values drift from the former. The first run writes the reference and fails; the second
    passes; `other` fails and leaves what it obtained beside the reference, which stays as it was;
    `--drift-accept` takes it and says so; from then on `other` passes and `one` fails.
    """
    runs = count()

    def run(values: str, *more: str) -> pytest.RunResult:
        # of another size each time: Python takes a compiled file of the same second and size for the same
        pytester.makepyfile(test_workflow=source.replace(MARK, values) + "\n# run" + "\n" * next(runs) + "#")
        return pytester.runpytest(*arguments, *more)

    first = run(one)
    assert first.ret == 1, "the first run fails"
    first.stdout.fnmatch_lines(["*no reference yet: wrote*"])
    written = _references(pytester.path)
    assert written, "the first run writes references"
    assert run(one).ret == 0, "the same values pass"
    changed = run(other)
    assert changed.ret == 1, "other values fail"
    changed.stdout.fnmatch_lines(["*obtained:*", "*--drift-accept*"])
    assert _references(pytester.path) == written, "a failure leaves references as they were"
    assert _obtained(pytester.path), "what was obtained is kept"
    accepted = run(other, "--drift-accept")
    assert accepted.ret == 0, "what is accepted passes"
    accepted.stdout.fnmatch_lines(["*references accepted*", "*changed: *"])
    assert _references(pytester.path) != written, "what is accepted is written"
    assert not _obtained(pytester.path), "what was obtained is gone when it is accepted"
    assert run(other).ret == 0, "from then on it passes"
    assert run(one).ret == 1, "and what was before does not"


def _references(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in folder.rglob("*.drift/*") if ".obtained." not in path.name
    }


def _obtained(folder: Path) -> list[Path]:
    return list(folder.rglob("*.drift/*.obtained.json"))
