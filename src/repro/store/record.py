"""The record of a run: its conditions, command, stages, outputs and outcome, as they were measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.core import strictjson
from repro.core.canonical import to_pretty_bytes
from repro.core.digest import Digest
from repro.core.errors import FormatError, ReproError
from repro.tools.files import require_relative

VERSION = 1
"""Version of the record's format; a reader refuses any other."""

MAX_BYTES = 64 << 20
"""Cap on a record, in bytes."""

Section = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run written down; docs/reference/record.schema.json describes each section.

    `key` is the digest of the conditions and the command, which the cache goes by; `outputs` maps a name
    to its SHA-256 and size in bytes; `integrity` holds what was hashed before and after the run.
    """

    id: str
    experiment: str
    run: str
    key: str
    started_at: str
    ended_at: str
    by: str
    tool: Section
    conditions: Section
    command: Section
    isolation: Section
    stages: tuple[Section, ...]
    integrity: Section
    outcome: Section
    outputs: Section
    logs: Section
    verdict: Section

    def to_bytes(self) -> bytes:
        """Canonical JSON, indented, with the version of the format.

        Half characters, which stand for bytes of file names in no encoding, are written as the text of their
        escapes: in themselves they would make a document that strict readers refuse.
        """
        return to_pretty_bytes(_escaped({"version": VERSION, **dataclasses.asdict(self)}))

    @property
    def completed(self) -> bool:
        """Whether the command ended well and its outputs were collected."""
        return self.outcome.get("state") == "completed"


def parse(data: bytes, *, name: str) -> Record:
    """A record from its bytes. Raises FormatError naming the file and the section."""
    value = strictjson.parse(data, name=name, max_bytes=MAX_BYTES)
    if not isinstance(value, dict) or value.get("version") is True or value.get("version") != VERSION:
        raise FormatError(f"{name}: not a run record of version {VERSION}")
    fields = {field.name: field.type for field in dataclasses.fields(Record)}
    if missing := sorted(set(fields) - set(value)):
        raise FormatError(f"{name}: the section {missing[0]!r} is missing")
    kinds: dict[Any, type] = {"str": str, "Section": dict, "tuple[Section, ...]": list}
    for field, kind in fields.items():
        if not isinstance(value[field], kinds[kind]):
            raise FormatError(f"{name}: the section {field!r} is not of the right kind")
    _check_outputs(value["outputs"], name)
    sections = {field: value[field] for field in fields} | {"stages": tuple(value["stages"])}
    return Record(**sections)


def _check_outputs(outputs: Mapping[str, Any], name: str) -> None:
    """Outputs are what later runs are compared with: each a path inside the folder, and a digest or None."""
    for path, entry in outputs.items():
        try:
            require_relative(path, what="outputs")
            if entry is not None:
                Digest.parse(entry["digest"])
        except (ReproError, TypeError, KeyError, AttributeError) as error:
            raise FormatError(f"{name}: the output {path!r} is not of the right kind") from error


def _escaped(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(entry) for key, entry in value.items()}
    return [_escaped(entry) for entry in value] if isinstance(value, list | tuple) else value
