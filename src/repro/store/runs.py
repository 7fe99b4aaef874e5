"""The folder `.repro/`: run records and outputs, and an index of them by cache key.

.repro/runs/<id>/record.json      the truth about a run, written last; without it the run never ended
.repro/runs/<id>/out/             what the command wrote
.repro/runs/<id>/comparison-*.json  what comparing the outputs with a baseline found
.repro/keys/<ab>/<key>            an index: the id of the newest complete run of a cache key
.repro/keys/complete              written when the index has been rebuilt from the records
.repro/tmp/<session>/             scratch of a call that is under way, held by a lock
.repro/locks/                     one lock per beginning of a key, so that a run is not run twice
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import FormatError, ReproError, UsageError
from repro.core.near import did_you_mean
from repro.store.record import MAX_BYTES, Record, parse
from repro.tools.files import hash_file, is_locked, locked, read_capped, remove_tree, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

FOLDER = ".repro"
RECORD = "record.json"
COMPLETE = "complete"
MAX_ID = 1000
"""Cap on a run's id, in bytes."""


class Store:
    """The records below one project's root."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self.runs = self.folder / "runs"
        self._keys = self.folder / "keys"

    def hide(self) -> None:
        """Make the folder, invisible to git."""
        if not (self.folder / ".gitignore").exists():
            write_atomic(self.folder / ".gitignore", b"*\n")

    def prepare(self) -> None:
        """Make the folder, and rebuild the index where it is gone or was not finished."""
        self.hide()
        if not (self._keys / COMPLETE).exists():
            with locked(self.folder / "locks" / "index"):
                self.rebuild()

    def rebuild(self) -> int:
        """Write the index anew from the records, oldest first; the number of runs indexed."""
        complete = [record for record in self.all() if record.completed]
        for record in complete:
            self.index(record)
        write_atomic(self._keys / COMPLETE, b"")
        return len(complete)

    def new(self, name: str, key: Digest, at: datetime) -> Path:
        """A new, empty folder for a run; its name is the run's id and sorts by time."""
        slug = re.sub(r"[^A-Za-z0-9.=_-]+", "-", name).strip("-")[:80]
        stem = f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}Z-{slug}-{key.hex[:8]}"
        for attempt in range(1, 1000):
            folder = self.runs / (stem if attempt == 1 else f"{stem}-{attempt}")
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            return folder
        raise FormatError(f"{self.runs}: a thousand runs of {name} in one second")

    def write(self, record: Record) -> None:
        """Write a record, which makes its run complete, and index it when the command ended well."""
        write_atomic(self.runs / record.id / RECORD, record.to_bytes())
        if record.completed:
            self.index(record)

    def index(self, record: Record) -> None:
        """Let the record's cache key lead to it."""
        write_atomic(self._key_file(Digest.parse(record.key)), record.id.encode() + b"\n")

    def find(self, key: Digest) -> Record | None:
        """The newest complete run of a cache key; None where there is none, or no record that can be read."""
        try:
            identity = read_capped(self._key_file(key), MAX_ID).decode().strip()
            record = self.read(identity)
        except (FileNotFoundError, FormatError, ValueError):  # pruned, or damaged: then it is run again
            return None
        return record if record.key == str(key) and record.completed and record.id == identity else None

    def altered(self, record: Record) -> str:
        """The first output of a run that is no longer what its record says, "" where all are."""
        for name, entry in record.outputs.items():
            path = self.runs / record.id / "out" / name
            if entry is None:
                continue
            if not path.is_file() or path.is_symlink() or str(hash_file(path)) != entry["digest"]:
                return name
        return ""

    def get(self, identity: str) -> Record:
        """The run of that id, or of the only id that starts so. Raises UsageError with the near one."""
        names = self.ids()
        matching = [name for name in names if name.startswith(identity)] if identity else []
        if identity not in names and len(matching) != 1:
            if matching:
                hint = f"say more of one, such as {matching[-1]}"
                raise UsageError(f"{len(matching)} runs start with {identity!r}", hint=hint)
            near = did_you_mean(identity, names[-500:])
            raise UsageError(
                f"no run {identity!r}", hint=near if near.startswith("did") else "see: repro runs list"
            )
        return self.read(identity if identity in names else matching[0])

    def read(self, name: str) -> Record:
        """The record of a run whose whole id is known."""
        path = self.runs / name / RECORD
        try:
            return parse(read_capped(path, MAX_BYTES), name=str(path))
        except FormatError as error:
            raise FormatError(
                error.message, hint=f"a record is never edited; remove the run: {path.parent}"
            ) from error

    def ids(self) -> list[str]:
        """The ids of all runs that have a record, oldest first."""
        if not self.runs.exists():
            return []
        return sorted(folder.name for folder in self.runs.iterdir() if (folder / RECORD).exists())

    def all(self) -> Iterator[Record]:
        """Every record that can be read, oldest first; a damaged one does not stand in their way."""
        for name in self.ids():
            try:
                yield self.read(name)
            except (ReproError, OSError):
                continue

    def damaged(self) -> dict[str, str]:
        """The runs whose record cannot be read, and why."""
        found = {}
        for name in self.ids():
            try:
                self.read(name)
            except ReproError as error:
                found[name] = error.message
        return found

    @contextmanager
    def claimed(self, key: Digest, *, pause: Callable[[], None]) -> Iterator[None]:
        """Hold the right to run this key; a second call for the same key waits and then finds the run.

        `pause` is called again and again during the wait, and may end it by raising.
        """
        with locked(self.folder / "locks" / key.hex[:4], pause=pause):
            yield

    @contextmanager
    def scratch(self, name: str, *, clear: Callable[[Path], None] = remove_tree) -> Iterator[Path]:
        """A folder for this call alone, gone afterwards; `clear` removes first those of killed calls."""
        area = self.folder / "tmp"
        area.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            with locked(area / "lock"):
                folder = _claim(area, name, held, clear)
            try:
                yield folder
            finally:
                remove_tree(folder)
                folder.with_suffix(".lock").unlink(missing_ok=True)

    def _key_file(self, key: Digest) -> Path:
        return self._keys / key.hex[:2] / key.hex


def _claim(area: Path, name: str, held: ExitStack, clear: Callable[[Path], None]) -> Path:
    """A new folder in `area` whose lock `held` keeps; what killed calls left there is cleared."""
    for left in sorted(area.iterdir()):
        if left.is_dir() and not is_locked(left.with_suffix(".lock")):
            clear(left)
            left.with_suffix(".lock").unlink(missing_ok=True)
    number = next(n for n in range(1_000_000) if not (area / f"{name}-{n}").exists())
    folder = area / f"{name}-{number}"
    held.enter_context(locked(folder.with_suffix(".lock")))
    folder.mkdir()
    return folder
