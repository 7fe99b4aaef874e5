"""A first `repro.toml` for a repository, from what lies in it: lock files, pyproject.toml and dvc.yaml."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError, ReproError, ToolFailed, UsageError
from repro.flows import config
from repro.flows.dvcfolders import Named, named_files
from repro.flows.dvcyaml import drafts
from repro.tools.files import disk_errors, read_capped, require_inside, write_atomic
from repro.tools.git import Git
from repro.tools.lock import COMPILE as LOCK_HINT
from repro.tools.lock import parse_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from repro.flows.dvcyaml import Draft

MAX_BYTES = 4 << 20
"""Cap on each file that is looked into, in bytes."""

REQUIREMENTS = re.compile(r"(.*[-_.])?requirements([-_.].*)?\.(txt|lock)")
COMPILE = "uv pip compile --universal --generate-hashes {source} -o {lock}"

HOST = """\
# The caller's own interpreter, recorded as not reproducible. Better is a lock file with hashes:
#   uv pip compile --universal --generate-hashes requirements.in -o requirements.lock
# and here: kind = "venv", lock = "requirements.lock".
[environments.host]
kind = "host"
"""

EXAMPLE = """\
# An experiment: a command that writes its results below {out}. Remove the marks and adapt it.
#
# [experiments.example]
# command = ["python", "example.py", "--seed", "{seed}", "--out", "{out}/results.json"]
# sources = ["example.py"]
# outputs = ["results.json"]
# seed = 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialised:
    """The file that was written, what it was made from, and what a person should know or do next."""

    path: Path
    text: str
    found: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Survey:
    """What has been found so far; `python` is pyproject's requires-python."""

    root: Path
    files: tuple[str, ...]
    locks: dict[str, str] = field(default_factory=dict)
    python: str = ""
    drafts: list[Draft] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None, with a note, where it cannot be read."""
        try:
            with disk_errors(f"reading {name}"):
                return read_capped(require_inside(self.root, name, what=name), MAX_BYTES)
        except ReproError as error:
            self.notes.append(f"{error.message}: left out")
            return None


def initialise(root: Path, files: Sequence[str] | None = None) -> Initialised:
    """Write `repro.toml` in `root`, from `files` (by default what git lists there); never overwrites.

    Raises UsageError where there is one already, or where `root` is in no git repository.
    """
    path = root / config.FILE
    _require_absent(path)
    listed = _listed(root) if files is None else files
    survey = _Survey(root=root, files=tuple(sorted(name for name in listed if _is_text(name))))
    _look_for_locks(survey)
    _look_at_pyproject(survey)
    _look_at_flake(survey)
    _look_at_dvc(survey)
    text = _text(survey)
    config.parse(text.encode(), root=root)
    _write_new(path, text.encode())
    return Initialised(path=path, text=text, found=_lines(survey.found), notes=_lines(survey.notes))


def _require_absent(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise UsageError(
            f"{path} is there already", hint="edit it; docs/reference/repro-toml.md has every key"
        )


def _listed(root: Path) -> tuple[str, ...]:
    git = Git(root)
    try:
        git.prefix()
    except ToolFailed as error:
        raise UsageError(f"{root}: not a git repository", hint="run: git init") from error
    return git.files()


def _write_new(path: Path, data: bytes) -> None:
    """Write the whole file at once; one that appeared in the meantime stays as it is."""
    draft = path.with_name(f".{path.name}.draft")
    with disk_errors(f"writing {path.name}"):
        write_atomic(draft, data)
        try:
            path.hardlink_to(draft)  # unlike a rename, a link replaces nothing
        except FileExistsError:
            _require_absent(path)
        except OSError:  # a file system without links
            _require_absent(path)
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)


def _look_for_locks(survey: _Survey) -> None:
    """Each requirements file with hashes is an environment; the others are told how to become one."""
    names = [name for name in survey.files if REQUIREMENTS.fullmatch(posixpath.basename(name))]
    unlocked: list[tuple[str, ConfigError]] = []
    for name in sorted(names, key=lambda name: (name.count("/"), len(name), name)):
        data = survey.read(name)
        if data is None:
            continue
        try:
            count = len(parse_lock(data, name=name).requirements)
        except ConfigError as error:
            unlocked.append((name, error))
            continue
        if count:
            survey.locks[_environment_name(name, survey.locks)] = name
            survey.found.append(f"{name}: {count} packages, locked by hash")
    survey.notes += [_unlocked(name, error) for name, error in unlocked]


def _unlocked(name: str, error: ConfigError) -> str:
    """Why a requirements file makes no environment, and what makes a lock of it."""
    advice = error.hint
    if advice == LOCK_HINT:
        lock = re.sub(r"\.(txt|lock)$", "", name) + (".lock" if name.endswith(".txt") else ".hashed.lock")
        advice = "lock it with: " + COMPILE.format(source=shlex.quote(name), lock=shlex.quote(lock))
    return f"{error.message}: no environment is made of it; {advice}"


def _environment_name(name: str, taken: Iterable[str]) -> str:
    """`dev` for requirements-dev.txt, `experiments` for experiments/requirements.lock, else `venv`."""
    stem = posixpath.basename(name).rpartition(".")[0]
    words = [stem.replace("requirements", ""), posixpath.basename(posixpath.dirname(name)), "venv"]
    cleaned = (re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-")[:80] for word in words)
    base = next(word for word in cleaned if word)
    others = set(taken)
    return next(
        each
        for number in range(1, len(others) + 2)
        if (each := base if number == 1 else f"{base}-{number}") not in others
    )


def _look_at_pyproject(survey: _Survey) -> None:
    if "pyproject.toml" not in survey.files or (data := survey.read("pyproject.toml")) is None:
        return
    try:
        project = tomllib.loads(data.decode()).get("project", {})
    except (ValueError, RecursionError):
        survey.notes.append("pyproject.toml: not TOML: left out")
        return
    project = project if isinstance(project, dict) else {}
    if isinstance(python := project.get("requires-python"), str):
        survey.python = python
        survey.found.append(f"pyproject.toml: requires-python {python}")
    if not survey.locks and project.get("dependencies"):
        command = COMPILE.format(source="pyproject.toml", lock="requirements.lock")
        survey.notes.append(f"pyproject.toml: its dependencies are not locked; lock them with: {command}")


def _look_at_flake(survey: _Survey) -> None:
    if "flake.nix" in survey.files:
        survey.notes.append("flake.nix: not used; an environment is of kind venv or host")


def _look_at_dvc(survey: _Survey) -> None:
    for name in survey.files:
        if posixpath.basename(name) != "dvc.yaml" or (data := survey.read(name)) is None:
            continue
        try:
            made, notes = drafts(data, name, survey.files)
        except ReproError as error:
            survey.notes.append(f"{error.message}: left out")
            continue
        survey.notes += notes
        survey.drafts += made
        if made:
            survey.found.append(f"{name}: {len(made)} stage{'s' if len(made) > 1 else ''}")


def _text(survey: _Survey) -> str:
    head = f"version = 1\n\n[defaults]\nenvironment = {_string(next(iter(survey.locks), 'host'))}\n"
    head += "".join("\n" + _environment(name, lock, survey.python) for name, lock in survey.locks.items())
    if not survey.locks:
        head += "\n" + HOST
    blocks, taken = [], set[str]()
    for draft in survey.drafts:
        if draft.name in taken:
            survey.notes.append(
                f"stage {draft.stage!r} is left out: another one is called {draft.name!r} too"
            )
            continue
        taken.add(draft.name)
        blocks.append(_experiment(survey, head, draft))
    return "\n".join([head, *(blocks or [EXAMPLE])])


def _environment(name: str, lock: str, python: str) -> str:
    text = f'[environments.{name}]\nkind = "venv"\nlock = {_string(lock)}\n'
    if exact := re.fullmatch(r"(?:==|~=)\s*(3\.[0-9]{1,2})\.(?:\*|[0-9]+)", python.strip()):
        return text + f'python = "{exact[1]}"\n'
    asked = f"; pyproject.toml asks for {_string(python)}" if python else ""
    return text + f'# python = "3.12"  # exact minor version, the caller\'s where absent{asked}\n'


def _experiment(survey: _Survey, head: str, draft: Draft) -> str:
    """An experiment that writes below {out}, else the stage as it is, else a comment that says why."""
    table = [f"[experiments.{_key(draft.name)}]"]
    if draft.description:
        table.append(f"description = {_string(draft.description)}")
    lines = [*table]
    lines.append(f"command = {_strings(draft.command)}")
    for key, values in (("sources", draft.sources), ("inputs", draft.inputs), ("outputs", draft.outputs)):
        if values:
            lines.append(f"{key} = {_strings(values)}")
    changes = list(draft.changes)
    if not changes and (wrong := _wrong(survey, [head, *lines])):
        changes.append(wrong)
    if changes and draft.whole:
        whole = [*table, f"stage = {_string(draft.whole)}"]
        named = named_files(survey.root, draft.whole) or Named()
        if named.outputs:
            whole.append(f"outputs = {_strings(named.outputs)}")
        if named.lacking:
            lines = whole
            changes = [
                f"{out!r} is a folder: name the files in it that are compared" for out in named.lacking
            ]
        elif not _wrong(survey, [head, *whole]):
            survey.notes += [f"stage {draft.stage!r}: {remark}" for remark in named.remarks]
            comment = f"# Stage {_string(draft.stage)} of dvc.yaml, run unchanged in a copy."
            return "\n".join([comment, *whole, ""])
    survey.notes += [f"stage {draft.stage!r} is commented out: {change}" for change in changes]
    comments = [f"# Stage {_string(draft.stage)} of dvc.yaml" + (", to be changed:" if changes else ".")]
    comments += [f"# - {_plain(change)}" for change in changes]
    if draft.sources and not changes:
        comments.append("# sources: add the modules that it imports; the command sees no other code.")
    shown = [f"# {line}" for line in lines] if changes else lines
    return "\n".join([*comments, *shown]) + "\n"


def _wrong(survey: _Survey, lines: Sequence[str]) -> str:
    """What the parser has against a file of these lines; "" for nothing."""
    try:
        config.parse("\n".join(lines).encode(), root=survey.root)
    except ConfigError as error:
        return re.sub(r"^repro\.toml, line \d+: ", "", error.message)
    return ""


def _is_text(name: str) -> bool:
    """Whether a file's name can be written in a file: some are bytes in no encoding."""
    return name.encode(errors="replace").decode() == name


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_plain, texts))


def _string(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's too. Half characters, which TOML has not, become `?`."""
    whole = text.encode(errors="replace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _strings(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_string, values)) + "]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _string(name)


def _plain(text: str) -> str:
    """Text for a comment: one line without control characters."""
    return "".join(character if character.isprintable() else " " for character in text)
