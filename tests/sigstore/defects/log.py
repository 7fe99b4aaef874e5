"""Step 4, the log: the entry is another's, is not in the tree, or the tree is not the log's."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from tests.sigstore.defects.catalogue import (
    CHECKPOINT,
    ENTRY,
    PROOF,
    defect,
    edited,
    flipped,
    value_at,
    without,
)
from tests.sigstore.log import Document, b64
from tests.sigstore.order import body
from tests.sigstore.world import entry_of

if TYPE_CHECKING:
    from tests.sigstore.order import Order
    from tests.sigstore.world import PrivateSigstore


def _good(world: PrivateSigstore, order: Order) -> Document:
    return world.current.sign(order, world.now).document()


@defect("no-log-entry", 4, "log")
def no_log_entry(world: PrivateSigstore, order: Order) -> Document:
    """There is a certificate, a timestamp, and no log entry."""
    return _good(world, replace(order, rekor=0))


@defect("two-log-entries", 4, "log")
def two_log_entries(world: PrivateSigstore, order: Order) -> Document:
    """A second log entry is there, of another signature."""
    signed = world.current.sign(order, world.now)
    other = world.current.sign(order, world.now)
    return replace(signed, entries=signed.entries + other.entries).document()


@defect("no-inclusion-proof", 4, "log", conformance="rekor2-no-inclusion-proof")
def no_inclusion_proof(world: PrivateSigstore, order: Order) -> Document:
    """The proof that the entry is in the log was taken out."""
    return without(_good(world, order), *PROOF)


@defect("no-checkpoint", 4, "log")
def no_checkpoint(world: PrivateSigstore, order: Order) -> Document:
    """The proof leads to a head that nobody signed."""
    return without(_good(world, order), *PROOF, "checkpoint")


@defect("swapped-log-entry", 4, "log", conformance="dsse-mismatch-envelope")
def swapped_log_entry(world: PrivateSigstore, order: Order) -> Document:
    """The log entry is a valid one, of the same signer's signature over another payload."""
    signed = world.current.sign(order, world.now)
    another = replace(order, payload=order.payload + b" ")
    other = world.current.sign_with(another, signed.key, signed.certificate, world.now)
    return replace(signed, entries=other.entries).document()


@defect("swapped-log-entry-v1", 4, "log", rekor=1, conformance="dsse-mismatch-envelope")
def swapped_log_entry_v1(world: PrivateSigstore, order: Order) -> Document:
    """The same in Rekor v1, whose promise comes along with the entry."""
    return swapped_log_entry(world, order)


@defect("entry-of-second-signature", 4, "log", conformance="rekor2-dsse-mismatch-sig")
def entry_of_second_signature(world: PrivateSigstore, order: Order) -> Document:
    """The log entry is of a second signature by the same key over the same payload."""
    signed = world.current.sign(order, world.now)
    again = world.current.sign_with(order, signed.key, signed.certificate, world.now)
    return replace(signed, entries=again.entries).document()


@defect("entry-of-second-signature-v1", 4, "log", rekor=1, conformance="dsse-mismatch-sig")
def entry_of_second_signature_v1(world: PrivateSigstore, order: Order) -> Document:
    """The same in Rekor v1."""
    return entry_of_second_signature(world, order)


@defect(
    "entry-of-another-signer",
    4,
    "log",
    rekor=1,
    form="message",
    conformance="wrong-hashedrekord-cert-and-sig",
)
def entry_of_another_signer(world: PrivateSigstore, order: Order) -> Document:
    """The log entry is of the same artifact, by another signer."""
    signed = world.current.sign(order, world.now)
    other = world.current.sign(replace(order, identity="eve@example.org"), world.now)
    return replace(signed, entries=other.entries).document()


@defect("entry-with-another-certificate", 4, "log")
def entry_with_another_certificate(world: PrivateSigstore, order: Order) -> Document:
    """The log entry has this signature, with another certificate of the same key."""
    signed = world.current.sign(order, world.now)
    other = world.current.certify(signed.key, replace(order.wanted, identity="eve@example.org"), world.now)
    entry = world.current.logs[order.rekor].append(entry_of(replace(signed, certificate=other)), world.now)
    return replace(signed, entries=(entry,)).document()


@defect("corrupted-proof-hash", 4, "log", conformance="inclusion-proof-corrupted-hash")
def corrupted_proof_hash(world: PrivateSigstore, order: Order) -> Document:
    """One bit of one hash of the proof was changed."""
    good = _good(world, order)
    path = (*PROOF, "hashes", 0)
    return edited(good, *path, value=flipped(value_at(good, *path)))


@defect("missing-proof-hash", 4, "log")
def missing_proof_hash(world: PrivateSigstore, order: Order) -> Document:
    """The proof is one hash short."""
    return without(_good(world, order), *PROOF, "hashes", 0)


@defect("wrong-root-hash", 4, "log")
def wrong_root_hash(world: PrivateSigstore, order: Order) -> Document:
    """The head that the proof names is not the one that it leads to."""
    good = _good(world, order)
    path = (*PROOF, "rootHash")
    return edited(good, *path, value=flipped(value_at(good, *path)))


@defect("edited-entry-body", 4, "log")
def edited_entry_body(world: PrivateSigstore, order: Order) -> Document:
    """The entry's body was edited to fit this bundle; the proof is of the original."""
    signed = world.current.sign(order, world.now)
    again = world.current.sign_with(order, signed.key, signed.certificate, world.now)
    fitting = b64(rfc8785.dumps(entry_of(signed)))
    return edited(
        replace(signed, entries=again.entries).document(), *ENTRY, "canonicalizedBody", value=fitting
    )


