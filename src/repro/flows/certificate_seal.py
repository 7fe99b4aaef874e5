"""What seals a certificate: signed statements, a policy that demands them, a signed list of every file."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.attest.bundle_writing import lines_of
from repro.attest.predicates import RELEASE
from repro.attest.reading import Evidence, parse_evidence
from repro.attest.signing import KeySigner
from repro.attest.statement import statement
from repro.attest.trust import Trust
from repro.core import strictjson
from repro.core.canonical import to_bytes
from repro.core.errors import FormatError, ReproError
from repro.core.subject import Subject
from repro.tools.files import files_below, hash_file, read_capped, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from repro.attest.keys import PublicKey
    from repro.attest.signing import Signer
    from repro.attest.statement import Statement
    from repro.flows import sign
    from repro.flows.certificate_run import Part

CRATE = "ro-crate-metadata.json"
BUNDLES = f"{CRATE}.sigstore.jsonl"
POLICY = "policy.toml"
POLICY_BUNDLES = f"{POLICY}.sigstore.jsonl"
ROOT = "trusted-root.json"
UNLISTED = (BUNDLES, POLICY_BUNDLES)
"""What no list of files can name: the signatures, of which one is over the list."""

MAX_CONFIG = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """One who signs: by a key, whose public half is in `file`, or as an identity with its issuer."""

    name: str
    key: PublicKey | None = None
    identity: str = ""
    issuer: str = ""

    @property
    def file(self) -> str:
        """The public key in the certificate."""
        return f"{self.name}.pub"

    @property
    def shown(self) -> str:
        """For people: what they compare with what the authors say of themselves."""
        return f"key {self.key.fingerprint}" if self.key else f"{self.identity} (issuer {self.issuer})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Who signs, the trusted root where it is not the public one, and what checks it all."""

    signers: tuple[Who, ...]
    root: bytes = b""

    @property
    def command(self) -> str:
        """What a reader runs in the folder; a policy that no key signed is taken as it lies there."""
        key = f" --policy-key {self.signers[0].file}" if self.signers[0].key else ""
        return f"repro verify . --policy {POLICY}{key} --bundle {BUNDLES} --offline"


@contextmanager
def sealing(wishes: sign.Wishes | None) -> Iterator[Sequence[Signer]]:
    """All who sign, none where nobody is to."""
    if wishes is None:
        yield ()
        return
    from repro.flows.sign import signers

    with signers(wishes) as found:
        yield tuple(found)


def signed(parts: Sequence[Part], signers: Sequence[Signer]) -> list[bytes]:
    """The statements about all runs, each signed by each signer."""
    return [one.statement(said) for part in parts for said in part.vouching for one in signers]


def seal_of(signers: Sequence[Signer], bundles: Sequence[bytes], trust_config: Path | None) -> Seal:
    """Who has signed: keys as they are named, an identity as its certificate proves it."""
    root = _root_in(trust_config) if trust_config else b""
    who = []
    for number, (signer, bundle) in enumerate(zip(signers, bundles, strict=False), 1):
        name = f"signer-{number}"
        if isinstance(signer, KeySigner):
            who.append(Who(name=name, key=signer.key.public))
            continue
        proved = Trust(root).certified(parse_evidence(Evidence(name=name, raw=bundle)), sha256="").signer
        if proved is None:
            raise ReproError(f"{signer.name}: its certificate names nobody")
        who.append(Who(name=name, identity=proved.identity, issuer=proved.issuer))
    return Seal(signers=tuple(who), root=root)


def _root_in(trust_config: Path) -> bytes:
    config = strictjson.parse(read_capped(trust_config, MAX_CONFIG), name=str(trust_config))
    if not isinstance(config, dict) or not isinstance(config.get("trustedRoot"), dict):
        raise FormatError(f"{trust_config}: has no trustedRoot")
    return to_bytes(config["trustedRoot"]) + b"\n"


def write_trust(folder: Path, seal: Seal, policy: str) -> None:
    """The policy, and what it trusts."""
    for one in seal.signers:
        if one.key is not None:
            write_atomic(folder / one.file, one.key.to_pem())
    if seal.root:
        write_atomic(folder / ROOT, seal.root)
    write_atomic(folder / POLICY, policy.encode())


def close(
    folder: Path, name: str, parts: Sequence[Part], signers: Sequence[Signer], bundles: Sequence[bytes]
) -> None:
    """Sign the list of every file, and the policy; nothing in the folder may change from here on."""
    listed = files_statement(folder, name, parts)
    bundles = [*bundles, *(one.statement(listed) for one in signers)]
    policy = (folder / POLICY).read_bytes()
    write_atomic(folder / POLICY_BUNDLES, lines_of([one.blob(policy) for one in signers]))
    write_atomic(folder / BUNDLES, lines_of(bundles))


def files_statement(folder: Path, name: str, parts: Sequence[Part]) -> Statement:
    """A release whose artifacts are all files of the folder, but for the signatures themselves."""
    from packageurl import PackageURL

    subjects = [
        Subject(name=file, digests={"sha256": hash_file(folder / file).hex})
        for file in files_below(folder)
        if file not in UNLISTED
    ]
    runs = [one.ran.record.id for one in parts]
    purl = PackageURL("generic", None, f"{name}-certificate", runs[-1]).to_string()
    verdicts = {one.ran.run.name: str(one.judgement.verdict) for one in parts}
    said = {"purl": purl, "repro_certificate": {"experiment": name, "runs": runs, "verdicts": verdicts}}
    return statement(subjects, RELEASE, said)
