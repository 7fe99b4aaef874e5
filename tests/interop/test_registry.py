"""Images in real registries: what cosign attaches `repro verify` finds, by tags or the API for referrers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.interop import peers
from tests.interop.registry import Registry, real_registry, with_referrers, with_tags, with_zot
from tests.interop.signers import PREDICATE
from tests.interop.test_command import repro
from tests.interop.test_keys import NO_SERVICES
from tests.interop.tools import TOOLS, docker_registry

from repro.attest.keys import generate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.interop.servers import RealSigstore


@pytest.fixture(scope="module", params=[with_tags, with_referrers, with_zot], ids=lambda one: one.__name__)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry, running."""
    if request.param is with_tags and not docker_registry().exists():
        reason = "no docker-registry: apt-get downloads it for make interop"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    if request.param is with_zot and not TOOLS["zot"].path.exists():
        pytest.skip("no zot: make interop builds it where the proxy of modules gives it")
    with real_registry(tmp_path_factory.mktemp("registry"), request.param) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where cosign's key and another are."""
    assert peers.cosign(tmp_path, "generate-key-pair", COSIGN_PASSWORD="").accepted
    (tmp_path / "other.pub").write_bytes(generate().public.to_pem())
    (tmp_path / "none.json").write_text(json.dumps(NO_SERVICES))
    (tmp_path / "predicate.json").write_text(json.dumps(PREDICATE))
    return tmp_path


def attest(folder: Path, image: str, root: Path) -> None:
    """Let cosign sign provenance of an image, and push it beside the image."""
    done = peers.cosign(
        folder,
        "attest",
        "--yes",
        f"--key={folder / 'cosign.key'}",
        f"--signing-config={folder / 'none.json'}",
        f"--trusted-root={root}",
        f"--predicate={folder / 'predicate.json'}",
        "--type=slsaprovenance1",
        "--allow-http-registry",
        image,
        COSIGN_PASSWORD="",
    )
    assert done.accepted, done.said


def test_what_cosign_attaches_is_found(real: RealSigstore, registry: Registry, folder: Path) -> None:
    """An attestation by cosign is found, and verified by its key."""
    digest = registry.push("lab/image", b"layer")
    image = f"{registry.address}/lab/image@{digest}"
    nothing = repro(folder, "verify", f"oci:{image}", "--key=cosign.pub")
    assert nothing.returncode == 3, nothing.stdout + nothing.stderr
    attest(folder, image, real.trusted_root)
    good = repro(folder, "verify", f"oci:{image}", "--key=cosign.pub", "--json")
    assert good.returncode == 0, good.stdout + good.stderr
    wrong = repro(folder, "verify", f"oci:{image}", "--key=other.pub", "--json")
    assert wrong.returncode == 1, wrong.stdout + wrong.stderr
    assert "step 4" in wrong.stdout


def test_another_image_has_none_of_it(real: RealSigstore, registry: Registry, folder: Path) -> None:
    """Attestations of one image are nothing to another in the same repository; offline nothing is asked."""
    digest = registry.push("lab/two", b"first")
    attest(folder, f"{registry.address}/lab/two@{digest}", real.trusted_root)
    other = registry.push("lab/two", b"second")
    image = f"oci:{registry.address}/lab/two@{other}"
    assert repro(folder, "verify", image, "--key=cosign.pub").returncode == 3
    missing = f"oci:{registry.address}/lab/two@sha256:{'0' * 64}"
    assert repro(folder, "verify", missing, "--key=cosign.pub").returncode == 3
    first = f"oci:{registry.address}/lab/two@{digest}"
    assert repro(folder, "verify", first, "--key=cosign.pub", "--offline").returncode == 3
    both = repro(folder, "verify", first, image, "--key=cosign.pub", "--json")
    assert both.returncode == 3
    assert sorted(one["exit"] for one in json.loads(both.stdout)["artifacts"]) == [0, 3]
