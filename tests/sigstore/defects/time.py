"""Step 4, the time: nobody signed it, a stranger did, or it is outside of somebody's window."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from asn1crypto import tsp
from tests.sigstore.authority import new_key
from tests.sigstore.defects.catalogue import ENTRY, defect, edited, value_at, without
from tests.sigstore.log import Document, b64

if TYPE_CHECKING:
    from tests.sigstore.order import Order
    from tests.sigstore.world import PrivateSigstore

PROMISE = (*ENTRY, "inclusionPromise", "signedEntryTimestamp")


def _good(world: PrivateSigstore, order: Order) -> Document:
    return world.current.sign(order, world.now).document()


def _witnessed_later(world: PrivateSigstore, order: Order, minutes: int) -> Document:
    key = new_key()
    certificate = world.current.certify(key, order.wanted, world.now)
    return world.current.sign_with(order, key, certificate, world.now + timedelta(minutes=minutes)).document()


@defect("no-timestamp", 4, "time", conformance="rekor2-no-timestamp", stamps=0)
def no_timestamp(world: PrivateSigstore, order: Order) -> Document:
    """Rekor v2 gives no time, and there is no timestamp."""
    return _good(world, order)


@defect("timestamp-of-another-signature", 4, "time", conformance="rekor2-timestamp-payload-mismatch")
def timestamp_of_another_signature(world: PrivateSigstore, order: Order) -> Document:
    """The timestamp is valid, for another signature."""
    signed = world.current.sign(order, world.now)
    other = world.current.sign(order, world.now)
    return replace(signed, stamps=other.stamps).document()


@defect("timestamp-of-foreign-authority", 4, "time")
def timestamp_of_foreign_authority(world: PrivateSigstore, order: Order) -> Document:
    """The timestamp is of an authority that nobody here trusts."""
    return replace(world.current, timestamps=world.foreign.timestamps).sign(order, world.now).document()


@defect(
    "timestamp-of-retired-authority",
    4,
    "time",
    conformance="rekor2-timestamp-outside-trust-root-tsa-validity",
)
def timestamp_of_retired_authority(world: PrivateSigstore, order: Order) -> Document:
    """The timestamp was made after the trusted root's window for its authority had ended."""
    return replace(world.current, timestamps=world.retired.timestamps).sign(order, world.now).document()


@defect("timestamp-signature-broken", 4, "time")
def timestamp_signature_broken(world: PrivateSigstore, order: Order) -> Document:
    """The last byte of the timestamp's signature was changed."""
    signed = world.current.sign(order, world.now)
    response = tsp.TimeStampResp.load(signed.stamps[0])
    signer = response["time_stamp_token"]["content"]["signer_infos"][0]
    broken = bytearray(signer["signature"].native)
    broken[-1] ^= 1
    signer["signature"] = bytes(broken)
    return replace(signed, stamps=(response.dump(force=True),)).document()


@defect("timestamp-refused", 4, "time")
def timestamp_refused(world: PrivateSigstore, order: Order) -> Document:
    """The authority's answer says that it refused."""
    refusal = bytes.fromhex("3005 3003 020102")  # a PKIStatusInfo of 2, rejection, and no token
    return replace(world.current.sign(order, world.now), stamps=(refusal,)).document()


@defect("timestamp-twice", 4, "time")
def timestamp_twice(world: PrivateSigstore, order: Order) -> Document:
    """One timestamp is there twice, to pass for two."""
    signed = world.current.sign(order, world.now)
    return replace(signed, stamps=signed.stamps * 2).document()


@defect("certificate-expired", 4, "time")
def certificate_expired(world: PrivateSigstore, order: Order) -> Document:
    """The timestamp is from ten minutes after the certificate's end."""
    return _witnessed_later(world, order, 20)


@defect("certificate-not-yet-valid", 4, "time")
def certificate_not_yet_valid(world: PrivateSigstore, order: Order) -> Document:
    """The timestamp is from before the certificate's start."""
    return _witnessed_later(world, order, -5)


@defect("certificate-expired-in-log", 4, "time", rekor=1)
def certificate_expired_in_log(world: PrivateSigstore, order: Order) -> Document:
    """The log's promised time is from ten minutes after the certificate's end."""
    return _witnessed_later(world, order, 20)


@defect("one-of-two-times-too-late", 4, "time", rekor=1)
def one_of_two_times_too_late(world: PrivateSigstore, order: Order) -> Document:
    """The log's time is good, but a trusted timestamp is from after the certificate's end."""
    signed = world.current.sign(order, world.now)
    late = world.current.timestamps.stamp(signed.signature, world.now + timedelta(minutes=20))
    return replace(signed, stamps=(late,)).document()


@defect("edited-integrated-time", 4, "time", rekor=1)
def edited_integrated_time(world: PrivateSigstore, order: Order) -> Document:
    """The log's time was edited into the certificate's window; its promise is for another time."""
    late = _witnessed_later(world, order, 20)
    return edited(late, *ENTRY, "integratedTime", value=str(int(world.now.timestamp()) + 60))


@defect("time-without-promise", 4, "time", rekor=1)
def time_without_promise(world: PrivateSigstore, order: Order) -> Document:
    """The log's time is there without the promise that signs it."""
    return without(_good(world, order), *ENTRY, "inclusionPromise")


@defect("broken-promise", 4, "time", rekor=1)
def broken_promise(world: PrivateSigstore, order: Order) -> Document:
    """The log's promise was altered."""
    good = _good(world, order)
    raw = bytearray(base64.b64decode(value_at(good, *PROMISE)))
    raw[-1] ^= 1
    return edited(good, *PROMISE, value=b64(bytes(raw)))


@defect("promise-of-foreign-log", 4, "time", rekor=1)
def promise_of_foreign_log(world: PrivateSigstore, order: Order) -> Document:
    """The promise is signed by a log that nobody here trusts."""
    good = _good(world, order)
    entry = value_at(good, *ENTRY)
    body = base64.b64decode(entry["canonicalizedBody"])
    promised = world.current.logs[1].promised(body, int(entry["logIndex"]), int(entry["integratedTime"]))
    return edited(good, *PROMISE, value=b64(world.foreign.logs[1].sign(promised)))


@defect("integrated-time-in-v2", 4, "time", stamps=0)
def integrated_time_in_v2(world: PrivateSigstore, order: Order) -> Document:
    """An entry of Rekor v2 claims a time and a promise, as only version 1 gives them."""
    good = _good(world, order)
    timed = edited(good, *ENTRY, "integratedTime", value=str(int(world.now.timestamp())))
    return edited(timed, *ENTRY, "inclusionPromise", value={"signedEntryTimestamp": b64(b"x" * 64)})


@defect("edited-log-index", 4, "time", rekor=1)
def edited_log_index(world: PrivateSigstore, order: Order) -> Document:
    """The index that the promise is for was edited."""
    good = _good(world, order)
    return edited(good, *ENTRY, "logIndex", value=str(int(value_at(good, *ENTRY, "logIndex")) + 1))
