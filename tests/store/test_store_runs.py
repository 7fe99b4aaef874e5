from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from repro.core.digest import Digest, of_bytes
from repro.core.errors import FormatError, UsageError
from repro.store.record import Record
from repro.store.runs import Store
from repro.tools import process
from repro.tools.files import is_locked

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = of_bytes(b"key")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    store.prepare()
    return store


def wait() -> None:
    pytest.fail("nobody else holds this lock")


def add(store: Store, *, key: Digest = KEY, name: str = "mean", state: str = "completed") -> Record:
    """Write a run whose one output is its own id."""
    folder = store.new(name, key, NOW)
    (folder / "out").mkdir()
    (folder / "out/results.json").write_text(folder.name)
    empty: dict[str, Any] = {}
    made = Record(
        id=folder.name,
        experiment=name,
        run=name,
        key=str(key),
        started_at=NOW.isoformat(),
        ended_at=NOW.isoformat(),
        by="A",
        tool=empty,
        conditions=empty,
        command=empty,
        isolation=empty,
        stages=(),
        integrity=empty,
        outcome={"state": state},
        outputs={"results.json": {"digest": str(of_bytes(folder.name.encode())), "bytes": 1}},
        logs=empty,
        verdict=empty,
    )
    store.write(made)
    return made


def test_a_store_is_invisible_to_git(store: Store) -> None:
    """Its folder ignores itself."""
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_the_newest_complete_run_of_a_key_is_found(store: Store) -> None:
    """Failed runs are kept and listed but never found by key."""
    assert store.find(KEY) is None
    add(store, state="failed")
    assert store.find(KEY) is None
    add(store)
    second = add(store)
    assert store.find(KEY) == second
    add(store, state="failed")
    assert store.find(KEY) == second
    assert len(store.ids()) == 4
    assert store.find(of_bytes(b"another")) is None


def test_ids_are_unique_within_a_second_and_sort_by_time(store: Store) -> None:
    """Folders made at the same moment by many threads are all different."""
    with ThreadPoolExecutor(8) as pool:
        names = [folder.name for folder in pool.map(lambda _: store.new("a", KEY, NOW), range(50))]
    assert len(set(names)) == 50
    later = store.new("a", KEY, NOW.replace(second=6)).name
    assert max(names) < later


@pytest.mark.parametrize("name", ["noise[sigma=0.5,seed=7]", "../../etc", "a b\n\u00e9", "." * 300, "-rf"])
def test_ids_are_plain_names(store: Store, name: str) -> None:
    """Whatever a run is called, its folder lies in the store and its name needs no quoting."""
    folder = store.new(name, KEY, NOW)
    assert folder.parent == store.runs
    assert len(folder.name) < 130
    assert not set(folder.name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.=_-")


def test_an_id_may_be_shortened_while_it_is_clear(store: Store) -> None:
    """A beginning that fits one run names it; one that fits several or none is wrong usage with a hint."""
    first = add(store, name="alpha")
    add(store, name="beta")
    assert store.get(first.id) == first
    assert store.get(first.id[:-1]) == first
    for wrong in ("2026", "zzz", ""):
        with pytest.raises(UsageError) as caught:
            store.get(wrong)
        assert caught.value.hint


def test_a_run_without_a_record_never_was(store: Store) -> None:
    """The folder of a run that was killed is not listed."""
    store.new("killed", KEY, NOW)
    assert store.ids() == []
    assert list(store.all()) == []


def test_the_index_is_rebuilt_from_the_records(store: Store) -> None:
    """Without the index, or with an unfinished one, the same runs are found again."""
    import shutil

    older, newer = add(store), add(store)
    other = add(store, key=of_bytes(b"other"))
    assert older.id < newer.id
    shutil.rmtree(store.folder / "keys")
    assert store.find(KEY) is None
    store.prepare()
    assert (store.find(KEY), store.find(of_bytes(b"other"))) == (newer, other)
    (store.folder / "keys/complete").unlink()
    (store.folder / "keys" / KEY.hex[:2] / KEY.hex).unlink()
    store.prepare()
    assert store.find(KEY) == newer
    assert store.rebuild() == 3


def test_damaged_records_are_passed_over_and_named(store: Store) -> None:
    """They hide no other record; asking for one of them says what is wrong with it."""
    good, bad = add(store), add(store, name="bad")
    (store.runs / bad.id / "record.json").write_text("{")
    assert list(store.all()) == [good]
    assert "not JSON" in store.damaged()[bad.id]
    with pytest.raises(FormatError, match="not JSON"):
        store.get(bad.id)
    assert store.find(KEY) is None


def test_altered_outputs_are_named(store: Store) -> None:
    """An output that is gone, changed or replaced by a link is told by its name."""
    made = add(store)
    output = store.runs / made.id / "out/results.json"
    assert store.altered(made) == ""
    output.write_text("other")
    assert store.altered(made) == "results.json"
    output.unlink()
    assert store.altered(made) == "results.json"
    (output.parent / "real").write_text(made.id)
    output.symlink_to("real")
    assert store.altered(made) == "results.json"


def test_a_key_is_claimed_by_one_at_a_time(store: Store) -> None:
    """A second claim waits by its own pauses, which may end the wait; then the lock is free again."""
    entered = threading.Event()
    pauses = 0

    def pause() -> None:
        nonlocal pauses
        pauses += 1
        raise KeyboardInterrupt

    with store.claimed(KEY, pause=wait):
        with store.claimed(of_bytes(b"another"), pause=wait):
            pass
        with pytest.raises(KeyboardInterrupt), store.claimed(KEY, pause=pause):
            entered.set()
    assert (pauses, entered.is_set()) == (1, False)
    with store.claimed(KEY, pause=wait):
        entered.set()
    assert entered.is_set()


def test_scratch_is_gone_afterwards_and_after_a_kill(store: Store) -> None:
    """A folder lives as long as its call; what a killed call left is cleared by the next one alone."""
    program = (
        "import os, sys; from pathlib import Path; from repro.store.runs import Store\n"
        "with Store(Path(sys.argv[1])).scratch('call') as folder:\n"
        "    (folder / 'sub').mkdir(); (folder / 'sub/file').write_text('x'); (folder / 'sub').chmod(0o500)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = process.run([sys.executable, "-c", program, str(store.folder.parent)], check=False)
    assert done.code == -9
    (left,) = (path for path in (store.folder / "tmp").iterdir() if path.is_dir())
    assert not is_locked(left.with_suffix(".lock"))
    cleared: list[Path] = []
    with store.scratch("call", clear=cleared.append) as first:
        assert cleared == [left]
        with store.scratch("call") as second:
            assert first != second
            assert not (left / "sub").exists()
        assert first.is_dir()
        assert not second.exists()
    assert [path.name for path in (store.folder / "tmp").iterdir()] == ["lock"]
