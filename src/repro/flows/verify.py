"""`repro verify`: whether artifacts may be trusted, by a policy or by signers named on the command line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from repro.attest.keys import load_public
from repro.attest.trust import Trust, load_trust
from repro.core.check import Check, Status
from repro.core.digest import of_bytes
from repro.core.errors import ConfigError, ReproError, UsageError
from repro.core.exits import Exit
from repro.flows.verify_folder import whole
from repro.flows.verify_report import Report, strictly
from repro.flows.verify_targets import Item, items_of, of_digest, reads
from repro.tools import clock, host
from repro.verify.candidate import Surroundings
from repro.verify.discovery import Found, Listings, joined, named_files
from repro.verify.judge import Seen, Verdict, judge, unread
from repro.verify.memory import load as load_memory
from repro.verify.memory import newest, remember
from repro.verify.policy import Policy, Signer, ad_hoc
from repro.verify.protocol import Outcome
from repro.verify.shared import Shared
from repro.verify.signers import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from repro.flows.verify_vsa import VsaWishes
    from repro.verify.artifact import Artifact
    from repro.verify.discovery import Source
    from repro.verify.memory import Accepted

LARGE = 4 << 20
"""Bytes of artifacts from which on several threads hash faster than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for; what is empty stands for what `[verify]` of `repro.toml` says.

    `identities` are pairs of identity and issuer. `github` is a repository that is asked for attestations.
    """

    targets: tuple[str, ...] = ()
    policy: str = ""
    policy_key: str = ""
    bundles: tuple[str, ...] = ()
    digest: str = ""
    identities: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()
    offline: bool = False
    trusted_root: str = ""
    github: str = ""
    memory: Path | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that verdicts depend on, read once for all artifacts."""

    folder: Path
    policy: Policy
    file: str
    checks: tuple[Check, ...]
    trusts: Mapping[str, Trust]
    everywhere: tuple[Source, ...]
    only_named: bool
    offline: bool
    now: datetime
    memory: Path | None
    known: Mapping[str, Accepted]
    shared: Shared = field(default_factory=Shared)


def verify(
    folder: Path, wishes: Wishes, *, now: datetime | None = None, summaries: VsaWishes | None = None
) -> Report:
    """The verdict on every target; raises UsageError where it is not clear what is asked.

    With `summaries` a signed statement of each verdict is written.
    """
    folder, wishes = _completed(folder, wishes)
    plan = _plan(folder, wishes, now or clock.now())
    items, failed = _items(folder, wishes, plan.shared)
    verdicts = [*whole(_judged(items, plan)), *failed]
    if wishes.strict:
        verdicts = [strictly(one) for one in verdicts]
    verdicts.sort(key=lambda one: one.name)
    _remember(verdicts, plan)
    report = Report(
        policy=plan.policy, file=plan.file, at=plan.now, verdicts=tuple(verdicts), checks=plan.checks
    )
    if summaries is None:
        return report
    from repro.flows.verify_vsa import write_summaries

    return write_summaries(report, summaries)


def _completed(folder: Path, wishes: Wishes) -> tuple[Path, Wishes]:
    """What is not said is what repro.toml says; nothing else is looked for, least of all a policy at hand."""
    has_signers = bool(wishes.identities or wishes.keys)
    if has_signers and wishes.policy:
        raise UsageError("--policy and signers exclude each other", hint="let the policy name the signers")
    if (wishes.targets or wishes.digest) and (has_signers or wishes.policy):
        return folder, wishes
    from repro.flows.verify_table import completed

    return completed(folder, wishes)


def _plan(folder: Path, wishes: Wishes, now: datetime) -> Plan:
    policy, checks = _policy(folder, wishes, now)
    default = load_trust(folder / wishes.trusted_root if wishes.trusted_root else None)
    trusts = {"": default} | {name: _root(policy, name) for name in policy.roots}
    everywhere: list[Source] = []
    if wishes.bundles:
        everywhere.append(named_files((name, folder / name) for name in wishes.bundles))
    if not wishes.offline and (wishes.github or policy.github):
        from repro.flows.verify_sources import github

        everywhere.append(github(wishes.github, policy.github))
    memory = None
    if any(rule.memory for rule in policy.rules):
        memory = wishes.memory or host.state_folder() / "accepted.json"
    return Plan(
        folder=folder,
        policy=policy,
        file=wishes.policy,
        checks=checks,
        trusts=trusts,
        everywhere=tuple(everywhere),
        only_named=bool(wishes.bundles),
        offline=wishes.offline,
        now=now,
        memory=memory,
        known=load_memory(memory) if memory else {},
    )


def _remember(verdicts: Sequence[Verdict], plan: Plan) -> None:
    """Keep what was accepted, where the policy asks to remember it and holds itself."""
    good = (one for one in verdicts if one.exit is Exit.GOOD)
    kept = newest(pair for one in good for pair in one.kept.items())
    if plan.memory and kept and all(one.status is not Status.FAIL for one in plan.checks):
        remember(plan.memory, kept)


def _policy(folder: Path, wishes: Wishes, now: datetime) -> tuple[Policy, tuple[Check, ...]]:
    if wishes.policy:
        from repro.flows.policy import load_policy

        return load_policy(folder, wishes.policy, key=wishes.policy_key, now=now)
    signers = [
        Signer(name=identity, identity=Identity(identity=identity, issuer=issuer))
        for identity, issuer in wishes.identities
    ]
    signers += [Signer(name=key, key=load_public(folder / key)) for key in wishes.keys]
    return ad_hoc(tuple(signers)), ()


