"""Fields that must have one value across attestations, such as the commit of a build and of a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.canonical import to_bytes
from repro.core.errors import EvidenceError
from repro.verify.candidate import Candidate, Question, one_asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.core.check import Check
    from repro.verify.demands import Judged
    from repro.verify.policy import Rule

SHOWN = 200


def agreements(rule: Rule, done: Mapping[str, Judged]) -> tuple[Check, ...]:
    """A check for each group of fields."""
    return tuple(
        one_asked(Question(number=0, name=f"agree {' '.join(group)}", ask=_agree), (group, done))
        for group in rule.agree
    )


def _agree(about: tuple[tuple[str, ...], Mapping[str, Judged]]) -> Mapping[str, str]:
    """Every accepted attestation of the demands that a group names has the field, and all are equal."""
    group, done = about
    values: dict[bytes, str] = {}
    for place in group:
        demand, _, pointer = place.partition(":")
        accepted = done[demand].accepted
        if not accepted:
            raise EvidenceError(f"{demand} has no evidence that holds")
        for candidate in accepted:
            values.setdefault(to_bytes(value_at(_fields(candidate), pointer, place)), place)
    if len(values) > 1:
        said = [f"{place} is {value.decode()[:SHOWN]}" for value, place in values.items()]
        raise EvidenceError("; ".join(said))
    return {"value": next(iter(values)).decode()[:SHOWN]}


def _fields(candidate: Candidate) -> dict[str, Any]:
    """What pointers point into: the predicate, and the claims of the certificate."""
    signer = candidate.signed.signer
    return {
        "predicate": candidate.statement.predicate,
        "certificate": {**signer.claims, "identity": signer.identity, "issuer": signer.issuer}
        if signer
        else {},
    }


def value_at(document: object, pointer: str, place: str) -> object:
    """The value that a JSON pointer (RFC 6901) points at. Raises EvidenceError where there is none."""
    value = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise EvidenceError(f"{place}: there is no such field")
    return value
