"""What is read here without a library is what the library reads."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packageurl import PackageURL
from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement

from repro.core.errors import FormatError
from repro.sbom.component import digest_of, recorded
from repro.sbom.python_component import purl_of
from repro.sbom.python_graph import SIMPLE, markers_of
from repro.sbom.python_library import TextDistribution, headers_of
from repro.sbom.python_markers import answered
from repro.sbom.python_metadata import normalised
from repro.sbom.python_record import rows_of
from repro.sbom.rust import purl_of as cargo

METADATA = sorted(Path(sys.prefix).glob("lib/python*/site-packages/*.dist-info/METADATA"))
TEXTS = [path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode() for path in METADATA]
REQUIRES = sorted({each for text in TEXTS for each in headers_of(text).get("requires-dist", [])})
VALUES = {**markers_of("3.11.7", ()), "platform_machine": "x86_64", "extra": "test"}

TOLD: tuple[str, ...] = ("name", "version", "summary", "author", "author-email", "home-page", "download-url")
TOLD += ("project-url", "license-expression", "license", "license-file", "requires-dist", "classifier")
LINES = ["Name: a", "name:b", "Version: 1", "Requires-Dist: c", "Classifier: License :: d", "Classifier: e"]
LINES += ["Classifier:  License :: f", "Keywords: g", "Keywords:", "Dynamic: h", "Provides-Extra: i", " j"]
LINES += ["\tLicense :: k", "no header", "From l", "--m", "Content-Type: multipart/mixed; boundary=m", ": n"]
LINES = [line + end for line in LINES for end in ("\n", "\n", "\r", "\n\n", "\x0b\n", "")]

NAMES = ("python_version", "python_full_version", "sys_platform", "os_name", "extra", "platform_machine")
ATOMS = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(NAMES),
    st.sampled_from(["==", " != ", "<", " <=", ">", ">= ", " in ", "~="]),
    st.sampled_from(["'"]),
    st.sampled_from(
        ["3.11", "3.8", "3.11.0", "3.11.7", "3", "linux", "win32", "Test", "te_st", "v1", "3.*", "3.12a1"]
    ),
    st.sampled_from(["'"]),
)
MARKERS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("({})".format, inner),
    ),
    max_leaves=5,
)


def library(marker: str) -> bool:
    """Packaging's answer."""
    return Marker(marker).evaluate(dict(VALUES))


@given(MARKERS)
@example("extra == 'v1'")
@example("python_version < '3.8' and python_version < '3.8' or extra == 'test'")
def test_markers(marker: str) -> None:
    """A marker that is answered has the library's answer."""
    found = answered(marker, VALUES)
    if found is not None:
        assert found is library(marker)


@pytest.mark.parametrize(
    "marker", ["", "()", "\1", "\1 and \0", "extra", "extra == 'a' extra == 'b'", "'a' == 'a'"]
)
def test_what_is_no_marker_is_left_to_the_library(marker: str) -> None:
    """Nothing is answered that the library would refuse or answer otherwise."""
    assert answered(marker, VALUES) is None


def test_markers_of_real_packages() -> None:
    """Of every package installed here the answers are the library's, nearly all given without it."""
    markers = sorted({each.partition(";")[2] for each in REQUIRES if ";" in each})
    answers = {marker: answered(marker, VALUES) for marker in markers}
    given_here = {marker: answer for marker, answer in answers.items() if answer is not None}
    assert len(given_here) > len(markers) * 0.95
    assert given_here == {marker: library(marker) for marker in given_here}


def test_requirements_of_real_packages() -> None:
    """Name and extras of a requirement are the library's."""
    for text in REQUIRES:
        head = text.partition(";")[0]
        if match := SIMPLE.fullmatch(head):
            known = Requirement(head)
            extras = {each.strip() for each in (match["extras"] or "").split(",") if each}
            assert (match["name"], extras) == (known.name, known.extras)


@pytest.mark.parametrize(
    "head", ["a[]", "a[b", "a[b,]", "a[b,,c]", "a[b] @ https://x", "a b", "a[b] c", "-a"]
)
def test_odd_requirements_are_left_to_the_library(head: str) -> None:
    """What is no plain name with extras is not read here."""
    assert not SIMPLE.fullmatch(head)


def by_library(text: str) -> dict[str, list[str]]:
    """What importlib.metadata says of each header that is told, and of licences among the classifiers."""
    message = TextDistribution({"METADATA": text}).metadata
    found = {name: [str(each).strip() for each in message.get_all(name) or ()] for name in TOLD}
    found["classifier"] = [each for each in found["classifier"] if each.startswith("License ::")]
    return found


def read_here(text: str) -> dict[str, list[str]]:
    """The same, as it is read here."""
    headers = headers_of(text)
    found = {name: headers.get(name, []) for name in TOLD}
    found["classifier"] = [each for each in found["classifier"] if each.startswith("License ::")]
    return found


def test_headers_of_real_packages() -> None:
    """Of every package installed here the headers that are told have the library's values, in its order."""
    assert [read_here(text) for text in TEXTS] == [by_library(text) for text in TEXTS]
    assert any(read_here(text)["classifier"] for text in TEXTS)


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=8).map("".join))
@example("Keywords: a\nName: b")
@example("Name: a\nKeywords: b\n\tName: c\nVersion: 1")
@example("Name: a\nKeywords: b\rVersion: 1\n")
@example("Name: a\nClassifier:\xa0License :: b\n")
def test_headers(text: str) -> None:
    """Of any text the headers that are told have the library's values, whatever is left out before."""
    assert read_here(text) == by_library(text)


@given(st.text(st.sampled_from('ab,"\n\r'), max_size=12))
def test_rows_of_record(text: str) -> None:
    """The lines of RECORD, of any text, are those that the library reads; what it refuses is refused."""
    try:
        expected = [(*row, "", "", "")[:3] for row in csv.reader(io.StringIO(text), strict=True) if row]
    except csv.Error:
        with pytest.raises(FormatError):
            rows_of(text)
    else:
        assert [tuple(row) for row in rows_of(text)] == expected


@given(
    st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,4}[A-Za-z0-9])?", fullmatch=True),
    st.text(st.sampled_from("1.a+!-_é"), max_size=6),
)
def test_package_urls(name: str, version: str) -> None:
    """A package URL is as the library writes it."""
    clean = normalised(name)
    assert cargo(name, version or "0") == PackageURL("cargo", None, name, version or "0").to_string()
    assert purl_of(name, version) == PackageURL("pypi", None, clean, version or None).to_string()


@given(st.binary(min_size=32, max_size=32))
def test_words_for_digests(data: bytes) -> None:
    """A digest written as RECORD does is read back the same."""
    assert digest_of(recorded(data)).hex == data.hex()


def test_invalid_markers_are_the_librarys_to_refuse() -> None:
    """The library is there to say what is none."""
    with pytest.raises((InvalidMarker, InvalidRequirement)):
        library("extra ==")
