"""Which rule decides about each path of a result, and why that one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from repro.drift.pattern import path_text
from repro.drift.readers.choose import folder_of, read
from repro.drift.resolve import Resolver
from repro.drift.rules import TOLERANCES, Rule
from repro.drift.sides import Folder, content, printable
from repro.drift.tree import Array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from repro.drift.pattern import TreePath
    from repro.drift.readers.form import Data
    from repro.drift.resolve import OutputRules
    from repro.drift.rules import Rules
    from repro.drift.tree import Leaf

VERSION: Final = 1
"""Of the JSON form."""

ASKED = ("exact", "strict_zero", "ignore", "labels", "permutation", "up_to_sign", "sorted_by", "scale")
"""Keys of a rule that are told where they are set, beside the tolerances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The `values` of one leaf that one rule decides; `grants` says what, `over` which rules it overrules."""

    output: str
    path: str
    values: int
    rule: str
    grants: str
    reason: str = ""
    over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All leaves of a file or folder, and what is wrong with the rules."""

    leaves: tuple[Explained, ...]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The explanation as canonical JSON takes it."""
        leaves = [{**asdict(leaf), "over": list(leaf.over)} for leaf in self.leaves]
        return {"version": VERSION, "leaves": leaves, "warnings": list(self.warnings)}


def explain(baseline: Path, rules: Rules, *, today: date) -> Explanation:
    """Explain `rules` for a file, or for the files of a folder or archive; raises as `compare` does."""
    resolver = Resolver(rules, today)
    leaves = [
        leaf
        for name, data in _files(baseline)
        for leaf in _leaves(printable(name), data, f"{baseline}", resolver.for_output(printable(name)))
    ]
    return Explanation(leaves=tuple(leaves), warnings=resolver.warnings(complete=True))


def _files(baseline: Path) -> Iterator[tuple[str, Data]]:
    if baseline.is_dir():
        folder = Folder(baseline, f"{baseline}/")
        for name in sorted(folder.names):
            yield from _unpacked(name, folder.data(name, f"{baseline}/{name}"))
    else:
        yield from _unpacked(baseline.name, content(baseline, str(baseline)))


def _unpacked(name: str, data: Data) -> Iterator[tuple[str, Data]]:
    members = folder_of(data, name=name)
    if members is None:
        yield name, data
    else:
        yield from ((f"{name}/{member}", members[member]) for member in sorted(members))


def _leaves(name: str, data: Data, where: str, rules: OutputRules) -> Iterator[Explained]:
    tree = read(data, name=name if "/" in name else where, printed=rules.printed)
    for path, leaf in tree.items():
        yield from _parts(name, path, leaf, rules)


def _parts(name: str, path: TreePath, leaf: Leaf, rules: OutputRules) -> Iterator[Explained]:
    shape = leaf.values.shape if isinstance(leaf, Array) else ()
    matching = rules.matching(path, shape)
    for part in rules.parts(path, shape):
        whole = leaf.values.size if isinstance(leaf, Array) else 1
        yield Explained(
            output=name,
            path=path_text(path),
            values=whole if part.flat is None else len(part.flat),
            rule=part.decider.label,
            grants=granted(part.decider.rule),
            reason=part.decider.rule.reason,
            over=tuple(label for label in matching if label != part.decider.label),
        )


def granted(rule: Rule) -> str:
    """What a rule grants, as it is written in a configuration."""
    if rule.ignore:
        return "ignore = true"
    found = [(key, getattr(rule, key)) for key in ((() if rule.exact else TOLERANCES) + ASKED)]
    told = [f"{key} = {_toml(value)}" for key, value in found if value]
    return ", ".join(told) or "nothing"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
