from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import ConfigError, FormatError, ReproError
from repro.tools import host, process
from repro.tools.files import (
    copy_hashed,
    disk_errors,
    files_below,
    hash_file,
    is_locked,
    locked,
    read_capped,
    require_inside,
    require_relative,
    write_atomic,
)

HOSTILE_NAMES = ["a b", "-rf", "new\nline", "é\u0301", "\udcff", "quote'\"", "*", "#", "~", "...", "\t"]


@given(st.binary(max_size=3000), st.sampled_from(["md5", "sha256"]))
def test_a_copy_and_its_hash_are_of_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, algorithm: str
) -> None:
    """Hashing, and copying while hashing, give the digest of exactly the bytes that are there."""
    folder = tmp_path_factory.mktemp("copy")
    (folder / "a").write_bytes(data)
    expected = hashlib.new(algorithm, data).hexdigest()
    assert copy_hashed(folder / "a", folder / "deep" / "b", algorithm).hex == expected
    assert hash_file(folder / "deep" / "b", algorithm).hex == expected
    assert (folder / "deep" / "b").read_bytes() == data


def test_files_larger_than_a_chunk_are_hashed_whole(tmp_path: Path) -> None:
    """The digest covers every chunk of a long file."""
    data = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(data)
    assert hash_file(tmp_path / "a").hex == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(("mode", "expected"), [(0o755, 0o755), (0o600, 0o644), (0o444, 0o644)])
def test_a_copy_keeps_the_permission_to_execute_alone(tmp_path: Path, mode: int, expected: int) -> None:
    """Copies are readable and writable by their owner, and executable where the source is."""
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(mode)
    copy_hashed(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").stat().st_mode & 0o777 == expected


def test_the_cap_is_exact(tmp_path: Path) -> None:
    """A file of the capped size is read; one byte more is refused."""
    (tmp_path / "a").write_bytes(b"12345")
    assert read_capped(tmp_path / "a", 5) == b"12345"
    with pytest.raises(FormatError, match="5 bytes, more than the 4"):
        read_capped(tmp_path / "a", 4)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a system without /proc")
def test_a_file_that_tells_no_size_is_read_whole() -> None:
    """Files that are made as they are read say that they are empty, and are not."""
    whole = read_capped(Path("/proc/self/status"), 1 << 20)
    assert whole.startswith(b"Name:")
    assert whole.count(b"\n") > 9


KILLED = """
import os, signal, sys
from pathlib import Path
from repro.tools import files

left = int(sys.argv[2])

def watch(frame, event, _):
    global left
    if frame.f_code.co_name == "write_atomic" and event == "line":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return watch

sys.settrace(watch)
files.write_atomic(Path(sys.argv[1]), b"new" * 100_000)
"""


def test_kill_9_at_any_line_of_a_write_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed before any of its lines, an atomic write leaves the old bytes or the new ones."""
    path, old, new = tmp_path / "f.json", b"old" * 10, b"new" * 100_000
    seen, killed = [], 0
    for line in range(1, 100):
        path.write_bytes(old)
        argv = [sys.executable, "-c", KILLED, str(path), str(line)]
        code = process.run(argv, env=host.variables(), check=False).code
        seen.append(path.read_bytes())
        assert code in {0, -9}
        killed += code == -9
        if code == 0:
            break
    assert killed > 5
    assert seen[0] == old
    assert seen[-1] == new
    assert set(seen) == {old, new}


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """While one thread rewrites a file over and over, every read finds one whole version."""
    path = tmp_path / "f"
    versions = [bytes([i]) * 200_000 for i in range(20)]
    write_atomic(path, versions[0])
    with ThreadPoolExecutor(1) as pool:
        writing = pool.map(lambda v: write_atomic(path, v), versions)
        reads = 0
        for _ in writing:
            assert path.read_bytes() in versions
            reads += 1
    assert reads == len(versions)
    assert path.read_bytes() == versions[-1]
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the rename is impossible, the temporary file is gone and what stood there still stands."""
    (tmp_path / "f").mkdir()
    (tmp_path / "f/inside").write_text("x")
    with pytest.raises(OSError, match="directory"):
        write_atomic(tmp_path / "f", b"data")
    assert files_below(tmp_path) == ["f/inside"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """Threads that add to a file under a lock never lose an addition."""
    counter = tmp_path / "counter"
    counter.write_text("0")

    def add(_: int) -> None:
        with locked(tmp_path / "locks" / "lock"):
            counter.write_text(str(int(counter.read_text()) + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(200)))
    assert counter.read_text() == "200"


HOLD = """
import sys
from pathlib import Path
from repro.tools.files import is_locked, locked
with locked(Path(sys.argv[1])):
    import os
    os.abort() if sys.argv[2] == "die" else None
    sys.exit(0 if is_locked(Path(sys.argv[1])) else 1)
"""


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    """A lock is seen while it is held, and is free again however its process ended."""
    path = tmp_path / "lock"
    assert not is_locked(path)
    for how, code in [("see", 0), ("die", -6)]:
        argv = [sys.executable, "-c", HOLD, str(path), how]
        assert process.run(argv, env=host.variables(), check=False).code == code
        assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_asking_for_a_lock_twice_at_once_finds_it_free(tmp_path: Path) -> None:
    """Those who only look whether a lock is held do not take each other for its holder."""
    path = tmp_path / "lock"
    path.touch()
    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(lambda _: is_locked(path), range(500)))


CLOSED = """
import os, sys
from pathlib import Path
from repro.tools.files import remove_tree

if os.geteuid() == 0:
    os.setuid(65534)
remove_tree(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("mode", [0o000, 0o500, 0o300])
def test_a_closed_tree_can_be_removed(mode: int) -> None:
    """Folders that a run left without permissions, and links out of it, are removed; what is linked stays."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "top/a/b").mkdir(parents=True)
        (place / "top/a/b/f").write_text("x")
        (place / "kept").mkdir(mode=0o750)
        (place / "top/a/link").symlink_to(place / "kept")
        for folder in ("top/a/b", "top/a", "top", "kept", ""):
            (place / folder).chmod(0o750 if folder in {"kept", ""} else mode)
            if os.geteuid() == 0:  # root is refused nothing, so an ordinary user does it
                os.chown(place / folder, 65534, 65534)
        process.run([sys.executable, "-c", CLOSED, str(place / "top")], env=host.variables())
        assert [path.name for path in place.iterdir()] == ["kept"]
        assert (place / "kept").stat().st_mode & 0o777 == 0o750


def test_all_files_are_listed_whatever_their_names(tmp_path: Path) -> None:
    """Every regular file at every depth is listed once, sorted, with its name as it is."""
    names = [f"{folder}{name}" for folder in ("", "d/", "d/e/") for name in HOSTILE_NAMES]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "empty").mkdir()
    assert files_below(tmp_path) == sorted(names)


