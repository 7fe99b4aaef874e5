"""How documents of Nix are described and read: schemas of pydantic's core, store paths, known versions.

Only the fields that a schema asks for become Python objects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic_core import SchemaValidator, ValidationError
from pydantic_core import core_schema as schema

from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES = 1 << 30
"""Cap on a document, in bytes, before it is parsed."""

DEFAULT_STORE = "/nix/store"

DERIVATION_VERSIONS = {3, 4}

STR = schema.str_schema(strict=True)
INT = schema.int_schema(strict=True)
BOOL = schema.bool_schema(strict=True)
STRS = schema.list_schema(STR)

STORE_NAME = re.compile(r"[0-9a-z]{32}-[0-9a-zA-Z+._?=-]{1,211}")
"""The last part of a store path (Nix manual, "Store Path")."""

_BELOW = re.compile("/" + STORE_NAME.pattern)

VERSIONED = re.compile(rb"\s*\{\s*\"(?:version|storeDir|info|derivations)\"\s*:")
"""How a document begins says which shape it has; to try one shape after another takes five times as long."""


def table(*, need: Mapping[str, Any] | None = None, may: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - pydantic's
    """A schema of an object with fields that must and that may be there; others are passed over."""
    fields = {name: schema.typed_dict_field(kind) for name, kind in (need or {}).items()}
    fields |= {name: schema.typed_dict_field(kind, required=False) for name, kind in (may or {}).items()}
    return schema.typed_dict_schema(fields, extra_behavior="ignore")


def maybe(kind: Any) -> Any:  # noqa: ANN401 - pydantic's
    """A schema of something or null."""
    return schema.nullable_schema(kind)


def either(*kinds: Any) -> Any:  # noqa: ANN401 - pydantic's
    """A schema of the first kind that fits."""
    return schema.union_schema(list(kinds), mode="left_to_right")


def parsed(validator: SchemaValidator, data: bytes, name: str) -> Any:  # noqa: ANN401 - JSON is any value
    """What a document holds of what is asked for; FormatError, with the place, where it does not fit."""
    if len(data) > MAX_BYTES:
        raise FormatError(f"{name}: {len(data)} bytes, more than the {MAX_BYTES} that are read")
    try:
        return validator.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(
            f"{name}: {first['msg']}" + (f" at {place[:300]}" if place else ""),
            hint="this version of Nix may print a shape that is not known here: nix --version",
        ) from error


def taken(entries: dict[str, Any], paths: Paths) -> Iterator[tuple[str, Any]]:
    """Entries under their full path, taken out one by one so that their memory is free at once."""
    for key in list(entries):
        yield paths[key], entries.pop(key)


class Paths(dict[str, str]):
    """Full store paths from such or from their last parts, each looked at and kept once."""

    def __init__(self, store: str) -> None:
        super().__init__()
        self.store = store
        self._end = len(store)

    def __missing__(self, text: str) -> str:
        """The full path; FormatError where the text is none."""
        if _BELOW.fullmatch(text, self._end) and text.startswith(self.store):  # nine of ten
            self[text] = text
            return text
        folder, slash, name = text.rpartition("/")
        if not STORE_NAME.fullmatch(name) or (slash and not folder.startswith("/")):
            raise FormatError(f"not a store path: {text[:300]!r}")
        full = self[text] = text if slash else f"{self.store}/{name}"
        return full

    def holds(self, text: str) -> bool:
        """Whether text is a path of this store, or lies below one."""
        if text in self:
            return self[text] == text
        name, slash, _ = text[self._end + 1 :].partition("/")
        if not text.startswith(f"{self.store}/") or not STORE_NAME.fullmatch(name):
            return False
        if not slash:
            self[text] = text
        return True


def known_version(version: int, known: set[int], name: str) -> None:
    """Refuse a document of a version that is not known here."""
    if version not in known:
        listed = " and ".join(str(number) for number in sorted(known))
        raise FormatError(
            f"{name}: version {version} of the document; known are {listed}",
            hint="take a release of Nix from 2.8 to 2.35",
        )
