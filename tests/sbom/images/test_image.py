from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard
from tests.sbom.images.makers import Layout, layer, layout, saved, sha256, stanza

from repro.core.errors import TamperError
from repro.sbom.check import checked
from repro.sbom.component import Kind
from repro.sbom.document import written
from repro.sbom.oci import LAYER, LAYER_INDEX, TARGET, image
from repro.sbom.oci_keep import MAX_PROGRAM

if TYPE_CHECKING:
    from tests.sbom.images.makers import Content

    from repro.sbom.component import Component, Inventory

RELEASE = b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
COPYRIGHT = (
    b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
    b"Files: *\nCopyright: 2020 A\nLicense: GPL-2+\n\nFiles: b\nLicense: Expat\n\nLicense: GPL-2+\n text\n"
)
PATH = "nix/store/0123456789abcdfghijklmnpqrsvwxyz-hello-2.12.1"

BASE: dict[str, Content] = {
    "etc/os-release": "../usr/lib/os-release",
    "usr/lib/os-release": RELEASE,
    "lib": "usr/lib",
    "usr/lib/liba.so": b"library",
    "usr/share/doc/liba/copyright": COPYRIGHT,
    "var/lib/dpkg/status": stanza("liba", "1.0-1", Depends="libc6").encode(),
    "var/lib/dpkg/info/liba:amd64.list": b"/.\n/lib\n/lib/liba.so\n/usr/share/doc/liba/copyright\n",
}
TOP: dict[str, Content] = {
    "var/lib/dpkg/status": (stanza("liba", "1.0-1", Depends="libc6") + stanza("libc6", "2.36-9")).encode(),
    "var/lib/dpkg/info/libc6:amd64.list": b"/.\n/lib/libc.so\n",
    "lib/libc.so": b"c",
    f"{PATH}/bin/hello": b"hello",
}


def pure(name: str) -> dict[str, Content]:
    """A package of this interpreter, file by file, as pip installed it."""
    found: dict[str, Content] = {}
    installed = distribution(name)
    for file in installed.files or ():
        path = Path(str(installed.locate_file(file)))
        if path.suffix != ".pyc" and ".." not in file.parts and path.is_file():
            found[f"usr/lib/python3/site-packages/{file.as_posix()}"] = path.read_bytes()
    return found


def inventory(tmp_path: Path, *layers: dict[str, Content]) -> Inventory:
    return image(layout(*map(layer, layers)).write(tmp_path / f"{len(list(tmp_path.iterdir()))}"))


def by_purl(found: Inventory) -> dict[str, Component]:
    return {each.purl.partition("?")[0]: each for each in found.components}


def origin(component: Component) -> str:
    return dict(component.properties)[LAYER_INDEX]


def test_packages_of_debian(tmp_path: Path) -> None:
    """Dpkg's packages have purls with distribution and architecture, licences, needs and their layers."""
    found = inventory(tmp_path, BASE, TOP)
    packages = by_purl(found)
    liba = packages["pkg:deb/debian/liba@1.0-1"]
    assert liba.purl == "pkg:deb/debian/liba@1.0-1?arch=amd64&distro=debian-12"
    assert {each.expression for each in liba.licences} == {"MIT", "GPL-2.0-or-later"}
    assert found.needs[liba.ref] == ("deb:libc6:amd64",)
    assert (origin(liba), origin(packages["pkg:deb/debian/libc6@2.36-9"])) == ("0", "1")
    assert dict(liba.properties)[LAYER] == sha256(layer(BASE))
    (system,) = [each for each in found.components if each.kind is Kind.OPERATING_SYSTEM]
    assert (system.name, system.version) == ("debian", "12")
    assert found.findings == ()


def test_store_paths(tmp_path: Path) -> None:
    """A store path is a component with its name, version, content and layer."""
    hello = by_purl(inventory(tmp_path, BASE, TOP))["pkg:nix/hello@2.12.1"]
    assert (hello.ref, origin(hello)) == (PATH.removeprefix("nix/store/"), "1")


