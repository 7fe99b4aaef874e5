"""A certificate that was written, for people at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.render.words import one_line, plural

if TYPE_CHECKING:
    from repro.flows.certificate import Certificate


def certificate_text(made: Certificate) -> str:
    """Where it is, what it says, who signed it, and how it is checked."""
    contents = made.contents
    lines = [f"{one_line(str(made.place))}: {plural(len(made.files), 'file')}"]
    lines += [f"  {one_line(one.ran.run.name)}: {one.judgement.verdict}" for one in contents.parts]
    if contents.seal is None:
        return "\n".join([*lines, "  not signed: it proves nothing"])
    lines += [f"  signed by {one_line(one.shown)}" for one in contents.seal.signers]
    return "\n".join([*lines, "", "in it, without a network:", f"  {contents.seal.command}"])
