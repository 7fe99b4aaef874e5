"""GitHub's attestations of an artifact, by its digest (REST API, "List attestations").

A bundle stands in the answer (`bundle`), or lies elsewhere (`bundle_url`), as a block of Snappy behind an
address that anybody may ask for some minutes. The token, where there is one, goes to the API's host alone,
and into no message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from repro.attest.bundle import MAX_BYTES
from repro.attest.reading import MAX_FILE, Evidence
from repro.core import strictjson
from repro.core.canonical import to_bytes
from repro.core.errors import FormatError, ReproError, ToolFailed
from repro.tools import fetch, snappy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.tools.fetch import Answer

MAX_PAGES = 20
"""Pages of attestations about one artifact, of a hundred each."""

MAX_FETCHED = 100
"""Bundles about one artifact that are fetched from addresses of their own."""

OK, FORBIDDEN, NOT_FOUND, GONE = 200, 403, 404, 410
LIMITED = frozenset({FORBIDDEN, 429})

BY_HAND = "fetch it by `gh attestation download`, and name it by --bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Where to ask: `repository` is OWNER/NAME or OWNER; `token` is "" for asking as anybody."""

    base: str
    repository: str
    token: str = ""

    def __repr__(self) -> str:
        """Without the token."""
        return f"Api({self.base}, {self.repository})"


@dataclass(slots=True, kw_only=True)
class Given:
    """About an artifact: evidence, unread; what cannot be any, by name; why something was not given."""

    evidence: list[Evidence] = field(default_factory=list)
    refused: list[tuple[str, FormatError]] = field(default_factory=list)
    failed: list[ReproError] = field(default_factory=list)


def evidence_of(api: Api, sha256: str) -> Given:
    """All attestations of an artifact, as far as they come: one that fails hides no other.

    Raises UsageError where `api` is no address that may be asked.
    """
    given = Given()
    fetch.require_safe(api.base)
    left = _Left()
    try:
        for at, one in enumerate(_listed(api, sha256), 1):
            _take(one, f"GitHub {api.repository}#{at}", api, given, left)
    except ReproError as error:
        given.failed.append(error)
    return given


def _listed(api: Api, sha256: str) -> Iterator[Any]:
    """The entries of all pages. Raises ToolFailed or FormatError where the API does not answer as it must."""
    owner = "repos" if "/" in api.repository else "orgs"
    place = quote(f"{owner}/{api.repository}/attestations/sha256:{sha256}", safe="/:")
    url = f"{api.base.rstrip('/')}/{place}?per_page=100"
    for _ in range(MAX_PAGES):
        answer = _page(api, url)
        if answer.status == NOT_FOUND:  # nothing is known about the digest
            return
        yield from _entries(answer, api)
        if not (url := answer.next_url):
            return
        if urlsplit(url)[:2] != urlsplit(api.base)[:2]:
            raise ToolFailed(f"{api.base}: its next page is on another host")
    raise ToolFailed(f"{api.base}: more than {MAX_PAGES} pages")


def _page(api: Api, url: str) -> Answer:
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if api.token:
        headers["Authorization"] = f"Bearer {api.token}"
    answer = fetch.get(url, headers=headers, max_bytes=MAX_FILE)
    if answer.status in {OK, NOT_FOUND}:
        return answer
    if answer.status in LIMITED and (
        answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    ):
        wait = answer.headers.get("retry-after", "")
        when = f" for {wait} s" if wait.isdigit() else ""
        raise ToolFailed(f"{api.base}: the rate limit is reached{when}", hint="set GITHUB_TOKEN, or wait")
    hint = "set GITHUB_TOKEN for a private repository" if answer.status in {401, 403} else "try again later"
    raise ToolFailed(f"{api.base}: answered {answer.status}", hint=hint)


def _entries(answer: Answer, api: Api) -> list[Any]:
    name = f"GitHub {api.repository}"
    value = strictjson.parse(answer.content, name=name, max_bytes=MAX_FILE)
    found = value.get("attestations") if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise FormatError(f"{name}: an answer without attestations", hint="check the address of the API")
    return found


@dataclass(slots=True)
class _Left:
    """How many bundles, and bytes of them, may still be fetched from addresses."""

    count: int = MAX_FETCHED
    size: int = MAX_FILE


def _take(one: object, name: str, api: Api, given: Given, left: _Left) -> None:
    """The bundle of one entry, from where it is."""
    entry = one if isinstance(one, dict) else {}
    if entry.get("bundle") is not None:
        given.evidence.append(Evidence(name=name, raw=to_bytes(entry["bundle"])))
        return
    try:
        content = _fetched(entry.get("bundle_url"), name, api, left)
        given.evidence.append(Evidence(name=name, raw=_plain(content, name, left)))
    except FormatError as error:
        given.refused.append((name, error))
    except ReproError as error:
        given.failed.append(error)


def _fetched(url: object, name: str, api: Api, left: _Left) -> bytes:
    """What lies at an address that GitHub gave; nobody is told who asks."""
    if not url or not isinstance(url, str):
        raise ToolFailed(f"{name}: neither a bundle nor its address", hint=f"ask again later, or {BY_HAND}")
    if left.count < 1 or left.size < 1:
        most = f"{MAX_FETCHED} bundles and {MAX_FILE} bytes"
        raise ToolFailed(f"{name}: beyond the {most} that are fetched", hint=BY_HAND)
    left.count -= 1
    try:
        fetch.require_named(url, by=api.base)
        headers = {"Accept-Encoding": "identity"}
        answer = fetch.get(url, headers=headers, max_bytes=min(MAX_BYTES, left.size), redirects=True)
    except ReproError as error:
        raise ToolFailed(f"{name}: {error.message}", hint=f"try again later, or {BY_HAND}") from None
    if answer.status == OK:
        return answer.content
    has_ended = answer.status in {FORBIDDEN, NOT_FOUND, GONE}
    what = "its address has expired, or it is gone: ask again" if has_ended else "try again later"
    said = f"{name}: {urlsplit(answer.url).hostname} answered {answer.status}"
    raise ToolFailed(said, hint=f"{what}, or {BY_HAND}")


def _plain(content: bytes, name: str, left: _Left) -> bytes:
    """The JSON, whether it is compressed or not: no bundle is so small that its block begins with a brace."""
    raw = content
    if not content.startswith(b"{"):
        raw = snappy.decompress(content, name=name, max_bytes=min(MAX_BYTES, left.size))
    left.size -= len(raw)
    return raw
