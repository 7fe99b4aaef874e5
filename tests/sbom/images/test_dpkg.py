from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sbom.images.makers import stanza

from repro.core.errors import FormatError
from repro.sbom.component import Licence
from repro.sbom.dpkg import licence, parse_copyright, parse_status, resolved


def test_installed_packages_are_read() -> None:
    """Only what is installed counts: not what was removed with its configuration left."""
    text = stanza("bash", "5.2.15-2+b2", Depends="base-files (>= 2.1.12)", Description="shell\n long text")
    text += stanza("gone", Status="deinstall ok config-files")
    (bash,), wrong = parse_status(text.encode(), name="status")
    assert (bash.name, bash.version, bash.architecture) == ("bash", "5.2.15-2+b2", "amd64")
    assert (bash.needs, bash.description, wrong) == ((("base-files",),), "shell", [])


def test_the_source_is_told() -> None:
    """The source package has its own name, and its own version where it differs."""
    text = stanza("a", Source="b (2.0)") + stanza("c", Source="d") + stanza("e")
    found, _ = parse_status(text.encode(), name="status")
    assert [(each.source, each.source_version) for each in found] == [
        ("b", "2.0"),
        ("d", "1.0"),
        ("e", "1.0"),
    ]


def test_needs_are_resolved() -> None:
    """Of alternatives the one that is there is needed, also by what it provides; what is not there is not."""
    text = stanza("a", **{"Pre-Depends": "libc6 (>= 2)", "Depends": "x | mta, nothing, b:any, a"})
    text += stanza("libc6") + stanza("exim", Provides="mta (= 1)") + stanza("b", Architecture="all")
    found, _ = parse_status(text.encode(), name="status")
    assert resolved(found)["deb:a:amd64"] == ("deb:b:all", "deb:exim:amd64", "deb:libc6:amd64")


@pytest.mark.parametrize(
    "fields", [{"Package": "../x"}, {"Version": ""}, {"Version": "1 2"}, {"Package": "\x1b[31m"}]
)
def test_packages_without_proper_names(fields: dict[str, str]) -> None:
    """A package without a name and a version that dpkg would take is told, and the others are read."""
    found, wrong = parse_status((stanza("a", **fields) + stanza("b")).encode(), name="status")
    assert ([each.name for each in found], len(wrong)) == (["b"], 1)


def test_the_number_of_packages_has_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of a million packages is refused."""
    monkeypatch.setattr("repro.sbom.dpkg.MAX_PACKAGES", 3)
    with pytest.raises(FormatError, match="more than 3"):
        parse_status("".join(stanza(f"p{n}") for n in range(4)).encode(), name="status")


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    """Whatever stands in a database or a file of copyright, reading it ends without an error."""
    parse_status(data, name="status")
    parse_copyright(b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n" + data)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-3", "GPL-3.0-only"),
        ("LGPL-2.1+ and Expat", "LGPL-2.1-or-later AND MIT"),
        ("BSD-3-clause or Artistic", "BSD-3-Clause OR Artistic-1.0-Perl"),
        ("Apache-2.0", "Apache-2.0"),
    ],
)
def test_licences_in_words_of_spdx(words: str, expected: str) -> None:
    """Debian's short names become SPDX expressions where SPDX knows them."""
    assert licence(words) == Licence(expression=expected)


def test_licences_in_own_words() -> None:
    """What SPDX does not know stays as it is, and is no expression."""
    assert licence("GPL-2+ with something else") == Licence(name="GPL-2+ with something else")


def test_a_free_text_is_no_statement() -> None:
    """A copyright file that is free text states no licence that could be read."""
    assert parse_copyright(b"This is free software; see License: MIT\n") == ()


def test_dpkg_itself_says_the_same() -> None:
    """On a machine with dpkg, names, versions and architectures are those that dpkg-query prints."""
    if shutil.which("dpkg-query") is None:
        pytest.skip("no dpkg on this machine")
    form = "${db:Status-Status} ${Package} ${Version} ${Architecture}\n"
    said = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout
    expected = {
        line.removeprefix("installed ") for line in said.splitlines() if line.startswith("installed ")
    }
    found, wrong = parse_status(Path("/var/lib/dpkg/status").read_bytes(), name="status")
    assert {f"{each.name} {each.version} {each.architecture}" for each in found} == expected
    assert wrong == []
