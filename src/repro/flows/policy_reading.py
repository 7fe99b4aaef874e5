"""A policy read from TOML: strictly, every error with file, line and key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from repro.attest.keys import load_public
from repro.core import toml
from repro.core.canonical import to_bytes
from repro.core.digest import of_bytes
from repro.core.errors import ConfigError, ReproError
from repro.core.near import did_you_mean
from repro.flows.policy_demands import demand_of
from repro.flows.policy_names import Names, named, pattern
from repro.flows.policy_tables import KINDS, PolicyTable
from repro.flows.sense import Place
from repro.verify.policy import (
    Builder,
    BuildType,
    GitHub,
    MemoryRule,
    Parameter,
    Policy,
    Root,
    Rule,
    Signer,
)
from repro.verify.signers import Identity

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from repro.core.toml import Document
    from repro.flows.policy_tables import (
        BuilderTable,
        BuildTypeTable,
        ParameterTable,
        RuleTable,
        SignerTable,
        TrustedRootTable,
    )

REFERENCE = "docs/reference/policy.md lists every key"
SHOWN = 8
"""How many complaints one error lists."""


def parse_policy(data: bytes, *, name: str, folder: Path) -> Policy:
    """A policy from the bytes of its file; keys and roots lie relative to `folder`. Raises ConfigError."""
    document = toml.parse(data, name=name)
    try:
        table = PolicyTable.model_validate(document.tables)
    except ValidationError as error:
        raise _explained(document, error) from None
    place = Place(document=document)
    roots = {key: _root(place.at("roots", key), key, one, folder) for key, one in table.roots.items()}
    signers = {
        key: _signer(place.at("signers", key), key, one, folder, roots) for key, one in table.signers.items()
    }
    builders = {
        key: _builder(place.at("builders", key), key, one, signers) for key, one in table.builders.items()
    }
    kinds = {
        key: _build_type(place.at("build_types", key), key, one) for key, one in table.build_types.items()
    }
    names = Names(signers=signers, builders=builders, build_types=kinds)
    rules = tuple(_rule(place.at("artifacts", at), one, names) for at, one in enumerate(table.artifacts))
    twice = [one.name for at, one in enumerate(rules) if one.name in {each.name for each in rules[:at]}]
    if twice:
        raise place.at("artifacts").wrong(f"two rules are called {twice[0]!r}", "give each its own name")
    return Policy(
        name=table.name,
        rules=rules,
        roots=roots,
        uri=table.uri or "",
        sha256=of_bytes(data).hex,
        expires=table.expires,
        github=GitHub(repository=table.github.repository, api=table.github.api) if table.github else None,
    )


def _root(place: Place, name: str, table: TrustedRootTable, folder: Path) -> Root:
    if table.sha256 and not table.file:
        raise place.at("sha256").wrong("a digest without a file", "name the file")
    return Root(name=name, file=folder / table.file if table.file else None, sha256=table.sha256 or "")


def _signer(place: Place, name: str, table: SignerTable, folder: Path, roots: dict[str, Root]) -> Signer:
    ways = [key for key in ("identity", "identity_pattern", "key") if getattr(table, key) is not None]
    if len(ways) != 1:
        raise place.wrong(
            f"has {' and '.join(ways) or 'neither identity nor key'}",
            'write identity = "…" and issuer = "…", or key = "FILE"',
        )
    root = named(place.at("root"), table.root, roots, "root").name if table.root else ""
    if table.key is not None:
        if table.issuer is not None:
            raise place.at("issuer").wrong("a key has no issuer", "remove it")
        try:
            return Signer(name=name, key=load_public(folder / table.key), root=root)
        except ReproError as error:
            raise place.at("key").wrong(error.message, error.hint) from error
    if table.issuer is None:
        raise place.at("issuer").wrong("missing", "an identity means something only with who vouches for it")
    try:
        identity = Identity(
            identity=table.identity or table.identity_pattern or "",
            issuer=table.issuer,
            is_pattern=table.identity_pattern is not None,
        )
    except ConfigError as error:
        raise place.at(ways[0]).wrong(error.message, error.hint) from error
    return Signer(name=name, identity=identity, root=root)


def _builder(place: Place, name: str, table: BuilderTable, signers: dict[str, Signer]) -> Builder:
    return Builder(
        name=name,
        id=table.id,
        signers=tuple(
            named(place.at("signers", at), one, signers, "signer") for at, one in enumerate(table.signers)
        ),
        level=table.level,
        operator=table.operator or "",
    )


def _build_type(place: Place, name: str, table: BuildTypeTable) -> BuildType:
    return BuildType(
        name=name,
        uri=table.uri,
        parameters={
            key: _parameter(place.at("parameters", key), one) for key, one in table.parameters.items()
        },
    )


def _parameter(place: Place, table: ParameterTable) -> Parameter:
    ways = [key for key in ("equals", "one_of", "pattern") if getattr(table, key) is not None]
    ways += ["any"] if table.any else []
    if len(ways) != 1:
        hint = 'write one of: equals = …, one_of = […], pattern = "…", any = true'
        raise place.wrong(f"says {' and '.join(ways) or 'nothing of its value'}", hint)
    values = (table.equals,) if ways == ["equals"] else table.one_of or ()
    try:
        to_bytes(list(values))
    except (TypeError, ValueError) as error:
        raise place.wrong("a value that JSON does not have, such as a date", "write it as text") from error
    if table.pattern is not None:
        pattern(place.at("pattern"), table.pattern)
    return Parameter(values=tuple(values), pattern=table.pattern or "", optional=table.optional)


def _rule(place: Place, table: RuleTable, names: Names) -> Rule:
    from repro.core.globs import compile_glob

    for at, glob in enumerate(table.match):
        try:
            compile_glob(glob)
        except ConfigError as error:
            raise place.at("match", at).wrong(error.message) from error
    demands = tuple(
        demand_of(place.at("demands", key), key, one, names) for key, one in table.demands.items()
    )
    kinds = {key: one.kind for key, one in table.demands.items()}
    for one in demands:
        if one.linked_by and kinds.get(one.linked_by) != "release":
            where = place.at("demands", one.name, "linked_by")
            raise where.wrong(f"no demand {one.linked_by!r} of kind release in this rule")
    for at, group in enumerate(table.agree):
        for within, field in enumerate(group):
            demand, mark, pointer = field.partition(":/")
            if demand not in kinds or not mark or not pointer:
                text = f"{field!r} is not DEMAND:/POINTER"
                raise place.at("agree", at, within).wrong(text, did_you_mean(demand, kinds))
    memory = table.remember
    return Rule(
        name=table.name,
        match=table.match,
        demands=demands,
        agree=table.agree,
        memory=MemoryRule(order=memory.order, stream=memory.stream or "") if memory else None,
        named=table.named,
        resource_uri=table.resource_uri or "",
    )


def _explained(document: Document, error: ValidationError) -> ConfigError:
    """All that pydantic found, a line for each place."""
    lines: dict[str, str] = {}
    found = [(_path(document.tables, one["loc"]), one) for one in error.errors(include_url=False)]
    for path, one in found:
        if any(len(other) > len(path) and other[: len(path)] == path for other, _ in found):
            continue  # what is wrong below it makes it wrong too
        text, hint = one["msg"], ""
        if one["type"] == "extra_forbidden":
            text, hint = "unknown key", did_you_mean(str(path[-1]), _known(document.tables, path[:-1]))
        elif one["type"] == "missing":
            text, path = "missing", (*path, str(one["loc"][-1]))  # noqa: PLW2901 - a place that is not there
        elif one["type"].startswith("union_tag"):
            text, hint = f"no kind of demand: {one['input']!r:.60}", f"known: {', '.join(sorted(KINDS))}"
        lines.setdefault(f"{document.where(path)}: {text}", hint)
    shown = list(lines.items())[:SHOWN]
    if len(lines) == 1:
        return ConfigError(shown[0][0], hint=shown[0][1] or REFERENCE)
    texts = [f"{text} ({hint})" if hint else text for text, hint in shown]
    texts += [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return ConfigError("\n".join(texts), hint=REFERENCE)


def _path(tables: dict[str, Any], loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where a value stands: pydantic's location without the tags of unions."""
    node: Any = tables
    path: list[int | str] = []
    for part in loc:
        is_item = isinstance(node, list) and isinstance(part, int) and part < len(node)
        if is_item or (isinstance(node, dict) and part in node):
            node = node[part]
            path.append(part)
    return tuple(path)


def _known(tables: dict[str, Any], path: tuple[int | str, ...]) -> list[str]:  # noqa: C901 - one case a table
    """The keys that the table at `path` knows."""
    from repro.flows import policy_tables as own

    node: Any = tables
    for part in path:
        node = node[part]
    model: type[BaseModel] = own.PolicyTable
    match path:
        case ("roots", _):
            model = own.TrustedRootTable
        case ("signers", _):
            model = own.SignerTable
        case ("builders", _):
            model = own.BuilderTable
        case ("build_types", _):
            model = own.BuildTypeTable
        case ("build_types", _, "parameters", _):
            model = own.ParameterTable
        case ("artifacts", int()):
            model = own.RuleTable
        case ("artifacts", int(), "demands", _):
            model = KINDS.get(str(node.get("kind")), own.SignedTable)
        case ("artifacts", int(), "remember"):
            model = own.RememberTable
        case ("github",):
            model = own.GitHubTable
    return list(model.model_fields)
