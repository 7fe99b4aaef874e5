"""What syft finds in an image made here; `python -m tests.sbom.images.syft PROGRAM VERSION` records it.

Syft takes a quarter of an hour to be built, so its answer is kept in `syft.json` beside this file, with its
version and the digest of the image's manifest: the image comes out the same whenever it is made.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.sbom.images.makers import Layout, layer, layout, stanza

if TYPE_CHECKING:
    from tests.sbom.images.makers import Content

RECORDED = Path(__file__).with_name("syft.json")
SITE = "usr/lib/python3/dist-packages"
STORE = "nix/store"


def distribution(name: str, version: str, **files: bytes) -> dict[str, Content]:
    """A Python package as pip installs it."""
    info = f"{SITE}/{name}-{version}.dist-info"
    rows = "".join(f"{file},,\n" for file in (f"{name}/__init__.py", *files))
    return {
        f"{SITE}/{name}/__init__.py": b"",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n".encode(),
        f"{info}/RECORD": rows.encode(),
        f"{info}/INSTALLER": b"pip\n",
        **{f"{SITE}/{file}": data for file, data in files.items()},
    }


def made() -> Layout:
    """An image of two layers with packages of dpkg, Python and Nix, some of them only in one layer."""
    status = stanza("liba", "1.0-1", Depends="libc6", Source="a (1.0)") + stanza("libc6", "2.36-9+deb12u4")
    removed = stanza("gone", "3").replace("install ok installed", "deinstall ok config-files")
    base: dict[str, Content] = {
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "var/lib/dpkg/status": (status + removed).encode(),
        "var/lib/dpkg/info/liba:amd64.list": b"/.\n/usr/lib/liba.so\n",
        "usr/lib/liba.so": b"library",
        **distribution("hidden", "1"),
        **distribution("Some.Name", "2.0.post1"),
    }
    store: dict[str, Content] = {}
    for digit, name in enumerate(("hello-2.12.1", "glibc-2.40-66", "glibc-2.40-66-bin", "farm", "etc-1.0")):
        folder = f"{STORE}/{str(digit) * 32}-{name}"
        store |= {folder: (tarfile.DIRTYPE, ""), f"{folder}/file": name.encode()}
    top: dict[str, Content] = {
        f"{SITE}/.wh.hidden": b"",
        f"{SITE}/.wh.hidden-1.dist-info": b"",
        **distribution("later", "0.1rc1"),
        **store,
    }
    return layout(layer(base), layer(top))


def digest(image: Layout) -> str:
    """The digest of the image's manifest."""
    return str(json.loads(image.files["index.json"])["manifests"][0]["digest"])


def recorded() -> dict[str, Any]:
    """What syft said, by its version, of which image."""
    found: dict[str, Any] = json.loads(RECORDED.read_bytes())
    return found


def asked(syft: str) -> list[str]:
    """The package URLs that syft gives, without their qualifiers."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [syft, "scan", f"oci-dir:{made().write(Path(folder))}", "--output", "json"]
        said = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    return sorted({each["purl"].partition("?")[0] for each in said["artifacts"]})


def record(syft: str, version: str) -> None:
    """Ask syft and write down what it says."""
    document = {"syft": version, "manifest": digest(made()), "components": asked(syft)}
    RECORDED.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record(*sys.argv[1:])
