"""Step 4 of the protocol: that the signature holds, by whatever a bundle says it is verified with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from repro.attest.dsse import is_encoding
from repro.attest.key_signature import is_over_data, is_over_digest
from repro.attest.signed import Signed
from repro.core.errors import EvidenceError

if TYPE_CHECKING:
    from repro.attest.bundle import Bundle
    from repro.attest.keys import PublicKey
    from repro.attest.trust import Trust
    from repro.verify.artifact import Artifact
    from repro.verify.signers import Expectation

HINT = 44
"""Characters of a hint that is the SHA-256 of a key, in Base64."""

ESCAPED = range(39, HINT)
"""Characters that are left of one in which a byte became an escape of JSON; the `=` at its end stays."""


def require_signed(bundle: Bundle, artifact: Artifact, expectation: Expectation, trust: Trust) -> Signed:
    """What the bundle's signature proves. Raises EvidenceError.

    A certificate must chain to the trusted root at a signed time, with its log entry bound to this signature.
    A key needs no witness, but log entries and timestamps that are there must hold.
    """
    if bundle.message:
        _require_file(artifact)
    if bundle.certificates:
        if expectation.threshold > 1:
            raise EvidenceError(f"one signature; {expectation.threshold} are needed")
        return trust.certified(bundle, sha256=artifact.sha256)
    if not expectation.keys:
        raise EvidenceError("signed with a key, and none is named to verify it", hint="name it: --key FILE")
    keys = _who_signed(bundle, artifact, expectation.keys)
    if not keys:
        raise EvidenceError(f"not signed by any of {_count(len(expectation.keys), 'key')}")
    if len(keys) < expectation.threshold:
        raise EvidenceError(f"signed by {_count(len(keys), 'key')}; {expectation.threshold} are needed")
    if _is_digest(bundle.hint) and bundle.hint not in {key.hint for key in keys}:
        raise EvidenceError("the bundle names another key than the one that signed")
    signed = Signed(keys=keys)
    if bundle.entries or bundle.timestamps:
        signed = replace(trust.witnessed(bundle, keys[0], sha256=artifact.sha256), keys=keys)
    if bundle.envelope is None:
        return signed
    return replace(signed, payload=bundle.envelope.payload, payload_type=bundle.envelope.payload_type)


def _require_file(artifact: Artifact) -> None:
    """What a signature over the artifact itself can be about."""
    if "sha256" not in artifact.digests:
        raise EvidenceError("a signature over an artifact whose sha256 is not known")
    if artifact.content is not None and is_encoding(artifact.content):
        raise EvidenceError("the artifact encodes an envelope: a signature over it may be that envelope's")


def _is_digest(hint: str) -> bool:
    """Whether a hint is that of Sigstore's clients, be it damaged; others may name keys as they like."""
    return len(hint) == HINT or (len(hint) in ESCAPED and hint.endswith("="))


def _who_signed(bundle: Bundle, artifact: Artifact, keys: tuple[PublicKey, ...]) -> tuple[PublicKey, ...]:
    """The different keys that have signed, each once however often it or its signature is given.

    Hints and key ids do not choose: nobody signed them.
    """
    return tuple(key for key in dict.fromkeys(keys) if _has_signed(bundle, artifact, key))


def _has_signed(bundle: Bundle, artifact: Artifact, key: PublicKey) -> bool:
    if bundle.envelope:
        pae = bundle.envelope.pae
        return any(is_over_data(key, one.sig, pae) for one in bundle.envelope.signatures)
    if not bundle.message:
        return False
    signature = bundle.message.signature
    if is_over_digest(key, signature, artifact.digests):
        return True
    return artifact.content is not None and is_over_data(key, signature, artifact.content)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
