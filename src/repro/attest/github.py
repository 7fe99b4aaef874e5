"""GitHub's attestations of an artifact, by its digest (REST API, "List attestations").

The token, where there is one, goes to the API's host alone, and into no message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from repro.attest.reading import MAX_FILE, Evidence
from repro.core import strictjson
from repro.core.canonical import to_bytes
from repro.core.errors import FormatError, ToolFailed
from repro.tools import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.tools.fetch import Answer

MAX_PAGES = 20
"""Pages of attestations about one artifact, of a hundred each."""

LIMITED = frozenset({403, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Where to ask: `repository` is OWNER/NAME or OWNER; `token` is "" for asking as anybody."""

    base: str
    repository: str
    token: str = ""

    def __repr__(self) -> str:
        """Without the token."""
        return f"Api({self.base}, {self.repository})"


def evidence_of(api: Api, sha256: str) -> Iterator[Evidence]:
    """All attestations of an artifact, unread. Raises ToolFailed where the API does not answer as it must."""
    owner = "repos" if "/" in api.repository else "orgs"
    place = quote(f"{owner}/{api.repository}/attestations/sha256:{sha256}", safe="/:")
    url = f"{api.base.rstrip('/')}/{place}?per_page=100"
    for _ in range(MAX_PAGES):
        answer = _page(api, url)
        if answer.status == 404:  # noqa: PLR2004 - nothing is known about the digest
            return
        yield from _bundles(answer, api)
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
    if answer.status in {200, 404}:
        return answer
    if answer.status in LIMITED and (
        answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    ):
        wait = answer.headers.get("retry-after", "")
        when = f" for {wait} s" if wait.isdigit() else ""
        raise ToolFailed(f"{api.base}: the rate limit is reached{when}", hint="set GITHUB_TOKEN, or wait")
    hint = "set GITHUB_TOKEN for a private repository" if answer.status in {401, 403} else "try again later"
    raise ToolFailed(f"{api.base}: answered {answer.status}", hint=hint)


def _bundles(answer: Answer, api: Api) -> Iterator[Evidence]:
    name = f"GitHub {api.repository}"
    value = strictjson.parse(answer.content, name=name, max_bytes=MAX_FILE)
    found = value.get("attestations") if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise FormatError(f"{name}: an answer without attestations")
    absent = []
    for at, one in enumerate(found, 1):
        bundle = one.get("bundle") if isinstance(one, dict) else None
        if bundle is None:
            absent.append(str(at))
        else:
            yield Evidence(name=f"{name}#{at}", raw=to_bytes(bundle))
    if absent:
        raise ToolFailed(
            f"{name}: attestation {', '.join(absent)} is given as an address only, which is not followed: "
            "fetch it by `gh attestation download`, and name it by --bundle"
        )
