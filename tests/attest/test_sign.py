"""Signing by key: bundles that verify, where they go, and that nothing secret is seen on the way."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import tsp
from sigstore_models.bundle.v1 import Bundle
from tests.attest.conftest import PASSWORD, KeyFiles, key_files
from tests.sigstore.clients import token
from tests.sigstore.conftest import world
from tests.sigstore.timestamps import Timestamper

from repro.attest.dsse import IN_TOTO, envelope_of, pae
from repro.attest.sigstore_signing import KeylessSigner
from repro.attest.statement import parse_statement, statement
from repro.core.errors import UsageError
from repro.core.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.attest.conftest import Said
    from tests.sigstore.world import PrivateSigstore

__all__ = ["world"]
SHA = hashlib.sha256(b"artifact").hexdigest()
STATEMENT = statement([Subject(name="a", digests={"sha256": SHA})], "https://example.org/p/v1", {"x": "é"})
PASSWORD_HEX = base64.b64encode(PASSWORD.encode()).decode()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a statement and an artifact."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "a.json").write_bytes(STATEMENT.raw)
    (folder / "a.whl").write_bytes(b"artifact")
    return folder


def bundle(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_bytes())


def test_a_statement_becomes_an_envelope(repro: Callable[..., Said], work: Path, key: KeyFiles) -> None:
    """The bundle holds the statement's exact bytes, one signature over their PAE, and the key's hint."""
    said = repro(work, "sign", "a.json", *key.options, "--json")
    assert said.code == 0, said.err
    (signed,) = said.document["signed"]
    assert (signed["kind"], signed["signers"]) == ("https://example.org/p/v1", [key.public.fingerprint])
    document = bundle(work / "a.json.sigstore.json")
    assert document["verificationMaterial"] == {
        "publicKey": {"hint": key.public.hint},
        "tlogEntries": [],
    }
    envelope = envelope_of(document["dsseEnvelope"])
    assert (envelope.payload, envelope.payload_type) == (STATEMENT.raw, "application/vnd.in-toto+json")
    (signature,) = envelope.signatures
    assert key.public.verify(signature.sig, envelope.pae)
    assert not key.public.verify(signature.sig, envelope.payload)


def test_a_file_becomes_a_message(repro: Callable[..., Said], work: Path, key: KeyFiles) -> None:
    """The bundle of any other file holds its digest and the signature over its bytes."""
    assert repro(work, "sign", "a.whl", *key.options).code == 0
    message = bundle(work / "a.whl.sigstore.json")["messageSignature"]
    assert base64.b64decode(message["messageDigest"]["digest"]).hex() == SHA
    assert key.public.verify(base64.b64decode(message["signature"]), b"artifact")


def test_bundles_are_canonical_and_of_sigstores_shape(
    repro: Callable[..., Said], work: Path, key: KeyFiles
) -> None:
    """Sigstore's own model reads every bundle, and its bytes are canonical JSON in one line."""
    assert repro(work, "sign", "a.whl", "a.json", *key.options).code == 0
    for name in ("a.whl", "a.json"):
        raw = (work / f"{name}.sigstore.json").read_bytes()
        Bundle.from_json(raw)
        again = json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert raw == again.encode() + b"\n"


def test_what_envelopes_are_made_of_is_not_signed(
    repro: Callable[..., Said], work: Path, key: KeyFiles
) -> None:
    """A file that is the encoding of an envelope is refused: its signature would be one over a statement."""
    (work / "file").write_bytes(pae(IN_TOTO, STATEMENT.raw))
    for more in ((), ("--blob",)):
        answer = repro(work, "sign", "file", *key.options, *more)
        assert answer.code == 2
        assert "file: begins like the encoding of an envelope" in answer.err
    assert not (work / "file.sigstore.json").exists()
    with pytest.raises(UsageError):
        KeylessSigner(None, name="nobody", secret="").blob(pae("x", b""))


def test_several_signers_are_several_lines(repro: Callable[..., Said], work: Path, key: KeyFiles) -> None:
    """Two keys make two bundles, each with its own signature, as lines of one file beside the first."""
    other = key_files(work, "other")
    said = repro(work, "sign", "a.json", *key.options, "--key", other.private)
    assert said.code == 0, said.err
    lines = [json.loads(line) for line in (work / "a.json.sigstore.jsonl").read_bytes().splitlines()]
    hints = [one["verificationMaterial"]["publicKey"]["hint"] for one in lines]
    assert hints == [key.public.hint, other.public.hint]
    assert [len(one["dsseEnvelope"]["signatures"]) for one in lines] == [1, 1]


def test_the_same_key_is_one_signer(repro: Callable[..., Said], work: Path, key: KeyFiles) -> None:
    """One key under two names is refused: it would look like two signers."""
    copy = work / "copy.key"
    copy.write_bytes(key.private.read_bytes())
    copy.chmod(0o600)
    assert repro(work, "sign", "a.json", *key.options, "--key", copy).code == 2


