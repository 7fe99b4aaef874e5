"""Which licences a project allows, and whether the components of an SBOM keep to that."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from repro.core.check import Check, Status
from repro.core.errors import FormatError
from repro.core.exits import Exit
from repro.sbom.expression import holds, names, parse_expression
from repro.sbom.identity import label_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from repro.sbom.component import Component, Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A component that is let pass, with the reason, and perhaps only until a day.

    `component` is a glob over names and package URLs; `version` "" stands for every version.
    """

    component: str
    reason: str
    version: str = ""
    expires: date | None = None

    def covers(self, component: Component) -> bool:
        """Whether it is about this component."""
        named = any(
            fnmatchcase(name, self.component) for name in (component.name, name_of(component), component.purl)
        )
        return named and self.version in {"", component.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Globs over SPDX identifiers such as `MIT` or `GPL-*`; what is denied is not allowed.

    Where `allow` is empty, everything is allowed that is not denied and is an SPDX expression.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    exceptions: tuple[Exemption, ...] = ()

    def allows(self, licence: str) -> bool:
        """Whether one licence may be used.

        `X WITH Y` is `X` with more permissions: it is allowed where `X` is, and also where a glob that holds
        the word WITH allows it while another denies `X`.
        """
        base, exception, _ = licence.partition(" WITH ")
        if _matches(licence, self.deny, whole=bool(exception)):
            return False
        if exception and _matches(licence, self.allow, whole=True):
            return True
        if _matches(base, self.deny):
            return False
        return not self.allow or _matches(base, self.allow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The check of each component, in order of names, and exceptions that are about none."""

    checks: tuple[Check, ...]
    unused: tuple[str, ...]

    @property
    def exit(self) -> Exit:
        """1 where a component fails; 3 where none passes: exceptions alone are no success."""
        states = {check.status for check in self.checks}
        if Status.FAIL in states:
            return Exit.WRONG
        return Exit.GOOD if Status.PASS in states else Exit.NOT_CHECKED

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "version": 1,
            "exit": int(self.exit),
            "checks": [
                {"name": each.name, "status": str(each.status), "reason": each.reason} for each in self.checks
            ],
            "unused_exceptions": list(self.unused),
        }


def judged(inventory: Inventory, policy: Policy, *, today: date) -> Judged:
    """Hold every component against the policy; one without a known licence fails unless excepted."""
    used: set[int] = set()
    checks = []
    for component in sorted(inventory.components, key=lambda each: (each.name, each.version, each.ref)):
        why = _objection(component, policy)
        checks.append(_check(component, why, policy, today, used))
    return Judged(
        checks=tuple(checks),
        unused=tuple(each.component for number, each in enumerate(policy.exceptions) if number not in used),
    )


def _check(component: Component, why: str, policy: Policy, today: date, used: set[int]) -> Check:
    name = label_of(component)
    about = [(number, each) for number, each in enumerate(policy.exceptions) if each.covers(component)]
    used.update(number for number, _ in about)
    if not why:
        return Check(name=name, status=Status.PASS, reason=stated(component))
    for _, each in about:
        if each.expires is None or today <= each.expires:
            return Check(name=name, status=Status.SKIP, reason=f"excepted: {each.reason} ({why})")
    if about:
        why += f"; its exception ended on {about[0][1].expires}"
    return Check(name=name, status=Status.FAIL, reason=why)


def stated(component: Component) -> str:
    """What a component says of its licences, in one line."""
    return " AND ".join(_joinable(each.expression) or repr(each.name) for each in component.licences)


def _joinable(expression: str) -> str:
    return f"({expression})" if " OR " in expression else expression


def _objection(component: Component, policy: Policy) -> str:
    """Why a component is not allowed; "" where it is. All of its statements must hold."""
    licences = [each for each in component.licences if each.expression or each.name]
    if not licences:
        return "no licence is known"
    for each in licences:
        try:
            tree = parse_expression(each.expression or each.name)
        except FormatError:
            return f"its licence is no SPDX expression: {(each.expression or each.name)[:200]!r}"
        if not holds(tree, policy.allows):
            refused = sorted({name for name in names(tree) if not policy.allows(name)})
            return f"{tree}: {', '.join(refused)} not allowed"
    return ""


def _matches(licence: str, globs: Iterable[str], *, whole: bool = False) -> bool:
    """Whether a glob fits; `whole` leaves only those that are about a licence with an exception."""
    own = [glob.lower() for glob in globs if not whole or " with " in glob.lower()]
    return any(fnmatchcase(licence.lower(), glob) for glob in own)
