"""Data of the past, what was removed and what is tracked now, as text and as documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.render.words import Palette, one_line, plural, size

if TYPE_CHECKING:
    from repro.data.track import Plan
    from repro.flows.data_gc import GcReport
    from repro.flows.data_history import HistoryReport, Past


def history_text(report: HistoryReport, palette: Palette | None = None) -> str:
    """Each experiment of the past that cannot be fed, and the sums."""
    paint = palette or Palette()
    if not report.past:
        return "nothing checked: no revision has a repro.toml with experiments\n"
    bad = [past for past in report.past if past.reason]
    lines = [f"{past.experiment} at {_place(past)}: {one_line(past.reason)}" for past in bad]
    unknown = sum(not past.known for past in bad)
    fed = len(report.past) - len(bad)
    states = f"{fed} of {len(report.past)} states of experiments can be fed"
    total = f"{plural(report.revisions, 'revision')}, {states}" + (f", {unknown} unknown" if unknown else "")
    if not bad and not any(past.objects for past in report.past):
        return f"{total}\nnothing checked: no object of DVC belongs to these experiments\n"
    return "\n".join([*lines, paint.bad(total) if bad else paint.good(total)]) + "\n"


def history_document(report: HistoryReport) -> dict[str, Any]:
    """The same for machines."""
    return {
        "version": 1,
        "exit": int(report.exit),
        "remote": report.remote,
        "revisions": report.revisions,
        "past": [
            {
                "experiment": past.experiment,
                "commit": past.commit,
                "names": list(past.names),
                "revisions": past.revisions,
                "objects": past.objects,
                "fed": None if not past.known else not past.reason,
                "reason": past.reason,
            }
            for past in report.past
        ],
    }


def gc_text(report: GcReport) -> str:
    """What went, and what stays."""
    would = "would be removed" if report.dry_run else "removed"
    lines = [f"note: {one_line(note)}" for note in report.notes]
    lines.append(
        f"{plural(len(report.removed), 'object')} {would} ({size(report.bytes)}), {report.kept} needed"
        + (f", {report.young} too young to judge" if report.young else "")
    )
    lines.append(f"cache: {one_line(report.cache)}")
    return "\n".join(lines) + "\n"


def gc_document(report: GcReport) -> dict[str, Any]:
    """The same for machines."""
    return {
        "version": 1,
        "exit": int(report.exit),
        "cache": report.cache,
        "dry_run": report.dry_run,
        "removed": list(report.removed),
        "bytes": report.bytes,
        "kept": report.kept,
        "young": report.young,
        "notes": list(report.notes),
    }


def plan_text(plan: Plan) -> str:
    """The steps, one a line."""
    return "".join(f"  {one_line(step)}\n" for step in plan.steps)


def plan_document(plan: Plan, *, done: bool) -> dict[str, Any]:
    """The same for machines."""
    return {
        "version": 1,
        "exit": 0,
        "path": plan.path,
        "experiment": plan.experiment,
        "pointer": plan.pointer,
        "steps": list(plan.steps),
        "done": done,
    }


def _place(past: Past) -> str:
    names = f" ({', '.join(past.names[:3])})" if past.names else ""
    more = f" and {plural(past.revisions - 1, 'revision')} like it" if past.revisions > 1 else ""
    return one_line(f"{past.commit[:12]}{names}{more}")
