from __future__ import annotations

import hashlib
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import DataError, ReproError, TamperError
from repro.core.exits import Exit
from repro.data.inputs import identify
from repro.data.objects import materialise, missing, verify
from repro.data.provide import fetch_missing, provide
from repro.tools import host, process
from repro.tools.files import files_below, hash_file
from repro.tools.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.data.conftest import Lab


INPUTS = ["data/nist", "data/one.csv", "plain.txt"]


def fails(lab: Lab, target: Path, *inputs: str) -> DataError:
    with pytest.raises(DataError) as caught:
        provide(lab.root, inputs or INPUTS, lab.remote, target)
    assert caught.value.exit is Exit.NOT_CHECKED
    assert caught.value.hint
    return caught.value


def test_a_fresh_clone_gets_every_file_with_its_bytes(lab: Lab, tmp_path: Path) -> None:
    """What was added to DVC comes back byte for byte, whatever the names, with plain files beside it."""
    target = tmp_path / "target"
    recorded = provide(lab.root, INPUTS, lab.remote, target)
    expected = dict(lab.files) | {"plain.txt": b"plain\n"}
    assert {name: (target / name).read_bytes() for name in files_below(target)} == expected
    assert sorted(recorded) == sorted(expected)
    assert {name: hash_file(target / name, d.algorithm) for name, d in recorded.items()} == recorded
    verify(target, recorded)


def test_the_users_tree_is_left_alone(lab: Lab, tmp_path: Path) -> None:
    """Fetching writes to the cache only, and takes none of DVC's own locks."""
    before = files_below(lab.root)
    provide(lab.root, INPUTS, lab.remote, tmp_path / "target")
    new = set(files_below(lab.root)) - set(before)
    assert new
    assert all(name.startswith((".dvc/cache/files/md5/", ".dvc/cache/repro/lock")) for name in new)


