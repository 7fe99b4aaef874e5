"""SLSA provenance of both versions in one view: builder, build type, external parameters, source, materials.

v0.2 (slsa.dev/spec/v0.2/provenance) and v1 (slsa.dev/spec/v1.2/build-provenance). In v0.2 what comes from
outside is `invocation.configSource` and `invocation.parameters`; its environment is the builder's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest.fields import field, table
from repro.attest.predicates import PROVENANCE as V1
from repro.core.errors import FormatError
from repro.verify.source import parse_located, parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repro.attest.statement import Statement

V02 = "https://slsa.dev/provenance/v0.2"
TYPES = (V1, V02)

MAX_DEPENDENCIES = 100_000
"""Cap on the resolved dependencies (materials) of one build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceClaim:
    """One place that says what was built: an address, and a ref and a commit where it says them."""

    where: str
    address: str
    ref: str = ""
    commit: str = ""
    dirty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a predicate says of a build; whether it is believed is for a policy to say."""

    builder: str
    build_type: str
    external: Mapping[str, Any]
    dependencies: tuple[Mapping[str, Any], ...]
    times: tuple[str, ...]

    @property
    def sources(self) -> tuple[SourceClaim, ...]:
        """Every place that says what was built. Raises FormatError for an address that is not plain."""
        return tuple(_sources(self.external, self.dependencies))


def parse_provenance(statement: Statement) -> View:
    """The view of a statement whose predicate is provenance. Raises FormatError."""
    predicate = statement.predicate
    if statement.predicate_type == V1:
        return _v1(predicate)
    if statement.predicate_type == V02:
        return _v02(predicate)
    raise FormatError(f"predicateType is {statement.predicate_type[:200]!r}, which is no provenance")


def _v1(predicate: Mapping[str, Any]) -> View:
    table(predicate, ("buildDefinition", "runDetails"), "predicate")
    built = field(predicate, "buildDefinition", dict, "predicate")
    ran = field(predicate, "runDetails", dict, "predicate")
    known = ("buildType", "externalParameters", "internalParameters", "resolvedDependencies")
    table(built, known, "buildDefinition")
    table(ran, ("builder", "metadata", "byproducts"), "runDetails")
    external = _optional(built, "externalParameters", dict, {})
    dependencies = _descriptors(built, "resolvedDependencies")
    metadata = _optional(ran, "metadata", dict, {})
    return View(
        builder=field(field(ran, "builder", dict, "runDetails"), "id", str, "builder"),
        build_type=field(built, "buildType", str, "buildDefinition"),
        external=external,
        dependencies=dependencies,
        times=_times(metadata, "startedOn", "finishedOn"),
    )


def _v02(predicate: Mapping[str, Any]) -> View:
    known = ("builder", "buildType", "invocation", "buildConfig", "metadata", "materials")
    table(predicate, known, "predicate")
    invocation = _optional(predicate, "invocation", dict, {})
    config = _optional(invocation, "configSource", dict, {})
    outside = {"configSource": config, "parameters": invocation.get("parameters")}
    materials = _descriptors(predicate, "materials")
    metadata = _optional(predicate, "metadata", dict, {})
    return View(
        builder=field(field(predicate, "builder", dict, "predicate"), "id", str, "builder"),
        build_type=field(predicate, "buildType", str, "predicate"),
        external={key: value for key, value in outside.items() if value},
        dependencies=materials,
        times=_times(metadata, "buildStartedOn", "buildFinishedOn"),
    )


def _sources(
    external: Mapping[str, Any], dependencies: tuple[Mapping[str, Any], ...]
) -> Iterator[SourceClaim]:
    """Every place that names what was built: GitHub's workflow, a `source`, and the dependency of that name.

    Where none of them does, the first dependency that lies in git is taken for the source, as builders of
    both versions write it.
    """
    named = list(_named(external))
    yield from named
    repositories = {parse_repository(one.address) for one in named}
    in_git = []
    for one in dependencies:
        uri, annotations = one.get("uri"), one.get("annotations")
        dirty = isinstance(annotations, dict) and annotations.get("dirty") is True
        if one.get("name") == "source":
            yield _claim("resolvedDependencies: source", uri or "", one.get("digest"), dirty=dirty)
            in_git.append("source")
        elif isinstance(uri, str) and uri.startswith("git+") and "source" not in in_git:
            claim = _claim("resolvedDependencies", uri, one.get("digest"), dirty=dirty)
            is_first = not named and not in_git
            in_git.append(uri)
            if is_first or (named and parse_repository(claim.address) in repositories):
                yield claim


def _named(external: Mapping[str, Any]) -> Iterator[SourceClaim]:
    workflow, source, config = (external.get(key) for key in ("workflow", "source", "configSource"))
    if isinstance(config, dict) and config.get("uri"):
        yield _claim("configSource", config["uri"], config.get("digest"))
    if isinstance(workflow, dict):
        address, ref = field(workflow, "repository", str, "workflow"), _optional(workflow, "ref", str, "")
        yield SourceClaim(where="externalParameters: workflow", address=address, ref=ref)
    if isinstance(source, dict) and "uri" in source:
        yield _claim("externalParameters: source", field(source, "uri", str, "source"), source.get("digest"))
    elif isinstance(source, str):
        yield _claim("externalParameters: source", source, None)


def _claim(where: str, uri: object, digest: object, *, dirty: bool = False) -> SourceClaim:
    if not isinstance(uri, str):
        raise FormatError(f"{where}: an address that is not text")
    digests = digest if isinstance(digest, dict) else {}
    commit = digests.get("gitCommit") or digests.get("sha1") or ""
    if not isinstance(commit, str):
        raise FormatError(f"{where}: a commit that is not text")
    if not uri:
        return SourceClaim(where=where, address="", commit=commit, dirty=dirty)
    repository, ref = parse_located(uri)
    return SourceClaim(where=where, address=str(repository), ref=ref, commit=commit, dirty=dirty)


def _descriptors(values: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], ...]:
    found = _optional(values, key, list, [])
    if len(found) > MAX_DEPENDENCIES:
        raise FormatError(f"{key}: {len(found)} of them; {MAX_DEPENDENCIES} are read")
    for one in found:
        if not isinstance(one, dict):
            raise FormatError(f"{key}: one is not a JSON object")
    return tuple(found)


def _times(metadata: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    return tuple(_optional(metadata, key, str, "") for key in keys if metadata.get(key))


def _optional(values: Mapping[str, Any], key: str, kind: type[Any], default: Any) -> Any:  # noqa: ANN401 - JSON is any value
    return field(values, key, kind, key) if values.get(key) is not None else default