@pytest.mark.parametrize("where", ["lib/liba.so", f"{PATH}/bin/hello"])
def test_one_flipped_byte_is_found(tmp_path: Path, where: str) -> None:
    """An image in which one byte of one file differs is not what the SBOM of the other one says."""
    top = TOP | {"lib/liba.so": b"library"}
    stated = inventory(tmp_path, BASE, top)
    assert checked(stated, inventory(tmp_path, BASE, top)).deviations == ()
    content = top[where]
    assert isinstance(content, bytes)
    flipped = bytes([content[0] ^ 1]) + content[1:]
    names = {
        each.name for each in checked(stated, inventory(tmp_path, BASE, top | {where: flipped})).deviations
    }
    assert names & {"liba 1.0-1", "hello 2.12.1"}


def test_python_packages_of_pip(tmp_path: Path) -> None:
    """Packages that pip installed are read from a layer as they are, with the layer; hidden ones are not."""
    hidden: dict[str, Content] = {"usr/lib/python3/site-packages/.wh.packaging": b""}
    info = f"packaging-{distribution('packaging').version}.dist-info"
    hidden[f"usr/lib/python3/site-packages/.wh.{info}"] = b""
    found = by_purl(inventory(tmp_path, {"a": b""}, pure("packaging"), pure("click")))
    package = found[f"pkg:pypi/packaging@{distribution('packaging').version}"]
    assert (origin(package), package.inside) == ("1", TARGET)
    later = by_purl(inventory(tmp_path, pure("packaging"), pure("click"), hidden))
    assert {purl.partition("@")[0] for purl in later if "pypi" in purl} == {"pkg:pypi/click"}


def test_the_image_is_named_by_its_manifest(tmp_path: Path) -> None:
    """The target is a container whose digest and purl are those of the manifest, with all layers in order."""
    made = layout(layer(BASE), layer(TOP))
    target = image(made.write(tmp_path)).target
    assert target.kind is Kind.CONTAINER
    assert target.purl == f"pkg:oci/image@{target.digests[0]}?arch=amd64"
    assert [value for key, value in target.properties if key.startswith("repro:oci:layer:")] == [
        sha256(layer(BASE)),
        sha256(layer(TOP)),
    ]


def test_every_form_holds_the_same(tmp_path: Path) -> None:
    """Folder, archive, compressed archive, compressed layers and `docker save` hold the same components."""
    layers = [layer(BASE), layer(TOP)]
    plain = layout(*layers)
    files = [
        plain.write(tmp_path / "folder"),
        plain.pack(tmp_path / "l.tar"),
        plain.pack(tmp_path / "l.tar.gz", packed=True),
        layout(*layers, stored=map(gzip.compress, layers)).write(tmp_path / "gzip"),
        layout(*layers, stored=map(zstandard.compress, layers)).write(tmp_path / "zstd"),
        saved(*layers).pack(tmp_path / "docker.tar"),
    ]
    first, *others = [[(each.ref, each.purl) for each in image(file).components] for file in files]
    assert all(other == first for other in others)
    assert len(first) == 4


