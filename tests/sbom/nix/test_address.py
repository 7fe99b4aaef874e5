"""Addresses in inventories hold no credentials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.sbom.address import public

SECRET = "hunter2secretword"

HIDING_PLACES = (
    f"https://user:{SECRET}@host.example/x.bz2",
    f"https://{SECRET}@host.example/x.bz2",
    f"git+https://oauth2:{SECRET}@host.example/x.git",
    f"https://host.example/x?access_token={SECRET}",
    f"https://host.example/x?a=b&X-Amz-Signature={SECRET}&c=d",
    f"https://host.example/x?a=b;client_secret={SECRET}",
    f"https://host.example/x#access_token={SECRET}",
    f"ssh://git:{SECRET}@host.example/x.git",
    f"git+ssh://git:{SECRET}@host.example/x.git",
    f"user:{SECRET}@host.example/x",
    f"https://user:pa/{SECRET}@host.example/x",
    f"https://user:'{SECRET} \"@host.example/x",
    f"https://user:@{SECRET}@host.example/x",
    f"\thttps://user:{SECRET}@host.example/x",
    f"file:///home/{SECRET}/x",
    f"/home/{SECRET}/x",
    f"C:\\Users\\{SECRET}\\x",
)


@pytest.mark.parametrize("url", HIDING_PLACES)
def test_a_credential_in_an_address_is_not_told(url: str) -> None:
    """Whatever place of an address holds a secret or a user's folder, what is told does not."""
    assert SECRET not in public(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://host.example/a/b-1.2.tar.gz?rev=3&b=%20#frag",
        "mirror://gnu/hello/hello-2.12.tar.gz",
        "git@host.example:owner/name.git",
        "git+ssh://git@host.example/owner/name.git",
        "github:owner/name",
        "https://host.example:8080/x",
        "https://host.example/pool/author=me/monkey=1",
    ],
)
def test_an_address_without_credentials_stays(url: str) -> None:
    """What holds no credential is told as it stands."""
    assert public(url) == url


def test_control_characters_are_encoded() -> None:
    """Escape sequences, line ends and marks of direction in an address cannot reach a terminal."""
    assert public("https://host.example/\x1b[31m\n\u202e") == "https://host.example/%1B[31m%0A%E2%80%AE"


@given(st.text(max_size=60), st.sampled_from(["", "https://", "ssh://", "a@", "git+https://u:p@"]))
def test_every_text_gives_a_printable_address_that_stays_itself(text: str, start: str) -> None:
    """Any text gives printable ASCII, and telling an address twice changes nothing."""
    told = public(start + text)
    assert told.isascii()
    assert told.isprintable()
    assert public(told) == told
