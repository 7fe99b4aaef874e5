"""Identity and issuer are an exact pair; a pattern is a full match, and only where it was asked for."""

from __future__ import annotations

import pytest

from repro.attest.signed import Signer
from repro.core.errors import ConfigError
from repro.verify.signers import Identity

GOOD = "https://github.com/org/repo/.github/workflows/release.yml@refs/tags/v1"
ISSUER = "https://token.actions.githubusercontent.com"

NEAR = {
    "longer": f"{GOOD}@evil",
    "inside a query": f"https://evil/?u={GOOD}",
    "other dot": GOOD.replace("github.com", "githubXcom"),
    "other case": GOOD.replace("org", "Org"),
    "trailing slash": f"{GOOD}/",
    "sister organisation": GOOD.replace("/org/", "/org-evil/"),
    "line after": f"{GOOD}\n",
    "line before": f"evil\n{GOOD}",
    "branch like a tag": GOOD.replace("refs/tags/v1", "refs/heads/refs/tags/v1"),
    "NUL": f"{GOOD}\x00",
    "nobody": "",
}


def signer(identity: str, issuer: str = ISSUER) -> Signer:
    return Signer(identity=identity, issuer=issuer, claims={}, der=b"")


@pytest.mark.parametrize("case", NEAR)
@pytest.mark.parametrize("is_pattern", [False, True])
def test_a_near_identity_is_another(case: str, is_pattern: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """No identity but the one that is named is met, whichever way it is named."""
    text = GOOD.replace(".", r"\.") if is_pattern else GOOD
    rule = Identity(identity=text, issuer=ISSUER, is_pattern=is_pattern)
    assert rule.is_met_by(signer(GOOD))
    assert not rule.is_met_by(signer(NEAR[case]))


@pytest.mark.parametrize("issuer", [f"{ISSUER}/", f"{ISSUER}.evil", ISSUER.upper(), "", "https://id.invalid"])
def test_the_right_identity_of_another_issuer_is_another(issuer: str) -> None:
    """Who vouches counts as much as who signs, for patterns too."""
    for rule in (
        Identity(identity=GOOD, issuer=ISSUER),
        Identity(identity=r"https://github\.com/org/.*", issuer=ISSUER, is_pattern=True),
    ):
        assert not rule.is_met_by(signer(GOOD, issuer))


def test_a_pattern_matches_all_of_an_identity() -> None:
    """An alternative without brackets does not open the ends."""
    rule = Identity(identity="https://a|https://b", issuer=ISSUER, is_pattern=True)
    assert rule.is_met_by(signer("https://b"))
    assert not rule.is_met_by(signer("https://b/evil"))


@pytest.mark.parametrize(
    "pattern", ["(", ".*", "(?s).*", "[^x]+", "*", r"[!-~]+", "https://.*", r"[^@]+@[a-z.]+", r"\S+|x"]
)
def test_a_pattern_that_is_none_or_matches_anybody_is_refused(pattern: str) -> None:
    """A pattern is refused when it is written, not when somebody has signed."""
    with pytest.raises(ConfigError, match="identity pattern"):
        Identity(identity=pattern, issuer=ISSUER, is_pattern=True)


@pytest.mark.parametrize("text", [".*", "https://github.com/.*"])
def test_an_exact_identity_is_no_pattern(text: str) -> None:
    """Characters of patterns mean themselves where no pattern was asked for."""
    assert not Identity(identity=text, issuer=ISSUER).is_met_by(signer(GOOD))
