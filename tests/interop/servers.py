"""The real servers of Sigstore on loopback, with an issuer of tokens and the root that trusts them."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.interop.oidc import EMAIL, WORKFLOWS, Issuer, issuer
from tests.interop.tools import TOOLS
from tests.sigstore.authority import Authority, TransparencyLog, spki
from tests.sigstore.log import Log
from tests.sigstore.timestamps import Timestamper
from tests.sigstore.world import authority_document, log_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

READY_WITHIN = 60  # seconds: a server that has not answered by then on a busy machine never will
HOST = "127.0.0.1"
PASSWORD = b"of the intermediate"

FULCIO_CONFIG = {
    "default-template-values": {"url": "https://github.com"},
    "extension-templates": {
        "github-workflow-trigger": "event_name",
        "github-workflow-sha": "sha",
        "github-workflow-name": "workflow",
        "github-workflow-repository": "repository",
        "github-workflow-ref": "ref",
        "build-signer-uri": "{{ .url }}/{{ .job_workflow_ref }}",
        "build-signer-digest": "job_workflow_sha",
        "runner-environment": "runner_environment",
        "source-repository-uri": "{{ .url }}/{{ .repository }}",
        "source-repository-digest": "sha",
        "source-repository-ref": "ref",
        "source-repository-identifier": "repository_id",
        "source-repository-owner-uri": "{{ .url }}/{{ .repository_owner }}",
        "source-repository-owner-identifier": "repository_owner_id",
        "build-config-uri": "{{ .url }}/{{ .workflow_ref }}",
        "build-config-digest": "workflow_sha",
        "build-trigger": "event_name",
        "run-invocation-uri": "{{ .url }}/{{ .repository }}/actions/runs/{{ .run_id }}",
        "source-repository-visibility-at-signing": "repository_visibility",
    },
    "subject-alternative-name-template": "{{ .url }}/{{ .job_workflow_ref }}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RealSigstore:
    """Running servers: where their documents are, and who gives tokens."""

    folder: Path
    issuer: Issuer

    @property
    def trusted_root(self) -> Path:
        """The root that trusts these servers."""
        return self.folder / "trusted_root.json"

    @property
    def signing_config(self) -> Path:
        """Where the servers are."""
        return self.folder / "signing_config.json"

    @property
    def trust_config(self) -> Path:
        """Both in one document, as sigstore-python takes them."""
        return self.folder / "trust_config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys that the servers are started with."""

    authority: Authority
    certificates: TransparencyLog
    log: Log
    timestamps: Timestamper

    @classmethod
    def create(cls) -> Keys:
        """New keys."""
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        end = start + timedelta(days=365)
        return cls(
            authority=Authority.create(start, end),
            certificates=TransparencyLog(),
            log=Log.create(2, "localhost"),
            timestamps=Timestamper.create(start, end),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One free port for each thing that listens."""

    fulcio: int
    fulcio_grpc: int
    fulcio_metrics: int
    certificates: int
    rekor: int
    rekor_grpc: int
    rekor_metrics: int
    timestamps: int

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody listens on; they are all held until the last is known, so that they differ."""
        names = cls.__slots__
        return cls(**dict(zip(names, free_ports(len(names)), strict=True)))


def free_ports(count: int) -> list[int]:
    """So many different ports that nothing listens on now."""
    with ExitStack() as held:
        found = []
        for _ in range(count):
            one = held.enter_context(socket.socket())
            one.bind((HOST, 0))
            found.append(one.getsockname()[1])
        return found


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, *, password: bytes = b"") -> bytes:
    how: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def _certificates(*chain: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in chain)


