"""Steps 2 and 3: what is too large, or is no bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.sigstore.defects.catalogue import ENTRY, SIGNATURE, STAMPS, defect, edited, value_at, without
from tests.sigstore.log import Document, b64

if TYPE_CHECKING:
    from tests.sigstore.order import Order
    from tests.sigstore.world import PrivateSigstore

MATERIAL = "verificationMaterial"


def _good(world: PrivateSigstore, order: Order) -> Document:
    return world.current.sign(order, world.now).document()


def _text(world: PrivateSigstore, order: Order) -> str:
    return json.dumps(_good(world, order))


@defect("too-large", 2, "size", sigstore=False)
def too_large(world: PrivateSigstore, order: Order) -> bytes:
    """The bundle has seventy million spaces at its end."""
    return _text(world, order).encode() + b" " * 70_000_000


@defect("deep-nesting", 2, "depth")
def deep_nesting(world: PrivateSigstore, order: Order) -> bytes:
    """An unknown field is nested a hundred thousand deep."""
    return _text(world, order)[:-1].encode() + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@defect("ten-thousand-signatures", 2, "signatures")
def ten_thousand_signatures(world: PrivateSigstore, order: Order) -> Document:
    """The envelope repeats its signature ten thousand times."""
    good = _good(world, order)
    return edited(good, "dsseEnvelope", "signatures", value=good["dsseEnvelope"]["signatures"] * 10_000)


@defect("thirty-three-timestamps", 2, "timestamps", stamps=33)
def thirty_three_timestamps(world: PrivateSigstore, order: Order) -> Document:
    """There are more timestamps than sigstore's clients look at."""
    return _good(world, order)


@defect("a-hundred-log-entries", 2, "log-entries")
def a_hundred_log_entries(world: PrivateSigstore, order: Order) -> Document:
    """The log entry is there a hundred times."""
    good = _good(world, order)
    return edited(good, MATERIAL, "tlogEntries", value=good[MATERIAL]["tlogEntries"] * 100)


@defect("empty-file", 3, "json")
def empty_file(world: PrivateSigstore, order: Order) -> bytes:
    """The file is empty."""
    return b""


@defect("truncated", 3, "json")
def truncated(world: PrivateSigstore, order: Order) -> bytes:
    """The second half of the file is missing."""
    text = _text(world, order)
    return text[: len(text) // 2].encode()


@defect("byte-order-mark", 3, "json")
def byte_order_mark(world: PrivateSigstore, order: Order) -> bytes:
    """The file begins with a byte order mark."""
    return b"\xef\xbb\xbf" + _text(world, order).encode()


@defect("duplicate-key", 3, "json", sigstore=False)
def duplicate_key(world: PrivateSigstore, order: Order) -> bytes:
    """The envelope is there twice, first with another payload."""
    good = _good(world, order)
    other = edited(good, "dsseEnvelope", "payload", value=b64(b"{}"))["dsseEnvelope"]
    return b'{"dsseEnvelope": ' + json.dumps(other).encode() + b", " + json.dumps(good).encode()[1:]


@defect("not-a-number", 3, "json")
def not_a_number(world: PrivateSigstore, order: Order) -> bytes:
    """An unknown field holds NaN, which is no JSON."""
    return _text(world, order)[:-1].encode() + b', "x": NaN}'


@defect("list-of-bundles", 3, "form")
def list_of_bundles(world: PrivateSigstore, order: Order) -> bytes:
    """The document is a list with a good bundle in it."""
    return b"[" + _text(world, order).encode() + b"]"


@defect("unknown-media-type", 3, "form")
def unknown_media_type(world: PrivateSigstore, order: Order) -> Document:
    """The bundle calls itself version 9."""
    return edited(_good(world, order), "mediaType", value="application/vnd.dev.sigstore.bundle.v9+json")


@defect("invalid-base64-signature", 3, "base64", conformance="bundle-invalid-base64-signature")
def invalid_base64_signature(world: PrivateSigstore, order: Order) -> Document:
    """The signature is no base64."""
    return edited(_good(world, order), *SIGNATURE, value="not base64")


@defect("junk-inside-base64", 3, "base64", sigstore=False)
def junk_inside_base64(world: PrivateSigstore, order: Order) -> Document:
    """The signature's base64 has characters in it that a lenient decoder drops."""
    good = _good(world, order)
    text = value_at(good, *SIGNATURE)
    return edited(good, *SIGNATURE, value=text[:8] + "!\n " + text[8:])


@defect("negative-log-index", 3, "form", conformance="bundle-negative-log-index")
def negative_log_index(world: PrivateSigstore, order: Order) -> Document:
    """The log entry has the index -1."""
    return edited(_good(world, order), *ENTRY, "logIndex", value="-1")


@defect("empty-certificate-chain", 3, "form", conformance="bundle-empty-certificate-chain", media="0.2")
def empty_certificate_chain(world: PrivateSigstore, order: Order) -> Document:
    """The chain of certificates is empty."""
    return edited(_good(world, order), MATERIAL, "x509CertificateChain", "certificates", value=[])


@defect("no-certificate", 3, "form")
def no_certificate(world: PrivateSigstore, order: Order) -> Document:
    """There is neither certificate nor key."""
    return without(_good(world, order), MATERIAL, "certificate")


@defect("garbage-certificate", 3, "form")
def garbage_certificate(world: PrivateSigstore, order: Order) -> Document:
    """The certificate's bytes are no certificate."""
    return edited(_good(world, order), MATERIAL, "certificate", "rawBytes", value=b64(b"garbage"))


@defect("certificate-and-key", 3, "form")
def certificate_and_key(world: PrivateSigstore, order: Order) -> Document:
    """There are both a certificate and the hint of a key, of which one may be there."""
    return edited(_good(world, order), MATERIAL, "publicKey", value={"hint": b64(b"x" * 32)})


@defect("two-contents", 3, "form")
def two_contents(world: PrivateSigstore, order: Order) -> Document:
    """There are both an envelope and a message's signature."""
    good = _good(world, order)
    return {**good, "messageSignature": {"signature": value_at(good, *SIGNATURE)}}


@defect("no-content", 3, "form")
def no_content(world: PrivateSigstore, order: Order) -> Document:
    """There is neither an envelope nor a message's signature."""
    return without(_good(world, order), "dsseEnvelope")


@defect("no-signature", 3, "form")
def no_signature(world: PrivateSigstore, order: Order) -> Document:
    """The envelope's list of signatures is empty."""
    return edited(_good(world, order), "dsseEnvelope", "signatures", value=[])


@defect("garbage-timestamp", 3, "form")
def garbage_timestamp(world: PrivateSigstore, order: Order) -> Document:
    """The timestamp's bytes are no timestamp."""
    return edited(_good(world, order), *STAMPS, 0, "signedTimestamp", value=b64(b"garbage"))
