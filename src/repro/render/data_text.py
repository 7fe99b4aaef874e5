"""Data under DVC as text and as documents: what was moved, what stands where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.exits import Exit
from repro.data.cache import Standing
from repro.render.words import Palette, columns, one_line, plural

if TYPE_CHECKING:
    from repro.flows.data import Row, TransferReport, VerifyReport
    from repro.flows.data_status import StatusReport

SHOWN = 20
"""Objects that are named one by one; the document has all."""


def transfer_text(report: TransferReport, verb: str) -> str:
    """What a pull or a push did, in a few lines."""
    if not report.experiments:
        return "no experiments: nothing to do\n"
    done = report.moved
    asked = f"{plural(len(report.experiments), 'experiment')}: {plural(report.files, 'file')}"
    lines = [f"{asked}, {plural(len(done.moved), 'object')} {verb}, {done.there} there already"]
    lines += [f"corrupt, set aside: {one_line(str(path))}" for path in done.quarantined]
    if report.placed is not None:
        made = ", ".join(f"{count} by {kind}" for kind, count in report.placed.made.items())
        lines.append(f"in place: {made or 'nothing new'}; {report.placed.there} there already")
    lines.append(f"remote: {one_line(report.remote)}")
    return "\n".join(lines) + "\n"


def transfer_document(report: TransferReport) -> dict[str, Any]:
    """The same for machines."""
    placed = report.placed
    return {
        "version": 1,
        "exit": int(report.exit),
        "experiments": list(report.experiments),
        "remote": report.remote,
        "files": report.files,
        "moved": [str(one) for one in report.moved.moved],
        "there": report.moved.there,
        "quarantined": [str(path) for path in report.moved.quarantined],
        "placed": None if placed is None else {"made": placed.made, "there": placed.there},
    }


def verify_text(report: VerifyReport, palette: Palette | None = None) -> str:
    """Every object that is not good, and the sums."""
    paint = palette or Palette()
    if not report.rows:
        return "nothing checked: no object of DVC belongs to these experiments\n"
    bad = [row for row in report.rows if row.exit is not Exit.GOOD]
    cells = [("object", "cache", "remote", "path")]
    cells += [
        (
            f"{row.object.digest.short}{'.dir' if row.object.is_folder else ''}",
            row.cache,
            row.remote or "not asked",
            one_line(row.paths[0]) + (f" and {len(row.paths) - 1} more" if len(row.paths) > 1 else ""),
        )
        for row in bad[:SHOWN]
    ]
    lines = ["".join(row).rstrip() for row in columns(cells)] if bad else []
    lines += [f"and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    lines += [f"unknown, for its manifest is nowhere: {one_line(path)}" for path in report.unknown]
    lines.append(paint.dim(f"cache: {_sums([row.cache for row in report.rows])}"))
    if report.remote:
        asked = [row.remote for row in report.rows if row.remote]
        lines.append(paint.dim(f"remote {one_line(report.remote)}: {_sums(asked)}"))
    good = f"{plural(len(report.rows), 'object')}: all good"
    wrong = f"{plural(len(report.rows), 'object')}: {len(bad)} not good"
    lines.append(paint.bad(wrong) if bad else paint.good(good))
    return "\n".join([*lines, *(f"-> {step}" for step in _next(report))]) + "\n"


def _next(report: VerifyReport) -> list[str]:
    """What to do about what is not good."""
    here = f" --at {one_line(report.revision)}" if report.revision else ""
    good, wrong = Standing.PRESENT, {Standing.MISSING, Standing.CORRUPT}
    asked = {(row.cache, row.remote) for row in report.rows}
    steps = []
    if any(cache is Standing.CORRUPT and remote not in wrong for cache, remote in asked):
        steps.append(f"repro data pull{here} sets aside what is corrupt in the cache, and fetches it")
    elif any(cache is Standing.MISSING and remote is None for cache, remote in asked):
        steps.append(f"repro data pull{here} fetches what the cache lacks")
    if any(cache is good and remote in wrong for cache, remote in asked):
        steps.append(f"repro data push{here} stores what the remote lacks, or has corrupt")
    if any({cache, remote} <= wrong for cache, remote in asked):
        steps.append("what is nowhere: repro data push, from where it is; or dvc remote default NAME")
    if any(remote is Standing.UNCHECKED for _, remote in asked):
        steps.append("the remote keeps no hash of some: --read reads their bytes")
    return steps


def verify_document(report: VerifyReport) -> dict[str, Any]:
    """Every object with its standing, for machines."""
    return {
        "version": 1,
        "exit": int(report.exit),
        "revision": report.revision,
        "commit": report.commit,
        "remote": report.remote,
        "unknown": list(report.unknown),
        "objects": [_row(row) for row in report.rows],
    }


def status_text(report: StatusReport) -> str:
    """A line for each out that is tracked."""
    if not report.tracked:
        return "nothing is tracked: no pointer of DVC is here\n"
    cells = [("path", "files", "in place", "cache", "remote")]
    cells += [
        (
            one_line(each.path),
            "?" if each.files is None else str(each.files),
            f"{each.in_place}" + (f", {each.changed} changed" if each.changed else ""),
            str(each.cached),
            "not asked" if each.remote is None else str(each.remote),
        )
        for each in report.tracked
    ]
    lines = ["".join(row).rstrip() for row in columns(cells, right=(1,))]
    lines += [f"cache: {one_line(report.cache)}"]
    lines += [f"remote: {one_line(report.remote)}"] if report.remote else []
    if report.gone:
        lines.append("there is no such folder or bucket yet: repro data push, or dvc remote modify")
    return "\n".join(lines) + "\n"


def status_document(report: StatusReport) -> dict[str, Any]:
    """The same for machines."""
    return {
        "version": 1,
        "exit": int(report.exit),
        "cache": report.cache,
        "remote": report.remote,
        "remote_is_there": None if not report.remote else not report.gone,
        "tracked": [
            {
                "path": each.path,
                "pointer": each.pointer,
                "files": each.files,
                "in_place": each.in_place,
                "changed": each.changed,
                "cached": each.cached,
                "in_remote": each.remote,
            }
            for each in report.tracked
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "object": str(row.object),
        "paths": list(row.paths),
        "experiments": list(row.experiments),
        "cache": str(row.cache),
        "remote": str(row.remote) if row.remote else None,
    }


def _sums(standings: list[Standing]) -> str:
    counted = [(kind, standings.count(kind)) for kind in Standing]
    return ", ".join(f"{count} {kind}" for kind, count in counted if count)