def test_bundles_go_where_they_are_wanted(repro: Callable[..., Said], work: Path, key: KeyFiles) -> None:
    """--out names one bundle, a file of lines, or a folder; two bundles do not go into one .json."""
    assert repro(work, "sign", "a.json", *key.options, "--out", "x.sigstore.json").code == 0
    assert repro(work, "sign", "a.json", "a.whl", *key.options, "--out", "y.sigstore.jsonl").code == 0
    assert repro(work, "sign", "a.json", "a.whl", *key.options, "--out", "folder").code == 0
    assert repro(work, "sign", "a.json", "a.whl", *key.options, "--out", "z.sigstore.json").code == 2
    assert len((work / "y.sigstore.jsonl").read_bytes().splitlines()) == 2
    assert sorted(path.name for path in (work / "folder").iterdir()) == [
        "a.json.sigstore.json",
        "a.whl.sigstore.json",
    ]
    assert not (work / "z.sigstore.json").exists()


@pytest.mark.parametrize("defect", ["upper-case-digest", "key-twice", "unknown-version"])
def test_a_broken_statement_is_not_signed(
    repro: Callable[..., Said], work: Path, key: KeyFiles, defect: str
) -> None:
    """What looks like a statement and is none is refused, unless its bytes are meant: --blob."""
    raw = {
        "upper-case-digest": STATEMENT.raw.replace(SHA.encode(), SHA.upper().encode()),
        "key-twice": STATEMENT.raw.replace(b'"_type"', b'"predicate":{},"_type"', 1),
        "unknown-version": STATEMENT.raw.replace(b"Statement/v1", b"Statement/v9"),
    }[defect]
    (work / "bad.json").write_bytes(raw)
    assert repro(work, "sign", "bad.json", *key.options).code == 1
    assert not (work / "bad.json.sigstore.json").exists()
    assert repro(work, "sign", "bad.json", *key.options, "--blob").code == 0
    assert "messageSignature" in bundle(work / "bad.json.sigstore.json")


def test_one_bad_file_leaves_no_bundle(repro: Callable[..., Said], work: Path, key: KeyFiles) -> None:
    """Where one of several files cannot be signed, nothing is written for any."""
    assert repro(work, "sign", "a.json", "gone.json", *key.options).code == 2
    assert not (work / "a.json.sigstore.json").exists()


