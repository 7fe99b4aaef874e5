"""A bucket of the emulator of Google Cloud Storage on loopback, filled from a folder, until it is ended.

    python benchmarks/bucket.py FOLDER

Prints its port. The emulator writes a list of all objects anew with each object that comes; while it is
filled, that is left out, for 10,000 objects would take an hour.
"""

from __future__ import annotations

import http.client
import json
import logging
import sys
import threading
from pathlib import Path

HOST = "127.0.0.1"
BUCKET = "lab"
HEAD = b"--part\r\nContent-Type: application/json\r\n\r\n"
BETWEEN = b"\r\n--part\r\nContent-Type: application/octet-stream\r\n\r\n"


def store(port: int, name: str, data: bytes) -> None:
    """Upload one object."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    body = HEAD + json.dumps({"name": name}).encode() + BETWEEN + data + b"\r\n--part--"
    connection.request(
        "POST",
        f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart",
        body=body,
        headers={"Content-Type": "multipart/related; boundary=part"},
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{name}: the emulator answered {answer.status}")


def serve(folder: Path) -> None:
    """Start, fill, tell the port, and go on."""
    from gcp_storage_emulator.server import create_server  # type: ignore[import-untyped]
    from gcp_storage_emulator.storage import Storage  # type: ignore[import-untyped]

    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    emulator = create_server(HOST, 0, in_memory=True, default_bucket=BUCKET)
    emulator.start()
    port = emulator._api._httpd.server_address[1]  # noqa: SLF001 - it tells its port nowhere else
    writing = Storage._write_config_to_file  # noqa: SLF001
    Storage._write_config_to_file = lambda _: None  # noqa: SLF001
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        store(port, path.relative_to(folder).as_posix(), path.read_bytes())
    Storage._write_config_to_file = writing  # noqa: SLF001
    print(port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
