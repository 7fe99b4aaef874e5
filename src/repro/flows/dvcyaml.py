"""The stages of a `dvc.yaml` as experiments: a first draft of each, and what a person must change in it."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

CODE = frozenset(
    {".py", ".ipynb", ".sh", ".R", ".r", ".jl", ".pl", ".c", ".cpp", ".f90", ".m", ".toml", ".cfg"}
)
"""Suffixes of files that are code rather than data."""

SHELL = re.compile(r"[|&;<>$`*?~#()!\n\\]|^\s*\w+=")
"""What a shell would interpret, once quoted text is taken out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One experiment in the making; where `changes` says something, it does not work as it stands.

    `whole` is the stage as `repro.toml` names one that runs unchanged, "" where that would not do either.
    """

    name: str
    stage: str
    description: str
    command: tuple[str, ...]
    sources: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    changes: tuple[str, ...]
    whole: str = ""


def drafts(data: bytes, file: str, tracked: Collection[str]) -> tuple[list[Draft], list[str]]:
    """A draft for each stage of the `dvc.yaml` at `file`, and notes on those that are left out.

    `tracked` are the files that git knows. Raises FormatError where the file is no YAML.
    """
    document = read_yaml(data, file)
    stages = document.get("stages") if isinstance(document, dict) else None
    found, notes = [], []
    for name, stage in (stages if isinstance(stages, dict) else {}).items():
        if not isinstance(name, str) or not isinstance(stage, dict):
            notes.append(f"{file}: a stage that is no table is left out")
        elif "foreach" in stage or "matrix" in stage:
            notes.append(
                f"{file}: stage {name!r} is left out: write its foreach or matrix as a matrix here, "
                f'or name one of its stages: stage = "{name}@KEY"'
            )
        else:
            found.append(_draft(name, stage, posixpath.dirname(file), tracked))
    return found, notes


def read_yaml(data: bytes, file: str) -> Any:  # noqa: ANN401 - YAML is any value
    """What a YAML file of DVC holds, as strings only. Raises FormatError."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        # Strings only: no tags, no numbers that lose digits; the pure parser meets depth with RecursionError.
        return YAML(typ="base", pure=True).load(data.decode())
    except RecursionError as error:
        raise FormatError(f"{file}: nested too deeply") from error
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise FormatError(f"{file}: not YAML", hint="see `dvc stage list`") from error


def stage_texts(stage: Mapping[str, Any]) -> list[str]:
    """All texts of a stage in which a template may stand."""
    keys = ("deps", "outs", "metrics", "plots")
    paths = [path for key in keys for path in stage_paths(stage, key)]
    return [*_commands(stage), *paths, str(stage.get("wdir", ""))]


def _commands(stage: Mapping[str, Any]) -> list[str]:
    commands = stage.get("cmd")
    listed = commands if isinstance(commands, list) else [commands]
    return [command.strip() for command in listed if isinstance(command, str)]


def stage_paths(stage: Mapping[str, Any], key: str) -> list[str]:
    """The paths under a key: DVC writes each as text, or as a table with options."""
    entries = stage.get(key)
    found: list[str] = []
    for entry in entries if isinstance(entries, list) else [entries] if isinstance(entries, dict) else []:
        found += [entry] if isinstance(entry, str) else [*map(str, entry)] if isinstance(entry, dict) else []
    return found


def _params(stage: Mapping[str, Any]) -> list[str]:
    """The files of parameters: `params.yaml` unless an entry names another."""
    entries = stage.get("params")
    listed = entries if isinstance(entries, list) else []
    named = [name for entry in listed if isinstance(entry, dict) for name in entry if isinstance(name, str)]
    return [*(["params.yaml"] if any(isinstance(entry, str) for entry in listed) else []), *named]


