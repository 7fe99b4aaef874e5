"""What is found inside a folder: Python packages, crates and Go modules."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sbom.contents.conftest import dep_v0, elf, go_section
from tests.sbom.python.conftest import property_of

from repro.core.errors import FormatError
from repro.sbom.contents import found
from repro.sbom.folder import FolderTree
from repro.sbom.golang import REPLACES, SUM
from repro.sbom.rust import KIND, PROGRAM, SOURCE
from repro.sbom.wheel import KeptTree

if TYPE_CHECKING:
    from pathlib import Path

    from repro.sbom.contents_found import Found

CRATES: list[dict[str, Any]] = [
    {"name": "serde", "version": "1.0.2", "source": "crates.io"},
    {"name": "cc", "version": "1.1.0", "source": "git", "kind": "build"},
    {"name": "top", "version": "0.1.0", "source": "local", "root": True, "dependencies": [0, 1]},
]
MODULES = (
    "path\thost.example/app\nmod\thost.example/app\t(devel)\t\n"
    "dep\thost.example/lib\tv1.2.3\th1:sum=\n"
    "dep\thost.example/old\tv1.0.0\n=>\thost.example/fork\tv1.0.1\th1:other=\n"
    "build\t-compiler=gc\n"
)


def names(inside: Found) -> list[tuple[str, str]]:
    return sorted((each.name, each.version) for each in inside.components)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_crates_of_cargo_auditable(*, wide: bool, order: str) -> None:
    """Every crate is a component with what it needs, whatever the machine the program is for."""
    data = elf({".text": b"code", ".dep-v0": dep_v0(CRATES)}, wide=wide, order=order)
    inside = found(KeptTree({"bin/tool": data}), "T")
    assert names(inside) == [("cc", "1.1.0"), ("serde", "1.0.2"), ("top", "0.1.0")]
    serde, compiler, top = inside.components
    assert (serde.purl, serde.inside, property_of(serde, PROGRAM)) == (
        "pkg:cargo/serde@1.0.2",
        "T",
        "bin/tool",
    )
    assert (property_of(compiler, SOURCE), property_of(compiler, KIND)) == ("git", "build")
    assert inside.needs[top.ref] == (serde.ref, compiler.ref)


def test_modules_of_go() -> None:
    """Modules, what stands in another's place, and Go's own library, with the hashes of go.sum."""
    inside = found(KeptTree({"bin/app": elf({".go.buildinfo": go_section("go1.26.8", MODULES)})}), "T")
    by_name = {each.name: each for each in inside.components}
    assert names(inside) == [
        ("host.example/app", ""),
        ("host.example/fork", "v1.0.1"),
        ("host.example/lib", "v1.2.3"),
        ("stdlib", "1.26.8"),
    ]
    assert by_name["host.example/lib"].purl == "pkg:golang/host.example/lib@v1.2.3"
    assert property_of(by_name["host.example/lib"], SUM) == "h1:sum="
    assert property_of(by_name["host.example/fork"], REPLACES) == "host.example/old"
    assert len(inside.needs[by_name["host.example/app"].ref]) == 3


def test_a_program_that_go_built(tmp_path: Path) -> None:
    """What Go itself writes is read as `go version -m` reads it."""
    if (go := shutil.which("go")) is None:
        pytest.skip("no Go here")
    for name, text in {
        "app/go.mod": "module host.example/app\n\ngo 1.21\n\nrequire host.example/lib v1.2.3\n\n"
        "replace host.example/lib => ../lib\n",
        "app/main.go": 'package main\n\nimport "host.example/lib"\n\nfunc main() { lib.Nothing() }\n',
        "lib/go.mod": "module host.example/lib\n\ngo 1.21\n",
        "lib/lib.go": "package lib\n\nfunc Nothing() {}\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod -buildvcs=false", "CGO_ENABLED": "0"}
    built = tmp_path / "out/bin/app"
    subprocess.run([go, "build", "-o", str(built), "."], cwd=tmp_path / "app", env=environment, check=True)
    inside = found(FolderTree(tmp_path / "out"), "T")
    assert [name for name, _ in names(inside)] == ["host.example/app", "host.example/lib", "stdlib"]
    told = subprocess.run([go, "version", str(built)], capture_output=True, text=True, check=True).stdout
    assert f"go{dict(names(inside))['stdlib']}\n" in told


def test_a_program_that_cargo_auditable_built(tmp_path: Path) -> None:
    """What `cargo auditable` itself writes is read."""
    if shutil.which("cargo-auditable") is None or (cargo := shutil.which("cargo")) is None:
        pytest.skip("no cargo auditable here")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.rs").write_text("fn main() {}\n")
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "audited"\nversion = "0.1.0"\nedition = "2021"\n')
    subprocess.run([cargo, "auditable", "build", "--offline", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "out/bin").mkdir(parents=True)
    shutil.copy(tmp_path / "target/debug/audited", tmp_path / "out/bin/audited")
    assert names(found(FolderTree(tmp_path / "out"), "T")) == [("audited", "0.1.0")]


def test_python_packages_at_any_depth() -> None:
    """Metadata is found wherever it stands, in any two places of the same version too."""
    metadata = b"Name: alpha\nVersion: 1.0\n\n"
    places = ("lib/python3.11/site-packages", "share/deep/vendor")
    inside = found(KeptTree({f"{place}/alpha-1.0.dist-info/METADATA": metadata for place in places}), "T")
    assert names(inside) == [("alpha", "1.0"), ("alpha", "1.0")]
    assert {each.inside for each in inside.components} == {"T"}
    assert set(inside.needs) == {each.ref for each in inside.components}


@pytest.mark.parametrize(
    ("defect", "section"),
    [
        ("no-zlib", b"plain"),
        ("cut", dep_v0(CRATES)[:-8]),
        ("bomb", zlib.compress(bytes(64 << 20))),
        ("no-json", zlib.compress(b"{")),
        ("no-packages", zlib.compress(b"[]")),
        ("no-name", dep_v0([{"version": "1"}])),
        ("needs-nobody", dep_v0([{"name": "a", "version": "1", "dependencies": [7]}])),
        ("needs-no-number", dep_v0([{"name": "a", "version": "1", "dependencies": [True]}])),
    ],
)
def test_a_bad_list_of_crates(defect: str, section: bytes) -> None:
    """A list that is none is a finding with the program's path, and gives no component."""
    inside = found(KeptTree({"bin/tool": elf({".dep-v0": section})}), "T")
    assert (inside.components, [each.where for each in inside.findings]) == ((), ["bin/tool"]), defect


