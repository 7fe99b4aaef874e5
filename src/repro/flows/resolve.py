"""What is replayed: the tree, the project as defined there, and whose word counts where two disagree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repro.core.digest import of_bytes
from repro.flows import config, trees
from repro.tools.files import require_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from repro.flows.config import Project
    from repro.flows.trees import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A tree and the project to replay in it; `definition` says for the record whose `repro.toml` it is."""

    tree: Tree
    project: Project
    definition: Mapping[str, str]
    notes: tuple[str, ...] = ()


def resolve(root: Path, revision: str, scratch: Path, held: ExitStack, *, rules: str) -> Subject:
    """The caller's own tree for "", else that of a revision, checked out in `scratch` while `held` lasts.

    A revision without a `repro.toml` is replayed under the present one. Its rules are its own unless `rules`
    is "present"; those looser than the caller's become notes. The network is the caller's to give.
    """
    if not revision:
        project = config.load(root)
        return Subject(tree=trees.present(root), project=project, definition=_of("present tree", project))
    tree = held.enter_context(trees.at(root, revision, scratch))
    if not require_inside(tree.root, config.FILE, what=revision).is_file():
        project = config.load(root)
        return Subject(
            tree=tree,
            project=project,
            definition=_of("present tree, for the revision has none", project),
            notes=(f"{revision} has no {config.FILE}: the present definition is used",),
        )
    project = config.load(tree.root, shown_as=f"{config.FILE} at {revision}")
    definition = _of("revision", project)
    mine = config.load(root) if (root / config.FILE).is_file() else None
    project, refused = _without_network(project, mine)
    if mine is None:
        return Subject(tree=tree, project=project, definition=definition, notes=refused)
    if rules == "present":
        definition = {**definition, "rules": "present tree"}
        return Subject(tree=tree, project=_with_rules(project, mine), definition=definition, notes=refused)
    notes = (*refused, *_loosened(project, mine))
    return Subject(tree=tree, project=project, definition=definition, notes=notes)


def _of(source: str, project: Project) -> dict[str, str]:
    return {"source": source, "digest": str(of_bytes(project.text)), "rules": source}


def _without_network(project: Project, mine: Project | None) -> tuple[Project, tuple[str, ...]]:
    """A revision's project, with the network only for experiments to which the caller gives it too."""
    given = {name for name, own in mine.experiments.items() if own.network} if mine else set()
    refused = [name for name, own in project.experiments.items() if own.network and name not in given]
    experiments = {
        name: replace(own, network=own.network and name in given) for name, own in project.experiments.items()
    }
    notes = tuple(f"{name}: the revision asks for the network, which yours does not give" for name in refused)
    return replace(project, experiments=experiments), notes


def _with_rules(project: Project, mine: Project) -> Project:
    """The revision's project under the caller's rules, where the caller still knows the experiment."""
    experiments = {
        name: replace(
            experiment, rules=mine.experiments[name].rules, equivalence=mine.experiments[name].equivalence
        )
        if name in mine.experiments
        else experiment
        for name, experiment in project.experiments.items()
    }
    return replace(project, experiments=experiments)


def _loosened(project: Project, mine: Project) -> Iterator[str]:
    """The rules of a revision that grant more than the caller's do."""
    from repro.drift.rules import looser, rule_to_dict

    for name, experiment in project.experiments.items():
        if name not in mine.experiments:
            continue
        for rule in looser(experiment.rules, mine.experiments[name].rules):
            table = rule_to_dict(rule)
            grants = ", ".join(f"{key} = {table[key]}" for key in table if key not in {"path", "reason"})
            yield f"{name}: the revision's rule for {rule.path!r} is looser than yours ({grants})"
        for test in experiment.equivalence:
            if test not in mine.experiments[name].equivalence:
                yield (
                    f"{name}: the revision's equivalence test for {test.path!r} is not yours "
                    f"(margin = {test.margin:g}, alpha = {test.alpha:g})"
                )
