"""Supply chains of several steps: a step done and signed, a layout signed, the whole verified (in-toto)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from repro.attest import link, link_chain
from repro.attest.keys import load_public
from repro.core import toml
from repro.core.errors import ConfigError, ReproError, RunError, UsageError
from repro.core.globs import matches
from repro.core.near import did_you_mean
from repro.flows.attest_command import TIMEOUT_SECONDS, words
from repro.flows.attest_subjects import files_of
from repro.tools import process
from repro.tools.files import disk_errors, hash_file, read_capped, require_relative, write_atomic
from repro.tools.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from repro.attest.keys import PrivateKey
    from repro.attest.link_chain import Chain

MAX_LINKS = 1000
"""Files of links that are read from one folder."""

STEP_KEYS = ("name", "keys", "threshold", "command", "materials", "products")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWishes:
    """One step to do: its command, and globs for the files that it reads and makes."""

    step: str
    command: str
    materials: tuple[str, ...]
    products: tuple[str, ...]


def do_step(folder: Path, wishes: StepWishes, key: PrivateKey, out: Path) -> Path:
    """Run a step's command in `folder` and write its signed link into `out`. Raises RunError if it fails."""
    argv = words(wishes.command)
    before = _hashes(folder, wishes.materials)
    done = process.run(argv, cwd=folder, timeout_seconds=TIMEOUT_SECONDS, check=False)
    if done.code != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-process.TAIL :]
        raise RunError(f"step {wishes.step}: exit code {done.code}\n{said}", hint="make the command succeed")
    after = _hashes(folder, wishes.products)
    if not after:
        raise ReproError(f"step {wishes.step}: made nothing that --products names")
    name, data = link.link(
        link.Done(
            step=wishes.step,
            command=tuple(redacted(word) for word in argv),
            materials=before,
            products=after,
            byproducts={"return-value": done.code},
        ),
        key,
    )
    with disk_errors(f"writing {out / name}"):
        write_atomic(out / name, data)
    return out / name


def write_layout(source: Path, owners: Sequence[PrivateKey], out: Path) -> Path:
    """Sign the layout that a TOML file describes. Raises ConfigError with the line of what is wrong."""
    document = toml.parse(_read(source, toml.MAX_BYTES), name=source.name)
    _require_known(document, (), document.tables, ("expires", "readme", "steps"))
    steps = document.tables.get("steps")
    if not isinstance(steps, list) or not steps:
        raise ConfigError(f"{source}: no [[steps]]", hint="write one for each step")
    made = [_step(document, number, one, source.parent) for number, one in enumerate(steps)]
    data = link.layout(
        made,
        expires=_expiry(document),
        readme=str(document.tables.get("readme", "")),
        owners=owners,
    )
    with disk_errors(f"writing {out}"):
        write_atomic(out, data)
    return out


def check_chain(layout: Path, owners: Sequence[Path], links: Path, artifacts: Sequence[Path]) -> Chain:
    """Verify a layout and its links, and that each artifact is what the last step made.

    Raises TamperError or FormatError where not, NoLinks where links are missing.
    """
    files = sorted(one for one in links.glob("*.link") if one.is_file()) if links.is_dir() else []
    if len(files) > MAX_LINKS:
        raise UsageError(f"{links}: {len(files)} links; {MAX_LINKS} are read")
    found = {file.name: _read(file, link_chain.MAX_BYTES) for file in files}
    keys = [load_public(path) for path in owners]
    chain = link_chain.verify(_read(layout, link_chain.MAX_BYTES), keys, found)
    for artifact in artifacts:
        link_chain.require_product(chain, artifact.name, _hash(artifact))
    return chain


def _hashes(folder: Path, patterns: Sequence[str]) -> dict[str, str]:
    if not patterns:
        return {}
    named = [name for name in files_of(folder, ("**",)) if any(matches(name, one) for one in patterns)]
    with disk_errors(f"reading {folder}"):
        return {require_relative(name, what="files"): hash_file(folder / name).hex for name in named}


def _hash(path: Path) -> str:
    try:
        return hash_file(path).hex
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name files that exist") from error


def _step(document: toml.Document, number: int, one: Any, folder: Path) -> link.Step:  # noqa: ANN401 - TOML
    path: toml.Path = ("steps", number)
    if not isinstance(one, dict):
        raise ConfigError(f"{document.where(path)}: must be a table")
    _require_known(document, path, one, STEP_KEYS)
    for key, kind in (("name", str), ("threshold", int), ("command", str)):
        if key in one and type(one[key]) is not kind:
            raise ConfigError(f"{document.where((*path, key))}: must be of the kind {kind.__name__}")
    for key in ("keys", "materials", "products"):
        if not all(isinstance(text, str) for text in one.get(key, [])):
            raise ConfigError(f"{document.where((*path, key))}: must be a list of texts")
    if not one.get("name") or not one.get("keys"):
        raise ConfigError(f"{document.where(path)}: a step needs name and keys")
    return link.Step(
        name=one["name"],
        keys=tuple(load_public(folder / name) for name in one["keys"]),
        threshold=one.get("threshold", 1),
        command=tuple(words(one["command"])) if one.get("command") else (),
        materials=tuple(one.get("materials", ())),
        products=tuple(one.get("products", ())),
    )


def _expiry(document: toml.Document) -> str:
    said = document.tables.get("expires")
    if not isinstance(said, date):
        raise ConfigError(f"{document.name}: expires must be a date", hint="write expires = 2027-12-31")
    moment = said if isinstance(said, datetime) else datetime(said.year, said.month, said.day, tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _require_known(
    document: toml.Document, path: toml.Path, table: Mapping[str, Any], known: Sequence[str]
) -> None:
    for key in table:
        if key not in known:
            hint = did_you_mean(key, known)
            raise ConfigError(f"{document.where((*path, key))}: no such key", hint=hint)


def _read(path: Path, limit: int) -> bytes:
    try:
        return read_capped(path, limit)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a file that exists") from error
