"""What a defect is, and the list that the generators beside this file enter themselves into."""

from __future__ import annotations

import base64
import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.sigstore.log import Document
    from tests.sigstore.order import Order
    from tests.sigstore.world import PrivateSigstore

    Maker = Callable[[PrivateSigstore, Order], Document | bytes]

M = TypeVar("M", bound="Maker")

FOUND: dict[str, Defect] = {}
"""Every generator by its defect's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A bundle with one thing wrong: what makes it, and which step of the protocol has to find it.

    `part` names what within the step is at fault. `conformance` is the case of the sigstore-conformance suite
    with the same defect. `sigstore` says whether sigstore-python refuses it too. `changes` go into the order.
    """

    name: str
    step: int
    part: str
    make: Maker
    conformance: str = ""
    sigstore: bool = True
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def why(self) -> str:
        """What is wrong, in words."""
        return (self.make.__doc__ or "").strip()

    def fit(self, order: Order) -> Order:
        """The order in the shape that the defect needs."""
        return replace(order, **self.changes)


def defect(
    name: str, step: int, part: str, *, conformance: str = "", sigstore: bool = True, **changes: object
) -> Callable[[M], M]:
    """Enter a generator into the list."""

    def enter(make: M) -> M:
        assert name not in FOUND
        FOUND[name] = Defect(
            name=name,
            step=step,
            part=part,
            make=make,
            conformance=conformance,
            sigstore=sigstore,
            changes=changes,
        )
        return make

    return enter


def edited(document: Document, *path: str | int, value: object) -> Document:
    """A copy with one value replaced."""
    changed = copy.deepcopy(document)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def without(document: Document, *path: str | int) -> Document:
    """A copy with one value taken out."""
    changed = copy.deepcopy(document)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


def value_at(document: Document, *path: str | int) -> Any:  # noqa: ANN401 - JSON has any type
    """A value inside a document."""
    place: Any = document
    for step in path:
        place = place[step]
    return place


def flipped(text: str) -> str:
    """The same base64 with its last byte changed."""
    raw = bytearray(base64.b64decode(text))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode()


ENTRY = ("verificationMaterial", "tlogEntries", 0)
PROOF = (*ENTRY, "inclusionProof")
CHECKPOINT = (*PROOF, "checkpoint", "envelope")
STAMPS = ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps")
SIGNATURE = ("dsseEnvelope", "signatures", 0, "sig")
