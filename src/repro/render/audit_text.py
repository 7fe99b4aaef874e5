"""An audit as text, within 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.render.words import Palette, one_line, plural, shorten
from repro.sbom.audit import Fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from repro.flows.audit import AuditReport
    from repro.sbom.audit import Left, Vulnerability

WIDTH = 80

SHOWN = 50
"""Findings that are shown; the document of --json has all."""

LISTED = 10
"""Lines of anything else that are shown."""

NAME = 48
"""Characters of a name before it is cut in its middle."""


def audit_text(report: AuditReport, palette: Palette) -> str:
    """What counts, what does not and why, what could not be told, the database's age, the outcome."""
    audit = report.audit
    counting = report.counting
    lines = [line for each in counting[:SHOWN] for line in _counting(each, palette)]
    if len(counting) > SHOWN:
        lines.append(f"and {len(counting) - SHOWN} more, see --json")
    below = [each for each in audit.of(Fate.OPEN) if each not in set(counting)]
    lines += _section("below the severity asked for", map(_brief, below), palette)
    lines += _section("resolved by a patch in the SBOM", map(_why, audit.of(Fate.PATCHED)), palette)
    lines += _section("silenced by VEX", map(_why, audit.of(Fate.SILENCED)), palette)
    unknown = [f"{each.component}: {each.id}: {each.why}" for each in audit.unknown]
    lines += _section("could not be judged", unknown, palette)
    lines += _section("entries that cannot be read", audit.database.unread, palette)
    lines += _section("not audited", reasons(audit.not_audited), palette)
    idle = [f"{name} of {file}" for file, name in audit.unused]
    lines += _section("VEX statements about nothing that was found", idle, palette)
    lines += [palette.dim(line) for line in age_lines(report)]
    lines.append(_outcome(report, palette))
    return "\n".join(lines) + "\n"


def age_lines(report: AuditReport) -> Iterator[str]:
    """How large the database is and how old, by its newest entry of each ecosystem."""
    database = report.audit.database
    yield shorten(f"database {one_line(database.name)}: {_entries(database.count)}", WIDTH)
    for ecosystem, newest in database.newest.items():
        days = max((report.at - newest).days, 0)
        age = f"{plural(days, 'day')} old"
        yield shorten(f"  newest of {one_line(ecosystem)}: {newest.date()}, {age}", WIDTH)


def outcome(report: AuditReport) -> str:
    """The last line: how many count, or why nothing can be said."""
    audit = report.audit
    parts = plural(audit.audited, "component") + " audited"
    if report.counting:
        count = len(report.counting)
        return f"{count} {'vulnerability' if count == 1 else 'vulnerabilities'} in {parts}"
    if report.exit is Exit.WRONG:
        return f"not strictly audited: {plural(len(audit.not_audited), 'component')} not audited"
    if report.exit is Exit.GOOD:
        return f"no vulnerability counts: {parts}, {len(audit.not_audited)} not"
    if not audit.audited:
        return "not checked: the database could tell of no component"
    return f"not checked whole: {parts}, but see above what could not be told"


def reasons(left: Iterable[Left]) -> list[str]:
    """Components that were not audited, by reason: how many, and the first of them."""
    found: dict[str, list[str]] = {}
    for each in left:
        found.setdefault(each.why, []).append(each.component)
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {why}"
        for why, names in found.items()
    ]


def rated(each: Vulnerability) -> str:
    """The severity in words, with its score."""
    return str(each.level) + (f" {each.score}" if each.score is not None else "")


def fixes(each: Vulnerability) -> str:
    """What fixes it, in words."""
    return f"fixed in {', '.join(each.fixed)}" if each.fixed else "no fixed version is known"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _counting(each: Vulnerability, palette: Palette) -> Iterator[str]:
    name = shorten(one_line(each.component), NAME)
    word = rated(each)
    paint = palette.unsure if each.level.value == "unknown" else palette.bad
    space = WIDTH - len(word) - 4 - len(name)
    yield f"{paint(word)}  {palette.bold(name)}  {shorten(one_line(each.id), max(space, 8))}"
    others = [one_line(name) for name in each.names[1:]]
    if others:
        yield from _wrapped(f"also {', '.join(others)}")
    if each.summary:
        yield "    " + textwrap.shorten(one_line(each.summary), WIDTH - 4, placeholder=" …")
    yield from _wrapped(one_line(fixes(each)))
    if each.why:
        yield from _wrapped(one_line(each.why))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(shorten(text, 4 * WIDTH), WIDTH, initial_indent="    ", subsequent_indent="    ")


def _brief(each: Vulnerability) -> str:
    return f"{each.component}: {each.id}: {rated(each)}, {fixes(each)}"


def _why(each: Vulnerability) -> str:
    return f"{each.component}: {each.id}: {each.why}"


def _section(heading: str, rows: Iterable[str], palette: Palette) -> list[str]:
    found = list(rows)
    if not found:
        return []
    lines = [palette.bold(f"{heading} ({len(found)})")]
    lines += [f"  {shorten(one_line(row), WIDTH - 2)}" for row in found[:LISTED]]
    if len(found) > LISTED:
        lines.append(f"  and {len(found) - LISTED} more, see --json")
    return lines


def _outcome(report: AuditReport, palette: Palette) -> str:
    paints = {Exit.GOOD: palette.good, Exit.WRONG: palette.bad, Exit.NOT_CHECKED: palette.unsure}
    return paints[report.exit](outcome(report))