def _root(policy: Policy, name: str) -> Trust:
    """A trusted root that a policy names, with the digest that the policy demands."""
    root = policy.roots[name]
    trust = load_trust(root.file)
    if root.sha256 and of_bytes(trust.raw).hex != root.sha256:
        raise ConfigError(f"{root.file}: not the trusted root {name!r} that the policy pins")
    return trust


def _items(folder: Path, wishes: Wishes, shared: Shared) -> tuple[list[Item], list[Verdict]]:
    """Every artifact once; a target that cannot be read is a verdict of its own, and stops no other.

    Among the files of a folder is evidence yet.
    """
    items: dict[tuple[str, str], Item] = {}  # two images may bear one name, by different digests
    listings = Listings()
    failed = []
    is_read = reads(folder, wishes.bundles, wishes.policy)
    for target in wishes.targets:
        try:
            for one in items_of(folder, target, listings):
                is_beside = one.beside_another and one.path is not None and is_read(one.path)
                if not (is_beside and (one.name, one.reference) in items):  # named by itself, too
                    items[one.name, one.reference] = replace(one, beside_another=is_beside)
        except UsageError:
            raise
        except ReproError as error:
            failed.append(unread(target, error))
    if wishes.digest and not wishes.targets:
        items[wishes.digest, ""] = of_digest(wishes.digest)
    elif wishes.digest:
        items = {key: item for key, item in items.items() if not item.is_evidence(shared)}
        if len(items) != 1:
            raise UsageError("--digest is for one target", hint="name one file, or give digests as targets")
        items = {key: _pinned(item, wishes.digest) for key, item in items.items()}
    return list(items.values()), failed


def _pinned(item: Item, digest: str) -> Item:
    """The same artifact, which must have a digest."""
    wanted = of_digest(digest).open().digests

    def opened() -> Artifact:
        from repro.core.errors import EvidenceError

        artifact = item.open()
        for algorithm, value in wanted.items():
            if artifact.digests.get(algorithm) != value:
                raise EvidenceError(f"{item.name}: does not have the digest {digest}")
        return artifact

    return replace(item, open=opened)


def _judged(items: Sequence[Item], plan: Plan) -> list[tuple[Item, Verdict]]:
    """All artifacts and their verdicts, in several threads where hashing or a network is waited for."""
    threads = min(host.processors(), len(items), 8)
    hashed = sum(one.size for one in items if not one.beside_another)
    is_slow = hashed > LARGE or any(one.reference for one in items)
    if threads < 2 or not (is_slow or plan.policy.github):  # noqa: PLR2004 - one thread is no pool
        verdicts = [_one(item, plan) for item in items]
    else:
        with ThreadPoolExecutor(threads) as pool:
            verdicts = list(pool.map(partial(_one, plan=plan), items))
    return [(item, verdict) for item, verdict in zip(items, verdicts, strict=True) if verdict is not None]


def _one(item: Item, plan: Plan) -> Verdict | None:
    """One verdict, whatever goes wrong: an error or a crash is about this artifact alone, never a pass.

    None for evidence about another file, which that one is judged by: it comes after it, and is read already.
    """
    try:
        return None if item.is_evidence(plan.shared) else _verdict(item, plan)
    except ConfigError:
        raise
    except ReproError as error:
        return unread(item.name, error)
    except Exception as error:  # noqa: BLE001 - see above
        check = Check(
            name="crash",
            status=Status.FAIL,
            reason=f"internal error: {type(error).__name__}: {error}"[:500],
        )
        return Verdict(name=item.name, artifact=None, checks=(check,), exit=Exit.WRONG)


def _verdict(item: Item, plan: Plan) -> Verdict:
    if item.reference and plan.offline:
        raise ReproError(
            f"{item.name}: is in a registry, and no network may be asked", hint="leave out --offline"
        )
    artifact = item.open()
    sources = [*plan.everywhere]
    if item.beside and not plan.only_named:
        sources.append(item.beside)
    found = joined(source.of(artifact) for source in sources)
    around = _around(item, artifact, found, plan)
    verdict = judge(artifact, found.evidence, plan.policy, plan.trusts, around, plan.known, plan.shared)
    return _with_failures(verdict, found)


def _around(item: Item, artifact: Artifact, found: Found, plan: Plan) -> Surroundings:
    from repro.flows.verify_documents import audit_of, document_of, inventory_of

    return Surroundings(
        now=plan.now,
        inventory=partial(inventory_of, item, artifact),
        audit=lambda one: audit_of((plan.folder / plan.file).parent.resolve(), plan.now, one),
        document=partial(document_of, item, found),
    )


def _with_failures(verdict: Verdict, found: Found) -> Verdict:
    """The same with what could not be read or asked: told of, and evidence that is broken is evidence."""
    if not found.refused and not found.unasked:
        return verdict
    checks = [
        Check(name=f"source {name}", status=Status.SKIP, reason=reason) for name, reason in found.unasked
    ]
    seen = [
        Seen(
            outcome=Outcome(
                artifact=verdict.name,
                evidence=name,
                checks=(Check(name="caps", status=Status.FAIL, reason=error.message, step=2),),
                exit=error.exit,
            ),
            root="",
            sha256="",
        )
        for name, error in found.refused
    ]
    is_only_broken = verdict.exit is Exit.NOT_CHECKED and bool(seen)
    return replace(
        verdict,
        checks=(*verdict.checks, *checks),
        seen=(*verdict.seen, *seen),
        exit=Exit.WRONG if is_only_broken else verdict.exit,
    )
