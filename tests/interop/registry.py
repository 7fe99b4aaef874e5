"""Real registries of images on loopback: Debian's, which only keeps tags, and two with the referrers API."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.interop.servers import HOST, READY_WITHIN, free_ports
from tests.interop.tools import TOOLS, docker_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CREATED = 201
CONFIG = """
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{address}"}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A running registry, and what is pushed to it."""

    address: str

    def push(self, name: str, layer: bytes) -> str:
        """Push an image of one layer; gives back its digest."""
        config = b"{}"
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [_descriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
        }
        for blob in (config, layer):
            self._upload(name, blob)
        manifest = json.dumps(document).encode()
        self._call("PUT", f"/v2/{name}/manifests/{_digest(manifest)}", manifest, MANIFEST)
        return _digest(manifest)

    def _upload(self, name: str, blob: bytes) -> None:
        place = urlsplit(self._call("POST", f"/v2/{name}/blobs/uploads/"))
        self._call("PUT", f"{place.path}?{place.query}&digest={_digest(blob)}", blob)

    def _call(self, method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream") -> str:
        connection = HTTPConnection(self.address, timeout=READY_WITHIN)
        try:
            connection.request(method, path, body, {"Content-Type": kind, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status in {CREATED, 202}, said
            return answer.getheader("Location") or ""
        finally:
            connection.close()


def with_tags(folder: Path, address: str) -> list[str]:
    """The command of the registry that only keeps tags."""
    (folder / "config.yml").write_text(CONFIG.format(folder=folder / "store", address=address))
    return [str(docker_registry()), "serve", str(folder / "config.yml")]


def with_referrers(_: Path, address: str) -> list[str]:
    """The command of the registry that has the API for referrers."""
    return [str(TOOLS["referrers-registry"].path), address]


def with_zot(folder: Path, address: str) -> list[str]:
    """The command of zot, which has that API, and refuses what OCI's specification does not allow."""
    host, port = address.rsplit(":", 1)
    settings = {
        "distSpecVersion": "1.1.1",
        "storage": {"rootDirectory": str(folder / "store")},
        "http": {"address": host, "port": port},
        "log": {"level": "error"},
    }
    (folder / "zot.json").write_text(json.dumps(settings))
    return [str(TOOLS["zot"].path), "serve", str(folder / "zot.json")]


@contextmanager
def real_registry(folder: Path, serve: Callable[[Path, str], list[str]]) -> Iterator[Registry]:
    """A registry while it runs; what it keeps lies in the folder, or in its memory."""
    (port,) = free_ports(1)
    address = f"{HOST}:{port}"
    folder.mkdir(exist_ok=True)
    command = serve(folder, address)
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(address, process, folder / "log")
            yield Registry(address=address)
        finally:
            process.terminate()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        connection = HTTPConnection(address, timeout=1)
        try:
            connection.request("GET", "/v2/")
            if connection.getresponse().status == 200:
                return
        except OSError:
            with suppress(subprocess.TimeoutExpired):  # ends early where the server does
                process.wait(0.05)
        finally:
            connection.close()
    raise RuntimeError(f"the registry does not answer: {log.read_text()[-400:]}")


def _digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def _descriptor(data: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}
