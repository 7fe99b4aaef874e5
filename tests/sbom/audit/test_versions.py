"""The order of versions, by which ranges are read."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.sbom import debian_version
from repro.sbom.ecosystems import order_of

ASCENDING = {
    # Debian Policy, section 5.6.12, and its example "~~", "~~a", "~", the empty part, "a".
    "Debian:12": [
        "0~",
        "0",
        "1~~",
        "1~~a",
        "1~",
        "1",
        "1a",
        "1+b",
        "1.2",
        "1.10",
        "1.10-1",
        "2-0.1",
        "2-1",
        "1:0.1",
    ],
    # Semantic Versioning 2.0.0, section 11.
    "crates.io": [
        *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"),
        *("1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "2.0.0", "2.1.0", "2.1.1"),
    ],
    "Go": ["v0.0.0-20190101000000-abcdefabcdef", "v0.0.0", "v1.2.0", "1.10.0"],
    # Version specifiers (PEP 440), "Summary of permitted suffixes and relative ordering".
    "PyPI": ["1.dev0", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0+local", "1.0.post1", "1.1", "1!0.5"],
}


@pytest.mark.parametrize("ecosystem", ASCENDING)
def test_an_ecosystem_orders_as_its_specification_says(ecosystem: str) -> None:
    """The example of each specification comes out in its order, whatever order it is given in."""
    order = order_of(ecosystem, "ECOSYSTEM")
    assert order is not None
    shuffled = ASCENDING[ecosystem][1::2] + ASCENDING[ecosystem][::2]
    assert sorted(shuffled, key=order) == ASCENDING[ecosystem]


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0-0"), ("0:1", "1"), ("1.01", "1.1"), ("1.", "1.0")])
def test_debian_knows_several_spellings_of_one_version(one: str, other: str) -> None:
    """An absent epoch or revision is 0, and numbers are read as numbers."""
    assert debian_version.key(one) == debian_version.key(other)


@pytest.mark.parametrize("text", ["", "1 2", "a:1", "1:", "1\n", "é", "9" * 5000])
def test_what_is_no_version_of_debian_is_refused(text: str) -> None:
    """Text that no version can be is a ValueError, which an audit takes for "cannot be told"."""
    with pytest.raises(ValueError, match="no version"):
        debian_version.key(text)


VERSIONS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "0:", "1:"]),
        st.sampled_from("0129"),
        st.text("019.+~ab-", max_size=6),
        st.sampled_from(["", "-1", "-0~x", "-1.2"]),
    ),
).filter(lambda text: not text.endswith("-"))


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is the judge, and is not here")
@settings(max_examples=60, deadline=None)
@given(VERSIONS, VERSIONS)
def test_versions_of_debian_compare_as_dpkg_compares_them(one: str, other: str) -> None:
    """The judge, dpkg itself, finds the same relation between any two versions."""
    ours, theirs = debian_version.key(one), debian_version.key(other)
    word = "lt" if ours < theirs else "gt" if ours > theirs else "eq"
    assert subprocess.run(["dpkg", "--compare-versions", one, word, other], check=False).returncode == 0
