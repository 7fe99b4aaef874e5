"""Bundles that look unusual and are sound: a verifier that refuses one of them is too strict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ed25519
from tests.sigstore.defects.catalogue import CHECKPOINT, edited, value_at
from tests.sigstore.log import Document, Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sigstore.order import Order
    from tests.sigstore.world import PrivateSigstore


def _with_lines(world: PrivateSigstore, order: Order, *logs: Log) -> Document:
    """A bundle whose checkpoint is signed by others too."""
    good = world.current.sign(order, world.now).document()
    text = value_at(good, *CHECKPOINT)
    note = text.split("\n\n")[0] + "\n"
    return edited(good, *CHECKPOINT, value=text + "".join(log.signature_line(note) for log in logs))


def _witness(host: str) -> Log:
    return Log(version=2, host=host, key=ed25519.Ed25519PrivateKey.generate())


def checkpoint_with_cosignatures(world: PrivateSigstore, order: Order) -> Document:
    """Two unknown witnesses signed the checkpoint after the log did."""
    return _with_lines(world, order, _witness("witness.invalid"), _witness("other.invalid"))


def checkpoint_signed_twice_by_origin(world: PrivateSigstore, order: Order) -> Document:
    """A second, unknown key signed the checkpoint under the log's own name, as logs do that change keys."""
    return _with_lines(world, order, _witness(world.current.logs[order.rekor].host))


def timestamp_without_certificate(world: PrivateSigstore, order: Order) -> Document:
    """The timestamp does not bring the certificate that it is verified with."""
    return world.current.sign(replace(order, embed=False), world.now).document()


def log_retired_at_this_second(world: PrivateSigstore, order: Order) -> Document:
    """The entry was added in the last second of the window that the trusted root has for the log."""
    mixed = replace(world.current, logs=world.retired.logs)
    return mixed.sign(replace(order, rekor=1), world.retired_at).document()


def timestamp_of_the_last_second(world: PrivateSigstore, order: Order) -> Document:
    """The timestamp is of the last second of the window that the trusted root has for its authority."""
    mixed = replace(world.current, timestamps=world.retired.timestamps)
    return mixed.sign(order, world.retired_at).document()


def signed_before_all_was_retired(world: PrivateSigstore, order: Order) -> Document:
    """Authority, logs and timestamps are retired today, and were not when this was signed."""
    return world.retired.sign(order, world.retired_at - (world.now - world.retired_at) / 2).document()


def two_timestamps(world: PrivateSigstore, order: Order) -> Document:
    """Two different timestamps, both good."""
    return world.current.sign(replace(order, stamps=2), world.now).document()


SOUND: dict[str, Callable[[PrivateSigstore, Order], Document]] = {
    "rekor2-checkpoint-multiple-cosigs": checkpoint_with_cosignatures,
    "rekor2-checkpoint-two-sigs-from-origin": checkpoint_signed_twice_by_origin,
    "rekor2-timestamp-without-embedded-cert": timestamp_without_certificate,
    "trust-root-tlog-validity-end-inclusive": log_retired_at_this_second,
    "trust-root-tsa-validity-end-inclusive": timestamp_of_the_last_second,
    "rekor2-timestamp-with-expired-cert-chain": signed_before_all_was_retired,
    "two-timestamps": two_timestamps,
}
"""By the name of the sigstore-conformance case where there is one."""
