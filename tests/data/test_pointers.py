from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.core.digest import Digest
from repro.core.errors import ConfigError, DataError, ReproError
from repro.data.inputs import identify, resolve
from repro.data.objects import parse_manifest
from repro.data.pointers import (
    PLAIN,
    POINTER_BYTES,
    Object,
    Pointer,
    _as_written,
    _parse,
    find_pointer,
    read_pointers,
)
from repro.data.provide import provide
from repro.tools import process

if TYPE_CHECKING:
    from pathlib import Path

    from tests.data.conftest import Lab

MD5 = "0123456789abcdef0123456789abcdef"


def write(root: Path, file: str, text: str | bytes) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_bytes(text if isinstance(text, bytes) else text.encode())


def out(path: str, extra: str = "hash: md5") -> str:
    return f"outs:\n- md5: {MD5}\n  {extra}\n  path: {path}\n"


def test_a_pointer_says_path_hash_and_kind(tmp_path: Path) -> None:
    """Each out of a pointer becomes a path relative to the checkout and the object with its md5."""
    write(
        tmp_path,
        "a/some.dvc",
        f"wdir: sub\nouts:\n- {{md5: {MD5}, hash: md5, path: x.csv}}\n"
        f"- {{md5: {MD5}.dir, hash: md5, path: ../y}}\n",
    )
    one = Object(digest=Digest("md5", MD5))
    assert read_pointers(tmp_path, "a/some.dvc") == (
        Pointer(file="a/some.dvc", path="a/sub/x.csv", object=one),
        Pointer(file="a/some.dvc", path="a/y", object=Object(digest=one.digest, is_folder=True)),
    )
    assert one.location == f"files/md5/{MD5[:2]}/{MD5[2:]}"


@given(
    name=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,12}", fullmatch=True),
    files=st.none() | st.integers(0, 9),
    folder=st.booleans(),
)
@example(name="1e5", files=None, folder=False)
@example(name="true", files=3, folder=True)
def test_the_short_way_reads_what_a_yaml_parser_reads(name: str, files: int | None, folder: bool) -> None:  # noqa: FBT001 - drawn
    """A pointer as DVC writes it means the same with and without a YAML parser."""
    counted = "" if files is None else f"  nfiles: {files}\n"
    text = f"outs:\n- md5: {'0a' * 16}{'.dir' * folder}\n  size: 12\n{counted}  hash: md5\n  path: {name}\n"
    plain = PLAIN.fullmatch(text.encode())
    assert plain is not None
    assert _as_written(plain) == _parse(text.encode(), "x.dvc")


@pytest.mark.parametrize("path", ["a/nist", "a/nist/Norris.dat", "a/nist/b/c"])
@pytest.mark.parametrize("file", ["a/nist.dvc", "a/Dvcfile.dvc", "other.dvc"])
def test_the_pointer_of_a_path_is_found_under_any_name(tmp_path: Path, path: str, file: str) -> None:
    """An input belongs to the pointer whose out is the input or holds it, whatever the pointer is called."""
    write(tmp_path, file, out("nist" if file.startswith("a/") else "a/nist"))
    found = find_pointer(tmp_path, path)
    assert found is not None
    assert (found.file, found.path) == (file, "a/nist")
    assert find_pointer(tmp_path, "a/nistx") is None
    assert find_pointer(tmp_path, "a") is None


