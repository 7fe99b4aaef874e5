"""The private Sigstore behind sigstore-python's own signer: clients that call the services directly.

The signer looks at the machine's clock, so the world's `now` has to be about the present.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from rfc3161_client import TimeStampResponse, decode_timestamp_response
from sigstore._internal.fulcio.client import FulcioCertificateSigningResponse
from sigstore._internal.rekor.client import RekorClient
from sigstore._internal.rekor.client_v2 import RekorV2Client
from sigstore.models import TransparencyLogEntry, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore_models.rekor.v1 import TransparencyLogEntry as Entry
from sigstore_models.trustroot.v1 import TrustedRoot as Root
from tests.sigstore import log as logs
from tests.sigstore.authority import Wanted
from tests.sigstore.order import GITHUB, WORKFLOW, workflow_claims

if TYPE_CHECKING:
    from cryptography import x509
    from tests.sigstore.log import Document
    from tests.sigstore.world import PrivateSigstore


def token(identity: str = WORKFLOW, issuer: str = GITHUB) -> IdentityToken:
    """A token that says who one is; only Fulcio checks signatures of tokens, and the one here does not."""
    present = int(time.time())
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": "sigstore",
        "sub": identity,
        "iat": present,
        "exp": present + 300,
    }
    if "://" in identity:
        claims["job_workflow_ref"] = identity.removeprefix("https://github.com/")
    elif "@" in identity:
        claims |= {"email": identity, "email_verified": True}
    return IdentityToken(jwt.encode(claims, "k" * 32, algorithm="HS256"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulcio:
    """Issues certificates for the asking; it stands for client and endpoint in one."""

    world: PrivateSigstore

    @property
    def signing_cert(self) -> Fulcio:
        """The endpoint."""
        return self

    def post(
        self, request: x509.CertificateSigningRequest, identity: IdentityToken
    ) -> FulcioCertificateSigningResponse:
        """A certificate for the request's key and the token's subject."""
        services = self.world.current
        claims = jwt.decode(str(identity), options={"verify_signature": False})
        workflow = claims.get("job_workflow_ref")
        who = f"https://github.com/{workflow}" if workflow else claims.get("email", claims["sub"])
        wanted = Wanted(identity=who, issuer=claims["iss"], claims=workflow_claims(who))
        key: Any = request.public_key()
        certificate = services.authority.issue(key, wanted, services.certificates, self.world.now)
        chain = [services.authority.intermediate.certificate, services.authority.root.certificate]
        return FulcioCertificateSigningResponse(certificate, chain)


class RekorV1(RekorClient):
    """Version 1 of the log."""

    def __init__(self, world: PrivateSigstore) -> None:
        """A client of the world's log."""
        super().__init__("https://nowhere.invalid")
        self._world = world

    def create_entry(self, request: Any) -> TransparencyLogEntry:  # noqa: ANN401 - sigstore's NewType
        """Add the entry, in the form in which Rekor stores what was proposed."""
        entry: Document = dict(request)
        if entry["kind"] == "dsse":
            proposed = entry["spec"]["proposedContent"]
            entry = logs.dsse_of(json.loads(proposed["envelope"]), proposed["verifiers"][0])
        return _entry(self._world.current.logs[1].append(_without_none(entry), self._world.now))


class RekorV2(RekorV2Client):
    """Version 2 of the log."""

    def __init__(self, world: PrivateSigstore) -> None:
        """A client of the world's log."""
        super().__init__("https://nowhere.invalid")
        self._world = world

    def create_entry(self, payload: Any) -> TransparencyLogEntry:  # noqa: ANN401 - sigstore's NewType
        """Add the entry that the request is for."""
        asked = payload["hashedRekordRequestV002"]
        data = {"algorithm": "SHA2_256", "digest": asked["digest"]}
        spec = {"hashedRekordV002": {"data": data, "signature": asked["signature"]}}
        entry = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": _without_none(spec)}
        return _entry(self._world.current.logs[2].append(entry, self._world.now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamper:
    """A client of the timestamp authority."""

    world: PrivateSigstore
    url: str = "https://nowhere.invalid"

    def request_timestamp(self, signature: bytes) -> TimeStampResponse:
        """A timestamp of a signature."""
        return decode_timestamp_response(self.world.current.timestamps.stamp(signature, self.world.now))


def context(world: PrivateSigstore, *, rekor: int = 2, stamps: bool = True) -> SigningContext:
    """A signing context of sigstore-python whose every service is in this process."""
    parts: Any = {
        "fulcio": Fulcio(world=world),
        "rekor": RekorV2(world) if rekor == 2 else RekorV1(world),
        "trusted_root": TrustedRoot(Root.from_json(world.trusted_root())),
        "tsa_clients": [Stamper(world=world)] if stamps else [],
    }
    return SigningContext(**parts)


def _entry(logged: Document) -> TransparencyLogEntry:
    return TransparencyLogEntry(Entry.from_dict(logged))


def _without_none(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _without_none(one) for key, one in value.items() if one is not None}
    return value
