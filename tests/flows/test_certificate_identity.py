"""Certificates that an identity signs: its certificate says who, and its Sigstore's root goes along."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.attest.conftest import Said, repro
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

from repro.attest.predicates import LOCAL_BUILDER
from repro.core.errors import FormatError
from repro.flows import attest_replay
from repro.flows.certificate_policy import policy_text
from repro.flows.certificate_run import Source, part_of
from repro.flows.certificate_seal import CRATE, close, seal_of, signed, write_trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.flows.conftest import Lab

    from repro.attest.statement import Statement

__all__ = ["repro"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow that signs in the tests' own Sigstore."""

    world: PrivateSigstore
    name: str = WORKFLOW

    def statement(self, statement: Statement) -> bytes:
        """A bundle of a statement's exact bytes."""
        return self.world.sign(Order(payload=statement.raw))

    def blob(self, data: bytes) -> bytes:
        """A bundle of any bytes."""
        return self.world.sign(Order(payload=data, form="message"))


@pytest.fixture
def sealed(lab: Lab, tmp_path: Path) -> tuple[Path, str]:
    """A certificate signed by a workflow, and the command that checks it."""
    lab.plain()
    place, world = tmp_path / "certificate", PrivateSigstore()
    place.mkdir()
    config = tmp_path / "trust-config.json"
    config.write_bytes(b'{"trustedRoot":%s}' % world.trusted_root())
    (ran,) = attest_replay.runs_of(lab.root, "mean")
    parts = (part_of(Source(root=lab.root, builder=LOCAL_BUILDER), ran, several=False),)
    parts[0].write(place, lambda *_, **__: "a page")
    signers = [Workflow(world=world)]
    bundles = signed(parts, signers)
    seal = seal_of(signers, bundles, config)
    write_trust(place, seal, policy_text("mean", parts, seal, builder=LOCAL_BUILDER))
    (place / CRATE).write_text("{}")
    close(place, "mean", parts, signers, bundles)
    return place, seal.command


def test_an_identity_is_named_as_its_certificate_proves_it(
    sealed: tuple[Path, str], repro: Callable[..., Said]
) -> None:
    """The policy names the exact identity, its issuer and the root, and the command verifies offline."""
    place, command = sealed
    policy = tomllib.loads((place / "policy.toml").read_text())
    assert policy["signers"] == {"signer-1": {"identity": WORKFLOW, "issuer": GITHUB, "root": "own"}}
    assert policy["roots"] == {"own": {"file": "trusted-root.json"}}
    answer = repro(place, *command.split()[1:])
    assert answer.code == 0, answer.out + answer.err


def test_another_sigstores_root_proves_nothing(sealed: tuple[Path, str], repro: Callable[..., Said]) -> None:
    """With the root of another Sigstore in its place nothing is verified."""
    place, command = sealed
    (place / "trusted-root.json").write_bytes(PrivateSigstore().trusted_root())
    assert repro(place, *command.split()[1:]).code == 1


def test_altered_files_are_refused(sealed: tuple[Path, str], repro: Callable[..., Said]) -> None:
    """Another byte in any file is refused: exit 1, and 2 for a policy that cannot be read any more."""
    place, command = sealed
    for name in ("record.json", "outputs/results.json", "policy.toml", f"{CRATE}.sigstore.jsonl"):
        data = (place / name).read_bytes()
        (place / name).write_bytes(data.replace(b"e", b"f", 1))
        assert repro(place, *command.split()[1:]).code == (2 if name == "policy.toml" else 1)
        (place / name).write_bytes(data)
    policy = place / "policy.toml"
    policy.write_bytes(policy.read_bytes() + b"# more\n")
    assert repro(place, *command.split()[1:]).code == 1


def test_a_configuration_without_a_root_is_refused(tmp_path: Path) -> None:
    """A trust configuration that holds no trusted root is unparsable evidence."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"signingConfig": {}}))
    with pytest.raises(FormatError, match="has no trustedRoot"):
        seal_of([Workflow(world=PrivateSigstore())], [b"{}"], config)
