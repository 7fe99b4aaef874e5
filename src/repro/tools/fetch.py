"""The door to services that are asked by HTTP GET: capped, timed, redirects followed by hand if at all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from repro.core.errors import ToolFailed, UsageError
from repro.tools import host
from repro.tools.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 20.0
"""How long nothing may come."""

MAX_SECONDS = 300.0
"""How long an answer may take to come whole, from its first byte on."""

PIECE = 1 << 18
"""Bytes that are read at a time."""

MAX_REDIRECTS = 3
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a service answered; names of headers are in lower case."""

    url: str
    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def next_url(self) -> str:
        """The next page (RFC 8288, `rel="next"`), "" where there is none. Raises ToolFailed."""
        for link in self.headers.get("link", "").split(","):
            place, _, parameters = link.partition(";")
            if 'rel="next"' in parameters.replace("'", '"') or "rel=next" in parameters:
                return _joined(self.url, place.strip().removeprefix("<").removesuffix(">"))
        return ""


def get(
    url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int, redirects: bool = False
) -> Answer:
    """The answer to a GET, whatever its status; what is secret in `headers` stays with the first host.

    Raises ToolFailed where nothing or more than `max_bytes` comes, UsageError for what is no https address
    (http only on this machine, to which no redirect leads from elsewhere).
    """
    sent = dict(headers or {})
    for _ in range(MAX_REDIRECTS + 1):
        answer = _get(require_safe(url), sent, max_bytes)
        place = answer.headers.get("location", "")
        if not (redirects and answer.status in REDIRECTS and place):
            return answer
        target = _joined(url, place)
        if urlsplit(target).netloc != urlsplit(url).netloc:
            sent.pop("Authorization", None)
        url = require_named(target, by=url)
    raise ToolFailed(f"{redacted(url)}: more than {MAX_REDIRECTS} redirects", hint="check the address")


def require_safe(url: str) -> str:
    """An address whose answer nobody on the way can change or read."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{redacted(url)}: no address: {error}", hint="write https://HOST/PATH") from error
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{redacted(url)}: credentials in an address", hint="take them out")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise UsageError(f"{redacted(url)}: not https", hint="write https://HOST/PATH")


def require_named(url: str, *, by: str) -> str:
    """An address that a service at `by` names. Raises ToolFailed.

    Who is elsewhere names nothing on this machine: what answers there would be asked in the user's name.
    """
    try:
        require_safe(url)
    except UsageError as error:  # not the user's mistake
        raise ToolFailed(error.message, hint="check the address of the service") from None
    if urlsplit(url).hostname in LOOPBACK and urlsplit(by).hostname not in LOOPBACK:
        raise ToolFailed(f"{redacted(by)}: names an address on this machine", hint="check the address")
    return url


def _joined(url: str, place: str) -> str:
    """The address that an answer from `url` names."""
    try:
        target = urljoin(url, place)
        urlsplit(target)
    except ValueError:
        raise ToolFailed(f"{redacted(url)}: names what is no address", hint="check the address") from None
    return target


def _get(url: str, headers: Mapping[str, str], max_bytes: int) -> Answer:
    import requests

    shown = redacted(url)
    try:
        with requests.Session() as session:
            session.trust_env = False  # no netrc: its credentials would go to whoever is asked
            session.proxies = dict(requests.utils.get_environ_proxies(url))
            session.verify = host.variables().get("REQUESTS_CA_BUNDLE") or True
            with session.get(
                url, headers=headers, timeout=TIMEOUT_SECONDS, stream=True, allow_redirects=False
            ) as answer:
                content = _content(answer.raw, max_bytes)
                status = answer.status_code
                found = {name.lower(): value for name, value in answer.headers.items()}
    except (requests.RequestException, OSError) as error:
        why = redacted(str(error))
        raise ToolFailed(f"{shown}: {why}", hint="check the address and the network") from None
    except Exception as error:  # noqa: BLE001 - urllib3's own: a stream that is cut or cannot be decoded
        raise ToolFailed(f"{shown}: {type(error).__name__}", hint="try again") from None
    if content is None:
        raise ToolFailed(f"{shown}: no end within {MAX_SECONDS:g} s", hint="try again")
    if len(content) > max_bytes:
        raise ToolFailed(f"{shown}: sent more than {max_bytes} bytes", hint="check the address")
    return Answer(url=url, status=status, content=content, headers=found)


def _content(stream: Any, max_bytes: int) -> bytes | None:  # noqa: ANN401 - urllib3's, which has no type here
    """What comes, until it is more than `max_bytes`; None where it does not end in time."""
    end = time.monotonic() + MAX_SECONDS
    content = bytearray()
    while piece := stream.read1(min(PIECE, max_bytes + 1 - len(content)), decode_content=True):
        content += piece
        if time.monotonic() > end:
            return None
    return bytes(content)
