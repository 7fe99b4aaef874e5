"""What is wrong with the tables of a file, in words for people: pydantic's findings, one for each place."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, get_args

from repro.core.errors import ConfigError
from repro.core.near import did_you_mean
from repro.drift.equivalence import HINTS as EQUIVALENCE_HINTS
from repro.flows.tables import (
    PATTERNS,
    AuditTable,
    DefaultsTable,
    EnvironmentKind,
    EnvironmentTable,
    EquivalenceTable,
    ExceptionTable,
    ExperimentTable,
    GateTable,
    LicencesTable,
    ProjectTable,
    RangeTable,
    RuleTable,
    SbomTable,
    Table,
    VerifyTable,
    VexTable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from repro.core.toml import Document, Path

REFERENCE = "docs/reference/repro-toml.md lists every key"
MISSING, UNKNOWN = "missing", "unknown key"
SHOWN = 8
"""How many complaints one error lists."""

KINDS = {
    frozenset({"string_type"}): "a string",
    frozenset({"bool_type"}): "true or false",
    frozenset({"int_type"}): "a whole number",
    frozenset({"int_type", "float_type"}): "a number",
    frozenset({"int_type", "float_type", "string_type"}): "a number or a string",
    frozenset({"tuple_type", "model_type"}): "a list of values, or a table such as { range = [0, 10] }",
    frozenset({"model_type"}): "a table",
    frozenset({"dict_type"}): "a table",
}
"""What would have been right, by the types of pydantic's errors at one place."""

LISTS = {
    "vary_threads": "a list of whole numbers",
    "range": "a list of two whole numbers: the first, and the one after the last",
    "rules": "a list of tables, each begun by [[rules]] or [[experiments.NAME.rules]]",
    "exceptions": "a list of tables, each begun by [[licences.exceptions]]",
    "equivalence": "a list of tables, each begun by [[experiments.NAME.equivalence]]",
}
"""What a list of that key holds, where it holds no strings."""

