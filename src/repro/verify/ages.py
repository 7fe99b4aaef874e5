"""When evidence was signed, and whether that is lately enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from repro.core.errors import EvidenceError, FormatError
from repro.verify.candidate import Candidate, NotAsked, Question
from repro.verify.provenance import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SKEW = timedelta(minutes=5)
"""How far clocks of honest machines may be apart."""


def parse_time(text: object, *, name: str) -> datetime:
    """A time of RFC 3339. Raises FormatError."""
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise FormatError(f"{name}: not a time: {text!r:.80}") from error
    if moment.tzinfo is None:
        raise FormatError(f"{name}: a time without a zone: {text!r:.80}")
    return moment.astimezone(UTC)


def signed_at(candidate: Candidate) -> datetime | None:
    """The earliest time that a third party signed; None where none did.

    The earliest, because an old signature can be given a new timestamp at any time.
    """
    return min((one.at for one in candidate.signed.times), default=None)


def stated_times(candidate: Candidate) -> Iterator[datetime]:
    """The times that the statement states itself: they can make it older, never younger."""
    statement = candidate.outcome.statement
    if statement is None:
        return
    predicate = statement.predicate
    if statement.predicate_type in TYPES:
        yield from (parse_time(one, name="a build's time") for one in candidate.provenance.times)
    if isinstance(replay := predicate.get("repro_replay"), dict) and "finishedOn" in replay:
        yield parse_time(replay["finishedOn"], name="repro_replay: finishedOn")
    if "timeVerified" in predicate:
        yield parse_time(predicate["timeVerified"], name="timeVerified")


def _age(candidate: Candidate) -> Mapping[str, str]:
    """The policy's own: not too old, and not from the future."""
    signed = signed_at(candidate)
    for one in (*candidate.signed.times,):
        if one.at > candidate.around.now + SKEW:
            raise EvidenceError(f"signed at {one.at:%Y-%m-%dT%H:%M:%SZ}, which is in the future")
    limit = candidate.demand.max_age_days
    if limit is None:
        raise NotAsked("no maximum age")
    if signed is None:
        raise EvidenceError("no third party has signed when, so its age is not known")
    oldest = min([signed, *stated_times(candidate)])
    age = candidate.around.now - oldest
    if age > timedelta(days=limit):
        raise EvidenceError(f"{age.days} days old; {limit:g} are allowed")
    return {"since": f"{oldest:%Y-%m-%dT%H:%M:%SZ}", "allowed days": f"{limit:g}"}


AGE = Question(number=0, name="age", ask=_age)
