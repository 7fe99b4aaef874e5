"""What was attested, what was signed and which keys were made, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.render.words import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repro.attest.link_chain import Chain
    from repro.flows.attest import Written
    from repro.flows.sign import Signed
    from repro.flows.sign_keys import Pair

SHOWN = 10
"""Subjects of one statement that are shown."""


def signed_text(signed: Sequence[Signed]) -> str:
    """One line per file, and below it who signed and where the bundle is."""
    lines = []
    for one in signed:
        lines.append(f"{one_line(str(one.file))}: signed as {one_line(one.kind)}")
        lines += [f"  by {one_line(name)}" for name in one.signers]
        lines.append(f"  {one_line(str(one.bundle))}")
    return "\n".join(lines) + "\n"


def pair_text(pair: Pair) -> str:
    """Where the keys are, and how they are named."""
    how = "encrypted" if pair.encrypted else "in the clear"
    return (
        f"{one_line(str(pair.private))}: private key, {how}; keep it to yourself\n"
        f"{one_line(str(pair.public))}: public key, {pair.kind} {pair.fingerprint}\n"
    )


def written_text(written: Sequence[Written]) -> str:
    """One line per statement, and below it what it is about."""
    lines = []
    for one in written:
        said = one.statement
        lines.append(f"{one_line(str(one.file))}: {one_line(said.predicate_type)}")
        lines += [f"  {one_line(subject.name)}" for subject in said.subjects[:SHOWN]]
        if hidden := len(said.subjects[SHOWN:]):
            lines.append(f"  and {hidden} more")
    return "\n".join(lines) + "\n"


def chain_text(chain: Chain) -> str:
    """The steps that were done, and what the last one made."""
    products = [f"  {digest}  {one_line(name)}" for name, digest in sorted(chain.products.items())]
    notes = [f"note: {one_line(note)}" for note in chain.notes]
    return "\n".join([f"the chain holds: {', '.join(chain.steps)}", *products, *notes]) + "\n"
