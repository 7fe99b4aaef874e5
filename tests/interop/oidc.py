"""An OpenID Connect issuer on loopback: it gives a token to whoever asks in this process."""

from __future__ import annotations

import base64
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.sigstore.order import COMMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

EMAIL = "/email"
WORKFLOWS = "/workflows"
"""Paths of the two issuers: one for people, one for workflows."""


def _number(value: int) -> str:
    """A number as JSON Web Keys have it (RFC 7518, section 6.3)."""
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Two issuers at one address, with one key."""

    address: str
    key: rsa.RSAPrivateKey

    def token(self, path: str, subject: str, **claims: object) -> str:
        """A signed token."""
        present = int(time.time())
        base = {
            "iss": self.address + path,
            "aud": "sigstore",
            "sub": subject,
            "iat": present,
            "exp": present + 600,
        }
        return jwt.encode(base | claims, self.key, algorithm="RS256", headers={"kid": "1"})

    def person(self, address: str) -> str:
        """The token of a person, by e-mail address."""
        return self.token(EMAIL, address, email=address, email_verified=True)

    def workflow(self, repository: str, workflow: str, ref: str) -> str:
        """The token of a run of a GitHub workflow."""
        owner = repository.split("/", maxsplit=1)[0]
        called = f"{repository}/.github/workflows/{workflow}@{ref}"
        return self.token(
            WORKFLOWS,
            f"repo:{repository}:ref:{ref}",
            job_workflow_ref=called,
            job_workflow_sha=COMMIT,
            workflow_ref=called,
            workflow_sha=COMMIT,
            workflow="release",
            sha=COMMIT,
            ref=ref,
            repository=repository,
            repository_id="1001",
            repository_owner=owner,
            repository_owner_id="1002",
            repository_visibility="public",
            event_name="push",
            runner_environment="github-hosted",
            run_id="1003",
            run_attempt="1",
        )

    def documents(self) -> dict[str, object]:
        """What is served, by path."""
        numbers = self.key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": "1",
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }
        found: dict[str, object] = {"/keys": {"keys": [key]}}
        for path in (EMAIL, WORKFLOWS):
            found[f"{path}/.well-known/openid-configuration"] = {
                "issuer": self.address + path,
                "authorization_endpoint": f"{self.address}/none",
                "token_endpoint": f"{self.address}/none",
                "jwks_uri": f"{self.address}/keys",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        return found


@contextmanager
def issuer() -> Iterator[Issuer]:
    """An issuer that serves as long as it is needed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = served.documents().get(self.path)
            body = json.dumps(found).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Issuer(
        address=f"http://127.0.0.1:{server.server_port}",
        key=rsa.generate_private_key(public_exponent=65537, key_size=2048),
    )
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