HOSTILE: dict[str, str | bytes] = {
    "leaves by dots": out("../../secret"),
    "leaves by wdir": "wdir: ../..\n" + out("x"),
    "absolute": out("/etc/passwd"),
    "another machine": out("s3://bucket/x"),
    "the checkout itself": out(".."),
    "not a hash": "outs:\n- md5: zz\n  hash: md5\n  path: x\n",
    "no hash": "outs:\n- path: x\n",
    "another hash": out("x", "hash: blake3"),
    "cloud version": "outs:\n- path: x\n  etag: abc\n  hash: etag\n",
    "a key twice": f"outs:\n- md5: {MD5}\n  md5: {MD5}\n  hash: md5\n  path: x\n",
    "outs no list": "outs: 3\n",
    "out no table": "outs: [a]\n",
    "no path": f"outs:\n- md5: {MD5}\n  hash: md5\n",
    "path no text": f"outs:\n- md5: {MD5}\n  hash: md5\n  path: [x]\n",
    "not a table": "- 1\n",
    "not YAML": "outs: [\n",
    "not UTF-8": b"outs: \xff\n",
    "NUL in a path": 'outs:\n- {md5: "' + MD5 + '", hash: md5, path: "a\\0b"}\n',
    "lone surrogate": 'outs:\n- {md5: "' + MD5 + '", hash: md5, path: "a\\ud800b"}\n',
    "a tag": "outs: !!python/object/apply:os.system [echo]\n",
    "deep": "[" * 2000,
    "aliases in themselves": "outs: &a [*a]\n",
    "large": b"#" * (POINTER_BYTES + 1),
}


@pytest.mark.parametrize("defect", HOSTILE)
def test_a_hostile_pointer_is_refused(tmp_path: Path, defect: str) -> None:
    """A pointer that is malformed or leaves the checkout is a DataError that names its file."""
    write(tmp_path, "a/x.dvc", HOSTILE[defect])
    with pytest.raises(DataError, match=r"a/x\.dvc"):
        resolve(tmp_path, "a/x")


def test_a_bomb_of_aliases_stays_small(tmp_path: Path) -> None:
    """Aliases and merge keys that would multiply are read as they stand."""
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 30)]
    write(tmp_path, "x.dvc", "\n".join(lines) + "\n" + out("x"))
    assert resolve(tmp_path, "x").parts[0].pointer.object.digest.hex == MD5


TOKENS = (
    "outs",
    ":",
    " ",
    "\n",
    "- ",
    "md5",
    MD5,
    "path",
    "x",
    "{",
    "}",
    "[",
    "]",
    "&a",
    "*a",
    "!!int",
    "'",
    '"',
    "|",
    "?",
)


@given(
    st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(TOKENS)).map(lambda t: "".join(t).encode()))
)
@example(b"\x00")
@example(b"? [a]\n: b")
@example(b"%YAML 9.9\n---\nouts: []")
@example(b"outs: []\n---\nouts: []")
def test_only_our_errors_come_out_of_any_pointer(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    """Any bytes at all in a pointer give pointers or a ReproError."""
    root = tmp_path_factory.mktemp("fuzz")
    write(root, "x.dvc", data)
    with contextlib.suppress(ReproError):
        assert all(isinstance(found, Pointer) for found in read_pointers(root, "x.dvc"))


@pytest.mark.parametrize(
    "relpath", ["../evil", "/etc/passwd", "a/../../b", "", ".", "a//b", "./a", "a/", "a\0b", "a\ud800"]
)
def test_a_manifest_lists_normal_paths_inside_its_folder(relpath: str) -> None:
    """A path in a manifest that is absolute, leaves the folder or is not in normal form is refused."""
    data = json.dumps([{"md5": MD5, "relpath": relpath}]).encode()
    with pytest.raises(DataError, match="here"):
        parse_manifest(data, "md5", name="here")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[1]",
        '[{"relpath": "a"}]',
        '[{"md5": 1, "relpath": "a"}]',
        f'[{{"md5": "{MD5}", "relpath": "a"}}, {{"md5": "{MD5}", "relpath": "a"}}]',
        f'[{{"md5": "{MD5}", "relpath": "a"}}, {{"md5": "{MD5}", "relpath": "a/b"}}]',
        f'[{{"md5": "{MD5}", "md5": "{MD5}", "relpath": "a"}}]',
        '[{"md5": "../../../etc/passwd", "relpath": "a"}]',
        "[" * 100_000,
    ],
)
def test_a_manifest_that_dvc_would_not_write_is_refused(text: str) -> None:
    """Wrong types, paths given twice, a file that is also a folder and hashes that are none are refused."""
    with pytest.raises(DataError, match="here"):
        parse_manifest(text.encode(), "md5", name="here")


