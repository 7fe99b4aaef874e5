"""The official JSON schemas that cyclonedx-python-lib ships, and checks of our own for what takes hours."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator, JsonValidator
from cyclonedx.validation.xml import XmlValidator
from jsonschema import FormatChecker, ValidationError, validators

from repro.core.canonical import to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEGMENT = r"(?:[A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})"
_PATH = rf"(?:{_SEGMENT}|[:/])*"
_TAIL = rf"(?:{_SEGMENT}|[:/?])*"
_PLAIN = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9+.-]*:(?://[A-Za-z0-9.-]+(?::[0-9]*)?(?:/{_PATH})?|(?!//){_PATH})"
    rf"|(?!//){_SEGMENT}*(?:/{_PATH})?)"
    rf"(?:\?{_TAIL})?(?:\#{_TAIL})?"
)
"""References that RFC 3987 certainly allows (section 2.2): in ASCII, without user and brackets."""


@cache
def validator(spec: str) -> Any:  # noqa: ANN401 - a validator of jsonschema
    """A validator for one version of the specification.

    Made of the library's own, registry and format checker included. jsonschema compares every two items of a
    list that must hold no item twice: hours for the components of a closure. And it parses each address by a
    general parser of grammars, a fiftieth of a second each: here that decides only about unusual ones.
    """
    version = SchemaVersion.from_version(spec)
    strict = version in {SchemaVersion.V1_2, SchemaVersion.V1_3}  # later schemas are strict themselves
    own: Any = (JsonStrictValidator if strict else JsonValidator)(version)._validator  # noqa: SLF001 - see above
    extend: Any = validators.extend  # untyped
    made = extend(type(own), {"uniqueItems": _unique})
    return made(own.schema, registry=own._registry, format_checker=_formats(own.format_checker))  # noqa: SLF001


def _formats(whole: Any) -> FormatChecker:  # noqa: ANN401 - a format checker of jsonschema
    """The same formats, of which one is answered at once for what is usual."""
    slow, raised = whole.checkers["iri-reference"]

    @cache
    def check(text: object) -> bool:
        return (isinstance(text, str) and _PLAIN.fullmatch(text) is not None) or bool(slow(text))

    made = FormatChecker(())
    made.checkers = {**whole.checkers, "iri-reference": (check, raised)}
    return made


@cache
def xml_validator(spec: str) -> Any:  # noqa: ANN401 - a validator of the library
    """The library's own validator of XML for one version."""
    return XmlValidator(SchemaVersion.from_version(spec))


def _unique(_validator: object, wanted: object, items: object, _schema: object) -> Iterator[ValidationError]:
    """JSON's equality is that of canonical bytes, numbers aside, of which SBOMs have none that matter."""
    if wanted and isinstance(items, list) and len({to_bytes(item) for item in items}) != len(items):
        yield ValidationError(f"a list of {len(items)} items holds one twice")
