"""Images that tests are made of: layers of any entries, in layouts, archives and `docker save`'s form."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"

Content = bytes | str | tuple[bytes, str]
"""A file's bytes, a symbolic link's target, or a kind of entry (as tar has it) and its target."""


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def layer(
    entries: Mapping[str, Content] | Iterable[tuple[str, Content]],
    *,
    mode: int = 0o644,
    executable: Container[str] = (),
) -> bytes:
    """A layer's tar: names are written as they are, whatever they are."""
    file = io.BytesIO()
    pairs = entries.items() if hasattr(entries, "items") else entries
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
        for name, content in pairs:
            if isinstance(content, bytes):
                info = entry(name, size=len(content))
                info.mode = 0o755 if name in executable else mode
                tar.addfile(info, io.BytesIO(content))
            else:
                kind, target = (tarfile.SYMTYPE, content) if isinstance(content, str) else content
                tar.addfile(entry(name, kind, target))
    return file.getvalue()


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Layout:
    """A layout's files by path; `put` adds a blob and gives its descriptor."""

    files: dict[str, bytes]

    def put(self, data: bytes, media: str, **more: object) -> dict[str, Any]:
        """Add a blob; its descriptor."""
        digest = sha256(data)
        self.files[f"blobs/{digest.replace(':', '/')}"] = data
        return {"mediaType": media, "digest": digest, "size": len(data), **more}

    def manifest(
        self, layers: Iterable[bytes], *, architecture: str = "amd64", stored: Iterable[bytes] | None = None
    ) -> dict[str, Any]:
        """An image of layers; `stored` are their compressed forms where they are compressed."""
        plain = list(layers)
        config = {
            "architecture": architecture,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [sha256(each) for each in plain]},
        }
        blobs = [self.put(each, LAYER) for each in (plain if stored is None else stored)]
        body = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.put(document(config), CONFIG),
            "layers": blobs,
        }
        return self.put(document(body), MANIFEST, platform={"os": "linux", "architecture": architecture})

    def index(self, *manifests: dict[str, Any]) -> None:
        """Name these in `index.json`."""
        self.files["index.json"] = document({"schemaVersion": 2, "manifests": list(manifests)})

    def write(self, folder: Path) -> Path:
        """Write the files below a folder."""
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    def pack(self, file: Path, *, packed: bool = False) -> Path:
        """Write the files into an archive."""
        data = layer(self.files)
        file.write_bytes(gzip.compress(data) if packed else data)
        return file


def document(value: object) -> bytes:
    return json.dumps(value).encode()


def layout(*layers: bytes, stored: Iterable[bytes] | None = None) -> Layout:
    """The layout of one image."""
    made = Layout({"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'})
    made.index(made.manifest(layers, stored=stored))
    return made


def saved(*layers: bytes, links: bool = False, tag: str = "demo:1") -> Layout:
    """What `docker save` writes; with `links`, layers' files have numbers, for links to each other."""
    config = document(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [sha256(each) for each in layers]},
        }
    )
    made = Layout({f"{sha256(config)[7:]}.json": config})
    names = [f"{n if links else sha256(each)[7:]}/layer.tar" for n, each in enumerate(layers)]
    made.files |= dict(zip(names, layers, strict=True))
    made.files["manifest.json"] = document(
        [{"Config": f"{sha256(config)[7:]}.json", "RepoTags": [tag], "Layers": names}]
    )
    return made


def stanza(name: str, version: str = "1.0", **fields: str) -> str:
    """A package as dpkg's database has it."""
    rows = {"Package": name, "Status": "install ok installed", "Architecture": "amd64", "Version": version}
    return "".join(f"{key}: {value}\n" for key, value in (rows | fields).items()) + "\n"
