"""What syft finds in an image is in ours too, but for what `docs/explanation/sbom.md` names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.sbom.images import syft

from repro.sbom.oci import image

DOCUMENTATION = Path(__file__).parents[3] / "docs/explanation/sbom.md"

DIFFERENT = {
    "pkg:deb/debian/gone@3": "packages that were removed and left their configuration",
    "pkg:nix/glibc@2.40": "the release of a Nix package before the name of an output",
}
"""What syft lists and we do not, and the line of the documentation that says why."""


def test_the_image_is_the_one_that_syft_was_asked_about() -> None:
    """The image comes out as it was when syft's answer was recorded."""
    assert syft.digest(syft.made()) == syft.recorded()["manifest"]


def test_the_components_of_syft_are_contained_in_ours(tmp_path: Path) -> None:
    """Every package URL that syft gives is one of ours, but for those whose reason is documented."""
    ours = {each.purl.partition("?")[0] for each in image(syft.made().write(tmp_path)).components}
    assert set(syft.recorded()["components"]) - ours == set(DIFFERENT)
    text = DOCUMENTATION.read_text(encoding="utf-8")
    assert [reason for reason in DIFFERENT.values() if reason not in text] == []


def test_syft_still_says_what_is_recorded(tmp_path: Path) -> None:
    """A syft that is at hand finds nothing else than the recorded one and ours together."""
    program = shutil.which("syft")
    if program is None:
        pytest.skip("no syft on PATH; its answer is recorded in syft.json")
    ours = {each.purl.partition("?")[0] for each in image(syft.made().write(tmp_path)).components}
    assert set(syft.asked(program)) - ours - set(DIFFERENT) == set()
