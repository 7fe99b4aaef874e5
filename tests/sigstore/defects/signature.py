"""Step 4, the signature: it is over other bytes, by another key, or counted more than once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from tests.sigstore.authority import new_key
from tests.sigstore.defects.catalogue import defect, edited, value_at
from tests.sigstore.log import Document, b64

if TYPE_CHECKING:
    from tests.sigstore.order import Order
    from tests.sigstore.world import PrivateSigstore

SIGNATURES = ("dsseEnvelope", "signatures")


def _good(world: PrivateSigstore, order: Order) -> Document:
    return world.current.sign(order, world.now).document()


@defect("edited-payload", 4, "signature")
def edited_payload(world: PrivateSigstore, order: Order) -> Document:
    """The payload was edited under the old signature."""
    changed = order.payload.replace(b"{", b"{ ", 1) + b" "
    return edited(_good(world, order), "dsseEnvelope", "payload", value=b64(changed))


@defect("payload-type-changed", 4, "signature")
def payload_type_changed(world: PrivateSigstore, order: Order) -> Document:
    """The payload's type was edited under the old signature."""
    signed = replace(order, payload_type="application/vnd.other+json")
    return edited(_good(world, signed), "dsseEnvelope", "payloadType", value=order.payload_type)


@defect("signature-over-raw-payload", 4, "signature")
def signature_over_raw_payload(world: PrivateSigstore, order: Order) -> Document:
    """The signature is over the payload, not over its PAE; log and timestamp agree with it."""
    signed = world.current.sign(order, world.now)
    raw = signed.key.sign(order.payload, ec.ECDSA(SHA256()))
    return world.current.witness(replace(signed, signature=raw), world.now).document()


@defect("signature-of-another-key", 4, "signature", conformance="rekor2-dsse-invalid-sig")
def signature_of_another_key(world: PrivateSigstore, order: Order) -> Document:
    """The signature, with its timestamp, is another key's than the certificate's."""
    signed = world.current.sign(order, world.now)
    other = world.current.sign(order, world.now)
    return replace(signed, signature=other.signature, stamps=other.stamps).document()


@defect("signature-of-another-key-logged", 4, "signature", conformance="signature-mismatch")
def signature_of_another_key_logged(world: PrivateSigstore, order: Order) -> Document:
    """The signature is another key's than the certificate's, and log and timestamp were made for it."""
    signed = world.current.sign(order, world.now)
    signature = new_key().sign(order.signed_bytes, ec.ECDSA(SHA256()))
    return world.current.witness(replace(signed, signature=signature), world.now).document()


@defect("same-signature-three-times", 4, "signature")
def same_signature_three_times(world: PrivateSigstore, order: Order) -> Document:
    """One signature is there three times, to pass for three signers."""
    good = _good(world, order)
    return edited(good, *SIGNATURES, value=value_at(good, *SIGNATURES) * 3)


@defect("one-key-under-two-ids", 4, "signature")
def one_key_under_two_ids(world: PrivateSigstore, order: Order) -> Document:
    """One key signed twice, under two key ids, to pass for two signers."""
    signed = world.current.sign(order, world.now)
    second = signed.key.sign(order.signed_bytes, ec.ECDSA(SHA256()))
    listed = [{"keyid": "one", "sig": b64(signed.signature)}, {"keyid": "two", "sig": b64(second)}]
    return edited(signed.document(), *SIGNATURES, value=listed)


@defect("message-digest-mismatch", 4, "signature", conformance="message-digest-mismatch", form="message")
def message_digest_mismatch(world: PrivateSigstore, order: Order) -> Document:
    """The digest that the bundle mentions is not the artifact's."""
    return edited(_good(world, order), "messageSignature", "messageDigest", "digest", value=b64(b"\0" * 32))


@defect("message-of-another-artifact", 4, "signature", form="message")
def message_of_another_artifact(world: PrivateSigstore, order: Order) -> Document:
    """A valid signature over another artifact."""
    return _good(world, replace(order, payload=b"another artifact"))


@defect("signed-by-a-bare-key", 4, "signature", conformance="managed-key-no-key")
def signed_by_a_bare_key(world: PrivateSigstore, order: Order) -> Document:
    """A key signed that nobody named, and no certificate says whose it is."""
    return _good(world, replace(order, key=new_key()))
