"""Lists and single records as text and as JSON documents: status, baselines, runs."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

from repro.render.drift_text import drift_text
from repro.render.replay_json import VERSION, error_dict
from repro.render.words import Palette, columns, one_line, plural, printable, shorten, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from repro.flows.baseline import Change
    from repro.flows.runs import Difference, Entry, Listing, Pruned
    from repro.flows.status import Standing
    from repro.store.baseline import Baseline
    from repro.store.record import Record

WIDTH = 80
SHOWN = 10
"""Runs of one kind that are told one by one."""


def status_text(standings: Sequence[Standing], palette: Palette) -> str:
    """One line per experiment and sort of standing, then how many runs stand how."""
    groups = Counter((e.experiment, e.standing, e.verdict, e.reasons) for e in standings)
    rows = [("experiment", "runs", "standing", "verdict", "why")]
    rows += [
        (shorten(name, 24), str(count), standing, verdict or "-", "; ".join(reasons))
        for (name, standing, verdict, reasons), count in groups.items()
    ]
    end = plural(len(standings), "run") + ": " + _counted(entry.standing for entry in standings)
    return f"{_table(rows, palette, right=(1,))}\n{end}"


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
    """What became of the baselines: equal outcomes of a matrix in one line, what was refused run by run."""
    lines = []
    done = [change for change in changes if not change.error]
    groups: dict[tuple[str, str, str], list[Change]] = {}
    for change in done:
        groups.setdefault((change.experiment, change.outcome, change.label), []).append(change)
    for (experiment, outcome, label), group in groups.items():
        name = one_line(group[0].run if len(group) == 1 else f"{experiment}: {len(group)} runs")
        source = f" from run {group[0].run_id}" if len(group) == 1 else ""
        lines.append(f"{name}: {palette.good(outcome)} as {label}{source}")
    refused = [(change, change.error) for change in changes if change.error]
    for change, error in refused[:SHOWN]:
        lines += [
            palette.bad(printable(f"{change.run}: {change.outcome}: {error.message}").replace("\n", "\n  ")),
            *([f"  -> {one_line(error.hint)}"] if error.hint else []),
        ]
    if len(refused) > SHOWN:
        lines.append(f"and {plural(len(refused) - SHOWN, 'run')} more like these; all of them: --json")
    lines.append(plural(len(changes), "run") + ": " + _counted(change.outcome for change in changes))
    if any(change.before != change.after for change in done):
        lines.append("-> keep it: git add baselines && git commit")
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


def baselines_text(found: Sequence[Baseline], palette: Palette, *, grouped: bool) -> str:
    """One line per baseline, or per experiment where those of its runs were accepted alike."""
    if not found:
        return "no baselines\n-> record them: repro baseline record --all"
    rows: list[tuple[str, ...]] = [("run", "variant", "accepted", "reason")]
    if grouped:
        rows = [("experiment", "runs", "variant", "accepted", "reason")]
        keys = Counter((b.run.partition("[")[0], b.label, b.accepted_at[:10], b.reason) for b in found)
        rows += [(shorten(key[0], 24), str(count), *key[1:]) for key, count in keys.items()]
        return _table(rows, palette, right=(1,))
    rows += [(shorten(b.run, 28), shorten(b.label, 22), b.accepted_at[:10], b.reason) for b in found]
    return _table(rows, palette)


def baselines_document(found: Iterable[Baseline]) -> dict[str, Any]:
    """The same for programs, whole."""
    import dataclasses

    return {"version": VERSION, "baselines": [dataclasses.asdict(baseline) for baseline in found]}


def baseline_text(baseline: Baseline, palette: Palette) -> str:
    """One baseline whole: who, when, why, from what, and what it replaced."""
    lines = [palette.bold(one_line(f"{baseline.run}  {baseline.label}"))]
    lines += _pairs(
        {
            "accepted": f"{baseline.accepted_at} by {baseline.accepted_by}",
            "reason": baseline.reason,
            "from run": baseline.run_id,
            **{f"output {name}": _short(digest) for name, digest in baseline.outputs.items()},
            **{name: _short(str(value)) for name, value in baseline.conditions.items() if value is not None},
        }
    )
    for old in reversed(baseline.history):
        text = f"replaced {old['digest'][:19]}…, accepted {old['accepted_at']}: {old['reason']}"
        lines += textwrap.wrap(one_line(text), WIDTH, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines)


def _short(value: str) -> str:
    """A digest as people tell it; --json has it whole."""
    return value[:19] + "…" if value.startswith("sha256:") else value


def runs_text(found: Listing, palette: Palette) -> str:
    """One line per run, newest first."""
    if not found.entries:
        return "no runs\n-> make some: repro replay --all"
    rows = [("id", "verdict", "size")]
    rows += [(entry.record.id, _entry_verdict(entry), size(entry.size)) for entry in found.entries]
    left = found.total - len(found.entries)
    more = f"\nand {plural(left, 'run')} more: --limit {found.total}" if left else ""
    return _table(rows, palette, right=(2,)) + more


def _entry_verdict(entry: Entry) -> str:
    if entry.accepted:
        return "baseline"
    return str(entry.record.verdict["verdict"]) if entry.record.completed else "failed"


def runs_document(found: Listing) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": VERSION,
        "total": found.total,
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
            for entry in found.entries
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
        "platform": f"{platform['class']}, {platform['observed'].get('cpu_model', '?')}",
        "command": record.command["shown"],
        "isolation": f"{record.isolation['method']}: {', '.join(checks)}",
        "stages": ", ".join(f"{name} {took}" for name, took in wall.items()),
        "outputs": ", ".join(
            f"{name} ({size(entry['bytes'])})" if entry else f"{name} (missing)"
            for name, entry in record.outputs.items()
        ),
        "folder": f".repro/runs/{record.id}",
    }
    return "\n".join([palette.bold(record.id), *_pairs(pairs)])


def difference_text(found: Difference, palette: Palette) -> str:
    """The conditions that differ, with both values, then the numbers that do."""
    lines = [palette.bold(one_line(f"{found.first.id}  ->  {found.second.id}"))]
    for name, left, right in found.conditions:
        pair = one_line(f"{left}  ->  {right}")
        if len(name) + len(pair) + 4 <= WIDTH:
            lines.append(f"  {one_line(name)}: {pair}")
        else:
            values = [shorten(one_line(value), WIDTH - 4) for value in (left, right)]
            lines += [f"  {one_line(name)}", *(f"    {value}" for value in values)]
    lines += [] if found.conditions else ["  the conditions are the same"]
    return "\n".join(lines) + "\n" + drift_text(found.report)


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


def _table(rows: Sequence[tuple[str, ...]], palette: Palette, *, right: Sequence[int] = ()) -> str:
    """Rows in columns, the first one being the head; a last column of text is wrapped under itself."""
    head, *body = columns([tuple(map(one_line, row)) for row in rows], right=right)
    lines = [palette.dim("".join(head).rstrip())]
    before = sum(map(len, head[:-1]))
    for *cells, last in body:
        room = len(last) if len(cells) in right else max(24, WIDTH - before)
        wrapped = textwrap.wrap(last, room, break_on_hyphens=False, drop_whitespace=room != len(last)) or [""]
        lines.append(("".join(_paint(cell, palette) for cell in cells) + wrapped[0]).rstrip())
        lines += [" " * before + line for line in wrapped[1:]]
    return "\n".join(lines)


GOOD = frozenset({"match", "fresh"})
BAD = frozenset({"drift", "pattern", "structure", "failed"})
UNSURE = frozenset({"stale", "never run", "not measured"})


def _paint(cell: str, palette: Palette) -> str:
    """A cell whose whole text is a word that means something, in the colour of its meaning."""
    word = cell.strip()
    paint = (palette.good, GOOD), (palette.bad, BAD), (palette.unsure, UNSURE)
    return next((colour(cell) for colour, words in paint if word in words), cell)


def _pairs(pairs: Mapping[str, Any]) -> list[str]:
    """`name  value` lines, values wrapped under themselves."""
    width = min(24, max(map(len, pairs)))
    lines: list[str] = []
    for name, value in pairs.items():
        wrapped = textwrap.wrap(one_line(str(value)), WIDTH - width - 4, break_on_hyphens=False) or [""]
        lines.append(f"  {one_line(name).ljust(width)}  {wrapped[0]}")
        lines += [" " * (width + 4) + line for line in wrapped[1:]]
    return lines


def _counted(words: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())
