"""The demands of a policy, from its tables to what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.attest.predicates import RELEASE
from repro.core.errors import FormatError
from repro.core.near import did_you_mean
from repro.flows import policy_names as lookup
from repro.flows.policy_tables import (
    ProvenanceTable,
    ReleaseTable,
    ReplayTable,
    SbomDemandTable,
    StatementTable,
    VsaTable,
)
from repro.verify import vsa
from repro.verify.documents import REPLAYS, SBOMS
from repro.verify.levels import is_legal
from repro.verify.policy import Demand, Provenance, ReplayDemand, SbomDemand, SourceRule, VsaDemand
from repro.verify.provenance import TYPES
from repro.verify.source import Ref, parse_repository, require_ref_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from repro.flows.policy_names import Names
    from repro.flows.policy_tables import SignedTable
    from repro.flows.sense import Place
    from repro.sbom.licences import Policy as LicencePolicy
    from repro.verify.policy import Signer

    Tables = (
        SignedTable
        | StatementTable
        | ReleaseTable
        | ProvenanceTable
        | SbomDemandTable
        | ReplayTable
        | VsaTable
    )


def demand_of(place: Place, name: str, table: Tables, names: Names) -> Demand:
    """A demand. Raises ConfigError where it names what is not there, or could never be met."""
    if isinstance(table, ProvenanceTable):
        return _provenance(place, name, table, names)
    common = _common(place, name, table, _signers(place, table.signers, names))
    if isinstance(table, SbomDemandTable):
        return SbomDemand(
            **common,
            predicate_types=SBOMS,
            complete=table.matches,
            licences=_licences(place, table),
            max_severity=table.max_severity or "",
        )
    if isinstance(table, ReplayTable):
        return ReplayDemand(
            **common,
            predicate_types=REPLAYS,
            experiments=table.experiments,
            warnings=table.allow_warnings,
        )
    if isinstance(table, VsaTable):
        return _summary(place, table, common)
    if isinstance(table, StatementTable):
        return Demand(**common, predicate_types=table.predicate_types)
    return Demand(**common, predicate_types=(RELEASE,) if isinstance(table, ReleaseTable) else ())


def _common(place: Place, name: str, table: Tables, signers: tuple[Signer, ...]) -> dict[str, Any]:
    exact = sum(1 for one in signers if not (one.identity and one.identity.is_pattern))
    if table.threshold > exact and exact == len(signers):
        text = f"{table.threshold} signers are needed; named: {exact}"
        raise place.at("threshold").wrong(text, "name more, or lower the threshold")
    return {
        "name": name,
        "signers": signers,
        "threshold": table.threshold,
        "max_age_days": None if table.max_age_days is None else float(table.max_age_days),
        "linked_by": table.linked_by or "",
    }


def _signers(place: Place, named: Iterable[str], names: Names) -> tuple[Signer, ...]:
    found = [
        lookup.named(place.at("signers", at), one, names.signers, "signer") for at, one in enumerate(named)
    ]
    return tuple(dict.fromkeys(found))


def _provenance(place: Place, name: str, table: ProvenanceTable, names: Names) -> Provenance:
    builders = tuple(
        lookup.named(place.at("builders", at), one, names.builders, "builder")
        for at, one in enumerate(table.builders)
    )
    signers = _signers(place, table.signers, names)
    signers = signers or tuple(dict.fromkeys(who for one in builders for who in one.signers))
    if table.level > (best := max(one.level for one in builders)):
        raise place.at("level").wrong(f"level {table.level}, and no builder here has more than {best}")
    operators = {one.operator for one in builders if one.operator}
    if table.independent > 1 and len(operators) < table.independent:
        text = f"{table.independent} independent operators of builders are needed; named: {len(operators)}"
        raise place.at("independent").wrong(text, "give builders an operator each")
    return Provenance(
        **_common(place, name, table, signers),
        predicate_types=TYPES,
        builders=builders,
        level=table.level,
        build_types=tuple(
            lookup.named(place.at("build_types", at), one, names.build_types, "build_type")
            for at, one in enumerate(table.build_types)
        ),
        source=_source(place, table),
        pinned=table.pinned_dependencies,
        independent=table.independent,
    )


def _source(place: Place, table: ProvenanceTable) -> SourceRule | None:
    given = [key for key in ("branch", "tag", "tag_pattern") if getattr(table, key) is not None]
    if len(given) > 1:
        raise place.at(given[1]).wrong(f"also {given[0]}", "keep one of them")
    if table.source is None:
        if given or table.commit:
            raise place.at("source").wrong("missing", "a ref means something only in a repository")
        return None
    try:
        repository = parse_repository(table.source)
    except FormatError as error:
        raise place.at("source").wrong(error.message, error.hint) from error
    ref = None
    for key, name in (("branch", table.branch), ("tag", table.tag)):
        if name is None:
            continue
        if name.startswith("refs/"):
            raise place.at(key).wrong("a whole ref", f'write {key} = "{name.split("/", 2)[-1]}"')
        try:
            ref = Ref(kind=key, name=require_ref_name(name))
        except FormatError as error:
            raise place.at(key).wrong(error.message) from error
    if table.tag_pattern is not None:
        lookup.pattern(place.at("tag_pattern"), table.tag_pattern)
    return SourceRule(
        repository=repository, ref=ref, tag_pattern=table.tag_pattern or "", commit=table.commit or ""
    )


def _licences(place: Place, table: SbomDemandTable) -> LicencePolicy | None:
    from repro.sbom.expression import is_expression, known_licences
    from repro.sbom.licences import Policy

    if not table.allow_licences and not table.deny_licences:
        return None
    for key in ("allow_licences", "deny_licences"):
        for at, glob in enumerate(getattr(table, key)):
            if not set(glob) & set("*?[") and not is_expression(glob):
                where = place.at(key, at)
                raise where.wrong(f"no SPDX licence: {glob!r}", did_you_mean(glob, known_licences()))
    return Policy(allow=table.allow_licences, deny=table.deny_licences)


def _summary(place: Place, table: VsaTable, common: dict[str, Any]) -> VsaDemand:
    for at, level in enumerate(table.levels):
        if not is_legal(level):
            raise place.at("levels", at).wrong(f"no level: {level!r}", "such as SLSA_BUILD_LEVEL_3")
    return VsaDemand(
        **common,
        predicate_types=(vsa.TYPE,),
        verifiers=table.verifiers,
        resource_uri=table.resource_uri,
        levels=table.levels,
        policy_sha256=table.policy_sha256 or "",
    )
