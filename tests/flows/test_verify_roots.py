"""A newer trusted root, fetched as the page about verifying tells: by sigstore-python, by TUF."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from repro.core.exits import Exit
from repro.flows.verify import Wishes, verify

if TYPE_CHECKING:
    from pathlib import Path

END = datetime(2100, 1, 1, tzinfo=UTC)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def publish(place: Path, world: PrivateSigstore) -> None:
    """A repository of one key that brings what a client of the private Sigstore needs."""
    (place / "targets").mkdir(parents=True)
    signer = CryptoSigner.generate_ed25519()
    root, targets = Root(expires=END), Targets(expires=END)
    for role in ("root", "timestamp", "snapshot", "targets"):
        root.add_key(signer.public_key, role)
    contents = {"trusted_root.json": world.trusted_root(), "signing_config.v0.2.json": world.signing_config()}
    for name, data in contents.items():
        target = targets.targets[name] = TargetFile.from_data(name, data)
        (place / "targets" / f"{target.hashes['sha256']}.{name}").write_bytes(data)
    parts: dict[str, Any] = {
        "1.root": root,
        "1.targets": targets,
        "1.snapshot": Snapshot(expires=END),
        "timestamp": Timestamp(expires=END),
    }
    for name, part in parts.items():
        metadata: Metadata[Any] = Metadata(part)
        metadata.sign(signer)
        metadata.to_file(str(place / f"{name}.json"))


@pytest.fixture
def fetched(tmp_path: Path) -> tuple[PrivateSigstore, Path]:
    """A private Sigstore, and its root as sigstore-python has fetched it into an empty home."""
    world, repository, home = PrivateSigstore(), tmp_path / "repository", tmp_path / "home"
    publish(repository, world)
    home.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(repository)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = [sys.executable, "-m", "sigstore", "--instance", f"http://127.0.0.1:{server.server_address[1]}"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    try:
        for words in (["trust-instance", str(repository / "1.root.json")], ["plumbing", "update-trust-root"]):
            done = subprocess.run(
                [*client, *words],
                env={**kept, "HOME": str(home)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    finally:
        server.shutdown()
        server.server_close()
    (root,) = home.rglob("trusted_root.json")
    return world, root


def test_a_root_that_tuf_has_brought_is_believed(
    tmp_path: Path, fetched: tuple[PrivateSigstore, Path]
) -> None:
    """What the packaged root does not know is refused at step 4, and accepted with the fetched one."""
    world, root = fetched
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "a.txt.sigstore.json").write_bytes(world.sign(Order(payload=b"a", form="message")))
    pair = ((WORKFLOW, GITHUB),)
    stale = verify(tmp_path, Wishes(targets=("a.txt",), identities=pair))
    assert stale.exit is Exit.WRONG
    assert stale.verdicts[0].reason.startswith("step 4, signature")
    newer = verify(tmp_path, Wishes(targets=("a.txt",), identities=pair, trusted_root=str(root)))
    assert newer.exit is Exit.GOOD