WRONG_KIND = frozenset().union(*KINDS) | {"tuple_type", "too_short"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Complaint:
    """One place and what is wrong there; `text` may begin with where, then `hint` is the next step."""

    path: Path
    text: str
    hint: str = ""


def explained(document: Document, errors: Iterable[ErrorDetails]) -> ConfigError:
    """All that is wrong in one error: a line for each place, with file, line and key."""
    by_place: dict[Path, list[ErrorDetails]] = {}
    for error in errors:
        by_place.setdefault(_place(document.tables, error), []).append(error)
    found = [_complaint(path, group) for path, group in by_place.items() if not _echo(path, by_place)]
    misspelt = {(*each.path[:-1], _suggested(each)) for each in found if each.text == UNKNOWN}
    found = [each for each in found if each.text != MISSING or each.path not in misspelt]
    if len(found) == 1:
        only = found[0]
        return ConfigError(f"{document.where(only.path)}: {only.text}", hint=only.hint or REFERENCE)
    lines = [
        f"{document.where(each.path)}: {each.text}" + (f" ({each.hint})" if each.hint else "")
        for each in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        lines.append(f"{document.name}: and {len(found) - SHOWN} more")
    return ConfigError("\n".join(lines), hint=REFERENCE)


def _suggested(complaint: _Complaint) -> str:
    """The key that an unknown one was probably meant to be."""
    return complaint.hint.removeprefix("did you mean '").removesuffix("'?")


def _place(tables: dict[str, Any], error: ErrorDetails) -> Path:
    """Where the value of an error stands: pydantic's location without the tags of unions."""
    node: Any = tables
    path: Path = ()
    for part in error["loc"]:
        if node is error["input"] and error["type"] != "missing":
            break
        is_item = isinstance(node, list) and isinstance(part, int) and part < len(node)
        if is_item or (isinstance(node, dict) and part in node):
            node, path = node[part], (*path, part)
    return (*path, error["loc"][-1]) if error["type"] == "missing" else path


def _echo(path: Path, by_place: dict[Path, list[ErrorDetails]]) -> bool:
    """Whether something below tells more: a list whose item is wrong is also no table, and too short."""
    deeper = any(len(other) > len(path) and other[: len(path)] == path for other in by_place)
    return deeper and all(error["type"] in WRONG_KIND for error in by_place[path])


def _complaint(path: Path, errors: list[ErrorDetails]) -> _Complaint:
    plain = [error for error in errors if error["type"] not in WRONG_KIND]
    if plain:
        return _about_value(path, plain[0])
    kinds = frozenset(error["type"] for error in errors)
    if "too_short" in kinds:
        least = next(error for error in errors if error["type"] == "too_short")
        return _Complaint(path=path, text=_too_short(path, least))
    key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    wanted = KINDS.get(kinds) or LISTS.get(key, "a list of strings")
    value = errors[0]["input"]
    return _Complaint(
        path=path, text=f"must be {wanted}, not {_shown(value)}", hint=_rewritten(path, value, kinds)
    )


def _about_value(path: Path, error: ErrorDetails) -> _Complaint:
    """A value of the right kind that is not allowed, or a key that is missing or unknown."""
    kind, value, limits = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return _Complaint(path=path, text=MISSING, hint=_example(path))
    if kind == "extra_forbidden":
        return _Complaint(path=path, text=UNKNOWN, hint=did_you_mean(str(path[-1]), _fields(path[:-1])))
    if kind == "string_pattern_mismatch":
        subject = "" if error["loc"][-1] == "[key]" else f", not {_shown(value)}"
        return _Complaint(path=path, text=f"{PATTERNS[limits['pattern']]}{subject}")
    if kind == "literal_error":
        near = did_you_mean(str(value), get_args(EnvironmentKind)) if path[-1] == "kind" else ""
        return _Complaint(path=path, text=f"must be {limits['expected']}, not {_shown(value)}", hint=near)
    texts = {
        "string_too_short": "must not be empty",
        "finite_number": "must be finite",
        "greater_than": f"must be greater than {limits.get('gt', 0):.15g}",
        "greater_than_equal": f"must be at least {limits.get('ge', 0):.15g}",
        "less_than": f"must be less than {limits.get('lt', 0):.15g}",
        "less_than_equal": f"must be at most {limits.get('le', 0):.15g}",
        "string_too_long": f"must have at most {limits.get('max_length')} characters",
        "too_long": f"must have at most {limits.get('max_length')} items",
        "value_error": str(limits.get("error")),
    }
    text = texts.get(kind, error["msg"])
    return _Complaint(path=path, text=text if value == "" else f"{text}, not {_shown(value)}")


def _too_short(path: Path, error: ErrorDetails) -> str:
    if path[-1] == "range":
        return f"must be {LISTS['range']}"
    return "must not be empty" if not error["input"] else "has too few items"


def _example(path: Path) -> str:
    """What to write where a key is missing."""
    examples = {
        "version": "write `version = 1` at the top",
        "kind": 'write `kind = "venv"`, `kind = "nix"` or `kind = "host"`',
        "command": 'write `command = ["python", "script.py", "--out", "{out}/results.json"]`',
        "outputs": 'write `outputs = ["results.json"]`: the files that the command writes below {out}',
        "range": "write `{ range = [0, 10] }` for 0 to 9",
        "target": 'write `target = ".venv"`, or what else the SBOM is of',
        "policy": 'write `policy = "policy.toml"`; make a first one: repro policy init',
        "targets": 'write `targets = ["dist/*.whl"]`: what is verified before it is deployed',
        "component": 'write `component = "NAME"`: a name or package URL, `*` stands for anything',
        **EQUIVALENCE_HINTS,
    }
    if path[:1] == ("licences",) and path[-1] == "reason":
        return 'write `reason = "..."`: why it is let pass'
    return examples.get(str(path[-1]), "")


def _rewritten(path: Path, value: object, kinds: frozenset[str]) -> str:
    """The same value as it should have been written, where that can be known."""
    key = str(path[-1]) if isinstance(path[-1], str) else ""
    if kinds == {"tuple_type"} and isinstance(value, str) and key not in LISTS:
        return f"write `{key} = {_list(_words(value) if key == 'command' else [value])}`"
    if kinds == {"string_type"} and isinstance(value, int):
        text = json.dumps(_shown(value))
        return f"write `{key} = {text}`" if key else f"write {text}"
    if kinds == {"string_type"} and isinstance(value, float):
        return "write it in quotes"
    if kinds == {"bool_type"} and value in ("true", "false"):
        return f"write `{key} = {value}`"
    return ""


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command) or [command]
    except ValueError:  # a quote that is not closed
        return command.split()


def _list(items: list[str]) -> str:
    return json.dumps(items, ensure_ascii=False)


def _shown(value: object) -> str:
    """A value as the file has it; a long one is cut, a whole list or table is only named."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return str(value) if isinstance(value, date) else f"{value!r:.60}"


def _fields(path: Path) -> list[str]:  # noqa: C901, PLR0912 - one case a table
    """The keys that the table at `path` knows."""
    model: type[Table] = ProjectTable
    match path:
        case ("defaults",):
            model = DefaultsTable
        case ("environments", _):
            model = EnvironmentTable
        case ("experiments", _):
            model = ExperimentTable
        case ("experiments", _, "matrix", _):
            model = RangeTable
        case (*_, "rules", int()):
            model = RuleTable
        case ("sbom",):
            model = SbomTable
        case ("audit",):
            model = AuditTable
        case ("audit", "vex", int()):
            model = VexTable
        case ("gate", _):
            model = GateTable
        case ("verify",):
            model = VerifyTable
        case ("licences",):
            model = LicencesTable
        case ("licences", "exceptions", int()):
            model = ExceptionTable
        case (*_, "equivalence", int()):
            model = EquivalenceTable
    return list(model.model_fields)
