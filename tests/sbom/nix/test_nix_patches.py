"""Patches: their text where it is at hand, and the CVEs that they resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from repro.sbom.nix_patches import MAX_DIFF, cves_in, patch_of, read_patches

if TYPE_CHECKING:
    from pathlib import Path

HUNK = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n CVE-2020-0001\n-CVE-2020-0002\n+CVE-2020-0003\n"


@pytest.mark.parametrize(
    ("name", "text", "resolved"),
    [
        ("CVE-2024-12345.patch", "", ("CVE-2024-12345",)),
        ("cve-2024-12345_and_CVE_2023-4444.diff", "", ("CVE-2023-4444", "CVE-2024-12345")),
        (
            "fix.patch",
            "Resolves: CVE-2024-12345, CVE-2024-12346\n" + HUNK,
            ("CVE-2024-12345", "CVE-2024-12346"),
        ),
        ("fix.patch", HUNK, ()),
        ("fix.patch", HUNK + "\n-- \nFrom b\nSubject: CVE-2021-1111\n" + HUNK, ("CVE-2021-1111",)),
        ("revert-CVE-2024-12345.patch", "", ()),
        ("x.patch", 'Subject: [PATCH] Revert "Fix CVE-2024-12345"\n' + HUNK, ()),
        ("NOTCVE-2024-12345.patch", "", ()),
        ("CVE-2024-123.patch", "", ()),
    ],
)
def test_cves_are_those_that_a_patch_says_it_resolves(
    name: str, text: str, resolved: tuple[str, ...]
) -> None:
    """Names and header lines count, lines of the diff do not, and a patch that reverts resolves nothing."""
    assert cves_in(name, text) == resolved


def test_what_is_large_missing_compressed_or_a_link_is_told_by_name(tmp_path: Path) -> None:
    """A patch whose text cannot be told keeps its name and the CVEs of it; no link is followed."""
    large, packed, link = (tmp_path / name for name in ("large.patch", "packed.patch.gz", "link.patch"))
    large.write_bytes(b"x" * (MAX_DIFF + 1))
    packed.write_bytes(b"\x1f\x8b\0\0")
    link.symlink_to(large)
    found = read_patches(str(path) for path in (large, packed, link, tmp_path / "CVE-2024-1234.patch"))
    assert [(each.name, each.diff) for each in found.values()] == [
        ("CVE-2024-1234.patch", ""),
        ("large.patch", ""),
        ("link.patch", ""),
        ("packed.patch.gz", ""),
    ]


def test_control_characters_in_a_patch_are_replaced() -> None:
    """No escape sequence of a patch reaches a document; tabs and line ends stay."""
    assert patch_of("/x/a.patch", b"a\x1b[2J\tb\n\xff").diff == "a\ufffd[2J\tb\n\ufffd"
