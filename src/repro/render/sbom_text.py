"""What a check, a comparison, a validation and a policy found of an SBOM, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.check import Status
from repro.core.exits import Exit
from repro.render.words import Palette, one_line, plural, shorten
from repro.sbom.check import Deviation
from repro.sbom.difference import Sort

if TYPE_CHECKING:
    from repro.sbom.check import Checked, Deviating
    from repro.sbom.difference import Change, Difference
    from repro.sbom.licences import Judged
    from repro.sbom.validate import Validated

SHOWN = 20
"""Lines of one kind that are shown; the document of --json has all."""

WIDTH = 100


def check_text(found: Checked, palette: Palette, *, strict: bool = False) -> str:
    """Deviations, by what the others were compared, and the outcome last."""
    lines = [_deviating(each, palette) for each in found.deviations[:SHOWN]]
    lines += _more(len(found.deviations))
    lines += [f"note: {one_line(each.where)}: {one_line(each.what)}" for each in found.belied[:SHOWN]]
    if found.by_version:
        names = ", ".join(one_line(name) for name in found.by_version[:SHOWN])
        rest = len(found.by_version) - SHOWN
        lines.append(
            palette.unsure(f"compared by version only, for lack of a hash on both sides: {names}")
            + (f" and {rest} more" if rest > 0 else "")
        )
    within = f", {found.within} inside of those" if found.within else ""
    lines.append(
        palette.dim(f"{found.by_hash} agree by hash{within}, {len(found.by_version)} by version only")
    )
    lines.append(_outcome(found, palette, strict=strict))
    return "\n".join(lines) + "\n"


def _deviating(each: Deviating, palette: Palette) -> str:
    name, stated, found = one_line(each.name), one_line(each.stated), one_line(each.found)
    if each.kind is Deviation.CHANGED:
        return f"{palette.bad('changed')}  {name}\n    SBOM   {stated}\n    there  {found}"
    return f"{palette.bad(f'{each.kind:7}')}  {shorten(found or stated, WIDTH)}"


def _more(count: int) -> list[str]:
    return [f"{plural(count - SHOWN, 'more deviation')}, see --json"] if count > SHOWN else []


def _outcome(found: Checked, palette: Palette, *, strict: bool) -> str:
    code = found.exit(strict=strict)
    if code is Exit.GOOD:
        return palette.good("the SBOM of what is there")
    if code is Exit.NOT_CHECKED:
        return palette.unsure("not checked: not one component could be compared by hash")
    if not found.deviations:
        return palette.bad("not strictly checked: some were compared by version only")
    return palette.bad(f"not the SBOM of what is there: {plural(len(found.deviations), 'deviation')}")


HEADINGS = {
    Sort.ADDED: "added",
    Sort.REMOVED: "removed",
    Sort.VERSION: "another version",
    Sort.CONTENT: "same version, other content",
    Sort.LICENCE: "another licence",
    Sort.PATCH: "other patches",
    Sort.NEEDS: "other needs",
}
"""What each kind of change is called."""


def diff_text(found: Difference, palette: Palette) -> str:
    """Changes by kind, and the outcome last."""
    lines = []
    for sort in Sort:
        changes = found.of(sort)
        if changes:
            lines.append(palette.bold(f"{HEADINGS[sort]} ({len(changes)})"))
            lines += [f"  {shorten(change_line(each), WIDTH)}" for each in changes[:SHOWN]]
            lines += [f"  and {len(changes) - SHOWN} more, see --json"] if len(changes) > SHOWN else []
    words = {
        Exit.GOOD: palette.good("no difference"),
        Exit.WRONG: palette.bad(plural(len(found.changes), "difference")),
        Exit.NOT_CHECKED: palette.unsure("nothing to compare: neither SBOM states a component"),
    }
    lines.append(f"{words[found.exit]}, {plural(found.same, 'component')} the same")
    return "\n".join(lines) + "\n"


def change_line(each: Change) -> str:
    """One change in one line."""
    name, before, after = one_line(each.name), one_line(each.before), one_line(each.after)
    if each.sort in {Sort.ADDED, Sort.REMOVED}:
        return before or after
    if each.sort in {Sort.PATCH, Sort.NEEDS}:
        parts = [f"gained {after}" if after else "", f"lost {before}" if before else ""]
        return f"{name}: {', '.join(filter(None, parts))}"
    return f"{name}: {before or 'none'} -> {after or 'none'}"


def validated_text(found: Validated, palette: Palette) -> str:
    """The violations, and the outcome last."""
    lines = [f"{one_line(each.where)}: {shorten(one_line(each.what), 300)}" for each in found.violations]
    if lines:
        lines.append(palette.bad(f"not valid by the schema of {found.schema}"))
    else:
        lines.append(palette.good(f"valid by the schema of {found.schema}"))
    return "\n".join(lines) + "\n"


def licences_text(found: Judged, palette: Palette) -> str:
    """Components that are not allowed, then those let pass by an exception, and the outcome last."""
    failed = [each for each in found.checks if each.status is Status.FAIL]
    excepted = [each for each in found.checks if each.status is Status.SKIP]
    passed = len(found.checks) - len(failed) - len(excepted)
    lines = [f"{palette.bad('fail')}  {one_line(each.name)}: {one_line(each.reason)}" for each in failed]
    lines += [
        f"{palette.unsure('skip')}  {one_line(each.name)}: {one_line(each.reason)}" for each in excepted
    ]
    lines += [
        palette.dim(f"note: the exception for {one_line(each)} is about no component")
        for each in found.unused
    ]
    counts = f"{passed} allowed, {len(failed)} not allowed, {len(excepted)} excepted"
    paints = {Exit.GOOD: palette.good, Exit.WRONG: palette.bad, Exit.NOT_CHECKED: palette.unsure}
    lines.append(paints[found.exit](counts))
    return "\n".join(lines) + "\n"