def test_without_key_and_identity_nothing_is_signed(
    repro: Callable[..., Said], work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without key, token and terminal the answer is exit 2 and what to name, before any network."""
    for name in ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "BUILDKITE"):
        monkeypatch.delenv(name, raising=False)
    said = repro(work, "sign", "a.json")
    assert said.code == 2
    assert "--key" in said.err


def test_a_password_that_others_read_is_refused(
    repro: Callable[..., Said], work: Path, locked: KeyFiles
) -> None:
    """A password's file with the mode of any other file is refused."""
    assert locked.password is not None
    locked.password.chmod(0o644)
    said = repro(work, "sign", "a.json", *locked.options)
    assert said.code == 3
    assert "chmod 600" in said.err


@pytest.mark.parametrize("how", ["file", "variable", "wrong"])
def test_secrets_are_never_seen(work: Path, locked: KeyFiles, how: str) -> None:
    """Neither password nor private key is in arguments, output, log or any file, whatever the outcome."""
    fifo = work / "fifo"
    os.mkfifo(fifo, 0o600)
    options = ["--password-env", "SECRET"] if how == "variable" else ["--password-file", str(fifo)]
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", "-v", "sign", "a.json", "--key", str(locked.private), *options],
        cwd=work,
        env={**os.environ, "SECRET": PASSWORD},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    seen = b""
    if how != "variable":  # it waits for the password, and its arguments can be read meanwhile
        with fifo.open("wb") as stream:
            seen = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            stream.write((PASSWORD + ("!" if how == "wrong" else "")).encode() + b"\n")
    out, err = process.communicate()
    fifo.unlink()
    assert process.returncode == (3 if how == "wrong" else 0), err
    written = b"".join(path.read_bytes() for path in work.iterdir() if path.is_file())
    pem = locked.private.read_text().splitlines()[1]
    for secret in (PASSWORD, PASSWORD_HEX, pem):
        assert secret.encode() not in out + err + seen + written


def test_keys_are_made_once(repro: Callable[..., Said], work: Path) -> None:
    """`repro keys generate` makes a pair that signs, and refuses to make it again."""
    (work / "pw").write_text(PASSWORD)
    (work / "pw").chmod(0o600)
    said = repro(work, "keys", "generate", "--password-file", "pw", "--json")
    assert said.code == 0, said.err
    assert stat.S_IMODE((work / "repro.key").stat().st_mode) == 0o600
    assert repro(work, "sign", "a.json", "--key", "repro.key", "--password-file", "pw").code == 0
    again = repro(work, "keys", "generate", "--no-password")
    assert (again.code, "not overwritten" in again.err) == (2, True)
    shown = repro(work, "keys", "show", "repro.pub", "--json").document
    assert shown["fingerprint"] == said.document["fingerprint"]


class Authority(BaseHTTPRequestHandler):
    """A timestamp authority over HTTP; `/wrong` stamps something else, `/late` answers no nonce."""

    timestamper: Timestamper

    def do_POST(self) -> None:
        """Answer a query."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        query = tsp.TimeStampReq.load(data)
        digest = query["message_imprint"]["hashed_message"].native
        nonce = None if self.path == "/late" else query["nonce"].native
        answer = stamped(self.timestamper, bytes(32) if self.path == "/wrong" else digest, nonce)
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()
        self.wfile.write(b"junk" if self.path == "/junk" else answer)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def stamped(timestamper: Timestamper, digest: bytes, nonce: int | None) -> bytes:
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.3.6.1.4.1.57264.2",
            "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
            "serial_number": 1,
            "gen_time": datetime(2026, 1, 15, tzinfo=UTC),
            **({} if nonce is None else {"nonce": nonce}),
        }
    )
    return timestamper.response(info, embed=True)


@pytest.fixture(scope="module")
def authority() -> Iterator[str]:
    """The address of a timestamp authority on this machine."""
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
    Authority.timestamper = Timestamper.create(start, end)
    server = HTTPServer(("127.0.0.1", 0), Authority)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_timestamp_stands_in_the_bundle(
    repro: Callable[..., Said], work: Path, key: KeyFiles, authority: str
) -> None:
    """With --timestamp-url the bundle carries the authority's answer over this very signature."""
    said = repro(work, "sign", "a.json", *key.options, "--timestamp-url", f"{authority}/")
    assert said.code == 0, said.err
    document = bundle(work / "a.json.sigstore.json")
    (stamp,) = document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    answer = tsp.TimeStampResp.load(base64.b64decode(stamp["signedTimestamp"]))
    info = answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    signature = base64.b64decode(document["dsseEnvelope"]["signatures"][0]["sig"])
    assert info["message_imprint"]["hashed_message"].native == hashlib.sha256(signature).digest()


@pytest.mark.parametrize("path", ["wrong", "late", "junk", "broken"])
def test_a_wrong_timestamp_is_not_kept(
    repro: Callable[..., Said], work: Path, key: KeyFiles, authority: str, path: str
) -> None:
    """An answer over other bytes, to another question, or that is none, is refused and nothing is written."""
    said = repro(work, "sign", "a.json", *key.options, "--timestamp-url", f"{authority}/{path}")
    assert said.code == 3
    assert not (work / "a.json.sigstore.json").exists()


def test_what_is_signed_is_a_statement(work: Path) -> None:
    """The fixture of this file reads as it was written, in letters beyond ASCII too."""
    assert parse_statement((work / "a.json").read_bytes()) == STATEMENT


@pytest.mark.parametrize("kind", ["junk", "valid"])
def test_a_token_is_never_seen(
    repro: Callable[..., Said], work: Path, tmp_path: Path, world: PrivateSigstore, kind: str
) -> None:
    """Signing by identity that fails, at the token or at the network, shows the token nowhere."""
    config = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": json.loads(world.trusted_root()),
        "signingConfig": json.loads(world.signing_config()),
    }
    (work / "trust.json").write_text(json.dumps(config))
    raw = str(token()) if kind == "valid" else "eyJhbGciOiJub25lIn0.c2VjcmV0.c2VjcmV0"
    (tmp_path / "token").write_text(raw + "\n")
    options = ("--trust-config", "trust.json", "--identity-token-file", tmp_path / "token")
    said = repro(work, "-v", "sign", "a.json", *options)
    assert said.code == 3
    written = b"".join(path.read_bytes() for path in work.iterdir())
    for part in (raw, raw.split(".")[1]):
        assert part not in said.out + said.err
        assert part.encode() not in written
    assert not (work / "a.json.sigstore.json").exists()


@pytest.mark.parametrize("content", ["{}", "junk", '{"mediaType": "x"}'])
def test_a_broken_trust_configuration_is_refused(
    repro: Callable[..., Said], work: Path, tmp_path: Path, content: str
) -> None:
    """A trust configuration that is none is said to be the reason, without a traceback."""
    (work / "trust.json").write_text(content)
    (tmp_path / "token").write_text(str(token()))
    options = ("--trust-config", "trust.json", "--identity-token-file", tmp_path / "token")
    said = repro(work, "sign", "a.json", *options)
    assert said.code == 3
    assert "trust configuration" in said.err
    assert "internal error" not in said.err
