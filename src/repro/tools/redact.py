"""Credentials taken out of text: what is shown, logged or stored never holds a token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"

_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<userinfo>[^/?#\s'\"]*)@")
_QUERY = re.compile(
    r"(?P<key>[?&](?:access_token|private_token|token|auth|password|passwd|secret|secret-key|secret_key|"
    r"api_?key|sig|signature|x-amz-[a-z-]+|x-goog-[a-z-]+)=)(?P<value>[^&#\s'\"]+)",
    re.IGNORECASE,
)
_SETTING = re.compile(r"(?P<key>(?:extra-)?access-tokens\s*(?:=|\s)\s*)(?P<value>\S[^\n'\"]*)")
_BEARER = re.compile(
    r"(?P<key>(?:authorization:\s*)?(?:bearer|basic)\s+)(?P<value>[\w.~+/=-]{8,})", re.IGNORECASE
)
_SHAPES = re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|AKIA[A-Z0-9]{16})")
_PAIR = re.compile(r"[^\s=]+=(?:OAuth2:|PAT:|Bearer:)?(\S+)")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without credentials: in URLs, in queries, in Nix's `access-tokens`, in known shapes of tokens.

    `secrets` are taken out wherever they stand. The user name of an ssh address is no secret.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _USERINFO.sub(_masked, text)
    for pattern in (_QUERY, _SETTING, _BEARER):
        text = pattern.sub(lambda match: match["key"] + MASK, text)
    return _SHAPES.sub(MASK, text)


def secrets_in(*texts: str) -> frozenset[str]:
    """The credentials that `texts` (references, settings) hold, as they stand there and percent-decoded."""
    found: set[str] = set()
    for text in texts:
        for match in _USERINFO.finditer(text):
            user, colon, word = match["userinfo"].partition(":")
            if colon or not _is_ssh(match["scheme"]):
                found.add(word if colon else user)
        found.update(match["value"] for match in _QUERY.finditer(text))
        for match in _SETTING.finditer(text):
            found.update(_PAIR.findall(match["value"]))
    found |= {unquote(secret) for secret in found}
    return frozenset(secret for secret in found if secret.strip("*"))


def _masked(match: re.Match[str]) -> str:
    userinfo = match["userinfo"]
    shown = userinfo if _is_ssh(match["scheme"]) and ":" not in userinfo else MASK
    return f"{match['scheme']}://{shown}@"


def _is_ssh(scheme: str) -> bool:
    return scheme.lower().split("+")[-1] in {"ssh", "ssh-ng"}
