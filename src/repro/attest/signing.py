"""Signing by key: a statement as an envelope, anything else as a message, each as one bundle per signer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from repro.attest import bundle_writing
from repro.attest.dsse import IN_TOTO, Envelope, Signature, is_encoding, pae
from repro.core.digest import of_bytes
from repro.core.errors import ReproError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from repro.attest.keys import Signing
    from repro.attest.statement import Statement


class Signer(Protocol):
    """One who signs: by a key, or by an identity."""

    @property
    def name(self) -> str:
        """Who, for people: a key's fingerprint, or an identity."""

    def statement(self, statement: Statement) -> bytes:
        """A bundle of a statement's exact bytes."""

    def blob(self, data: bytes) -> bytes:
        """A bundle of any bytes but the encoding of an envelope. Raises UsageError."""


def require_file(data: bytes, *, name: str = "the file") -> None:
    """Refuse to sign as a file what a signed envelope would be made of."""
    if is_encoding(data):
        hint = "sign the statement that is meant, or the file inside an archive"
        raise UsageError(f"{name}: begins like the encoding of an envelope, which is not signed", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySigner:
    """Signs with a key; `stamp` asks a timestamp authority, None asks nobody."""

    key: Signing
    stamp: Callable[[bytes], bytes] | None = None

    @property
    def name(self) -> str:
        """The key's fingerprint."""
        return self.key.public.fingerprint

    def statement(self, statement: Statement) -> bytes:
        """A bundle of a statement's exact bytes, in an envelope."""
        return self.envelope(statement.raw, IN_TOTO)

    def envelope(self, payload: bytes, payload_type: str) -> bytes:
        """A bundle of an envelope around any payload."""
        signature = self._signed(pae(payload_type, payload))
        signatures = (Signature(keyid="", sig=signature),)
        envelope = Envelope(payload=payload, payload_type=payload_type, signatures=signatures)
        return bundle_writing.of_envelope(envelope, self.key.public, self._stamps(signature))

    def blob(self, data: bytes) -> bytes:
        """A bundle of the signature over `data` itself."""
        require_file(data)
        signature = self._signed(data)
        digest = of_bytes(data).hex
        return bundle_writing.of_message(digest, signature, self.key.public, self._stamps(signature))

    def _signed(self, data: bytes) -> bytes:
        """A signature that its own public key has verified: what no verifier accepts is never written."""
        signature = self.key.sign(data)
        if not self.key.public.verify(signature, data):
            raise ReproError(
                f"{self.name}: what it signed does not verify under its own public key",
                hint="the public key that was named belongs to another private key",
            )
        return signature

    def _stamps(self, signature: bytes) -> tuple[bytes, ...]:
        return (self.stamp(signature),) if self.stamp else ()
