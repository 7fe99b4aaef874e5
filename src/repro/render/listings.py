"""Lists and single records as text and as JSON documents: status, baselines, runs."""

from __future__ import annotations

import itertools
import textwrap
from typing import TYPE_CHECKING, Any

from repro.core.verdict import Verdict
from repro.render.drift_text import drift_text
from repro.render.replay_json import VERSION, error_dict
from repro.render.words import Palette, columns, plural, printable, shorten, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from repro.flows.baseline import Change
    from repro.flows.runs import Difference, Entry, Pruned
    from repro.flows.status import Standing
    from repro.store.baseline import Baseline
    from repro.store.record import Record

WIDTH = 80


def status_text(standings: Sequence[Standing], palette: Palette) -> str:
    """One line per experiment where all its runs stand alike, else one per group of runs."""
    rows = [("experiment", "runs", "standing", "verdict", "why")]
    key = lambda entry: (entry.experiment, entry.standing, entry.verdict, entry.reasons)  # noqa: E731
    for (experiment, standing, verdict, reasons), group in itertools.groupby(standings, key=key):
        rows.append((shorten(experiment, 24), str(len(list(group))), standing, verdict, "; ".join(reasons)))
    return _table(rows, palette, right=(1,))


def status_document(standings: Iterable[Standing]) -> dict[str, Any]:
    """The same for programs, run by run."""
    return {
        "version": VERSION,
        "runs": [
            {
                "run": entry.run,
                "experiment": entry.experiment,
                "standing": entry.standing,
                "run_id": entry.run_id,
                "verdict": entry.verdict,
                "reasons": list(entry.reasons),
            }
            for entry in standings
        ],
    }


def changes_text(changes: Sequence[Change], palette: Palette) -> str:
    """What became of each baseline; equal outcomes of a matrix in one line."""
    lines = []
    for change in changes:
        name = printable(change.run)
        if change.error:
            lines.append(palette.bad(f"{name}: {printable(change.error.message)}"))
            lines += [f"  -> {printable(change.error.hint)}"] if change.error.hint else []
        else:
            lines.append(f"{name}: {palette.good(change.outcome)} as {change.label} from run {change.run_id}")
    lines.append(plural(len(changes), "run") + ": " + _counted(change.outcome for change in changes))
    return "\n".join(lines)


def changes_document(changes: Iterable[Change]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": VERSION,
        "changes": [
            {
                "run": change.run,
                "outcome": change.outcome,
                "label": change.label,
                "run_id": change.run_id,
                "before": change.before,
                "after": change.after,
                "error": error_dict(change.error) if change.error else None,
            }
            for change in changes
        ],
    }


def baselines_text(found: Sequence[Baseline], palette: Palette) -> str:
    """One line per baseline."""
    rows = [("run", "variant", "accepted", "reason")]
    rows += [(shorten(b.run, 28), shorten(b.label, 22), b.accepted_at[:10], b.reason) for b in found]
    return _table(rows, palette)


def baselines_document(found: Iterable[Baseline]) -> dict[str, Any]:
    """The same for programs, whole."""
    import dataclasses

    return {"version": VERSION, "baselines": [dataclasses.asdict(baseline) for baseline in found]}


def baseline_text(baseline: Baseline, palette: Palette) -> str:
    """One baseline whole: who, when, why, from what, and what it replaced."""
    lines = [palette.bold(f"{baseline.run}  {baseline.label}")]
    lines += _pairs(
        {
            "accepted": f"{baseline.accepted_at} by {baseline.accepted_by}",
            "reason": baseline.reason,
            "from run": baseline.run_id,
            "digest": str(baseline.digest),
            **{f"output {name}": digest for name, digest in baseline.outputs.items()},
            **{name: value for name, value in baseline.conditions.items() if value is not None},
        }
    )
    for old in reversed(baseline.history):
        lines.append(f"  replaced {old['digest'][:19]}…, accepted {old['accepted_at']}: {old['reason']}")
    return "\n".join(printable(line) if not palette.on else line for line in lines)


def runs_text(found: Sequence[Entry], total: int, palette: Palette) -> str:
    """One line per run, newest first."""
    rows = [("id", "verdict", "size", "")]
    for entry in found:
        record = entry.record
        verdict = record.verdict["verdict"] if record.completed else "failed"
        rows.append((record.id, verdict, size(entry.size), "baseline" if entry.accepted else ""))
    more = f"\n{plural(total - len(found), 'run')} more: --limit" if total > len(found) else ""
    return _table(rows, palette, right=(2,), cut=False) + more


