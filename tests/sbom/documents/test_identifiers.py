"""The licences that are written as identifiers."""

from __future__ import annotations

from cyclonedx.spdx import is_supported_id
from license_expression import get_spdx_licensing

from repro.sbom.cyclonedx import _identifiers


def test_identifiers_are_those_of_the_library() -> None:
    """Of all licences that are known, those are identifiers that the library writes as such."""
    known = get_spdx_licensing().known_symbols
    words = {word for key in known for word in (key, key.lower())} | _identifiers()
    assert {word for word in words if is_supported_id(word)} == _identifiers()