@pytest.mark.parametrize("kind", ["link", "dangling", "folder link", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    """A link of any kind or a special file among the files is an error that names it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/f").write_text("x")
    odd = tmp_path / "real" / "odd"
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to({"link": "f", "dangling": "nowhere", "folder link": str(tmp_path)}[kind])
    with pytest.raises(FormatError, match="real/odd"):
        files_below(tmp_path)


def test_a_missing_folder_has_no_list(tmp_path: Path) -> None:
    """A folder that cannot be read raises instead of looking empty."""
    with pytest.raises(OSError, match="nowhere"):
        files_below(tmp_path / "nowhere")


@given(st.text(alphabet="ab/.~\0\ud800 ", max_size=12))
def test_a_relative_path_stays_below_its_folder(path: str) -> None:
    """What is accepted is relative, in normal form, has no `..`, and is accepted again unchanged."""
    try:
        kept = require_relative(path, what="here")
    except ConfigError:
        parts = path.split("/")
        assert not path.strip("./") or path.startswith("/") or ".." in parts or set(path) & {"\0", "\ud800"}
        return
    assert not kept.startswith("/")
    assert kept == os.path.normpath(kept)
    assert kept.split("/")[0] != ".."
    assert require_relative(kept, what="here") == kept


@pytest.mark.parametrize("path", ["out/x", "out", "a/back/../../x", "a/up/x", "a/up"])
def test_a_link_does_not_lead_out(tmp_path: Path, path: str) -> None:
    """A path that a link carries outside its folder is refused."""
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "out").symlink_to("/etc")
    (root / "a/up").symlink_to("../..")
    with pytest.raises(ConfigError, match="here"):
        require_inside(root, path, what="here")
    assert require_inside(root, "a/new/x", what="here") == root / "a/new/x"


@pytest.mark.parametrize("path", ["loop", "loop/x"])
def test_a_loop_of_links_is_never_read(tmp_path: Path, path: str) -> None:
    """A link to itself is refused by us or by the system, and ends."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises((ConfigError, OSError), match="loop"):
        require_inside(tmp_path, path, what="here").read_bytes()


def test_refusals_of_the_system_become_errors_with_a_hint(tmp_path: Path) -> None:
    """An OSError inside the gate comes out as a ReproError that says what was being done, and where."""
    with (
        pytest.raises(ReproError, match=r"reading it.*No such file.*nowhere") as caught,
        disk_errors("reading it"),
    ):
        (tmp_path / "nowhere").read_bytes()
    assert caught.value.hint