@given(st.binary(max_size=100) | st.text(alphabet='[]{}":,relpathmd50/.', max_size=60).map(str.encode))
def test_only_our_errors_come_out_of_any_manifest(data: bytes) -> None:
    """Any bytes at all as a manifest give paths or a DataError."""
    with contextlib.suppress(DataError):
        assert all(isinstance(o, Object) for o in parse_manifest(data, "md5", name="m").values())


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A git repository without DVC."""
    process.run(["git", "init", "--quiet", str(tmp_path)])
    return tmp_path


def test_outs_of_a_pipeline_are_inputs_too(plain: Path) -> None:
    """An out in dvc.lock counts with its stage's own working folder; what git keeps stays a plain file."""
    write(
        plain,
        "p/dvc.yaml",
        "stages:\n  a:\n    cmd: x\n    wdir: sub\n  b:\n    foreach: [1]\n    do: {cmd: x}\n",
    )
    entry = f"outs: [{{md5: {MD5}, hash: md5, path: {{}}}}]"
    write(
        plain,
        "p/dvc.lock",
        "schema: '2.0'\nstages:\n"
        + "".join(
            f"  {name}: {{{entry.replace('{}', path)}}}\n"
            for name, path in [("a", "m.bin"), ("b@1", "n.bin"), ("b@2", "metrics.json")]
        ),
    )
    write(plain, ".gitignore", "*.bin\n")
    write(plain, "p/metrics.json", "{}\n")
    write(plain, "p/sub/m.bin", "in the working tree\n")
    assert {p.path for p in read_pointers(plain, "p/dvc.lock")} == {"p/sub/m.bin", "p/n.bin"}
    assert identify(plain, ["p/sub/m.bin", "p/n.bin"]) == {
        "p/sub/m.bin": f"md5:{MD5}",
        "p/n.bin": f"md5:{MD5}",
    }
    assert identify(plain, ["p/metrics.json"])["p/metrics.json"].startswith("sha256:")


@pytest.mark.parametrize("wdir", ["${here}", "../..", "3: 4"])
def test_a_stage_folder_that_is_not_understood_is_refused(plain: Path, wdir: str) -> None:
    """A templated or escaping working folder of a stage is an error, not a guess."""
    write(plain, "dvc.yaml", f"stages:\n  a:\n    wdir: {wdir}\n")
    write(plain, "dvc.lock", f"stages:\n  a:\n    outs: [{{md5: {MD5}, hash: md5, path: x}}]\n")
    with pytest.raises(DataError, match=r"dvc\.(yaml|lock)"):
        resolve(plain, "x")


def test_a_plain_file_counts_by_its_bytes(plain: Path) -> None:
    """A file that no pointer covers is identified by the SHA-256 of its bytes."""
    write(plain, "a.txt", "abc")
    assert identify(plain, ["a.txt"]) == {"a.txt": f"sha256:{hashlib.sha256(b'abc').hexdigest()}"}


def test_a_plain_folder_counts_by_what_git_knows(plain: Path) -> None:
    """Ignored files do not change a folder's digest; another byte, name or pointer in it does."""
    write(plain, "d/a.txt", "abc")
    write(plain, ".gitignore", "*.log\nout\n")
    seen = [identify(plain, ["d"])["d"]]
    write(plain, "d/x.log", "ignored")
    assert identify(plain, ["d"])["d"] == seen[0]
    for name, text in [("d/a.txt", "abd"), ("d/b\n.txt", "abc"), ("d/out.dvc", out("out")), ("d/a.txt", "x")]:
        write(plain, name, text)
        seen.append(identify(plain, ["d"])["d"])
    assert len(set(seen)) == len(seen)
    assert {p.pointer.path for p in resolve(plain, "d").parts} == {"d/out"}