def runs_document(found: Iterable[Entry]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": VERSION,
        "runs": [
            {
                "id": entry.record.id,
                "run": entry.record.run,
                "completed": entry.record.completed,
                "verdict": entry.record.verdict["verdict"],
                "started_at": entry.record.started_at,
                "bytes": entry.size,
                "accepted": entry.accepted,
            }
            for entry in found
        ],
    }


def run_text(record: Record, palette: Palette) -> str:
    """One run, for people; the record itself has more."""
    conditions, verdict = record.conditions, record.verdict
    code, environment, platform = conditions["code"], conditions["environment"], conditions["platform"]
    reference = verdict["reference"]
    dirty = f", changed in {plural(len(code['changed']), 'file')}" if code["dirty"] else ""
    checks = [f"{check['name']} {check['status']}" for check in record.isolation["checks"]]
    wall = {stage["name"]: f"{stage['wall_seconds']:.3f} s" for stage in record.stages}
    pairs = {
        "run": record.run,
        "state": f"{record.outcome['state']} {record.outcome['reason']}".strip(),
        "verdict": verdict["verdict"] + (f" with {reference['what']}" if reference else ""),
        "code": f"{code['commit'][:12]}{dirty}, {plural(len(code['files']), 'file')}",
        "environment": f"{environment['name']} ({environment['kind']}), "
        f"Python {environment['facts'].get('python', '?')}",
        "data": ", ".join(conditions["data"]["inputs"]) or "none",
        "platform": f"{platform['class']}, {platform['observed'].get('cpu', '?')}",
        "command": record.command["shown"],
        "isolation": f"{record.isolation['method']}: {', '.join(checks)}",
        "stages": ", ".join(f"{name} {took}" for name, took in wall.items()),
        "outputs": ", ".join(
            f"{name} ({size(entry['bytes'])})" if entry else f"{name} (missing)"
            for name, entry in record.outputs.items()
        ),
        "folder": f".repro/runs/{record.id}",
    }
    return "\n".join([palette.bold(record.id), *map(printable, _pairs(pairs))])


def difference_text(found: Difference, palette: Palette) -> str:
    """The conditions that differ, with both values, then the numbers that do."""
    lines = [palette.bold(f"{found.first.id}  ->  {found.second.id}")]
    for name, left, right in found.conditions:
        lines += [f"  {name}", f"    {shorten(left, WIDTH - 4)}", f"    {shorten(right, WIDTH - 4)}"]
    lines += [] if found.conditions else ["  the conditions are the same"]
    return "\n".join(map(printable, lines)) + "\n" + drift_text(found.report)


def difference_document(found: Difference) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": VERSION,
        "runs": [found.first.id, found.second.id],
        "conditions": [
            {"name": name, "first": left, "second": right} for name, left, right in found.conditions
        ],
        "report": found.report.to_dict(),
    }


def pruned_text(pruned: Pruned, *, dry_run: bool) -> str:
    """What went, or would go."""
    word = "would be removed" if dry_run else "removed"
    head = f"{plural(len(pruned.ids), 'run')} {word}, {size(pruned.size)}; {pruned.kept} kept"
    return "\n".join([*(f"  {name}" for name in pruned.ids), head])


def pruned_document(pruned: Pruned) -> dict[str, Any]:
    """The same for programs."""
    return {"version": VERSION, "removed": list(pruned.ids), "bytes": pruned.size, "kept": pruned.kept}


def _table(
    rows: Sequence[tuple[str, ...]], palette: Palette, *, right: Sequence[int] = (), cut: bool = True
) -> str:
    """Rows in columns within 80 characters; the last column is cut where it must be."""
    lines = []
    for cells in columns([tuple(map(printable, row)) for row in rows], right=right):
        line = "".join(cells).rstrip()
        lines.append(shorten(line, WIDTH) if cut else line)
    return "\n".join([palette.dim(lines[0]), *(_paint(line, palette) for line in lines[1:])])


def _paint(line: str, palette: Palette) -> str:
    for word in (Verdict.DRIFT, Verdict.PATTERN, Verdict.STRUCTURE, "failed"):
        line = line.replace(f" {word} ", f" {palette.bad(str(word))} ")
    for word in ("stale", "never run", Verdict.NOT_MEASURED):
        line = line.replace(f" {word}", f" {palette.unsure(str(word))}")
    return line


def _pairs(pairs: Mapping[str, Any]) -> list[str]:
    """`name  value` lines, values wrapped under themselves."""
    width = min(24, max(map(len, pairs)))
    lines: list[str] = []
    for name, value in pairs.items():
        wrapped = textwrap.wrap(str(value), WIDTH - width - 4) or [""]
        lines.append(f"  {name.ljust(width)}  {wrapped[0]}")
        lines += [" " * (width + 4) + line for line in wrapped[1:]]
    return lines


def _counted(words: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())