def test_dvc_says_nothing_on_our_streams(lab: Lab, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither a successful fetch nor a failing one prints anything: errors are values."""
    provide(lab.root, INPUTS, lab.remote, tmp_path / "target")
    shutil.rmtree(lab.cache)
    shutil.rmtree(lab.store)
    fails(lab, tmp_path / "other")
    assert capfd.readouterr() == ("", "")


def test_only_missing_objects_are_asked_for(lab: Lab, tmp_path: Path) -> None:
    """A remote that holds nothing but the one object that the cache lacks is enough."""
    fetch_missing(lab.root, INPUTS, lab.remote)
    lacking = "data/nist/Norris.dat"
    lab.object_of(lacking).unlink()
    for path in [
        p for p in lab.store.rglob("*") if p.is_file() and p != lab.object_of(lacking, top=lab.store)
    ]:
        path.unlink()
    assert [found.location for found in missing(lab.root, INPUTS, lab.remote)] == [
        str(lab.object_of(lacking).relative_to(lab.cache))
    ]
    provide(lab.root, INPUTS, lab.remote, tmp_path / "target")
    assert missing(lab.root, INPUTS, lab.remote) == ()


def test_a_part_of_a_folder_takes_that_part_only(lab: Lab, tmp_path: Path) -> None:
    """An input below a folder under DVC fetches and copies only what lies below it."""
    target = tmp_path / "target"
    provide(lab.root, ["data/nist/sub"], lab.remote, target)
    assert files_below(target) == ["data/nist/sub/deep.txt", "data/nist/sub/empty"]
    assert not lab.object_of("data/nist/Norris.dat").exists()


@pytest.mark.parametrize("path", ["data/nist/nothing", "data/nist/su", "data/one.csv/x"])
def test_a_part_that_the_pointer_does_not_hold_is_named(lab: Lab, tmp_path: Path, path: str) -> None:
    """A path below an out that its pointer does not list is an error that names pointer and path."""
    with pytest.raises(DataError, match=path) as caught:
        provide(lab.root, [path], lab.remote, tmp_path / "target")
    assert ".dvc" in caught.value.message


def test_the_remote_of_another_revision_is_ignored(lab: Lab, tmp_path: Path) -> None:
    """The checkout's own `.dvc/config` decides nothing: cache and remote are the caller's."""
    checkout = tmp_path / "checkout"
    shutil.copytree(lab.root, checkout)
    (checkout / ".dvc/config").write_text(
        "[core]\n remote = trap\n['remote \"trap\"']\n url = /nowhere\n[cache]\n dir = /nowhere\n"
    )
    provide(checkout, INPUTS, lab.remote, tmp_path / "target")
    assert files_below(tmp_path / "target" / "data") == sorted(n.removeprefix("data/") for n in lab.files)
    assert not (checkout / ".dvc/cache").exists()


def test_a_corrupt_object_in_the_cache_is_replaced_by_a_good_one(lab: Lab, tmp_path: Path) -> None:
    """Changed bytes in the cache are noticed by their hash and fetched again, file or manifest."""
    fetch_missing(lab.root, INPUTS, lab.remote)
    spoilt = [p for p in lab.cache.rglob("*") if p.is_file()]
    for path in spoilt:
        path.chmod(0o644)
        path.write_bytes(b"[]")
    provide(lab.root, INPUTS, lab.remote, tmp_path / "target")
    assert {n: (tmp_path / "target" / n).read_bytes() for n in lab.files} == dict(lab.files)


def test_corrupt_in_the_cache_and_gone_from_the_remote_names_everything(lab: Lab, tmp_path: Path) -> None:
    """The error names the file, both hashes, the place in the cache, and the remote."""
    fetch_missing(lab.root, INPUTS, lab.remote)
    place = lab.object_of("data/one.csv")
    place.chmod(0o644)
    place.write_bytes(b"spoilt\n")
    shutil.rmtree(lab.store)
    said = fails(lab, tmp_path / "target", "data/one.csv").message
    wanted = "".join(place.parts[-2:])
    for words in ("data/one.csv", wanted, hash_file(place, "md5").hex, str(place), "shelf"):
        assert words in said
    assert not (tmp_path / "target/data/one.csv").exists()


def test_a_corrupt_object_in_the_remote_never_enters_the_cache(lab: Lab, tmp_path: Path) -> None:
    """Bytes from the remote that do not have their hash are refused before they count as cached."""
    place = lab.object_of("data/one.csv", top=lab.store)
    place.chmod(0o644)
    place.write_bytes(b"spoilt\n")
    said = fails(lab, tmp_path / "target", "data/one.csv").message
    assert "corrupt" in said
    assert "".join(place.parts[-2:]) in said
    assert [path.name for path in lab.cache.rglob("*") if path.is_file()] == ["lock"]


def test_every_object_missing_from_the_remote_is_named(lab: Lab, tmp_path: Path) -> None:
    """An object that is nowhere is an error naming its hash and the remote, and the others are fetched."""
    place = lab.object_of("data/nist/Norris.dat", top=lab.store)
    place.unlink()
    said = fails(lab, tmp_path / "target").message
    assert "".join(place.parts[-2:]) in said
    assert "shelf" in said
    assert lab.object_of("data/one.csv").is_file()


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("core", "remote", '""', "no default remote"),
        ("core", "remote", "absent", "absent"),
        ("'remote \"shelf\"'", "url", "/nowhere/at/all", "/nowhere/at/all"),
        ("'remote \"shelf\"'", "url", "strange://place", "shelf"),
        ("'remote \"shelf\"'", "surprise", "1", "surprise"),
        ("cache", "type", "teleport", "teleport"),
    ],
)
def test_an_unusable_remote_is_an_error_of_ours(
    lab: Lab, tmp_path: Path, section: str, key: str, value: str, words: str
) -> None:
    """Whatever is wrong with the caller's DVC configuration comes out as a DataError with a next step."""
    lab.setting(section, key, value)
    assert words in fails(lab, tmp_path / "target").message


@pytest.fixture
def served(lab: Lab) -> Iterator[str]:
    """The remote behind http on this machine; the address without its scheme."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(lab.store))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_remote_behind_http(lab: Lab, tmp_path: Path, served: str) -> None:
    """Objects come over http like from a folder, one that is not there is named, and no password is told."""
    lab.setting("'remote \"shelf\"'", "url", f"http://user:secret@{served}")
    provide(lab.root, ["data/nist"], lab.remote, tmp_path / "target")
    assert len(files_below(tmp_path / "target")) == len(lab.files) - 1
    lab.object_of("data/one.csv", top=lab.store).unlink()
    said = fails(lab, tmp_path / "target").message
    assert "not in the remote" in said
    assert served in said
    assert "secret" not in said


def test_without_a_dvc_repository_the_error_says_so(lab: Lab, tmp_path: Path) -> None:
    """Pointers without `.dvc/` beside them end in an error that names `dvc init`."""
    shutil.rmtree(lab.root / ".dvc")
    assert "dvc init" in fails(lab, tmp_path / "target").hint


@pytest.mark.parametrize("level", ["repo", "local", "global"])
def test_the_cache_is_where_the_caller_configured_it(
    lab: Lab, tmp_path: Path, private_dvc: dict[str, str], level: str
) -> None:
    """`cache.dir` counts at each level of DVC's configuration, relative to the file that sets it."""
    file = {
        "repo": lab.root / ".dvc/config",
        "local": lab.root / ".dvc/config.local",
        "global": Path(private_dvc["DVC_GLOBAL_CONFIG_DIR"]) / "config",
    }[level]
    shared = tmp_path / "shared cache"
    lab.setting("cache", "dir", "../../../shared cache" if level != "global" else str(shared), file=file)
    try:
        provide(lab.root, INPUTS, lab.remote, tmp_path / "target")
    finally:
        if level == "global":
            file.unlink()
    assert lab.object_of("data/one.csv", top=shared).is_file()
    assert not lab.cache.exists()


def test_a_group_can_fill_what_one_member_made(lab: Lab) -> None:
    """With `cache.shared = group` the folders of the cache are writable for the group and keep it."""
    lab.setting("cache", "shared", "group")
    fetch_missing(lab.root, ["data/one.csv"], lab.remote)
    assert lab.object_of("data/one.csv").parent.stat().st_mode & 0o7777 == 0o2775


def test_a_remote_inside_the_repository(lab: Lab, tmp_path: Path) -> None:
    """A remote may be a folder of the repository itself, named relative to `.dvc/config`."""
    lab.store.rename(lab.root / "data/remote")
    lab.setting("'remote \"shelf\"'", "url", "../data/remote", file=lab.root / ".dvc/config.local")
    provide(lab.root, INPUTS, lab.remote, tmp_path / "target")
    assert (tmp_path / "target/data/one.csv").read_bytes() == lab.files["data/one.csv"]


def test_what_a_killed_fetch_left_behind_does_no_harm(lab: Lab, tmp_path: Path) -> None:
    """A half-written download is no object, and the next fetch replaces it."""
    half = lab.cache / "repro/parts/0"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"x,")
    half.chmod(0o444)
    provide(lab.root, ["data/one.csv"], lab.remote, tmp_path / "target")
    assert not half.parent.exists()
    assert lab.object_of("data/one.csv").read_bytes() == lab.files["data/one.csv"]


