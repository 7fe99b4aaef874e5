"""Links and layouts of in-toto written: what a step of a supply chain read and made, which steps there are.

The models and the signing are those of the library `in-toto`; files are called as its tools expect them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.canonical import to_pretty_bytes
from repro.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repro.attest.keys import PrivateKey, PublicKey

STEP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""What a step may be called: its name becomes part of a file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step as a layout wants it: who may do it, how many of them must, and rules on files.

    Rules are in-toto's (specification 4.3.3), such as `MATCH * WITH PRODUCTS FROM build`, `DISALLOW *`.
    """

    name: str
    keys: tuple[PublicKey, ...]
    threshold: int
    command: tuple[str, ...]
    materials: tuple[str, ...]
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One step as it was done: digests of files before and after (hexadecimal SHA-256), command, outcome."""

    step: str
    command: tuple[str, ...]
    materials: Mapping[str, str]
    products: Mapping[str, str]
    byproducts: Mapping[str, Any]


def key_of(key: PublicKey) -> dict[str, Any]:
    """A public key as layouts have it, with securesystemslib's id for it."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from securesystemslib.signer._key import SSlibKey

    made = SSlibKey.from_crypto(load_der_public_key(key.der))
    return {**made.to_dict(), "keyid": made.keyid}


def link(done: Done, key: PrivateKey) -> tuple[str, bytes]:
    """A signed link and the name of its file."""
    from in_toto.models.link import FILENAME_FORMAT, Link

    made = Link(
        name=_checked(done.step),
        command=list(done.command),
        materials={name: {"sha256": digest} for name, digest in done.materials.items()},
        products={name: {"sha256": digest} for name, digest in done.products.items()},
        byproducts=dict(done.byproducts),
        environment={},
    )
    keyid = key_of(key.public)["keyid"]
    return FILENAME_FORMAT.format(step_name=done.step, keyid=keyid), _signed(made, [key])


def layout(steps: Sequence[Step], *, expires: str, readme: str, owners: Sequence[PrivateKey]) -> bytes:
    """A layout, signed by its owners; `expires` is a time such as `2027-01-01T00:00:00Z`."""
    from in_toto.models.layout import Layout
    from securesystemslib.exceptions import FormatError as Refused

    keys = {one["keyid"]: one for step in steps for one in map(key_of, step.keys)}
    try:
        made = Layout(
            steps=[_step(step) for step in steps], inspect=[], keys=keys, expires=expires, readme=readme
        )
        made.validate()
    except Refused as error:
        raise UsageError(f"the layout: {error}", hint="see in-toto's specification, section 4.3") from error
    return _signed(made, owners)


def _step(step: Step) -> Any:  # noqa: ANN401 - in-toto's
    from in_toto.models.layout import Step as Model

    if not 1 <= step.threshold <= len({key.der for key in step.keys}):
        raise UsageError(f"step {step.name}: {len(step.keys)} keys cannot meet {step.threshold}")
    return Model(
        name=_checked(step.name),
        pubkeys=[key_of(key)["keyid"] for key in step.keys],
        threshold=step.threshold,
        expected_command=list(step.command),
        expected_materials=[rule.split() for rule in step.materials],
        expected_products=[rule.split() for rule in step.products],
    )


def _checked(name: str) -> str:
    if not STEP_NAME.fullmatch(name):
        raise UsageError(f"no name of a step: {name!r}", hint="take letters, digits and . _ -")
    return name


def _signed(model: Any, keys: Sequence[PrivateKey]) -> bytes:  # noqa: ANN401 - in-toto's
    from in_toto.models.metadata import Envelope

    envelope = Envelope.from_signable(model)
    for key in keys:
        envelope.create_signature(key.signer())
    return to_pretty_bytes(envelope.to_dict())