@pytest.mark.parametrize(
    ("defect", "section"),
    [
        ("empty", b""),
        ("header-only", go_section("go1.26", "")[:32]),
        ("cut", go_section("go1.26", MODULES)[:-40]),
        ("endless-length", go_section("go1.26", "")[:32] + b"\xff" * 20),
        ("before-1.18", b"\xff Go buildinf:" + bytes([8, 0]) + bytes(16)),
    ],
)
def test_bad_build_information_of_go(defect: str, section: bytes) -> None:
    """Build information that is none is a finding with the program's path."""
    inside = found(KeptTree({"bin/app": elf({".go.buildinfo": section})}), "T")
    assert [each.where for each in inside.findings] == ["bin/app"], defect


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_damage_to_a_program_raises(data: st.DataObject) -> None:
    """A program cut or overwritten anywhere gives components or findings, never an error."""
    whole = bytearray(elf({".dep-v0": dep_v0(CRATES), ".go.buildinfo": go_section("go1.26", MODULES)}))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(whole) - 9))
        whole[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
    cut = data.draw(st.integers(0, len(whole)))
    found(KeptTree({"bin/tool": bytes(whole[:cut])}), "T")


def test_foreign_words_never_collide_or_steer() -> None:
    """Names chosen to collide or to steer a terminal give references of their own."""
    listed = [
        {"name": "b\x1b", "version": "1"},
        {"name": "n!0:m", "version": "1"},
        {"name": "#", "version": "1"},
    ]
    programs = {
        path: elf({".dep-v0": dep_v0(listed)}) for path in ("bin/p", "bin/p!0:n", "bin/p#x", "bin/\x1b")
    }
    inside = found(KeptTree(programs), "T")
    assert len({each.ref for each in inside.components}) == 12
    assert all(f"{each.name}{each.version}{each.ref}{each.purl}".isprintable() for each in inside.components)


def test_a_tree_reads_only_what_it_lists(tmp_path: Path) -> None:
    """A path through a link, out of the folder, or of what is too large is refused."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in/file").write_text("12345")
    (tmp_path / "in/link").symlink_to(tmp_path)
    (tmp_path / "in/alias").symlink_to("file")
    os.mkfifo(tmp_path / "in/pipe")
    tree = FolderTree(tmp_path / "in")
    assert list(tree.paths()) == ["file"]
    assert tree.window("file", 1, 3) == b"234"
    for path in ("link/secret", "../secret", "alias", "pipe", "/etc/passwd"):
        with pytest.raises(FormatError):
            tree.read(path, 100)
    with pytest.raises(FormatError):
        tree.read("file", 4)