FETCH = """
import sys
from pathlib import Path
from repro.data.dvc import DvcRemote
from repro.data.provide import provide
root, target, *inputs = sys.argv[1:]
provide(Path(root), inputs, DvcRemote(Path(root)), Path(target))
"""


def test_two_processes_fetch_at_once(lab: Lab, tmp_path: Path) -> None:
    """Concurrent replays of one repository with an empty cache both get all their data."""

    def fetch(name: str) -> int:
        argv = [sys.executable, "-c", FETCH, str(lab.root), str(tmp_path / name), *INPUTS]
        return process.run(argv, env=host.variables()).code

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(fetch, ["first", "second"])) == [0, 0]
    assert files_below(tmp_path / "first") == files_below(tmp_path / "second")
    assert len(files_below(tmp_path / "first")) == len(lab.files) + 1


def test_a_corrupt_manifest_path_cannot_leave_the_target(lab: Lab, tmp_path: Path) -> None:
    """A folder whose manifest, correctly hashed, lists `../evil` is refused before anything is written."""
    manifest = b'[{"md5": "%s", "relpath": "../evil"}]' % lab.object_of("data/one.csv").name.encode().rjust(
        32, b"0"
    )
    md5 = hashlib.md5(manifest, usedforsecurity=False).hexdigest()
    place = lab.store / "files/md5" / md5[:2] / f"{md5[2:]}.dir"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(manifest)
    (lab.root / "data/nist.dvc").write_text(f"outs:\n- md5: {md5}.dir\n  hash: md5\n  path: nist\n")
    with pytest.raises(DataError, match="evil"):
        provide(lab.root, ["data/nist"], lab.remote, tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("link", ["data", "data/one.csv"])
def test_a_link_in_the_target_never_carries_a_write_elsewhere(lab: Lab, tmp_path: Path, link: str) -> None:
    """Where a revision put a symbolic link in the place of data, the copy is refused."""
    fetch_missing(lab.root, ["data/one.csv"], lab.remote)
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    (outside / "one.csv").write_text("mine\n")
    (target / link).parent.mkdir(parents=True)
    (target / link).symlink_to(outside if link == "data" else outside / "one.csv")
    with pytest.raises(ReproError):
        materialise(lab.root, ["data/one.csv"], lab.remote, target)
    assert (outside / "one.csv").read_text() == "mine\n"


def test_a_full_or_unwritable_target_is_an_error_of_ours(lab: Lab, tmp_path: Path) -> None:
    """The operating system's refusal while copying comes out as a ReproError with a next step."""
    (tmp_path / "target").write_text("a file where the folder should be")
    with pytest.raises(ReproError) as caught:
        provide(lab.root, ["plain.txt"], lab.remote, tmp_path / "target")
    assert caught.value.hint


def test_a_program_stays_a_program(lab: Lab, tmp_path: Path) -> None:
    """An out recorded as executable is executable, and others are not."""
    pointer = lab.root / "data/one.csv.dvc"
    pointer.write_text(pointer.read_text() + "  isexec: true\n")
    provide(lab.root, ["data/one.csv", "data/nist/Norris.dat"], lab.remote, tmp_path / "target")
    assert (tmp_path / "target/data/one.csv").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "target/data/nist/Norris.dat").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("harm", ["change", "remove", "link"])
