"""`repro policy init`: a first policy out of attestations at hand, each of which has been verified.

What is written trusts whoever signed them: it is for a person to read, and to correct.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.attest.keys import load_public
from repro.attest.predicates import REFERENCE, RELEASE
from repro.attest.reading import parse_evidence
from repro.attest.trust import load_trust
from repro.core.canonical import to_bytes
from repro.core.errors import FormatError, ReproError, UsageError
from repro.flows.verify_targets import items_of
from repro.tools.files import disk_errors, write_atomic
from repro.verify import vsa
from repro.verify.discovery import named_files
from repro.verify.documents import REPLAYS, SBOMS
from repro.verify.protocol import Outcome, verify
from repro.verify.provenance import TYPES, parse_provenance
from repro.verify.signers import Expectation, Identity
from repro.verify.source import parse_ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from repro.attest.keys import PublicKey
    from repro.attest.reading import Evidence
    from repro.attest.statement import Statement
    from repro.attest.trust import Trust
    from repro.verify.artifact import Artifact

KIND = {
    **dict.fromkeys(TYPES, "provenance"),
    **dict.fromkeys(SBOMS, "sbom"),
    **dict.fromkeys(REPLAYS, "replay"),
    RELEASE: "release",
    vsa.TYPE: "vsa",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What to look at, and which keys may have signed: nothing in a bundle says whose a key is."""

    targets: tuple[str, ...]
    bundles: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    trusted_root: str = ""
    out: str = "policy.toml"


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What was found: signers and builders by their TOML names, the demands of each artifact."""

    keys: Mapping[bytes, str]
    signers: dict[str, str] = field(default_factory=dict)
    builders: dict[tuple[str, str], str] = field(default_factory=dict)
    demands: dict[str, dict[str, dict[str, str]]] = field(default_factory=lambda: defaultdict(dict))


def init(folder: Path, wishes: Wishes) -> Path:
    """Write the policy; raises UsageError where the file exists, ReproError where nothing was verified."""
    path = folder / wishes.out
    if path.exists():
        raise UsageError(f"{wishes.out}: exists already, and is not overwritten", hint="name another: --out")
    text = draft(folder, wishes)
    with disk_errors(f"writing {wishes.out}"):
        write_atomic(path, text.encode())
    return path


def draft(folder: Path, wishes: Wishes) -> str:
    """The policy's text."""
    keys = {key: load_public(folder / key) for key in wishes.keys}
    trust = load_trust(folder / wishes.trusted_root if wishes.trusted_root else None)
    named = named_files((name, folder / name) for name in wishes.bundles) if wishes.bundles else None
    found = _Draft(keys={key.der: name for name, key in keys.items()})
    for target in wishes.targets:
        for item in items_of(folder, target):
            artifact = item.open()
            source = named or item.beside
            for one in source.of(artifact).evidence if source else ():
                outcome = _verified(artifact, one, tuple(keys.values()), trust)
                if outcome is not None:
                    _note(found, artifact.name, outcome)
    if not found.demands:
        hint = "sign artifacts first (repro sign), and name the public keys: --key FILE"
        raise ReproError("no attestation at hand could be verified", hint=hint)
    return "\n".join(_lines(found, wishes.trusted_root)) + "\n"


def _verified(
    artifact: Artifact, evidence: Evidence, keys: tuple[PublicKey, ...], trust: Trust
) -> Outcome | None:
    """The outcome under whoever signed it, None where it does not hold."""
    try:
        bundle = parse_evidence(evidence)
        if bundle.certificates:
            signer = trust.certified(bundle, sha256=artifact.sha256).signer
            assert signer is not None  # noqa: S101 - a certificate is verified
            who = Identity(identity=signer.identity, issuer=signer.issuer)
            expectation = Expectation(identities=(who,))
        elif keys:
            expectation = Expectation(keys=keys)
        else:
            return None
    except ReproError:
        return None
    outcome = verify(artifact, evidence, expectation, trust)
    return outcome if outcome.is_accepted else None