@defect("edited-leaf-index", 4, "log")
def edited_leaf_index(world: PrivateSigstore, order: Order) -> Document:
    """The proof's index was edited."""
    good = _good(world, order)
    path = (*PROOF, "logIndex")
    return edited(good, *path, value=str(int(value_at(good, *path)) - 1))


@defect("checkpoint-of-another-tree", 4, "log", rekor=1, conformance="checkpoint-wrong-roothash")
def checkpoint_of_another_tree(world: PrivateSigstore, order: Order) -> Document:
    """The checkpoint is the log's, of a tree with another head."""
    good = _good(world, order)
    other = _good(world, order)
    return edited(good, *CHECKPOINT, value=value_at(other, *CHECKPOINT))


@defect("checkpoint-missing-root-hash", 4, "log", conformance="rekor2-checkpoint-missing-root-hash")
def checkpoint_missing_root_hash(world: PrivateSigstore, order: Order) -> Document:
    """The checkpoint's line with the head was taken out."""
    good = _good(world, order)
    lines = value_at(good, *CHECKPOINT).split("\n")
    return edited(good, *CHECKPOINT, value="\n".join([*lines[:2], *lines[3:]]))


@defect("checkpoint-signature-broken", 4, "log")
def checkpoint_signature_broken(world: PrivateSigstore, order: Order) -> Document:
    """The last byte of the checkpoint's signature was changed."""
    good = _good(world, order)
    text = value_at(good, *CHECKPOINT)
    start, signature = text.rstrip("\n").rsplit(" ", 1)
    return edited(good, *CHECKPOINT, value=f"{start} {flipped(signature)}\n")


@defect("checkpoint-unsigned", 4, "log")
def checkpoint_unsigned(world: PrivateSigstore, order: Order) -> Document:
    """The checkpoint has no signature."""
    good = _good(world, order)
    note = value_at(good, *CHECKPOINT).split("\n\n")[0]
    return edited(good, *CHECKPOINT, value=note + "\n\n")


@defect(
    "checkpoint-of-another-name",
    4,
    "log",
    conformance="rekor2-checkpoint-no-matching-signature",
    sigstore=False,
)
def checkpoint_of_another_name(world: PrivateSigstore, order: Order) -> Document:
    """The name beside the checkpoint's signature is not the log's."""
    good = _good(world, order)
    host = world.current.logs[order.rekor].host
    text = value_at(good, *CHECKPOINT)
    return edited(good, *CHECKPOINT, value=text.replace(f"\u2014 {host}", f"\u2014 evil.{host}"))


@defect("checkpoint-of-foreign-log", 4, "log")
def checkpoint_of_foreign_log(world: PrivateSigstore, order: Order) -> Document:
    """The checkpoint has the right name and head, and is signed by a key that nobody here trusts."""
    good = _good(world, order)
    log, stranger = world.current.logs[order.rekor], world.foreign.logs[order.rekor]
    note = value_at(good, *CHECKPOINT).split("\n\n")[0] + "\n"
    signature = b64(log.identifier[:4] + stranger.sign(note.encode()))
    return edited(good, *CHECKPOINT, value=f"{note}\n\u2014 {log.host} {signature}\n")


@defect("foreign-log", 4, "log")
def foreign_log(world: PrivateSigstore, order: Order) -> Document:
    """The entry is in a log that nobody here trusts."""
    return replace(world.current, logs=world.foreign.logs).sign(order, world.now).document()


@defect("retired-log", 4, "log", rekor=1, sigstore=False)
def retired_log(world: PrivateSigstore, order: Order) -> Document:
    """The entry was added after the trusted root's window for its log had ended."""
    return replace(world.current, logs=world.retired.logs).sign(order, world.now).document()


@defect("forged-tree", 4, "log")
def forged_tree(world: PrivateSigstore, order: Order) -> Document:
    """The entry is in a tree of the attacker's own, with a checkpoint taken from the real log."""
    signed = world.current.sign(order, world.now)
    own = replace(world.current.logs[order.rekor], leaves=[b"invented"])
    entry = own.append(entry_of(signed), world.now)
    checkpoint = value_at(signed.document(), *CHECKPOINT)
    forged = replace(signed, entries=(entry,)).document()
    return edited(forged, *CHECKPOINT, value=checkpoint)


@defect("kind-in-disguise", 4, "log", rekor=1)
def kind_in_disguise(world: PrivateSigstore, order: Order) -> Document:
    """The bundle says another version of the entry's kind than the entry's body."""
    return edited(_good(world, order), *ENTRY, "kindVersion", "version", value="0.0.2")


@defect("unknown-kind", 4, "log")
def unknown_kind(world: PrivateSigstore, order: Order) -> Document:
    """The entry is truly in the log, and of a kind that says nothing about this bundle."""
    signed = world.current.sign(order, world.now)
    entry = {"apiVersion": "0.0.1", "kind": "rpm", "spec": {}}
    logged = world.current.logs[order.rekor].append(entry, world.now)
    return replace(signed, entries=(logged,)).document()


@defect("entry-hash-of-raw-payload", 4, "log")
def entry_hash_of_raw_payload(world: PrivateSigstore, order: Order) -> Document:
    """The entry's digest is of the payload, not of its PAE, and its signature is over that."""
    signed = world.current.sign(order, world.now)
    raw = signed.key.sign(order.payload, ec.ECDSA(SHA256()))
    logged = world.current.sign_with(
        replace(order, form="message"), signed.key, signed.certificate, world.now
    ).entries[0]
    entry = body(logged)
    entry["spec"]["hashedRekordV002"]["signature"]["content"] = b64(raw)
    again = world.current.logs[order.rekor].append(entry, world.now)
    assert base64.b64decode(again["canonicalizedBody"]) == rfc8785.dumps(entry)
    return replace(signed, entries=(again,)).document()
