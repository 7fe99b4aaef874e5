"""What must hold of the workflows. `findings` says what does not; an empty list is a pass.

Every exception is written down by name beside its rule, so that an edit that wants another has to change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.workflows import delivery, order, pinned, rights, shells
from tests.workflows.documents import UnreadableError, read

if TYPE_CHECKING:
    from pathlib import Path

RULES = (
    rights.triggers,
    rights.permissions,
    rights.signer,
    rights.secrets,
    pinned.pins,
    pinned.checkouts,
    pinned.jobs,
    order.needs,
    order.conditions,
    order.gates,
    shells.swallowed,
    shells.shells,
    shells.expressions,
    shells.portable,
    shells.given,
    delivery.verified,
    delivery.deployed,
    delivery.published,
    delivery.nothing_built_after,
)


def findings(root: Path) -> list[str]:
    """All that does not hold, in words."""
    try:
        tree = read(root)
    except UnreadableError as error:
        return [str(error)]
    return [found for rule in RULES for found in rule(tree)]