def _draft(name: str, stage: Mapping[str, Any], folder: str, tracked: Collection[str]) -> Draft:
    outs = [path for key in ("outs", "metrics", "plots") for path in stage_paths(stage, key)]
    names = _names(outs)
    command, missing = _command(_commands(stage), names)
    folders = [
        f"{path!r} is a folder: name the files in it"
        for path in outs
        if path.endswith("/") or any(known.startswith(path + "/") for known in tracked)
    ]
    place = f"{folder}/dvc.yaml:{name}" if folder else name
    deps = [posixpath.normpath(path) for path in stage_paths(stage, "deps")]
    sources = [path for path in deps if _is_code(path, tracked)]
    return Draft(
        name=_name(posixpath.join(folder, name)),
        stage=name,
        description=str(stage.get("desc", "")),
        command=command or tuple(_commands(stage)) or ("true",),
        sources=tuple(dict.fromkeys([*sources, *(path for path in _params(stage) if sources)])),
        inputs=tuple(dict.fromkeys(path for path in deps if path not in sources)),
        outputs=tuple(names.values()) or ("results.json",),
        changes=(*_changes(stage, folder, command, outs, missing), *folders),
        whole="" if folders or not command or not outs else place,
    )


def _changes(
    stage: Mapping[str, Any],
    folder: str,
    command: Sequence[str],
    outs: Sequence[str],
    missing: Sequence[str],
) -> Iterator[str]:
    """What a person has to change before the draft is an experiment with a command of its own."""
    if any("${" in text for text in stage_texts(stage)):
        yield "it uses a template, ${…}, and dvc.lock does not say what that stood for"
    wdir = posixpath.normpath(posixpath.join(folder, str(stage.get("wdir", "."))))
    if wdir != ".":
        yield f"its command runs in {wdir!r}: make its paths relative to this folder"
    if not command:
        yield "its command cannot be taken apart: write it as a list of a program and arguments"
    if not outs:
        yield "it has no outs or metrics: name the files that it writes below {out}"
    for path in missing:
        yield f"its command does not name {path!r}: let it write below a folder that it is given as {{out}}"


def _name(stage: str) -> str:
    """A stage's name as an experiment may be called."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stage).strip("-._")[:100] or "stage"


def _names(outs: Iterable[str]) -> dict[str, str]:
    """For each out the file's name below {out}: its last part, or all of it where two would be the same."""
    paths = list(dict.fromkeys(outs))
    last = [posixpath.basename(path.rstrip("/")) for path in paths]
    return {
        path: name if last.count(name) == 1 else re.sub(r"[/\\]+", "-", path).strip("-.")
        for path, name in zip(paths, last, strict=True)
    }


def _is_code(path: str, tracked: Collection[str]) -> bool:
    files = [name for name in tracked if name == path or name.startswith(path + "/")]
    return any(posixpath.splitext(name)[1] in CODE for name in files)


def _command(commands: list[str], outs: Mapping[str, str]) -> tuple[tuple[str, ...], list[str]]:
    """The command as a list, writing below {out}, and the outs that it does not name; () if it is no command.

    A command that needs a shell, or several, become one `sh -c`, which runs inside the isolation too.
    """
    text = " && ".join(commands)
    try:
        words = [_doubled(word) for word in shlex.split(text)]
    except ValueError:  # a quote that is not closed
        return (), []
    if _needs_shell(text) or len(commands) > 1:
        words = ["sh", "-c", _doubled(text)]
    missing = []
    for path, name in sorted(outs.items(), key=lambda item: -len(item[0])):
        escaped = _doubled(path.rstrip("/"))
        where = re.compile(rf"(?<![\w./{{}}-])(?:\./)?{re.escape(escaped)}/?(?![\w./-])")
        target = f"{{out}}/{_doubled(name)}".replace("\\", "\\\\")
        replaced = [where.sub(target, word) for word in words]
        if replaced == words:
            missing.append(path)
        words = replaced
    return tuple(words), missing


def _doubled(text: str) -> str:
    """A text whose braces are no placeholders."""
    return text.replace("{", "{{").replace("}", "}}")


def _needs_shell(text: str) -> bool:
    """Whether a shell would do more than split the text into words."""
    plain = re.sub(r"'[^']*'", "q", text)
    plain = re.sub(r'"((?:\\.|[^"\\])*)"', lambda match: "$" if re.search(r"[$`]", match[1]) else "q", plain)
    return SHELL.search(plain) is not None
