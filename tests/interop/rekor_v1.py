"""The log of the tests' own Sigstore behind the address that clients of Rekor v1 send entries to.

The real Rekor v1 needs a database and a tree server; what counts here is what a client makes of its answers:
entries of kind `dsse` 0.0.1, and of kind `intoto` 0.0.2, as in npm's provenance.
"""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from tests.sigstore.log import Document, Log, b64, dsse_of
from tests.sigstore.world import log_document

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATED = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class RekorV1:
    """A running log: where it is, and how a trusted root names it."""

    address: str
    log: Log

    def trusted(self, root: bytes) -> bytes:
        """A trusted root with this log beside its others."""
        document = json.loads(root)
        start = datetime.fromisoformat(document["tlogs"][0]["publicKey"]["validFor"]["start"])
        document["tlogs"].append(log_document(self.address, self.log.public, self.log.identifier, start))
        return json.dumps(document).encode()


def _recorded(proposed: Document) -> Document:
    """What the log keeps of a proposed entry (rekor, pkg/types: `Canonicalize` of each kind)."""
    if proposed["kind"] == "dsse":
        content = proposed["spec"]["proposedContent"]
        (pem,) = map(base64.b64decode, content["verifiers"])
        canonical = load_pem_x509_certificate(pem).public_bytes(Encoding.PEM)  # as the server writes it
        return dsse_of(json.loads(content["envelope"]), b64(canonical))
    del proposed["spec"]["content"]["envelope"]["payload"]
    return proposed


def _answer(log: Log, proposed: Document) -> Document:
    """The answer to `POST /api/v1/log/entries`."""
    entry = log.append(_recorded(proposed), datetime.now(UTC))
    proof = entry["inclusionProof"]
    return {
        "0" * 64: {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logID": log.identifier.hex(),
            "logIndex": int(entry["logIndex"]),
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "logIndex": int(proof["logIndex"]),
                    "treeSize": int(proof["treeSize"]),
                    "rootHash": base64.b64decode(proof["rootHash"]).hex(),
                    "hashes": [base64.b64decode(one).hex() for one in proof["hashes"]],
                    "checkpoint": proof["checkpoint"]["envelope"],
                },
            },
        }
    }


@contextmanager
def rekor_v1() -> Iterator[RekorV1]:
    """A log that takes entries as long as it is needed."""
    log = Log.create(1, "localhost")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            proposed = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(_answer(log, proposed)).encode()
            self.send_response(CREATED)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield RekorV1(address=f"http://127.0.0.1:{server.server_port}", log=log)
    finally:
        server.shutdown()
        server.server_close()
