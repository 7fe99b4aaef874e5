"""A stage of `dvc.yaml` as an experiment: its command run unchanged, its outs, metrics and plots compared.

DVC runs a stage in the work tree, where it may write. A run's checkout is read-only, so the command runs in a
copy of it, from which the outs are taken. A stage with templates, foreach or matrix is taken from `dvc.lock`,
where DVC wrote down what it ran.
"""

from __future__ import annotations

import os
import posixpath
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.errors import ConfigError, ReproError
from repro.core.near import did_you_mean
from repro.data.pointers import LOCK, POINTER_BYTES, find_pointer
from repro.flows.dvcyaml import read_yaml, stage_paths, stage_texts
from repro.tools.files import read_capped, require_inside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "dvc.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What DVC runs: commands in a folder, what they need, and what they write; paths from the root."""

    commands: tuple[str, ...]
    folder: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    folders: frozenset[str]

    def command(self, outputs: tuple[str, ...]) -> list[str]:
        """The words that run the stage in a copy of the checkout and take its outputs to {out}."""
        lines = ['work="$TMPDIR/stage"', 'cp -R . "$work" && chmod -R u+w "$work" && cd "$work" || exit 1']
        lines += [f"rm -rf -- {shlex.quote(out)}" for out in self.outs]
        lines += [f"mkdir -p -- {shlex.quote(posixpath.dirname(out) or '.')}" for out in self.outs]
        lines.append(f"cd -- {shlex.quote(self.folder)} || exit 1")
        lines += [f"sh -c {shlex.quote(command)} || exit $?" for command in self.commands]
        text = "\n".join([*lines, 'cd "$work"']).replace("{", "{{").replace("}", "}}")
        for name in outputs:
            place, folder = _word(name), _word(posixpath.dirname(name))
            text += (
                f'\nif [ -f {place} ]; then mkdir -p "{{out}}"/{folder} && cp {place} "{{out}}"/{place}; fi'
            )
        return ["sh", "-c", text]


def expanded(tables: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The tables of a `repro.toml` with every `stage` replaced by what it stands for.

    What the table of an experiment says itself counts; what it leaves out is the stage's. Inputs are both.
    """
    experiments = tables.get("experiments")
    if not isinstance(experiments, dict):
        return dict(tables)
    return {**tables, "experiments": {name: _filled(name, own, root) for name, own in experiments.items()}}


def _filled(name: str, own: Any, root: Path) -> Any:  # noqa: ANN401 - tables not yet checked
    if not isinstance(own, dict) or not isinstance(named := own.get("stage"), str):
        return own
    where = f"experiments.{name}.stage"
    if "command" in own:
        raise ConfigError(f"{where}: the command is the stage's", hint="remove `command`, or `stage`")
    stage = read_stage(root, named, where)
    outputs = own.get("outputs", stage.outs)
    if isinstance(outputs, list | tuple) and (whole := stage.folders.intersection(outputs)):
        raise ConfigError(
            f"{where}: {min(whole)!r} is a folder",
            hint=f'name the files in it that are compared: outputs = ["{min(whole)}/FILE"]',
        )
    if not outputs:
        raise ConfigError(f"{where}: it has no outs, metrics or plots", hint="there is nothing to compare")
    named_outputs = tuple(each for each in outputs if isinstance(each, str))
    # What is neither here nor recorded stays an input, so that nothing passes without it.
    inputs = [p for p in stage.deps if not os.path.lexists(root / p) or find_pointer(root, p) is not None]
    filled = {**own, "command": stage.command(named_outputs), "outputs": list(outputs)}
    more = own.get("inputs", [])
    if isinstance(more, list | tuple):
        filled["inputs"] = [*inputs, *(path for path in more if path not in inputs)]
    return filled


def read_stage(root: Path, named: str, where: str) -> Stage:
    """The stage `NAME` of `dvc.yaml`, or `FOLDER/dvc.yaml:NAME`; ConfigError begins with `where`."""
    file, _, name = named.rpartition(":")
    file = file or FILE
    folder = posixpath.dirname(file)
    lock = posixpath.join(folder, LOCK)
    defined = _stages(root, file, where)
    plain = name.partition("@")[0]
    if name not in defined and plain not in defined:
        raise ConfigError(f"{where}: {file} has no stage {name!r}", hint=did_you_mean(name, defined))
    found = defined.get(name, defined.get(plain))
    own: dict[str, Any] = found if isinstance(found, dict) else {}
    locked = _stages(root, lock, where).get(name) if (root / lock).is_file() else None
    done = own
    if "cmd" not in own or any("${" in text for text in stage_texts(own)):
        if not isinstance(locked, dict):
            raise ConfigError(
                f"{where}: {name!r} has templates, and {LOCK} does not say what they stood for",
                hint=f"run: dvc repro {named}; with foreach or matrix name one of its stages, NAME@KEY",
            )
        done = {key: _recorded(value) for key, value in locked.items()}
    each = own.get("do")
    wdir = str((each if isinstance(each, dict) else own).get("wdir", "."))
    if "${" in wdir:
        raise ConfigError(f"{where}: the wdir {wdir!r} is a template", hint="write it out in dvc.yaml")
    return _stage(done, locked, posixpath.join(folder, wdir), where)


def _stage(done: Mapping[str, Any], locked: object, base: str, where: str) -> Stage:
    outs = [path for key in ("outs", "metrics", "plots") for path in stage_paths(done, key)]
    entries = locked.get("outs") if isinstance(locked, dict) else None
    written = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    folders = [str(e.get("path")) for e in written if str(e.get("md5", "")).endswith(".dir")]
    commands = done.get("cmd")
    listed = commands if isinstance(commands, list) else [commands]
    folder = _inside(base, ".", where)
    return Stage(
        commands=tuple(command for command in listed if isinstance(command, str)),
        folder=folder,
        deps=tuple(dict.fromkeys(_inside(base, path, where) for path in stage_paths(done, "deps"))),
        outs=tuple(dict.fromkeys(_inside(base, path, where) for path in outs)),
        folders=frozenset(_inside(base, path, where) for path in folders),
    )


def _recorded(value: Any) -> Any:  # noqa: ANN401 - YAML is any value
    """The paths of a list in `dvc.lock`, whose entries are tables with a path and its hash."""
    if not isinstance(value, list):
        return value
    return [str(entry["path"]) if isinstance(entry, dict) and "path" in entry else entry for entry in value]


def _inside(base: str, path: str, where: str) -> str:
    """A path of a stage from the root; ConfigError where it lies outside."""
    joined = posixpath.normpath(posixpath.join(base, path))
    if posixpath.isabs(joined) or "://" in path or joined.split("/")[0] == "..":
        raise ConfigError(f"{where}: {path!r} lies outside the checkout", hint="a run sees the checkout only")
    return joined


def _stages(root: Path, file: str, where: str) -> dict[str, Any]:
    try:
        data = read_capped(require_inside(root, file, what=where), POINTER_BYTES)
        document = read_yaml(data, file)
    except OSError as error:
        raise ConfigError(f"{where}: {file}: {error.strerror}", hint="run: dvc stage list") from error
    except ReproError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
    found = document.get("stages") if isinstance(document, dict) else None
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _word(path: str) -> str:
    """A path as a word of the shell in which no brace is a placeholder."""
    return shlex.quote(path).replace("{", "{{").replace("}", "}}") if path else "."
