"""Signing by identity with sigstore-python: a short-lived certificate, and an entry in a log."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.attest.signing import require_file
from repro.core.canonical import to_bytes
from repro.core.errors import ReproError, UsageError
from repro.tools.files import read_capped
from repro.tools.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.attest.statement import Statement

MAX_CONFIG = 4 << 20
"""Cap on a trust configuration, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How one shows who one is: by a token, else by CI's ambient one, else, if `interactive`, by a browser.

    `trust_config` is the file of a Sigstore other than the public one; `timestamp_url` one more authority.
    """

    token: str = ""
    interactive: bool = False
    trust_config: Path | None = None
    timestamp_url: str = ""


class KeylessSigner:
    """Signs with one certificate, as long as that lives; wraps sigstore-python's own signer."""

    def __init__(self, signer: Any, *, name: str, secret: str) -> None:  # noqa: ANN401 - sigstore's own
        self.name = name
        self._signer, self._secret = signer, secret

    def statement(self, statement: Statement) -> bytes:
        """A bundle of a statement's exact bytes, in an envelope."""
        return self._bundle("sign_dsse", _exact(statement.raw))

    def blob(self, data: bytes) -> bytes:
        """A bundle of the signature over `data` itself."""
        require_file(data)
        return self._bundle("sign_artifact", data)

    def _bundle(self, verb: str, content: object) -> bytes:
        with _wrapped("signing", self._secret):
            bundle = getattr(self._signer, verb)(content)
        return to_bytes(json.loads(bundle.to_json())) + b"\n"


@contextmanager
def signing(identity: Identity) -> Iterator[KeylessSigner]:
    """The signer of an identity, which its one certificate serves for everything that is signed."""
    from sigstore.sign import SigningContext

    from sigstore import oidc

    raw = _raw_token(identity)
    with _wrapped("the trust configuration", raw):
        config = _config(identity.trust_config)
        services = config.signing_config
        stampers = [*services.get_tsas(), *_stampers(identity.timestamp_url)]
        context = SigningContext(
            fulcio=services.get_fulcio(),
            rekor=services.get_tlogs()[0],
            trusted_root=config.trusted_root,
            tsa_clients=stampers,
        )
    with _wrapped("the identity", raw):
        token = oidc.IdentityToken(raw) if raw else oidc.Issuer(services.get_oidc_url()).identity_token()
    yield from with_context(context, token)


def with_context(context: Any, token: Any) -> Iterator[KeylessSigner]:  # noqa: ANN401 - sigstore's own
    """The signer of a token in a context of sigstore-python: its certificate is asked for now."""
    secret = str(token)
    with _wrapped("the certificate", secret):
        manager = context.signer(token)
        signer = manager.__enter__()
    yield KeylessSigner(signer, name=f"{token.identity} ({token.federated_issuer})", secret=secret)


def _config(path: Path | None) -> Any:  # noqa: ANN401 - sigstore's own
    from sigstore.models import ClientTrustConfig

    if path is None:
        return ClientTrustConfig.production()
    try:
        return ClientTrustConfig.from_json(read_capped(path, MAX_CONFIG).decode())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a ClientTrustConfig file") from error


def _stampers(url: str) -> list[Any]:
    from sigstore._internal.timestamp import TimestampAuthorityClient

    return [TimestampAuthorityClient(url)] if url else []


def _raw_token(identity: Identity) -> str:
    """The token that is given, else CI's; "" where a person is to be asked."""
    from sigstore import oidc

    with _wrapped("the identity", identity.token):
        raw = identity.token or oidc.detect_credential() or ""
    if not raw and not identity.interactive:
        raise UsageError(
            "no key, no identity token, and nobody here to ask",
            hint="name --key FILE or --identity-token-file FILE; in CI, grant id-token: write",
        )
    return raw


def _exact(raw: bytes) -> Any:  # noqa: ANN401 - sigstore's own
    """A statement of sigstore's around exact bytes, which it would refuse for legal digests.

    Its model knows six algorithms; in-toto lets a subject carry any (attestation framework, "DigestSet").
    """
    from sigstore import dsse

    class Exact(dsse.Statement):
        def __init__(self) -> None:
            self._contents = raw

    return Exact()


@contextmanager
def _wrapped(doing: str, secret: str) -> Iterator[None]:
    """Whatever sigstore-python and what it stands on raise, as one error without the token."""
    try:
        yield
    except ReproError:
        raise
    except Exception as error:  # noqa: BLE001 - four libraries, each with errors of its own
        why = redacted(f"{type(error).__name__}: {error}".rstrip(": "), [secret] if secret else [])
        cause = error.__cause__ or error.__context__
        more = redacted(f" ({cause})", [secret] if secret else []) if cause else ""
        hint = "check the network, the token's age and the trust configuration"
        raise ReproError(f"{doing}: {why}{more}"[:2000], hint=hint) from None
