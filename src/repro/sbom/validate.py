"""An SBOM against its specification's official schema: CycloneDX by its own library, SPDX by spdx-tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.errors import ExtraMissing, FormatError
from repro.core.exits import Exit
from repro.sbom.cyclonedx_reading import READ
from repro.sbom.reading import MAX_BYTES, MAX_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 50
"""How many violations are told; a document that is wrong everywhere would fill a disk."""

LONGEST = 500
"""How many characters of a violation are kept: it quotes what is wrong, which may be the whole document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One place that is not as the schema says."""

    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """Against which schema, and the first violations of it; none where the document is valid."""

    schema: str
    violations: tuple[Violation, ...]

    @property
    def exit(self) -> Exit:
        """0 valid, 1 not."""
        return Exit.WRONG if self.violations else Exit.GOOD

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "version": 1,
            "exit": int(self.exit),
            "schema": self.schema,
            "violations": [{"where": each.where, "what": each.what} for each in self.violations],
        }


def validated(data: bytes, *, name: str) -> Validated:
    """Hold a document against its schema. Raises FormatError where it names none, ExtraMissing."""
    if len(data) > MAX_BYTES:
        raise FormatError(f"{name}: {len(data)} bytes, more than the {MAX_BYTES} that are read")
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _xml(data, name)
    if data.count(b"{") > MAX_OBJECTS:
        raise FormatError(f"{name}: more than the {MAX_OBJECTS} objects that are read")
    value = strictjson.parse(data, name=name, max_bytes=MAX_BYTES)
    if not isinstance(value, dict):
        raise FormatError(f"{name}: no SBOM: a JSON object was expected")
    if value.get("bomFormat") == "CycloneDX":
        return _cyclonedx(value, name)
    if "spdxVersion" in value:
        return _spdx(value, name)
    raise FormatError(f"{name}: no SBOM that is known", hint="validated are CycloneDX and SPDX 2")


def _cyclonedx(value: dict[str, Any], name: str) -> Validated:
    spec = str(value.get("specVersion"))
    if spec not in READ:
        raise FormatError(f"{name}: specVersion {spec[:40]!r} is not known", hint=f"known: {', '.join(READ)}")
    try:
        from repro.sbom.schemas import validator
    except ImportError as error:
        raise _missing() from error
    found = sorted(
        _first(
            Violation(where=each.json_path, what=each.message[:LONGEST])
            for each in validator(spec).iter_errors(value)
        ),
        key=lambda each: (each.where, each.what),
    )
    return Validated(schema=f"CycloneDX {spec} JSON", violations=tuple(found))


def _first(violations: Iterator[Violation]) -> list[Violation]:
    from itertools import islice

    return list(islice(violations, SHOWN))


def _xml(data: bytes, name: str) -> Validated:
    from cyclonedx.exception import MissingOptionalDependencyException

    from repro.sbom.cyclonedx_xml_reading import parse_xml

    spec = parse_xml(data, name=name).form.split()[1]  # no document type, no entities, within the caps
    try:
        from repro.sbom.schemas import xml_validator

        errors = xml_validator(spec).validate_str(
            data.decode().partition("?>")[2] or data.decode(), all_errors=True
        )
    except (ImportError, MissingOptionalDependencyException) as error:
        raise _missing() from error
    found = [
        Violation(where=f"line {each.data.line}", what=each.data.message[:LONGEST]) for each in errors or ()
    ]
    return Validated(schema=f"CycloneDX {spec} XML", violations=tuple(found[:SHOWN]))


def _spdx(value: dict[str, Any], name: str) -> Validated:
    try:
        from spdx_tools.spdx.parser.error import SPDXParsingError
        from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
        from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
    except ImportError as error:
        raise ExtraMissing(
            "validating SPDX needs the library spdx-tools, which is not installed",
            hint="pip install 'repro-toolchain[spdx]'",
        ) from error
    version = str(value.get("spdxVersion"))[:40]
    parser: Any = JsonLikeDictParser  # typed at run time only
    try:
        found = [
            Violation(where=str(each.context.spdx_id or each.context.parent_id), what=each.validation_message)
            for each in validate_full_spdx_document(parser().parse(value))
        ]
    except SPDXParsingError as error:
        found = [Violation(where=name, what=str(message)[:LONGEST]) for message in error.messages]
    except Exception as error:  # noqa: BLE001 - the parser trusts the kinds of values
        found = [Violation(where=name, what=f"{type(error).__name__}: {error}"[:LONGEST])]
    return Validated(schema=version, violations=tuple(found[:SHOWN]))


def _missing() -> ExtraMissing:
    return ExtraMissing(
        "validating needs libraries that are not installed",
        hint="pip install 'repro-toolchain[validation]'",
    )