@pytest.mark.parametrize("path", ["nothing", "d/nothing", "a.txt/x", "empty"])
def test_a_missing_input_is_named(plain: Path, path: str) -> None:
    """An input that is neither a file nor recorded by a pointer is a DataError with a next step."""
    write(plain, "a.txt", "abc")
    (plain / "empty").mkdir()
    with pytest.raises(DataError, match=path) as caught:
        identify(plain, [path])
    assert caught.value.hint


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "", ".", "a/../../b", "a\0b", "a\ud800"])
def test_an_input_outside_the_checkout_is_a_configuration_error(plain: Path, path: str) -> None:
    """`inputs` of a revision cannot name what is not in its checkout."""
    with pytest.raises(ConfigError, match="input"):
        identify(plain, [path])


@pytest.mark.parametrize("path", ["y" * 300, "/".join(["y" * 200] * 30)])
def test_a_path_too_long_for_the_system_is_an_error_of_ours(plain: Path, path: str) -> None:
    """A name or path beyond the system's limits comes out as a ReproError."""
    with pytest.raises(ReproError, match="yyy"):
        identify(plain, [path])


@pytest.mark.parametrize("path", ["link", "d", "d/link", "out", "loop/x", "pipe"])
def test_links_and_special_files_are_no_input(plain: Path, path: str) -> None:
    """A symbolic link, loop or pipe is refused wherever it stands, and never followed or opened."""
    (plain / "link").symlink_to("/etc/passwd")
    (plain / "d").mkdir()
    (plain / "d/link").symlink_to("/etc/passwd")
    (plain / "out").symlink_to("/etc")
    (plain / "loop").symlink_to("loop")
    os.mkfifo(plain / "pipe")
    with pytest.raises(ReproError):
        identify(plain, [path])


def test_a_pointer_that_is_a_link_out_of_the_checkout_is_not_read(
    plain: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A pointer must be a file of the checkout itself."""
    outside = tmp_path_factory.mktemp("outside")
    write(outside, "x.dvc", out("x"))
    (plain / "x.dvc").symlink_to(outside / "x.dvc")
    with pytest.raises(DataError, match="x"):
        resolve(plain, "x")


def test_data_of_dvc_2_is_fetched_from_its_old_place_by_its_old_hash(lab: Lab, tmp_path: Path) -> None:
    """A pointer without `hash` means md5 with CRLF read as LF, and objects in the old layout."""
    text, binary = b"a\r\nb\r\n", b"\0\r\n\1"
    pairs = {"t.txt": (text, b"a\nb\n"), "b.bin": (binary, binary)}
    for name, (data, hashed) in pairs.items():
        md5 = hashlib.md5(hashed, usedforsecurity=False).hexdigest()
        write(lab.store, f"{md5[:2]}/{md5[2:]}", data)
        write(lab.root, f"{name}.dvc", f"outs:\n- md5: {md5}\n  path: {name}\n")
    provide(lab.root, list(pairs), lab.remote, tmp_path / "target")
    assert {n: (tmp_path / "target" / n).read_bytes() for n in pairs} == {n: d for n, (d, _) in pairs.items()}
    assert all(v.startswith("md5-dos2unix:") for v in identify(lab.root, pairs).values())


def test_spoilt_data_of_dvc_2_is_noticed(lab: Lab, tmp_path: Path) -> None:
    """The old hash is checked as strictly as the new one."""
    md5 = hashlib.md5(b"a\nb\n", usedforsecurity=False).hexdigest()
    write(lab.store, f"{md5[:2]}/{md5[2:]}", b"a\r\nc\r\n")
    write(lab.root, "t.txt.dvc", f"outs:\n- md5: {md5}\n  path: t.txt\n")
    with pytest.raises(DataError, match="corrupt"):
        provide(lab.root, ["t.txt"], lab.remote, tmp_path / "target")
