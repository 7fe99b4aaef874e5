"""What a policy demands, in words."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from repro.render.words import one_line
from repro.verify.policy import Provenance, ReplayDemand, SbomDemand, VsaDemand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.verify.policy import Demand, Parameter, Policy, Rule

WIDTH = 80


def policy_text(policy: Policy) -> str:
    """Sentences, a rule after the other."""
    lines = [f"Policy {one_line(policy.name)!r}, sha256 {policy.sha256}."]
    lines.append(f"It holds until {policy.expires}." if policy.expires else "It never expires.")
    for rule in policy.rules:
        lines += ["", *_rule(rule)]
    last = "An artifact that no rule is about is refused. One without any attestation is not checked: exit 3."
    lines += ["", last]
    return "\n".join(wrapped for line in lines for wrapped in _wrapped(line)) + "\n"


def _wrapped(line: str) -> list[str]:
    indent = len(line) - len(line.lstrip())
    pad = " " * (indent + (2 if line.lstrip().startswith("- ") else 0))
    return textwrap.wrap(line, WIDTH, subsequent_indent=pad, break_on_hyphens=False) or [""]


def _rule(rule: Rule) -> Iterator[str]:
    names = " or ".join(map(one_line, rule.match))
    yield f"Rule {rule.name}: every artifact called {names} needs all of this:"
    for demand in rule.demands:
        yield f"  - {demand.name}: {_what(demand)}, {_who(demand)}."
        yield from (f"    - {one}." for one in _more(demand))
    for group in rule.agree:
        yield f"  - The same value in {', '.join(map(one_line, group))}."
    if rule.memory:
        by = "signed time" if rule.memory.order == "time" else "version"
        yield f"  - By {by} not older than the one accepted last on this machine, nor with less evidence."
    if rule.named:
        yield "  - Statements bear the artifact's own name."


def _what(demand: Demand) -> str:
    if isinstance(demand, Provenance):
        return f"provenance by {' or '.join(one.name for one in demand.builders)}"
    if isinstance(demand, SbomDemand):
        return "an SBOM"
    if isinstance(demand, ReplayDemand):
        return f"a replay that passed of {_all(demand.experiments) or 'any experiment'}"
    if isinstance(demand, VsaDemand):
        return f"a verification summary by {' or '.join(map(one_line, demand.verifiers))}"
    kinds = " or ".join(map(one_line, demand.predicate_types))
    return f"a statement of type {kinds}" if kinds else "any statement about it, or a signature over it"


def _who(demand: Demand) -> str:
    names = " or ".join(f"{one.name} ({one_line(str(one))})" for one in demand.signers)
    count = f"{demand.threshold} different ones of " if demand.threshold > 1 else ""
    return f"signed by {count}{names}"


def _more(demand: Demand) -> Iterator[str]:
    if isinstance(demand, Provenance):
        yield from _build(demand)
    elif isinstance(demand, SbomDemand):
        yield from _sbom(demand)
    elif isinstance(demand, VsaDemand):
        yield f"It is about {one_line(demand.resource_uri)} and states {_all(demand.levels)}"
    elif isinstance(demand, ReplayDemand) and demand.warnings:
        yield "Warnings will do"
    if demand.max_age_days is not None:
        yield f"Not older than {demand.max_age_days:g} days, by a time that a third party signed"
    if demand.linked_by:
        yield f"It need not be about the artifact: the release of {demand.linked_by} links it"


def _build(demand: Provenance) -> Iterator[str]:
    for one in demand.builders:
        who = " or ".join(each.name for each in one.signers)
        yield f"{one.name} is {one_line(one.id)}; where {who} says so, its builds have level {one.level}"
    if demand.level:
        yield f"At least level {demand.level}"
    for kind in demand.build_types:
        said = ", ".join(_parameter(name, one) for name, one in kind.parameters.items()) or "no parameters"
        yield f"Build type {one_line(kind.uri)} with {said}, and no other parameter"
    if rule := demand.source:
        ref = f", {rule.ref}" if rule.ref else ""
        tag = f", a tag that {rule.tag_pattern!r} matches" if rule.tag_pattern else ""
        commit = f", commit {rule.commit}" if rule.commit else ""
        yield f"Built from {rule.repository}{ref}{tag}{commit}"
    else:
        yield "Built from any source"
    if demand.pinned:
        yield "Every dependency has a strong digest"
    if demand.independent > 1:
        yield f"{demand.independent} independent operators built the same bytes"


def _parameter(name: str, parameter: Parameter) -> str:
    value = "anything"
    if parameter.pattern:
        value = f"all of {parameter.pattern!r}"
    elif parameter.values:
        value = " or ".join(repr(one) for one in parameter.values)
    return one_line(f"{name} ({'optional, ' if parameter.optional else ''}{value})")


def _sbom(demand: SbomDemand) -> Iterator[str]:
    if demand.complete:
        yield "It is that of what is in the artifact, by hash"
    if demand.licences:
        allowed, denied = demand.licences.allow, demand.licences.deny
        yield "Licences: " + "; ".join(
            [
                *([f"allowed are {_all(allowed)}"] if allowed else []),
                *([f"not {_all(denied)}"] if denied else []),
            ]
        )
    if demand.max_severity:
        yield f"No known vulnerability above {demand.max_severity}"


def _all(words: tuple[str, ...]) -> str:
    return ", ".join(map(one_line, words))
