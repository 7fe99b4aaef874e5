"""Addresses as an inventory may tell them: without user, password or token, the same on every machine."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

MAX_CHARACTERS = 4096
"""A longer address is none that anybody can use (RFC 9110, section 4.1, asks for half of that)."""

_USERINFO = re.compile(r"(?<=://)[^/?#]*@|^[^/?#@:]+:[^/?#@]*@")
_SSH = re.compile(r"(?:[\w.+-]+\+)?ssh(?:-ng)?://|[\w.-]+@", re.IGNORECASE)
_SSH_PASSWORD = re.compile(r"(?<=://)(?P<user>[^/?#:]*):[^/?#]*@")
_PARAMETER = re.compile(
    r"(?P<key>[?&;#][\w.-]*(?:token|secret|passw(?:or)?d|pwd|auth|credentials?|signature|sig|jwt|session|"
    r"api[_-]?key|key[_-]?id|accesskeyid)=)[^&;#]*",
    re.IGNORECASE,
)
_UNPRINTABLE = re.compile(r"[^!#-&(-;=?-\[\]_a-z~]")
"""All that a URL must not hold as it stands (RFC 3986), quotes included."""

_PLAIN = re.compile(r"https?://[A-Za-z0-9.-]+/[A-Za-z0-9/.+~-]*")
_TOKENS = ("glpat-", "AKIA")
"""Shapes of tokens that could stand in a plain address; the others have an underscore."""


def public(url: str) -> str:
    """`url` without credentials and with everything unprintable percent-encoded.

    The user of an ssh address stays, it is no secret. "" where nothing can be told: an address of this
    machine's own files, one whose host and port cannot be read, and one that is absurdly long.
    """
    if _PLAIN.fullmatch(url) and len(url) <= MAX_CHARACTERS and not any(word in url for word in _TOKENS):
        return url  # nine of ten, in a tenth of the time
    from repro.tools.redact import MASK, redacted

    text = _UNPRINTABLE.sub(lambda match: quote(match[0], errors="replace"), url.strip())
    if len(text) > MAX_CHARACTERS or _is_local(text):
        return ""
    if _SSH.match(text):
        text = _SSH_PASSWORD.sub(r"\g<user>@", text)
    elif not _is_readable(text):
        return ""
    else:
        text = _USERINFO.sub("", text)
    text = _PARAMETER.sub(rf"\g<key>{MASK}", text)
    return redacted(text)


def _is_local(text: str) -> bool:
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower().rpartition("+")[2] in {"file", "path"}:
        return True
    return text.startswith(("/", "~", ".")) or (rest.startswith(("%5C", "\\")) and len(scheme) == 1)


def _is_readable(text: str) -> bool:
    """Whether host and port are what they seem: `https://user:pa/ss@host` hides a password in a path."""
    try:
        return (urlsplit(text).port or 0) >= 0
    except ValueError:
        return False
