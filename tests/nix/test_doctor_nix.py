"""What `repro doctor` says of a real Nix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.nix.conftest import CONFIGURATION

from repro.core.check import Status
from repro.flows.doctor_nix import nix_findings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nix.conftest import Nix

pytestmark = pytest.mark.nix


def statuses(nix: Nix, folder: Path, settings: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Status]:
    for name, value in nix.environment.items():
        if name.startswith("NIX_"):
            monkeypatch.setenv(name, value)
    (folder / "nix.conf").write_text(settings)
    monkeypatch.setenv("NIX_CONF_DIR", str(folder))
    monkeypatch.setenv("REPRO_NIX", str(nix.program))
    return {found.check.name: found.check.status for found in nix_findings(folder, needed=True)}


def test_the_settings_of_nix_decide(nix: Nix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sandbox, flakes and trusted users are those of nix.conf, whatever `repro` adds to its own calls."""
    good = statuses(nix, tmp_path, CONFIGURATION, monkeypatch)
    assert good.pop("nix version") in {Status.PASS, Status.FAIL, Status.SKIP}
    assert good == dict.fromkeys(("nix", "nix flakes", "nix sandbox", "nix trusted users"), Status.PASS)
    bad = CONFIGURATION.replace("sandbox = true", "sandbox = false").replace("nix-command flakes", "")
    found = statuses(nix, tmp_path, bad + "trusted-users = root *\n", monkeypatch)
    assert found["nix"] is Status.PASS
    assert {found[f"nix {name}"] for name in ("flakes", "sandbox", "trusted users")} == {Status.FAIL}


@pytest.mark.parametrize("allowed", ["nix-command", "flakes"])
def test_one_feature_is_not_enough(
    nix: Nix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    """Flakes work only where both features are allowed."""
    settings = CONFIGURATION.replace("nix-command flakes", allowed)
    assert statuses(nix, tmp_path, settings, monkeypatch)["nix flakes"] is Status.FAIL
