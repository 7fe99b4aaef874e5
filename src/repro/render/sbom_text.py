"""SBOMs as text: what was made, and what a check found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.exits import Exit
from repro.render.words import Palette, one_line, plural, shorten
from repro.sbom.check import Deviation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.sbom.check import Checked, Deviating
    from repro.sbom.component import Inventory

SHOWN = 20
"""Lines of one kind that are shown; the document of --json has all."""

WIDTH = 100


def made_lines(inventory: Inventory, out: str) -> Iterator[str]:
    """What is told beside an SBOM: how much it holds, where it is, and what was found wrong on the way."""
    for finding in inventory.findings[:SHOWN]:
        yield f"note: {one_line(finding.where)}: {one_line(finding.what)}"
    if len(inventory.findings) > SHOWN:
        yield f"note: {len(inventory.findings) - SHOWN} more are in the SBOM, as repro:finding"
    count = plural(len(inventory.components), "component")
    yield f"SBOM of {one_line(inventory.target.name)}: {count}" + (f", written to {out}" if out else "")


def check_text(found: Checked, palette: Palette, *, strict: bool = False) -> str:
    """Deviations, by what the others were compared, and the outcome last."""
    lines = [_deviating(each, palette) for each in found.deviations[:SHOWN]]
    lines += _more(len(found.deviations))
    if found.by_version:
        names = ", ".join(one_line(name) for name in found.by_version[:SHOWN])
        rest = len(found.by_version) - SHOWN
        lines.append(
            palette.unsure(f"compared by version only, for lack of a hash on both sides: {names}")
            + (f" and {rest} more" if rest > 0 else "")
        )
    lines.append(palette.dim(f"{found.by_hash} agree by hash, {len(found.by_version)} by version only"))
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
