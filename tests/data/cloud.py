"""Google Cloud Storage on loopback: the emulator, and in front of it a proxy that makes faults on demand."""

from __future__ import annotations

import http.client
import json
import logging
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUCKET = "lab"
HOST = "127.0.0.1"
QUOTA = b'{"error": {"code": 403, "message": "quotaExceeded: the storage quota is used up"}}'
PASSED_ON = ("Content-Type", "Content-Range", "Location", "Range", "ETag", "x-goog-hash", "x-goog-generation")


@dataclass(kw_only=True)
class Fault:
    """What is answered in place of the emulator: to requests of a method whose address holds a text.

    `after` so many have passed, and `times` at most. `status` 0 sends half of the true answer and hangs up,
    -1 never answers.
    """

    method: str
    part: str
    status: int
    body: bytes = b'{"error": {"message": "a fault"}}'
    kind: str = "application/json"
    times: int = 1 << 30
    after: int = 0


@dataclass(kw_only=True)
class Cloud:
    """A running emulator behind its proxy; every request that came is in `seen`."""

    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    heard: Callable[[str, str], None] | None = None
    server: Any = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    def fail(self, method: str, part: str, status: int, **options: Any) -> None:  # noqa: ANN401 - of Fault
        """Make a fault from now on."""
        self.faults.append(Fault(method=method, part=part, status=status, **options))

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The fault that a request meets, if any."""
        for fault in self.faults:
            if fault.method == method and fault.part in path:
                if fault.after > 0:
                    fault.after -= 1
                elif fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def objects(self) -> dict[str, bytes]:
        """What the bucket holds, by name."""
        answer = self._ask("GET", f"/storage/v1/b/{BUCKET}/o?maxResults=1000")
        names = [item["name"] for item in json.loads(answer).get("items", [])]
        return {name: self._ask("GET", f"/{BUCKET}/{quote(name)}") for name in names}

    def put(self, name: str, data: bytes) -> None:
        """Store an object, past the proxy."""
        head = b"--part\r\nContent-Type: application/json\r\n\r\n" + json.dumps({"name": name}).encode()
        body = head + b"\r\n--part\r\nContent-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--part--"
        path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart"
        self._ask("POST", path, body, "multipart/related; boundary=part")

    def _ask(self, method: str, path: str, data: bytes = b"", kind: str = "text/plain") -> bytes:
        return forward(self.server, method, path, {"Content-Type": kind}, data)[2]


def forward(
    port: int, method: str, path: str, headers: dict[str, str], data: bytes
) -> tuple[int, dict[str, str], bytes]:
    """One request to the emulator."""
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    try:
        connection.request(method, path, body=data or None, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def handler_for(cloud: Cloud) -> type[BaseHTTPRequestHandler]:
    """The proxy's handler."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def log_message(self, *_: object) -> None:
            return

        def _pass(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(self.path)
            cloud.seen.append((self.command, path))
            if cloud.heard:
                cloud.heard(self.command, path)
            fault = cloud.fault_for(self.command, path)
            if fault and fault.status > 0:
                self._answer(fault.status, {"Content-Type": fault.kind}, fault.body)
                return
            if fault and fault.status < 0:
                cloud.over.wait(20)
                self.close_connection = True
                return
            status, headers, body = forward(cloud.server, self.command, self.path, dict(self.headers), data)
            self._answer(status, headers, body, half=fault is not None)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _pass  # noqa: N815 - names of http.server

        def _answer(self, status: int, headers: dict[str, str], body: bytes, *, half: bool = False) -> None:
            self.send_response(status)
            for name in PASSED_ON:
                if name in headers:
                    self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body[: len(body) // 2] if half else body)
            self.close_connection = half

    return Handler


class _Proxy(ThreadingHTTPServer):
    """A client that hangs up, as one does that has been refused, is no error of the proxy."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - of socketserver
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def cloud() -> Iterator[Cloud]:
    """An emulator with the bucket `lab` behind a proxy, both gone at the end."""
    from gcp_storage_emulator.server import create_server  # type: ignore[import-untyped]

    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    emulator = create_server(HOST, 0, in_memory=True, default_bucket=BUCKET)
    emulator.start()
    made = Cloud()
    try:
        made.server = emulator._api._httpd.server_address[1]
        with _Proxy((HOST, 0), handler_for(made)) as proxy:
            made.port = proxy.server_address[1]
            serving = threading.Thread(target=proxy.serve_forever, daemon=True)
            serving.start()
            try:
                yield made
            finally:
                made.over.set()
                proxy.shutdown()
                serving.join(5)
    finally:
        emulator.stop()
