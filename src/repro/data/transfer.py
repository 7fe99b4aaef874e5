"""Many objects from a remote into the cache, or back: in parallel, told, and whole or not at all."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from repro.core.errors import DataError
from repro.core.events import Event, Kind, silent
from repro.data.cache import Standing
from repro.data.shelf import NAMED, RefusedError, Stop, hint_for, quiet, words_of
from repro.tools import host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from repro.core.events import Listener
    from repro.data.cache import Cache
    from repro.data.pointers import Object
    from repro.data.shelf import Shelf

GRACE_SECONDS = 1.0
"""How long an interrupted call waits for transfers under way to see that they are to end."""

AHEAD = 4
"""Transfers that wait, for each that is under way."""


TOGETHER = 64
"""Objects that one thread looks at one after another: most are small, and handing each over takes longer."""

SAMPLE = 100
SMALL = 1 << 20
"""Files, and bytes on their average, by which a folder's objects count as small."""

READERS = 8
"""Threads that hash objects of the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong with one object, in words, and what to do.

    `absent` where the remote has not got it; `refused` where it would refuse every other object too.
    """

    object: Object
    text: str
    hint: str = ""
    absent: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a transfer did: objects moved, objects that were there, and corrupt ones that were set aside."""

    moved: tuple[Object, ...] = ()
    there: int = 0
    quarantined: tuple[Path, ...] = ()


def standings(cache: Cache, objects: Sequence[Object]) -> dict[Object, Standing]:
    """The standing of each object in the cache, by its hash."""
    pieces = [objects[at : at + TOGETHER] for at in range(0, len(objects), TOGETHER)]

    def look(piece: Sequence[Object]) -> list[Standing]:
        return [cache.standing(one) for one in piece]

    if len(pieces) <= 1:
        return dict(zip(objects, chain.from_iterable(map(look, pieces)), strict=True))
    with ThreadPoolExecutor(min(READERS, len(pieces))) as pool:
        return dict(zip(objects, chain.from_iterable(pool.map(look, pieces)), strict=True))


def all_present(cache: Cache, objects: Sequence[Object]) -> bool:
    """Whether the cache holds every object, whole."""
    return all(found is Standing.PRESENT for found in standings(cache, objects).values())


def fetch(
    cache: Cache,
    objects: Sequence[Object],
    shelf: Callable[[Sequence[Object]], Shelf],
    *,
    listener: Listener = silent,
    jobs: int = 0,
) -> Moved:
    """Put the objects into the cache, good ones left alone, corrupt ones set aside; DataError otherwise.

    `shelf` opens the remote, and is called only where something lacks. One process works at a time; the
    others wait, and then find the work done.
    """
    wanted = list(dict.fromkeys(objects))
    with cache.writing() as parts, quiet():
        before = standings(cache, wanted)
        lacking = [one for one in wanted if before[one] is not Standing.PRESENT]
        there = len(wanted) - len(lacking)
        if not lacking:
            return Moved(there=there)
        corrupt = [one for one in lacking if before[one] is Standing.CORRUPT]
        opened = shelf(lacking)
        said = f"{len(lacking)} objects from {opened.name}" if len(lacking) > 1 else f"from {opened.name}"
        listener(Event(kind=Kind.PLAN, count=len(lacking)))
        listener(Event(kind=Kind.STAGE, run="pull", text=said))
        aside: list[Path] = []
        stop = Stop()

        def one(number: int, each: Object) -> Failure | None:
            return _get(opened, cache, each, parts / str(number), aside if each in corrupt else None, stop)

        jobs = jobs or _workers(opened, (opened.address(each) for each in lacking))
        failures = _all(lacking, one, jobs, listener, stop, opened.together)
        if any(failure.absent for failure in failures) and opened.place_is_missing():
            raise opened.failure(FileNotFoundError())
        if failures:
            raise _failed(opened, failures, len(lacking), "fetched", "run `repro data push` where they are")
    return Moved(moved=tuple(lacking), there=there, quarantined=tuple(aside))


def push(
    cache: Cache, objects: Sequence[Object], shelf: Shelf, *, listener: Listener = silent, jobs: int = 0
) -> Moved:
    """Store the objects in the remote, each checked by its hash first; those that are there are left alone.

    Manifests go last, so that a folder whose manifest is in the remote is whole there. DataError where an
    object is not in the cache, is corrupt there, or is refused by the remote.
    """
    wanted = list(dict.fromkeys(objects))
    with quiet():
        there = shelf.look(wanted)
        fine = {Standing.PRESENT, Standing.UNCHECKED}
        lacking = [one for one in wanted if there[one] not in fine]
        listener(Event(kind=Kind.PLAN, count=len(lacking)))
        if lacking:
            listener(Event(kind=Kind.STAGE, run="push", text=f"to {shelf.name}"))
        stop = Stop()

        def one(_: int, each: Object) -> Failure | None:
            return _put(shelf, cache, each, stop)

        for group in ([o for o in lacking if not o.is_folder], [o for o in lacking if o.is_folder]):
            workers = jobs or _workers(shelf, (cache.place(each) for each in group))
            failures = _all(group, one, workers, listener, stop, shelf.together)
            if failures:
                raise _failed(shelf, failures, len(lacking), "pushed", "")
    return Moved(moved=tuple(lacking), there=len(wanted) - len(lacking))


def _workers(shelf: Shelf, files: Iterable[str | Path]) -> int:
    """How many transfers at once suit a remote: of a folder one, where files are small.

    Threads that copy small files wait for each other's turn with the interpreter, twice as long as they work.
    """
    if not shelf.is_local:
        return shelf.jobs
    sizes = [file.stat().st_size for file in map(Path, islice(files, SAMPLE)) if file.is_file()]
    return host.processors() if sum(sizes) > SMALL * len(sizes) else 1


def _all(
    objects: Sequence[Object],
    work: Callable[[int, Object], Failure | None],
    jobs: int,
    listener: Listener,
    stop: Stop,
    together: int,
) -> list[Failure]:
    """Do the work for every object, a few at a time; an interruption or a refusal ends what waits.

    `together`: how many a thread may do one after another before it is given others.
    """
    failures: list[Failure] = []
    if not objects:
        return failures
    workers = min(jobs, len(objects))
    size = max(min(together, len(objects) // (workers * AHEAD)), 1)
    numbered = enumerate(objects)
    todo = iter(lambda: list(islice(numbered, size)), [])

    def several(some: list[tuple[int, Object]]) -> list[tuple[Object, Failure | None]]:
        return [(one, work(number, one)) for number, one in some]

    pool = ThreadPoolExecutor(workers)
    running: set[Future[list[tuple[Object, Failure | None]]]] = set()
    try:
        running = {pool.submit(several, some) for some in islice(todo, workers * AHEAD)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one, failure in chain.from_iterable(future.result() for future in done):
                if failure:
                    failures.append(failure)
                listener(Event(kind=Kind.DONE, run=str(one), text=failure.text if failure else "done"))
            if stop.now:
                running = {future for future in running if not future.cancel()}
            else:
                running |= {pool.submit(several, some) for some in islice(todo, len(done))}
    except BaseException:
        stop.now = True
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        wait(running, timeout=GRACE_SECONDS)
    return failures


def _get(
    shelf: Shelf, cache: Cache, wanted: Object, part: Path, aside: list[Path] | None, stop: Stop
) -> Failure | None:
    """One object; a corrupt one of that name is set aside once a good one is here."""
    try:
        with stop.asking():
            shelf.get(wanted, part, stop.check)
        if found := _entered(cache, wanted, part, aside):
            text = f"{wanted}: the remote's copy ({wanted.location}) is corrupt, its hash is {found}"
            hint = "run `repro data push` where a good copy is: it replaces the one in the remote"
            return Failure(object=wanted, text=text, hint=hint)
    except FileNotFoundError:
        text = f"{wanted}: not in the remote ({wanted.location})"
        return Failure(object=wanted, text=text, absent=True)
    except Exception as error:  # noqa: BLE001 - each kind of remote raises its own
        return _failure(wanted, error)
    finally:
        part.unlink(missing_ok=True)
    return None


def _entered(cache: Cache, wanted: Object, part: Path, aside: list[Path] | None) -> str:
    """Give a part its name in the cache; its own hash where that is not the object's."""
    from repro.data.cache import digest_as

    if aside is not None:
        if (found := digest_as(part, wanted.digest)) != wanted.digest:
            return str(found)
        aside.append(cache.quarantine(wanted))
    return str(cache.enter(part, wanted) or "")


