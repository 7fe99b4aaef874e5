"""Step 4, the certificate: who issued it, for what, and where it was announced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from tests.sigstore.authority import new_key
from tests.sigstore.defects.catalogue import defect

if TYPE_CHECKING:
    from tests.sigstore.log import Document
    from tests.sigstore.order import Order
    from tests.sigstore.world import Instance, PrivateSigstore


def _certified(world: PrivateSigstore, order: Order, services: Instance, **wanted: bool) -> Document:
    """A bundle whose certificate differs in one thing; all else is of the instance in use."""
    key = new_key()
    certificate = services.certify(key, replace(order.wanted, **wanted), world.now)  # type: ignore[arg-type]
    return world.current.sign_with(order, key, certificate, world.now).document()


@defect("foreign-instance", 4, "certificate", conformance="bundle-from-wrong-instance")
def foreign_instance(world: PrivateSigstore, order: Order) -> Document:
    """A valid bundle of a Sigstore that nobody here trusts."""
    return world.foreign.sign(order, world.now).document()


@defect("foreign-ca", 4, "certificate")
def foreign_ca(world: PrivateSigstore, order: Order) -> Document:
    """The certificate is an unknown authority's; its announcement is the known log's."""
    mixed = replace(world.current, authority=world.foreign.authority)
    return mixed.sign(order, world.now).document()


@defect("retired-ca", 4, "certificate", sigstore=False)
def retired_ca(world: PrivateSigstore, order: Order) -> Document:
    """The authority issued the certificate after the trusted root's window for it had ended."""
    mixed = replace(world.current, authority=world.retired.authority)
    return mixed.sign(order, world.now).document()


@defect("self-signed", 4, "certificate")
def self_signed(world: PrivateSigstore, order: Order) -> Document:
    """The certificate says the right things and is signed by its own key."""
    key = new_key()
    issued = world.current.certify(key, order.wanted, world.now)
    builder = (
        x509.CertificateBuilder()
        .subject_name(issued.subject)
        .issuer_name(issued.issuer)
        .public_key(key.public_key())
        .serial_number(issued.serial_number)
        .not_valid_before(issued.not_valid_before_utc)
        .not_valid_after(issued.not_valid_after_utc)
    )
    for extension in issued.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    own = builder.sign(key, SHA256())
    return world.current.sign_with(order, key, own, world.now).document()


@defect("ct-log-unknown", 4, "sct", conformance="invalid-ct-key")
def ct_log_unknown(world: PrivateSigstore, order: Order) -> Document:
    """The certificate was announced in a log that the trusted root does not know."""
    mixed = replace(world.current, certificates=world.foreign.certificates)
    return mixed.sign(order, world.now).document()


@defect("retired-ct-log", 4, "sct", sigstore=False)
def retired_ct_log(world: PrivateSigstore, order: Order) -> Document:
    """The certificate was announced in a log after the trusted root's window for it had ended."""
    mixed = replace(world.current, certificates=world.retired.certificates)
    return mixed.sign(order, world.now).document()


@defect("no-sct", 4, "sct")
def no_sct(world: PrivateSigstore, order: Order) -> Document:
    """The certificate was never announced."""
    return _certified(world, order, world.current, sct=False)


@defect("sct-of-another-certificate", 4, "sct")
def sct_of_another_certificate(world: PrivateSigstore, order: Order) -> Document:
    """The announcement in the certificate is of another certificate."""
    return _certified(world, order, world.current, sct_of_another=True)


@defect("not-for-code-signing", 4, "certificate")
def not_for_code_signing(world: PrivateSigstore, order: Order) -> Document:
    """The certificate is for another purpose."""
    return _certified(world, order, world.current, code_signing=False)


@defect("not-for-signatures", 4, "certificate")
def not_for_signatures(world: PrivateSigstore, order: Order) -> Document:
    """The certificate's key may encipher, not sign."""
    return _certified(world, order, world.current, digital_signature=False)


@defect("ca-as-leaf", 4, "certificate")
def ca_as_leaf(world: PrivateSigstore, order: Order) -> Document:
    """The certificate in the leaf's place may itself issue certificates."""
    return _certified(world, order, world.current, is_ca=True)
