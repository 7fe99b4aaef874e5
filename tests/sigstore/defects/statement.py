"""Steps 5 to 8: whole and well signed, but not by the right one, or not what is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.sigstore.defects.catalogue import defect

if TYPE_CHECKING:
    from tests.sigstore.log import Document
    from tests.sigstore.order import Order
    from tests.sigstore.world import PrivateSigstore


def _signed(world: PrivateSigstore, order: Order, **changes: Any) -> Document:  # noqa: ANN401 - an order's fields
    return world.current.sign(replace(order, **changes), world.now).document()


def _statement(world: PrivateSigstore, order: Order, **changes: object) -> Document:
    """The statement with some fields replaced, or taken out where the value is None."""
    statement = json.loads(order.payload) | changes
    kept = {key: value for key, value in statement.items() if value is not None}
    return _signed(world, order, payload=json.dumps(kept).encode())


@defect("payload-type-of-another-kind", 5, "payload-type", sigstore=False)
def payload_type_of_another_kind(world: PrivateSigstore, order: Order) -> Document:
    """The payload is signed as something else than an in-toto statement."""
    return _signed(world, order, payload_type="application/json")


@defect("identity-of-another", 6, "identity")
def identity_of_another(world: PrivateSigstore, order: Order) -> Document:
    """Somebody else signed, at the same issuer."""
    return _signed(world, order, identity="eve@example.org")


@defect("identity-at-a-longer-ref", 6, "identity")
def identity_at_a_longer_ref(world: PrivateSigstore, order: Order) -> Document:
    """The identity has the good one as its beginning."""
    return _signed(world, order, identity=f"{order.identity}-evil")


@defect("identity-inside-a-query", 6, "identity")
def identity_inside_a_query(world: PrivateSigstore, order: Order) -> Document:
    """The identity has the good one inside of it."""
    return _signed(world, order, identity=f"https://evil.invalid/?u={order.identity}")


@defect("identity-in-other-case", 6, "identity")
def identity_in_other_case(world: PrivateSigstore, order: Order) -> Document:
    """The identity differs from the good one in the case of its letters."""
    return _signed(world, order, identity=order.identity.replace("example", "Example"))


@defect("identity-with-trailing-slash", 6, "identity")
def identity_with_trailing_slash(world: PrivateSigstore, order: Order) -> Document:
    """The identity is the good one with a slash at its end."""
    return _signed(world, order, identity=f"{order.identity}/")


@defect("issuer-of-another", 6, "identity")
def issuer_of_another(world: PrivateSigstore, order: Order) -> Document:
    """The right identity is vouched for by another issuer."""
    return _signed(world, order, issuer="https://evil.invalid")


@defect("payload-not-json", 7, "statement", sigstore=False)
def payload_not_json(world: PrivateSigstore, order: Order) -> Document:
    """The signed payload is no JSON."""
    return _signed(world, order, payload=b"not json")


@defect("statement-with-duplicate-key", 7, "statement", sigstore=False)
def statement_with_duplicate_key(world: PrivateSigstore, order: Order) -> Document:
    """The signed statement has its predicate's type twice."""
    return _signed(world, order, payload=b'{"predicateType": "https://x.invalid", ' + order.payload[1:])


@defect("statement-type-unknown", 7, "statement", sigstore=False)
def statement_type_unknown(world: PrivateSigstore, order: Order) -> Document:
    """The signed document calls itself a statement of version 9."""
    return _statement(world, order, _type="https://in-toto.io/Statement/v9")


@defect("no-predicate-type", 7, "statement", sigstore=False)
def no_predicate_type(world: PrivateSigstore, order: Order) -> Document:
    """The signed statement does not say what it states."""
    return _statement(world, order, predicateType=None)


@defect("predicate-of-another-type", 7, "statement", sigstore=False)
def predicate_of_another_type(world: PrivateSigstore, order: Order) -> Document:
    """A signed report of vulnerabilities where something else is wanted."""
    return _statement(world, order, predicateType="https://cosign.sigstore.dev/attestation/vuln/v1")


@defect("statement-of-another-artifact", 8, "subject", sigstore=False)
def statement_of_another_artifact(world: PrivateSigstore, order: Order) -> Document:
    """The valid statement about another artifact."""
    return _statement(world, order, subject=[{"name": "other", "digest": {"sha256": "f" * 64}}])


@defect("no-subject", 8, "subject", sigstore=False)
def no_subject(world: PrivateSigstore, order: Order) -> Document:
    """The signed statement is about nothing."""
    return _statement(world, order, subject=[])


@defect("digest-under-another-name", 8, "subject", sigstore=False)
def digest_under_another_name(world: PrivateSigstore, order: Order) -> Document:
    """The artifact's digest stands under the name of a NAR hash, and a false one under sha256."""
    (subject,) = json.loads(order.payload)["subject"]
    digest = {"nixNarSha256": subject["digest"]["sha256"], "sha256": "f" * 64}
    return _statement(world, order, subject=[{"name": subject["name"], "digest": digest}])


@defect("digest-in-capitals", 8, "subject", sigstore=False)
def digest_in_capitals(world: PrivateSigstore, order: Order) -> Document:
    """The artifact's digest is written in capital letters."""
    (subject,) = json.loads(order.payload)["subject"]
    digest = {"sha256": subject["digest"]["sha256"].upper()}
    return _statement(world, order, subject=[{"name": subject["name"], "digest": digest}])
