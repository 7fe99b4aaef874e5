"""The SBOM of a Nix environment in a certificate: the closure that the record lists, path by path."""

from __future__ import annotations

import json

import pytest
from tests.nix.test_nix_environment import Lab, lab

from repro.flows.certificate_environment import environment_sbom

__all__ = ["lab"]

pytestmark = [pytest.mark.nix, pytest.mark.xdist_group("nix-builds")]


def test_the_closure_of_a_run_is_its_sbom(lab: Lab) -> None:
    """Every store path of the run's closure is a component with its NAR hash, and twice it is the same."""
    record = lab.record(lab.run())
    document = environment_sbom(lab.root, record)
    assert environment_sbom(lab.root, record) == document
    text = json.dumps(json.loads(document))
    for name, nar_hash in record.conditions["environment"]["facts"]["closure"].items():
        assert name in text
        assert nar_hash in text or nar_hash.removeprefix("sha256-") in text