def test_the_same_bytes_for_every_seed(tmp_path: Path) -> None:
    """The SBOM of one image is the same in two places and under two hash seeds."""
    program = (
        "import sys; from pathlib import Path; from repro.sbom.oci import image;"
        "from repro.sbom.document import written; sys.stdout.buffer.write(written(image(Path(sys.argv[1]))))"
    )
    found = set()
    for seed in ("1", "2"):
        place = layout(layer(BASE | pure("packaging")), layer(TOP)).write(tmp_path / seed)
        done = subprocess.run(
            [sys.executable, "-c", program, str(place)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_control_characters_in_names(tmp_path: Path) -> None:
    """Nothing that steers a terminal comes from names of files, tags or databases into the SBOM."""
    bad = "\x1b[31mred"
    entries: dict[str, Content] = {
        f"dev/{bad}": (tarfile.CHRTYPE, ""),
        f"{PATH}{bad}/a": b"",
        f"lib/{bad}-1.dist-info/METADATA": f"Name: {bad}\nVersion: 1\n".encode(),
        "etc/os-release": f"ID={bad}\nVERSION_ID=1\n".encode(),
        "var/lib/dpkg/status": stanza("a", Maintainer=bad, Description=bad, Source=bad).encode(),
    }
    place = saved(layer(entries), tag=f"{bad}:1").pack(tmp_path / "d.tar")
    found = image(place)
    words = [words for each in found.components for words in (each.ref, each.name, each.version, each.author)]
    assert all("\x1b" not in word for word in words)
    assert rb"\u001b" not in written(found)
    assert all("\x1b" not in f"{each.where}{each.what}" for each in found.findings)


def test_a_layer_listed_twice_counts_once(tmp_path: Path) -> None:
    """A layer that is listed twice brings its packages once, and the later one has them."""
    made = layout(layer(BASE), layer(BASE))
    found = image(made.write(tmp_path))
    assert [origin(each) for each in found.components if "deb" in each.purl] == ["1"]


def test_a_tampered_layer_gives_no_inventory(tmp_path: Path) -> None:
    """An image with one flipped byte in a layer has no inventory at all."""
    made = layout(layer(BASE))
    path = f"blobs/{sha256(layer(BASE)).replace(':', '/')}"
    made.files[path] = made.files[path].replace(b"library", b"librarx")
    with pytest.raises(TamperError):
        image(made.write(tmp_path))


def test_an_empty_image(tmp_path: Path) -> None:
    """An image of no layers, and one of an empty layer, hold nothing."""
    assert image(layout().write(tmp_path / "a")).components == ()
    assert image(layout(bytes(1024)).write(tmp_path / "b")).components == ()


def test_distroless_packages(tmp_path: Path) -> None:
    """Images without dpkg keep a file for each package in `status.d`."""
    entries: dict[str, Content] = {
        "usr/lib/os-release": RELEASE,
        "var/lib/dpkg/status.d/tzdata": stanza("tzdata", "2024a", Status="")
        .replace("Status: \n", "")
        .encode(),
        "var/lib/dpkg/status.d/tzdata.md5sums": b"0 usr/x\n",
    }
    assert "pkg:deb/debian/tzdata@2024a" in by_purl(inventory(tmp_path, entries))


def test_a_real_package(tmp_path: Path) -> None:
    """A package that dpkg-deb built is, once its files are a layer, known by what its control file says."""
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/demo").write_text("#!/bin/sh\n")
    control = "Package: demo\nVersion: 2:1.5~rc1-3\nArchitecture: all\nMaintainer: A\nDescription: d\n"
    (root / "DEBIAN/control").write_text(control)
    try:
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-b", str(root), str(tmp_path / "demo.deb")],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("no dpkg-deb on this machine")
    data = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(tmp_path / "demo.deb")], check=True, capture_output=True
    ).stdout
    field = subprocess.run(
        ["dpkg-deb", "-f", str(tmp_path / "demo.deb")], check=True, capture_output=True, text=True
    ).stdout
    status = f"{field.strip()}\nStatus: install ok installed\n".encode()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        listed = "".join(f"{name.removeprefix('.')}\n" for name in archive.getnames()).encode()
    database: dict[str, Content] = {
        "usr/lib/os-release": RELEASE,
        "var/lib/dpkg/status": status,
        "var/lib/dpkg/info/demo.list": listed,
    }
    found = by_purl(image(layout(data, layer(database)).write(tmp_path / "image")))
    assert "pkg:deb/debian/demo@2:1.5~rc1-3" in {
        purl.replace("%3A", ":").replace("%7E", "~") for purl in found
    }


def test_a_layout_that_skopeo_would_write(tmp_path: Path) -> None:
    """Two tags of one image in one layout are one image."""
    made = Layout({"oci-layout": b"{}"})
    manifest = made.manifest([layer(BASE)])
    tags = [{**manifest, "annotations": {"org.opencontainers.image.ref.name": tag}} for tag in ("a", "b")]
    made.index(*tags)
    assert image(made.write(tmp_path)).target.version == "a"


def test_a_program_too_large_to_be_opened_is_told(tmp_path: Path) -> None:
    """Of a program that is not opened it is said so, unless a later layer hides it; its hash is known."""
    large = layer({"usr/bin/large": b"\x7fELF" + bytes(MAX_PROGRAM), "usr/bin/small": b"\x7fELF"})
    found = image(layout(large).write(tmp_path / "1"))
    assert [each.where for each in found.findings if "not opened" in each.what] == ["usr/bin/large"]
    assert image(layout(large, layer({"usr/bin/.wh.large": b""})).write(tmp_path / "2")).findings == ()
