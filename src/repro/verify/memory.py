"""What was accepted last, kept on this machine: so that nothing older, and nothing with less, follows it.

Times are those that third parties signed, versions those that releases or tags state. Only what was accepted
is remembered. Whoever can write the file can make it forget: it protects against who serves artifacts, not
against who rules the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.canonical import to_pretty_bytes
from repro.core.errors import EvidenceError, FormatError, ReproError
from repro.tools.files import disk_errors, locked, read_capped, write_atomic
from repro.verify.ages import parse_time, signed_at
from repro.verify.candidate import NotAsked, Question, asked
from repro.verify.policy import MemoryRule, Provenance
from repro.verify.source import parse_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from repro.core.check import Check
    from repro.verify.artifact import Artifact
    from repro.verify.candidate import Candidate
    from repro.verify.demands import Judged
    from repro.verify.policy import Rule

VERSION = 1
MAX_BYTES = 64 << 20
"""Cap on the file, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What was accepted: the digests, when it was signed ("" if nobody says), its version, by what.

    `evidence` names each demand that was met with the policy's names of those who signed.
    """

    name: str
    digests: Mapping[str, str]
    time: str = ""
    version: str = ""
    evidence: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "name": self.name,
            "digests": dict(self.digests),
            "time": self.time,
            "version": self.version,
            "evidence": list(self.evidence),
        }


def stream_of(policy: str, rule: Rule, artifact: Artifact) -> str:
    """Under which name an artifact is remembered."""
    stream = rule.memory.stream if rule.memory else ""
    return f"{policy}/{rule.name}/{stream or artifact.name.rpartition('/')[2]}"


def load(path: Path) -> dict[str, Accepted]:
    """What is remembered, nothing where there is no file. Raises FormatError for one that is broken."""
    try:
        with disk_errors(f"reading {path}"):
            data = read_capped(path, MAX_BYTES) if path.exists() else b""
        if not data:
            return {}
        value = strictjson.parse(data, name=str(path))
        if value["version"] != VERSION:
            raise FormatError(f"{path}: a memory of version {value['version']!r:.20}; {VERSION} is read")
        return {
            name: Accepted(
                name=str(one["name"]),
                digests={str(key): str(digest) for key, digest in one["digests"].items()},
                time=str(one["time"]),
                version=str(one["version"]),
                evidence=tuple(map(str, one["evidence"])),
            )
            for name, one in value["streams"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        hint = "restore it from a backup; removing it forgets what was accepted"
        raise FormatError(f"{path}: not a memory of what was accepted", hint=hint) from error


def remember(path: Path, new: Mapping[str, Accepted]) -> None:
    """Add what was accepted; what another process remembered meanwhile stays, and so does what is newer."""
    with disk_errors(f"writing {path}"), locked(path.with_name(path.name + ".lock")):
        kept = newest((*load(path).items(), *new.items()))
        streams = {name: one.to_dict() for name, one in kept.items()}
        write_atomic(path, to_pretty_bytes({"version": VERSION, "streams": streams}))


def newest(accepted: Iterable[tuple[str, Accepted]]) -> dict[str, Accepted]:
    """Of each stream the one that none of the others is newer than, of equals the last."""
    kept: dict[str, Accepted] = {}
    for name, one in accepted:
        if not _is_behind(one, kept.get(name)):
            kept[name] = one
    return kept


def _is_behind(one: Accepted, last: Accepted | None) -> bool:
    """Whether the last one is newer: by version where both have one, else by signed time."""
    if last is None:
        return False
    try:
        if one.version and last.version:
            return _is_lower(one.version, last.version)
        return bool(one.time and last.time) and bool(_time(one.time) < _time(last.time))
    except ReproError:  # without an order none is newer
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What is accepted now, and what was last."""

    rule: MemoryRule
    now: Accepted
    last: Accepted | None


def recalled(rule: Rule, now: Accepted, last: Accepted | None) -> tuple[Check, ...]:
    """The checks against what was accepted last; none where the rule asks for none."""
    if rule.memory is None:
        return ()
    return asked(QUESTIONS, _Step(rule=rule.memory, now=now, last=last))


def accepted_of(artifact: Artifact, demands: Sequence[Judged], order: str) -> Accepted:
    """What would be remembered of an artifact."""
    candidates = [one for each in demands for one in each.accepted]
    times = [at for one in candidates if (at := signed_at(one)) is not None]
    evidence = {
        f"{each.demand.name} by {', '.join(sorted(who.name for who in one.signers))}"
        for each in demands
        for one in each.accepted
    }
    return Accepted(
        name=artifact.name,
        digests=artifact.digests,
        time=max(times).isoformat() if times else "",
        version=_version(candidates) if order == "version" else "",
        evidence=tuple(sorted(evidence)),
    )


def _version(candidates: Sequence[Candidate]) -> str:
    """The version that all releases state, or else all tags; "" where none or several do."""
    for ask in (_released, _tagged):
        found = {version for one in candidates for version in ask(one)}
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""


def _released(candidate: Candidate) -> Iterator[str]:
    from packageurl import PackageURL

    statement = candidate.outcome.statement
    purl = statement.predicate.get("purl") if statement else None
    if isinstance(purl, str):
        try:
            yield PackageURL.from_string(purl).version or ""
        except ValueError as error:
            raise FormatError(f"purl {purl[:200]!r} is none") from error


def _tagged(candidate: Candidate) -> Iterator[str]:
    if not isinstance(candidate.demand, Provenance):
        return
    for claim in candidate.provenance.sources:
        if claim.ref and (ref := parse_ref(claim.ref)).kind == "tag":
            yield ref.name.removeprefix("v")


def _not_older(step: _Step) -> Mapping[str, str]:
    """Not older than what was accepted last; the same bytes are never older than themselves."""
    now, last = step.now, step.last
    value, kind = (now.time, "signed time") if step.rule.order == "time" else (now.version, "version")
    if not value:
        raise EvidenceError(f"it has no {kind} to order it by")
    if last is None:
        return {"first": "nothing was accepted before"}
    if dict(last.digests) == dict(now.digests):
        return {"same": "accepted before"}
    before = last.time if step.rule.order == "time" else last.version
    is_older = _time(value) < _time(before) if step.rule.order == "time" else _is_lower(value, before)
    if is_older:
        raise EvidenceError(f"its {kind} is {value}; {before} was accepted already ({last.name})")
    return {kind: value, "last": before}


def _time(text: str) -> Any:  # noqa: ANN401 - a datetime, ordered
    return parse_time(text, name="the time that is remembered")


def _is_lower(version: str, before: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) < Version(before)
    except InvalidVersion as error:
        raise EvidenceError(f"no order between versions {version[:80]!r} and {before[:80]!r}") from error


def _nothing_lost(step: _Step) -> Mapping[str, str]:
    """All kinds of evidence that the last one had are there again, by the same signers of the policy."""
    if step.last is None:
        raise NotAsked("nothing was accepted before")
    if lost := sorted(set(step.last.evidence) - set(step.now.evidence)):
        raise EvidenceError(f"the last one accepted had {lost[0]}, and this one has not")
    return {"evidence": str(len(step.now.evidence))}


QUESTIONS = (
    Question(number=0, name="not older", ask=_not_older),
    Question(number=0, name="nothing lost", ask=_nothing_lost),
)
"""What is asked against the memory."""
