"""The official JSON schemas that cyclonedx-python-lib ships, with a linear check of uniqueness."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator, JsonValidator
from cyclonedx.validation.xml import XmlValidator
from jsonschema import ValidationError, validators

from repro.core.canonical import to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def validator(spec: str) -> Any:  # noqa: ANN401 - a validator of jsonschema
    """A validator for one version of the specification.

    Made of the library's own, registry and format checker included. jsonschema compares every two items of a
    list that must hold no item twice: hours for the components of a closure.
    """
    version = SchemaVersion.from_version(spec)
    strict = version in {SchemaVersion.V1_2, SchemaVersion.V1_3}  # later schemas are strict themselves
    own: Any = (JsonStrictValidator if strict else JsonValidator)(version)._validator  # noqa: SLF001 - see above
    extend: Any = validators.extend  # untyped
    made = extend(type(own), {"uniqueItems": _unique})
    return made(own.schema, registry=own._registry, format_checker=own.format_checker)  # noqa: SLF001


@cache
def xml_validator(spec: str) -> Any:  # noqa: ANN401 - a validator of the library
    """The library's own validator of XML for one version."""
    return XmlValidator(SchemaVersion.from_version(spec))


def _unique(_validator: object, wanted: object, items: object, _schema: object) -> Iterator[ValidationError]:
    """JSON's equality is that of canonical bytes, numbers aside, of which SBOMs have none that matter."""
    if wanted and isinstance(items, list) and len({to_bytes(item) for item in items}) != len(items):
        yield ValidationError(f"a list of {len(items)} items holds one twice")
