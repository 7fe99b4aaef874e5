"""Layouts of in-toto verified: all steps were done, by whom they had to be, and their files fit together.

The verification is that of the library `in-toto`. Before it sees anything, what it would be lenient about is
refused: JSON that two readers understand differently, inspections (which are commands that it would run),
sub-layouts (which may hold such), names that leave the folder, thresholds below one, one key under two ids.
"""

from __future__ import annotations

import logging
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.attest.dsse import IN_TOTO, envelope_of
from repro.attest.fields import field, table
from repro.attest.link import STEP_NAME, key_of
from repro.core import strictjson
from repro.core.errors import FormatError, MissingBaseline, ReproError, TamperError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repro.attest.keys import PublicKey

MAX_BYTES = 32 << 20
"""Cap on a layout and on a link, in bytes."""

MAX_STEPS = 100

LINK_NAME = re.compile(rf"{STEP_NAME.pattern}\.[0-9a-f]{{8}}\.link")
"""What a link's file is called: step, beginning of the key's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A supply chain that holds: its steps in order, and the SHA-256 of what the last one made, by name.

    `notes` tell where a step ran another command than its layout expects: no fault (specification, 4.3.1).
    """

    steps: tuple[str, ...]
    products: Mapping[str, str]
    notes: tuple[str, ...] = ()


class NoLinks(MissingBaseline):
    """A step has fewer links than its layout demands."""


def verify(layout: bytes, owners: Sequence[PublicKey], links: Mapping[str, bytes]) -> Chain:
    """The chain that a layout describes; every one of `owners` must have signed it.

    `links` are the files of links by name. Raises FormatError or TamperError where something is wrong, and
    NoLinks where links are missing.
    """
    from in_toto.models.metadata import Metadata
    from in_toto.verifylib import in_toto_verify

    if not owners:
        raise UsageError("no key of the layout's owner", hint="name it with --layout-key")
    document = strictjson.parse(layout, name="layout", max_bytes=MAX_BYTES)
    wanted = _payload(document, "layout")
    steps = _require_harmless(wanted)
    logging.getLogger("in_toto").setLevel(logging.CRITICAL)  # it would print what strangers wrote
    used = {name: data for name, data in links.items() if _step_of(name) in steps}
    notes = [note for name in used for note in _looked_at(name, used[name], wanted)]
    with tempfile.TemporaryDirectory(prefix="repro-links-") as folder:
        for name, data in used.items():
            (Path(folder) / name).write_bytes(data)
        try:
            keys = {one["keyid"]: one for one in map(key_of, owners)}
            summary = in_toto_verify(
                Metadata.from_dict(document), keys, link_dir_path=folder, persist_inspection_links=False
            )
        except Exception as error:
            raise _translated(error) from error
    products = {name: hashes.get("sha256", "") for name, hashes in summary.products.items()}
    return Chain(steps=steps, products=products, notes=tuple(sorted(notes)))


def require_product(chain: Chain, name: str, sha256: str) -> None:
    """Raise TamperError unless a file of that name, in whatever folder, is what the last step made."""
    found = {digest for path, digest in chain.products.items() if path.rpartition("/")[2] == name}
    if sha256 not in found:
        what = "is not the file that the last step made" if found else "was not made by the last step"
        raise TamperError(f"{name}: {what}", hint=f"the last step is {chain.steps[-1]}")


def _require_harmless(layout: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a layout's steps, if there is nothing in it that must not be."""
    if layout.get("_type") != "layout":
        raise FormatError(f"layout: _type is {layout.get('_type')!r}")
    if layout.get("inspect"):
        raise FormatError("layout: has inspections, which are commands", hint="none is run; remove them")
    steps = field(layout, "steps", list, "layout")
    if not 1 <= len(steps) <= MAX_STEPS:
        raise FormatError(f"layout: {len(steps)} steps; from 1 to {MAX_STEPS} are read")
    keys = field(layout, "keys", dict, "layout")
    public = [str(one.get("keyval", {}).get("public")) for one in keys.values() if isinstance(one, dict)]
    if len(set(public)) < len(keys):
        raise FormatError("layout: one key stands under two ids")
    if any(isinstance(one, dict) and one.get("subkeys") for one in keys.values()):
        raise FormatError("layout: has keys with subkeys", hint="name each key by itself")
    names = []
    for step in steps:
        values = table(step, ("name", "threshold", "pubkeys"), "layout: steps")
        name = field(values, "name", str, "layout: steps")
        if not STEP_NAME.fullmatch(name):
            raise FormatError(f"layout: no name of a step: {name[:80]!r}")
        if field(values, "threshold", int, f"layout: {name}") < 1:
            raise FormatError(f"layout: {name}: a threshold below 1 demands nothing")
        if name in names:
            raise FormatError(f"layout: the step {name} stands there twice")
        names.append(name)
    return tuple(names)


def _step_of(name: str) -> str:
    """The step that a link's file is about, "" where it is called otherwise."""
    return name.removesuffix(".link").rpartition(".")[0] if LINK_NAME.fullmatch(name) else ""


def _looked_at(name: str, data: bytes, layout: Mapping[str, Any]) -> list[str]:
    """What there is to note of a link; FormatError where it is none, or one of another step."""
    payload = _payload(strictjson.parse(data, name=name, max_bytes=MAX_BYTES), name)
    if payload.get("_type") != "link":
        raise FormatError(f"{name}: not a link", hint="layouts within layouts are not read")
    if payload.get("name") != _step_of(name):
        raise FormatError(f"{name}: is a link of the step {str(payload.get('name'))[:80]!r}")
    expected = next(
        step.get("expected_command") for step in layout["steps"] if step["name"] == _step_of(name)
    )
    ran = payload.get("command")
    return [f"{name}: ran {ran}, not {expected}"[:500]] if expected and ran != expected else []


def _payload(document: object, name: str) -> Mapping[str, Any]:
    """What is signed, in an envelope or in the older form beside its signatures."""
    values = table(document, ("payload", "payloadType", "signatures", "signed"), name)
    if "payload" not in values:
        return field(values, "signed", dict, name)
    if "signed" in values:
        raise FormatError(f"{name}: both an envelope and the older form")
    envelope = envelope_of(values, name=name)
    if envelope.payload_type != IN_TOTO:
        raise FormatError(f"{name}: payloadType is {envelope.payload_type!r}")
    if len({one.keyid for one in envelope.signatures}) < len(envelope.signatures):
        raise FormatError(f"{name}: two signatures under one key id")
    payload = strictjson.parse(envelope.payload, name=name, max_bytes=MAX_BYTES)
    if not isinstance(payload, dict):
        raise FormatError(f"{name}: its payload is not a JSON object")
    return payload


def _translated(error: Exception) -> ReproError:
    """An error of the library as one of ours."""
    from in_toto import exceptions

    said = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, exceptions.LinkNotFoundError):
        return NoLinks(said, hint="give the links of every step: --links DIR")
    if isinstance(error, exceptions.LayoutExpiredError):
        return TamperError(said, hint="its owner signs a new one")
    return TamperError(said, hint="ask who did the step, or who owns the layout")
