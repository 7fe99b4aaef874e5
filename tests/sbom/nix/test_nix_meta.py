"""What packages state of themselves, as Nix evaluated it."""

from __future__ import annotations

import json

import pytest

from repro.core.errors import FormatError
from repro.sbom.nix_meta import licences_of, parse_meta


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"spdxId": "MIT", "fullName": "MIT License"}, [("MIT", "")]),
        ([{"spdxId": "Apache-2.0"}, {"spdxId": "MIT"}], [("Apache-2.0", ""), ("MIT", "")]),
        ({"fullName": "Unfree"}, [("", "Unfree")]),
        ("Do what you like!", [("", "Do what you like!")]),
        ("GPL-2.0-only WITH Classpath-exception-2.0", [("GPL-2.0-only WITH Classpath-exception-2.0", "")]),
        (
            {"operator": "OR", "licenses": [{"spdxId": "MIT"}, {"spdxId": "Apache-2.0"}]},
            [("MIT OR Apache-2.0", "")],
        ),
        ("evil\x1b[2J", [("", "evil\ufffd[2J")]),
        (["((((", {}, None, 3], [("", "((((")]),
        (None, []),
    ],
)
def test_licences_are_expressions_or_names(stated: object, told: list[tuple[str, str]]) -> None:
    """What is an SPDX expression is one; anything else is kept as a name, without control characters."""
    assert [(each.expression, each.name) for each in licences_of(stated)] == told


def test_meta_is_told_without_what_is_none() -> None:
    """A CPE that is none, an address with a token and descriptions that move cursors are not taken over."""
    entry = {
        "outputs": ["/nix/store/a", "/nix/store/b"],
        "cpe": "cpe:nonsense",
        "homepage": ["https://user:word@host.example/x"],
        "description": "a\x1b[1mb",
        "license": None,
    }
    found = parse_meta(json.dumps([entry]).encode())
    assert set(found) == {"/nix/store/a", "/nix/store/b"}
    meta = found["/nix/store/a"]
    assert (meta.cpe, meta.homepage, meta.description) == ("", "https://host.example/x", "a\ufffd[1mb")


@pytest.mark.parametrize("data", [b"{}", b"[1]", b"null", b"[", b'[{"outputs": 3}]'])
def test_what_is_no_meta_is_refused(data: bytes) -> None:
    """Anything but a list of packages raises FormatError."""
    with pytest.raises(FormatError):
        parse_meta(data)
