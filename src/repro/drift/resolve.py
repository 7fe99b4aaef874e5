"""Which rule decides about which values of an output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.drift.pattern import ALL
from repro.drift.rules import DEFAULT, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from repro.drift.pattern import Region, TreePath
    from repro.drift.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """A rule and what reports call it."""

    rule: Rule
    label: str


UNRULED = Decider(rule=DEFAULT, label="default")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """The values of a leaf that one rule decides: at `flat` (ascending, C order), or all if None."""

    decider: Decider
    flat: NDArray[np.intp] | None = None


class Resolver:
    """The rules that apply today, and which of them have matched anything so far."""

    def __init__(self, rules: Rules, today: date) -> None:
        self._rules = rules.rules
        self._today = today
        self._hits: set[int] = set()

    def for_output(self, name: str) -> OutputRules:
        """The rules for one output file."""
        live = {
            number: Decider(rule=rule, label=_label(number, rule))
            for number, rule in enumerate(self._rules)
            if rule.applies_to(name) and not rule.expired(self._today)
        }
        return OutputRules(live, self._hits)

    def warnings(self, *, complete: bool) -> tuple[str, ...]:
        """What is wrong with the rules: expired ones and, if everything could be looked at, dead ones."""
        found = []
        for number, rule in enumerate(self._rules):
            if rule.expired(self._today):
                found.append(f"{_label(number, rule)}: expired on {rule.expires}, no longer applied")
            elif complete and number not in self._hits:
                found.append(f"{_label(number, rule)}: matched nothing")
        return tuple(found)


class OutputRules:
    """The rules that may decide about leaves of one output."""

    def __init__(self, live: dict[int, Decider], hits: set[int]) -> None:
        self._live = live
        self._hits = hits
        self._concrete = any(decider.rule.pattern.concrete for decider in live.values())
        self._known: dict[tuple[str | int, ...], Decider] = {}

    @property
    def none(self) -> bool:
        """Whether there is none, so that the default decides about everything."""
        return not self._live

    @property
    def printed(self) -> bool:
        """Whether any rule asks how numbers were written."""
        return any(decider.rule.printed for decider in self._live.values())

    @property
    def arranges(self) -> bool:
        """Whether any rule pairs rows by their keys."""
        return any(decider.rule.sorted_by for decider in self._live.values())

    def whole(self, path: TreePath) -> Decider:
        """The rule for a leaf without elements."""
        if not self._live:
            return UNRULED
        # paths that differ in their indices alone have one answer, unless a rule names an index
        key = path if self._concrete else tuple(0 if isinstance(step, int) else step for step in path)
        known = self._known.get(key)
        if known is None:
            matching = [number for number, _ in self._regions(path, ())]
            known = self._live[matching[-1]] if matching else UNRULED
            self._known[key] = known
        return known

    def matching(self, path: TreePath, shape: tuple[int, ...]) -> list[str]:
        """What reports call the rules that match a leaf or a part of it, in their order."""
        return [self._live[number].label for number, _ in self._regions(path, shape)]

    def parts(self, path: TreePath, shape: tuple[int, ...]) -> list[Part]:
        """The parts of an array leaf and the rule of each; together they are the leaf."""
        base = UNRULED
        partial: list[tuple[int, tuple[Region, ...]]] = []
        for number, regions in self._regions(path, shape):
            if all(axis == ALL for axis in regions[0]):
                base, partial = self._live[number], []
            else:
                partial.append((number, regions))
        return self._divided(base, partial, shape) if partial else [Part(decider=base)]

    def _divided(
        self, base: Decider, partial: list[tuple[int, tuple[Region, ...]]], shape: tuple[int, ...]
    ) -> list[Part]:
        import numpy as np

        owner = np.full(shape, -1, dtype=np.intp)
        for number, regions in partial:
            for region in regions:
                owner[region] = number
        return [
            Part(decider=self._live.get(int(number), base), flat=np.flatnonzero(owner == number))
            for number in np.unique(owner)
        ]

    def _regions(self, path: TreePath, shape: tuple[int, ...]) -> Iterator[tuple[int, tuple[Region, ...]]]:
        for number, decider in self._live.items():
            regions = decider.rule.pattern.regions(path, shape)
            if regions:
                self._hits.add(number)
                yield number, regions


def _label(number: int, rule: Rule) -> str:
    where = "" if rule.output == "*" else f" in {rule.output}"
    return f"rule {number + 1} ({rule.path}{where})"
