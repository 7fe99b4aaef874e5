from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.tools.redact import redacted, secrets_in

SECRET = "s3cr3tT0kenValue"

HIDING = [
    "https://user:{}@host/x",
    "https://{}@host/x",
    "git+https://oauth2:{}@host/x?ref=main#attr",
    "https://host/x?a=1&access_token={}&b=2",
    "https://host/x?private_token={}",
    "s3://bucket?profile=x&secret-key={}",
    "access-tokens = github.com={}",
    "--option access-tokens 'host=PAT:{}'",
    "Authorization: Bearer {}",
    "ssh://git:{}@host/x",
]


@pytest.mark.parametrize("shape", HIDING)
def test_credentials_are_taken_out(shape: str) -> None:
    """In every place where a reference or setting holds a credential, it is masked and the rest is kept."""
    text = redacted("cannot fetch '" + shape.format(SECRET) + "': gone")
    assert SECRET not in text
    assert "***" in text
    assert text.startswith("cannot fetch '")


@pytest.mark.parametrize(
    "text",
    [
        "git+ssh://git@host/x?ref=main",
        "https://host/a@b",
        "path:/x#y",
        "me@host.org says: 12:30",
        "https://h/?rev=1",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    """User names of ssh, and addresses without credentials, are shown as they are."""
    assert redacted(text) == text


@pytest.mark.parametrize("shape", HIDING[:8])
def test_a_known_secret_is_masked_wherever_it_stands(shape: str) -> None:
    """What one text holds as a credential is taken out of every other text, however it appears there."""
    assert SECRET in secrets_in(shape.format(SECRET))
    assert SECRET not in redacted(f"builder said {SECRET}!", secrets_in(shape.format(SECRET)))


def test_encoded_secrets_are_masked_decoded_too() -> None:
    """A percent-encoded password is also masked where a tool shows it decoded."""
    secrets = secrets_in("https://user:p%40ss%2Fword@host/")
    assert redacted("p@ss/word p%40ss%2Fword", secrets) == "*** ***"


@given(st.text(string.ascii_letters + string.digits + "-_.~", min_size=6, max_size=30))
def test_any_password_of_a_url_is_masked(password: str) -> None:
    """Whatever a password is made of, it does not stand between `:` and `@` afterwards."""
    assert f":{password}@" not in redacted(f"error: https://user:{password}@host/x failed")


@given(st.text(max_size=60))
def test_masking_twice_is_masking_once(text: str) -> None:
    """What is masked stays as it is."""
    assert redacted(redacted(text)) == redacted(text)