def test_what_changes_during_a_run_is_named(lab: Lab, tmp_path: Path, harm: str) -> None:
    """After a run, an input that was changed, removed or replaced by a link is tampering, named by path."""
    target = tmp_path / "target"
    recorded = provide(lab.root, INPUTS, lab.remote, target)
    path = target / "data/nist/Norris.dat"
    if harm == "change":
        path.write_bytes(b"0.1 0.3\n")
    else:
        path.rename(tmp_path / "moved")
    if harm == "link":
        path.symlink_to(tmp_path / "moved")
    with pytest.raises(TamperError, match=r"Norris\.dat"):
        verify(target, recorded)


def test_identifying_imports_no_dvc(lab: Lab) -> None:
    """The data condition, asked for on every replay, is found without loading dvc or numpy."""
    code = (
        "import sys; from pathlib import Path; from repro.data.inputs import identify; "
        "identify(Path(sys.argv[1]), sys.argv[2:]); "
        "print([m for m in sys.modules if m.partition('.')[0] in ('dvc', 'dvc_data', 'numpy')])"
    )
    assert process.run([sys.executable, "-c", code, str(lab.root), *INPUTS, "data"]).text == "[]"


def test_the_digest_is_the_same_with_and_without_the_data_in_place(lab: Lab) -> None:
    """A fresh clone and a working copy with its data checked out have one and the same data condition."""
    fresh = identify(lab.root, [*INPUTS, "data"])
    for name, data in lab.files.items():
        (lab.root / name).parent.mkdir(parents=True, exist_ok=True)
        (lab.root / name).write_bytes(data)
    assert Git(lab.root).state().changed == ()
    assert identify(lab.root, [*INPUTS, "data"]) == fresh
