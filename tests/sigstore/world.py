"""A whole Sigstore in one process: authority, logs, timestamps, and the root that trusts them.

    world = PrivateSigstore()
    bundle = world.sign(statement)  # by a workflow on GitHub, in Rekor v2, as bundle v0.3
    bundle = world.sign(Order(payload=statement, rekor=1, identity="ada@example.org", issuer=URL))
    bundle = world.sign(statement, "swapped-log-entry")  # a name in tests.sigstore.defects.table.DEFECTS
    root = world.trusted_root()

`world.now` is the time of everything that is signed next, and may be set.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from tests.sigstore import log as logs
from tests.sigstore.authority import Authority, TransparencyLog, Wanted, new_key
from tests.sigstore.log import Document, Log, Verifier, b64
from tests.sigstore.order import Order, Signed, envelope, to_bytes
from tests.sigstore.timestamps import Timestamper

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Instance:
    """The services of one Sigstore."""

    name: str
    authority: Authority
    certificates: TransparencyLog
    logs: dict[int, Log]
    timestamps: Timestamper

    @classmethod
    def create(cls, name: str, start: datetime, end: datetime) -> Instance:
        """New services whose certificates are valid between two times."""
        return cls(
            name=name,
            authority=Authority.create(start, end),
            certificates=TransparencyLog(),
            logs={version: Log.create(version, f"log{version}.{name}.invalid") for version in (1, 2)},
            timestamps=Timestamper.create(start, end),
        )

    def certify(self, key: ec.EllipticCurvePrivateKey, wanted: Wanted, at: datetime) -> x509.Certificate:
        """A certificate for a key."""
        return self.authority.issue(key.public_key(), wanted, self.certificates, at)

    def sign(self, order: Order, at: datetime) -> Signed:
        """Do what a signing client does: key, certificate, signature, timestamp, log entry."""
        key = order.key or new_key()
        certificate = None if order.key else self.certify(key, order.wanted, at)
        return self.sign_with(order, key, certificate, at)

    def sign_with(
        self,
        order: Order,
        key: ec.EllipticCurvePrivateKey,
        certificate: x509.Certificate | None,
        at: datetime,
    ) -> Signed:
        """The same with a key and certificate that are there already."""
        signature = key.sign(order.signed_bytes, ec.ECDSA(SHA256()))
        signed = Signed(order=order, key=key, certificate=certificate, signature=signature)
        return self.witness(signed, at)

    def witness(self, signed: Signed, at: datetime) -> Signed:
        """Put timestamps and a log entry on a signature."""
        order = signed.order
        stamps = tuple(
            self.timestamps.stamp(signed.signature, at, embed=order.embed)
            for _ in range(order.how_many_stamps)
        )
        entries = (self.logs[order.rekor].append(entry_of(signed), at),) if order.rekor else ()
        return replace(signed, stamps=stamps, entries=entries)


def entry_of(signed: Signed) -> Document:
    """What is sent to the log for a signature."""
    order = signed.order
    verifier = Verifier(key=signed.key.public_key(), certificate=signed.certificate)
    kind = order.entry or ("dsse" if order.rekor == 1 and order.form == "dsse" else "hashedrekord")
    if kind == "hashedrekord":
        digest = hashlib.sha256(order.signed_bytes).digest()
        make = logs.hashedrekord_v1 if order.rekor == 1 else logs.hashedrekord_v2
        return make(digest, signed.signature, verifier)
    if kind == "intoto":
        return logs.intoto_v1(envelope(order, signed.signature), verifier)
    of_envelope: Callable[[Document, Verifier], Document] = logs.dsse_v1 if order.rekor == 1 else logs.dsse_v2
    return of_envelope(envelope(order, signed.signature), verifier)


@dataclass(kw_only=True)
class PrivateSigstore:
    """Three instances: the one in use, one whose time has ended, and a stranger's that no root trusts."""

    now: datetime = NOON
    start: datetime = field(init=False)
    end: datetime = field(init=False)
    retired_at: datetime = field(init=False)
    current: Instance = field(init=False)
    retired: Instance = field(init=False)
    foreign: Instance = field(init=False)

    def __post_init__(self) -> None:
        """Make the keys; the start lies before any time a test will ask for."""
        self.start, self.end = self.now - 2 * YEAR, self.now + 20 * YEAR
        self.retired_at = self.now - YEAR
        self.current = Instance.create("current", self.start, self.end)
        self.retired = Instance.create("retired", self.start, self.end)
        self.foreign = Instance.create("foreign", self.start, self.end)

    def sign(self, wanted: bytes | Order, defect: str = "") -> bytes:
        """A bundle with what is wanted, or with one thing wrong with it."""
        order = wanted if isinstance(wanted, Order) else Order(payload=wanted)
        if defect:
            from tests.sigstore.defects.table import DEFECTS

            return to_bytes(DEFECTS[defect].make(self, DEFECTS[defect].fit(order)))
        return to_bytes(self.current.sign(order, self.now).document())

    def trusted_root(self) -> bytes:
        """The root that trusts the current instance, and the retired one until its end."""
        both = ((self.current, None), (self.retired, self.retired_at))
        return to_bytes(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [
                    log_document(f"https://{log.host}", log.public, log.identifier, self.start, end)
                    for instance, end in both
                    for log in instance.logs.values()
                ],
                "certificateAuthorities": [
                    authority_document(f"https://ca.{one.name}.invalid", one.authority.chain, self.start, end)
                    for one, end in both
                ],
                "ctlogs": [
                    log_document(
                        f"https://ct.{one.name}.invalid",
                        one.certificates.public,
                        hashlib.sha256(one.certificates.public).digest(),
                        self.start,
                        end,
                    )
                    for one, end in both
                ],
                "timestampAuthorities": [
                    authority_document(
                        f"https://tsa.{one.name}.invalid", one.timestamps.chain, self.start, end
                    )
                    for one, end in both
                ],
            }
        )

    def signing_config(self) -> bytes:
        """A signing configuration that names the current instance; its addresses lead nowhere."""
        name = self.current.name

        def service(url: str, version: int) -> Document:
            window = {"start": _text(self.start)}
            return {"url": url, "majorApiVersion": version, "validFor": window, "operator": "private.invalid"}

        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service(f"https://ca.{name}.invalid", 1)],
                "oidcUrls": [service(f"https://id.{name}.invalid", 1)],
                "rekorTlogUrls": [service(f"https://log2.{name}.invalid", 2)],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [service(f"https://tsa.{name}.invalid/api/v1/timestamp", 1)],
                "tsaConfig": {"selector": "ANY"},
            }
        ).encode()


def _window(start: datetime, end: datetime | None) -> Document:
    return {"start": _text(start)} | ({} if end is None else {"end": _text(end)})


def log_document(
    url: str, public: bytes, identifier: bytes, start: datetime, end: datetime | None = None
) -> Document:
    """A log as trusted roots have it."""
    # an Ed25519 key in DER is 44 bytes, one on P-256 is 91
    details = "PKIX_ED25519" if len(public) == 44 else "PKIX_ECDSA_P256_SHA_256"
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {"rawBytes": b64(public), "keyDetails": details, "validFor": _window(start, end)},
        "logId": {"keyId": b64(identifier)},
    }


def authority_document(
    url: str, chain: tuple[bytes, ...], start: datetime, end: datetime | None = None
) -> Document:
    """An authority as trusted roots have it."""
    return {
        "subject": {"organization": "private.invalid", "commonName": url.split("://")[1]},
        "uri": url,
        "certChain": {"certificates": [{"rawBytes": b64(one)} for one in chain]},
        "validFor": _window(start, end),
    }


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
