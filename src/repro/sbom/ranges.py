"""Whether a version is affected: the evaluation of the OSV schema ("Evaluation"), and what fixes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.sbom.ecosystems import order_of

if TYPE_CHECKING:
    from repro.sbom.ecosystems import Order
    from repro.sbom.osv import Affected, Range

FIRST = "0"
"""The version `introduced` that sorts before all others (OSV schema, "Special values")."""

RANK = {"fixed": 0, "last_affected": 0, "introduced": 1}
"""Of events at one version, what is introduced there counts last: a doubt leaves it affected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """`is_affected`, with the versions that `fix` it; `unknown` says why it may be and cannot be told."""

    is_affected: bool = False
    fixed: tuple[str, ...] = ()
    unknown: str = ""


def ruled(version: str, affected: Affected) -> Ruling:
    """Whether one package at a version is affected.

    Ranges of commits (`GIT`) cannot be answered without the repository; beside them stands a list of
    versions or another range, as the schema asks, and where neither does, nothing can be told.
    """
    listed = version in affected.versions or _is_listed(version, affected)
    rulings = [_of_range(version, each, affected) for each in affected.ranges if each.type != "GIT"]
    is_affected = listed or any(each.is_affected for each in rulings)
    fixed = tuple(dict.fromkeys(one for each in rulings for one in each.fixed))
    if is_affected:
        return Ruling(is_affected=True, fixed=fixed)
    unknown = next((each.unknown for each in rulings if each.unknown), "")
    if not rulings and not affected.versions:
        unknown = "it names commits alone" if affected.ranges else "it names no versions"
    return Ruling(unknown=unknown)


def _is_listed(version: str, affected: Affected) -> bool:
    """Whether a list holds the version in another spelling, such as 1.0 for 1.0.0."""
    order = order_of(affected.ecosystem, "ECOSYSTEM")
    ours = _ordered(order, version) if order else None
    return (
        ours is not None
        and order is not None
        and any(_ordered(order, each) == ours for each in affected.versions)
    )


def _ordered(order: Order, version: str) -> Any:  # noqa: ANN401 - what compares, or None
    try:
        return order(version)
    except ValueError:
        return None


def _of_range(version: str, stated: Range, affected: Affected) -> Ruling:
    order = order_of(affected.ecosystem, stated.type)
    if order is None:
        return Ruling(unknown=f"a range of type {stated.type[:40]!r} is not read for {affected.ecosystem}")
    try:
        return _walked(order, version, stated)
    except ValueError as error:
        return Ruling(unknown=str(error))


def _walked(order: Order, version: str, stated: Range) -> Ruling:
    """The pseudocode of the schema, `IncludedInRanges` and `BeforeLimits`, for one range."""
    ours = order(version)
    limits = [text for kind, text in stated.events if kind == "limit"]
    if limits and not any("*" in text or ours < order(text) for text in limits):
        return Ruling()
    points = [(kind, text) for kind, text in stated.events if kind != "limit"]
    first = [each for each in points if each == ("introduced", FIRST)]
    rest = [(order(text), RANK[kind], kind, text) for kind, text in points if (kind, text) not in first]
    rest.sort(key=lambda each: each[:2])
    vulnerable = bool(first)
    for at, _, kind, _ in rest:
        if kind == "introduced" and ours >= at:
            vulnerable = True
        elif (kind == "fixed" and ours >= at) or (kind == "last_affected" and ours > at):
            vulnerable = False
    if not vulnerable:
        return Ruling()
    fix = next((text for at, _, kind, text in rest if kind == "fixed" and at > ours), "")
    return Ruling(is_affected=True, fixed=(fix,) if fix else ())
