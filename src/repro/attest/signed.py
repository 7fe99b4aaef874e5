"""What a verified signature proves: who signed which bytes, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from repro.attest.keys import PublicKey

LOG = "transparency log"
AUTHORITY = "timestamp authority"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTime:
    """A time that a third party signed; `source` is `LOG` or `AUTHORITY`."""

    at: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who a certificate says signed: the identity, who vouched for it, and the other claims by name.

    The claims are those of `repro.attest.certificate.CLAIMS`, such as `source_repository_uri`; `der` is the
    certificate itself.
    """

    identity: str
    issuer: str
    claims: Mapping[str, str]
    der: bytes

    def __str__(self) -> str:
        """For people."""
        return f"{self.identity} (issuer {self.issuer})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The bytes that were signed and what is known about their signature.

    Either `signer` is there or `keys`, the distinct keys among those asked about that have signed; `payload`
    and `payload_type` are an envelope's, None and "" where the signature is over the artifact itself.
    `times` is empty where no third party witnessed the signature, which only a key's may lack; `log` says
    which entries of logs were verified.
    """

    signer: Signer | None = None
    keys: tuple[PublicKey, ...] = ()
    payload: bytes | None = None
    payload_type: str = ""
    times: tuple[SignedTime, ...] = ()
    log: tuple[str, ...] = field(default=())