def _put(shelf: Shelf, cache: Cache, wanted: Object, stop: Stop) -> Failure | None:
    standing = cache.standing(wanted)
    if standing is not Standing.PRESENT:
        hint = "get the data where it is, and `dvc commit` it; or run: repro data pull"
        return Failure(object=wanted, text=f"{wanted}: {standing} in the cache {cache.folder}", hint=hint)
    try:
        with stop.asking():
            shelf.put(cache.place(wanted), wanted)
    except Exception as error:  # noqa: BLE001 - each kind of remote raises its own
        return _failure(wanted, error)
    return None


def _failure(wanted: Object, error: Exception) -> Failure:
    words, hint = words_of(error), hint_for(error)
    if isinstance(error, RefusedError):
        return Failure(object=wanted, text=words, hint=hint, refused=True)
    return Failure(object=wanted, text=f"{wanted}: {words}", hint=hint)


def _failed(shelf: Shelf, failures: Sequence[Failure], asked: int, done: str, hint: str) -> DataError:
    named = sorted(failures, key=lambda failure: failure.text)
    if refused := next((failure for failure in named if failure.refused), None):
        return DataError(f"remote {shelf.name}: {refused.text}", hint=refused.hint)
    more = f"\nand {len(named) - NAMED} more" if len(named) > NAMED else ""
    hints = [failure.hint for failure in named if failure.hint]
    return DataError(
        f"remote {shelf.name}: {len(named)} of {asked} objects cannot be {done}:\n"
        + "\n".join(failure.text for failure in named[:NAMED])
        + more,
        hint=hints[0] if hints else f"{hint}, or name another remote: dvc remote default",
    )