def _write_keys(folder: Path, keys: Keys) -> None:
    ca, stamper = keys.authority, keys.timestamps
    certificates = keys.certificates.key
    files = {
        "fulcio-chain.pem": _certificates(ca.intermediate.certificate, ca.root.certificate),
        "fulcio-root.pem": _certificates(ca.root.certificate),
        "fulcio.key": _pem(ca.intermediate.key, password=PASSWORD),
        "ct.key": certificates.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        "ct.pub": certificates.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "rekor.key": _pem(keys.log.key),
        "tsa.key": _pem(stamper.signer.key),
        "tsa-chain.pem": _certificates(stamper.signer.certificate, stamper.root.certificate),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _write_fulcio_config(folder: Path, tokens: Issuer) -> None:
    people, workflows = tokens.address + EMAIL, tokens.address + WORKFLOWS
    known = {
        people: {"issuer-url": people, "client-id": "sigstore", "type": "email"},
        workflows: {
            "issuer-url": workflows,
            "client-id": "sigstore",
            "type": "ci-provider",
            "ci-provider": "github-workflow",
        },
    }
    config = {"oidc-issuers": known, "ci-issuer-metadata": {"github-workflow": FULCIO_CONFIG}}
    # JSON is YAML; but for the comment Fulcio would take it for JSON, for which it has other names of keys
    (folder / "fulcio.yaml").write_text(f"# YAML\n{json.dumps(config)}\n")


def _commands(folder: Path, ports: Ports) -> dict[str, tuple[int, str, list[str]]]:
    """Each server's port, a path that it answers, and its arguments."""
    return {
        "tesseract": (
            ports.certificates,
            "/checkpoint",
            [
                f"--http_endpoint={HOST}:{ports.certificates}",
                "--origin=localhost",
                f"--private_key={folder / 'ct.key'}",
                f"--storage_dir={folder / 'ct'}",
                f"--roots_pem_file={folder / 'fulcio-root.pem'}",
                "--ext_key_usages=CodeSigning",
                "--enable_publication_awaiter=false",
            ],
        ),
        "timestamp-server": (
            ports.timestamps,
            "/ping",
            [
                "serve",
                f"--host={HOST}",
                f"--port={ports.timestamps}",
                "--timestamp-signer=file",
                f"--file-signer-key-path={folder / 'tsa.key'}",
                "--file-signer-passwd=",
                f"--certificate-chain-path={folder / 'tsa-chain.pem'}",
                "--disable-ntp-monitoring",
            ],
        ),
        "rekor": (
            ports.rekor,
            "/healthz",
            [
                "serve",
                f"--http-port={ports.rekor}",
                f"--grpc-port={ports.rekor_grpc}",
                f"--http-metrics-port={ports.rekor_metrics}",
                "--hostname=localhost",
                f"--signer-filepath={folder / 'rekor.key'}",
                f"--storage-dir={folder / 'rekor'}",
                "--checkpoint-interval=1s",
                "--batch-max-age=50ms",
            ],
        ),
        "fulcio": (
            ports.fulcio,
            "/healthz",
            [
                "serve",
                f"--host={HOST}",
                f"--port={ports.fulcio}",
                f"--grpc-host={HOST}",
                f"--grpc-port={ports.fulcio_grpc}",
                f"--metrics-port={ports.fulcio_metrics}",
                f"--legacy-unix-domain-socket={folder / 'fulcio.sock'}",
                "--ca=fileca",
                f"--fileca-cert={folder / 'fulcio-chain.pem'}",
                f"--fileca-key={folder / 'fulcio.key'}",
                f"--fileca-key-passwd={PASSWORD.decode()}",
                "--fileca-watch=false",
                f"--ct-log-url=http://{HOST}:{ports.certificates}",
                f"--ct-log-public-key-path={folder / 'ct.pub'}",
                "--ct-log-origin=localhost",
                f"--config-path={folder / 'fulcio.yaml'}",
            ],
        ),
    }


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


@contextmanager
def _served(name: str, port: int, path: str, arguments: list[str], folder: Path) -> Iterator[None]:
    """A server that runs and answers; it is stopped by its own process id."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([str(TOOLS[name].path), *arguments], cwd=folder, stdout=log, stderr=log)
    try:
        end = time.monotonic() + READY_WITHIN
        while not _answers(port, path):
            assert process.poll() is None, (folder / f"{name}.log").read_text(errors="replace")[-3000:]
            assert time.monotonic() < end, f"{name} does not answer"
            with suppress(subprocess.TimeoutExpired):  # ends early where the server does
                process.wait(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _write_trust(folder: Path, keys: Keys, ports: Ports, tokens: Issuer) -> None:
    start = keys.authority.root.certificate.not_valid_before_utc
    certificates = spki(keys.certificates.key.public_key())
    root = {
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [log_document("http://localhost", keys.log.public, keys.log.identifier, start)],
        "certificateAuthorities": [
            authority_document(f"http://{HOST}:{ports.fulcio}", keys.authority.chain, start)
        ],
        "ctlogs": [
            log_document("http://localhost", certificates, hashlib.sha256(certificates).digest(), start)
        ],
        "timestampAuthorities": [
            authority_document(f"http://{HOST}:{ports.timestamps}", keys.timestamps.chain, start)
        ],
    }
    window = {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def service(url: str, version: int = 1) -> dict[str, object]:
        return {"url": url, "majorApiVersion": version, "validFor": window, "operator": "localhost"}

    config = {
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [service(f"http://{HOST}:{ports.fulcio}")],
        "oidcUrls": [service(tokens.address + EMAIL)],
        "rekorTlogUrls": [service(f"http://{HOST}:{ports.rekor}", 2)],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": [service(f"http://{HOST}:{ports.timestamps}/api/v1/timestamp")],
        "tsaConfig": {"selector": "ANY"},
    }
    both = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root,
        "signingConfig": config,
    }
    files = {"trusted_root.json": root, "signing_config.json": config, "trust_config.json": both}
    for name, document in files.items():
        (folder / name).write_text(json.dumps(document))


@contextmanager
def real_sigstore(folder: Path) -> Iterator[RealSigstore]:
    """All servers, up and answering, until the end of the block."""
    keys, ports = Keys.create(), Ports.free()
    _write_keys(folder, keys)
    with ExitStack() as running:
        tokens = running.enter_context(issuer())  # Fulcio asks it at its start
        _write_fulcio_config(folder, tokens)
        _write_trust(folder, keys, ports, tokens)
        for name, (port, path, arguments) in _commands(folder, ports).items():
            running.enter_context(_served(name, port, path, arguments, folder))
        yield RealSigstore(folder=folder, issuer=tokens)
