"""What the runs of one call share: the tree, environments, snapshots, and the facts of the machine."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repro.conditions import platform
from repro.conditions.flake import FlakeSource
from repro.conditions.host import HostEnvironment
from repro.conditions.isolation import available
from repro.conditions.nix import NixEnvironment
from repro.conditions.venv import VenvEnvironment
from repro.core.digest import of_value
from repro.core.errors import UsageError
from repro.core.events import Event, Kind
from repro.core.near import did_you_mean
from repro.data.inputs import identify
from repro.flows import trees
from repro.flows.identity import Identity, variables_of
from repro.flows.once import Made, Once
from repro.flows.snapshot import Snapshot, take
from repro.tools.files import require_inside
from repro.tools.git import Git
from repro.tools.lock import read_lock
from repro.tools.process import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    from repro.conditions.environment import Environment, Realised
    from repro.conditions.isolation import Method
    from repro.core.digest import Digest
    from repro.core.events import Listener
    from repro.data.dvc import Remote
    from repro.flows.config import EnvironmentSpec, Experiment, Project
    from repro.flows.matrix import Run
    from repro.flows.trees import Code, Tree
    from repro.store.runs import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """How strictly, and where, the runs of this call are to run.

    `isolation` None means the best method that this machine has.
    """

    environment: str = ""
    isolation: Method | None = None
    require_isolation: bool = False
    paranoid: bool = False
    allow_build: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where this call works: the caller's store, DVC remote, caches and variables, scratch, and the day."""

    store: Store
    remote: Remote
    scratch: Path
    cache: Path
    today: date
    author: Callable[[], str]
    variables: Mapping[str, str]
    listener: Listener
    supervisor: Supervisor = field(default_factory=Supervisor)


class Workshop:
    """Makes what runs need, each thing once. Used from several threads.

    `definition` says for the record whose `repro.toml` was taken, and its digest.
    """

    def __init__(
        self,
        *,
        project: Project,
        tree: Tree,
        place: Place,
        demands: Demands,
        definition: Mapping[str, str],
    ) -> None:
        self.project, self.tree, self.place, self.demands = project, tree, place, demands
        self.definition = definition
        self.platform = platform.keyed()
        self._numbers = itertools.count()
        self._code: Once[Code] = Once()
        self._data: Once[dict[str, str]] = Once()
        self._environments: Once[Environment] = Once()
        self._identities: Once[Digest] = Once()
        self._realised: Once[Realised] = Once()
        self._standing: Once[Digest] = Once()
        self._snapshots: Once[Snapshot] = Once()
        self.facts: Once[Mapping[str, Any]] = Once()
        self._method: Once[Method] = Once()
        self._seen: Once[Mapping[str, Any]] = Once()

    @property
    def method(self) -> Method:
        """How runs are isolated."""
        return self.demands.isolation or self._method.get("", available).value

    def environment(self, experiment: Experiment) -> Environment:
        """The environment of an experiment, or the one that the caller demands instead."""
        name = self.demands.environment or experiment.environment
        return self._environments.get(name, lambda: self._make_environment(name)).value

    def _make_environment(self, name: str) -> Environment:
        table = self.project.environments.get(name)
        if table is None:
            raise UsageError(
                f"no environment {name!r} in repro.toml", hint=did_you_mean(name, self.project.environments)
            )
        if table.kind == "host":
            return HostEnvironment(name=name)
        if table.kind == "nix":
            return nix_environment(self.tree, table, name=name, cache=self.place.cache)
        assert table.lock is not None  # noqa: S101 - config.py refuses a venv without one
        what = f"environments.{name}.lock"
        path = require_inside(self.tree.root, table.lock, what=what)
        return VenvEnvironment(
            name=name,
            lock=read_lock(path),
            python=table.python,
            cache=self.place.cache,
            variables=self.place.variables,
            allow_build=self.demands.allow_build,
        )

    def identity(self, run: Run, overrides: Mapping[str, str]) -> Identity:
        """The conditions of a run, hashed; nothing is fetched, realised or started."""
        experiment = run.experiment
        environment = self.environment(experiment)
        code = self._code.get(
            experiment.sources,
            lambda: trees.code(self.tree, experiment.sources, experiment=experiment.name),
        )
        data = self._data.get(experiment.inputs, lambda: identify(self.tree.root, experiment.inputs))
        return Identity(
            code=code.value,
            data=data.value,
            environment=self._identities.get(environment.name, environment.identity).value,
            environment_name=environment.name,
            platform=self.platform,
            variables=variables_of(run, overrides),
            run=run,
        )

    def snapshot(self, identity: Identity) -> Made[Snapshot]:
        """The checkout for a run, shared by all runs with the same code and data."""

        def make() -> Snapshot:
            self.place.listener(Event(kind=Kind.STAGE, run=identity.run.name, text="checkout, data"))
            folder = self.place.scratch / f"code-{next(self._numbers)}"
            return take(self.tree, identity.code, identity.data, self.place.remote, folder)

        return self._snapshots.get(_sight(identity), make)

    def realised(self, identity: Identity) -> Made[Realised]:
        """The environment of a run, standing on this machine."""
        environment = self.environment(identity.run.experiment)
        return self._realised.get(environment.name, lambda: environment.realise(self.place.listener))

    def standing(self, identity: Identity) -> Digest:
        """The state of a run's environment when the first run of this call was about to use it."""
        environment = self.environment(identity.run.experiment)
        realised = self.realised(identity).value
        return self._standing.get(
            environment.name, lambda: environment.check(realised, paranoid=self.demands.paranoid)
        ).value

    def discard(self, identity: Identity) -> None:
        """Let checkout and environment be made anew for the next run, for this one altered them."""
        name = self.environment(identity.run.experiment).name
        self._snapshots.forget(_sight(identity))
        self._realised.forget(name)
        self._standing.forget(name)

    def folder(self, purpose: str) -> Path:
        """A new, empty folder in the scratch of this call."""
        folder = self.place.scratch / f"{purpose}-{next(self._numbers)}"
        folder.mkdir()
        return folder

    def observed(self, probe: Mapping[str, Any]) -> dict[str, Any]:
        """The platform for the record: what is keyed, what is only observed, and the probe's facts."""
        return {
            "class": platform.platform_class(),
            "keyed": dict(self.platform),
            "digest": str(of_value(dict(self.platform))),
            "observed": self._seen.get("", lambda: platform.observed(self.place.variables)).value,
            "numerics": dict(probe),
        }


def nix_environment(tree: Tree, table: EnvironmentSpec, *, name: str, cache: Path) -> NixEnvironment:
    """The environment of kind `nix` that a table of the tree's `repro.toml` stands for."""
    if table.flake:
        require_inside(tree.root, table.flake, what=f"environments.{name}.flake")
    place = Git(tree.root).prefix()
    state = of_value({"commit": tree.commit, "difference": str(tree.difference), "place": place})
    source = FlakeSource(root=tree.root, folder=table.flake, files=tree.files, state=str(state))
    return NixEnvironment(name=name, source=source, shell=table.shell, cache=cache)


def _sight(identity: Identity) -> tuple[str, str]:
    """What runs with the same checkout have in common."""
    return str(identity.code.digest), identity.parts["data"]