def _note(found: _Draft, artifact: str, outcome: Outcome) -> None:
    signed, statement = outcome.signed, outcome.statement
    assert signed is not None  # noqa: S101 - an accepted outcome
    names = [_signer(found, f"key = {_text(found.keys[key.der])}") for key in signed.keys]
    if signed.signer:
        pair = f"identity = {_text(signed.signer.identity)}\nissuer = {_text(signed.signer.issuer)}"
        names.append(_signer(found, pair))
    base = artifact.rpartition("/")[2]
    kind = _kind(statement) if statement else "signed"
    demand = {"kind": _text(kind), "signers": json.dumps(names)}
    if statement and kind == "statement":
        demand["predicate_types"] = json.dumps([statement.predicate_type])
    if statement and kind == "provenance":
        demand |= dict(_build(found, outcome, names[0]))
    if statement and kind == "replay" and (experiment := _experiment(statement)):
        demand["experiments"] = f"[{_text(experiment)}]"
    if statement and kind == "vsa":
        summary = vsa.parse_summary(statement)
        demand["verifiers"] = json.dumps([summary.verifier])
        demand["resource_uri"] = _text(summary.resource_uri)
        demand["levels"] = json.dumps(list(summary.levels))
    name, count = kind, 1
    while name in found.demands[base] and found.demands[base][name] != demand:
        count += 1
        name = f"{kind}-{count}"
    found.demands[base][name] = demand


def _kind(statement: Statement) -> str:
    """The kind of demand that a statement can meet: an SBOM that names nothing meets none for an SBOM."""
    from repro.sbom.reading import parse_sbom

    kind = KIND.get(statement.predicate_type, "statement")
    if kind != "sbom" or statement.predicate_type == REFERENCE:
        return kind
    try:
        found = parse_sbom(to_bytes(statement.predicate), name="the SBOM").inventory
    except ReproError:
        return "statement"
    return kind if found.components else "statement"


def _experiment(statement: Statement) -> str:
    replay = statement.predicate.get("repro_replay")
    name = replay.get("experiment") if isinstance(replay, dict) else None
    return name if isinstance(name, str) else ""


def _signer(found: _Draft, table: str) -> str:
    return found.signers.setdefault(table, f"signer-{len(found.signers) + 1}")


def _build(found: _Draft, outcome: Outcome, signer: str) -> Iterator[tuple[str, str]]:
    assert outcome.statement is not None  # noqa: S101 - the caller looked
    view = parse_provenance(outcome.statement)
    builder = found.builders.setdefault((view.builder, signer), f"builder-{len(found.builders) + 1}")
    yield "builders", json.dumps([builder])
    yield "level", "1"
    claim = next((one for one in view.sources if one.address), None)
    if claim is None:
        return
    yield "source", _text(claim.address)
    try:
        ref = parse_ref(claim.ref)
    except FormatError:
        return
    if ref.kind in {"branch", "tag"}:
        yield ref.kind, _text(ref.name)


def _lines(found: _Draft, root: str) -> Iterator[str]:
    yield from (
        "# Made from attestations at hand: it trusts whoever signed them. Read it, and correct it.",
        "# What every key means: docs/reference/policy.md; in words: repro policy explain",
        "version = 1",
        'name = "first"',
    )
    if root:
        yield from ("", "[roots.own]", f"file = {_text(root)}")
    for table, name in found.signers.items():
        yield from ("", f"[signers.{name}]", table)
        if root and table.startswith("identity"):
            yield 'root = "own"'
    for (builder, signer), name in found.builders.items():
        yield from ("", f"[builders.{name}]", f"id = {_text(builder)}", f'signers = ["{signer}"]')
        yield "level = 1  # raise it only where you know that this builder deserves it"
    groups: dict[str, list[str]] = defaultdict(list)
    for artifact, demands in found.demands.items():
        groups["\n".join(_tables(demands))].append(artifact)
    for at, (tables, artifacts) in enumerate(groups.items(), 1):
        names = json.dumps([_glob(one) for one in sorted(artifacts)], ensure_ascii=False)
        yield from ("", "[[artifacts]]", f'name = "rule-{at}"', f"match = {names}", tables)


def _tables(demands: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, demand in demands.items():
        yield from ("", f"[artifacts.demands.{name}]", *(f"{key} = {value}" for key, value in demand.items()))


def _glob(name: str) -> str:
    """A name as a glob that stands for itself."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _text(text: str) -> str:
    """A string of TOML: JSON's escapes are its own, but for half characters, which neither has."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
