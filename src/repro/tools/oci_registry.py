"""The door to registries of images (OCI distribution specification 1.1): manifests, blobs and referrers.

Everything that is fetched by digest has it, or is refused. Registries are asked without credentials, with
the token that they give to anybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from repro.core import strictjson
from repro.core.digest import Digest, of_bytes
from repro.core.errors import DataError, FormatError, TamperError, ToolFailed, UsageError
from repro.tools import fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.tools.fetch import Answer

MAX_MANIFEST = 4 << 20
"""Cap on a manifest, in bytes (distribution specification, "Pushing Manifests")."""

MAX_PAGES = 20
"""Pages of one list of referrers."""

MAX_REFERRERS = 1000

OK, UNAUTHORIZED, NOT_FOUND = 200, 401, 404

INDEX = "application/vnd.oci.image.index.v1+json"
_DOCKER = "application/vnd.docker.distribution.manifest"
MANIFESTS = f"application/vnd.oci.image.manifest.v1+json, {INDEX}, {_DOCKER}.v2+json, {_DOCKER}.list.v2+json"

_REFERENCE = re.compile(
    r"(?P<host>localhost(?::[0-9]+)?|[A-Za-z0-9.-]+\.[A-Za-z0-9.-]+(?::[0-9]+)?|[A-Za-z0-9-]+:[0-9]+)"
    r"/(?P<name>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image in a registry: by tag, or by digest, which then is what counts."""

    host: str
    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        """As people write it, without the digest."""
        return f"{self.host}/{self.name}" + (f":{self.tag}" if self.tag else "")


def parse_reference(text: str) -> Reference:
    """A reference with its registry. Raises UsageError: no registry is assumed, and no tag."""
    match = _REFERENCE.fullmatch(text)
    if match is None or not (match["tag"] or match["digest"]):
        raise UsageError(
            f"oci:{text[:200]}: no reference to an image", hint="write oci:HOST/NAME@sha256:… or oci:FOLDER"
        )
    return Reference(
        host=match["host"], name=match["name"], tag=match["tag"] or "", digest=match["digest"] or ""
    )


class Registry:
    """One repository of a registry, asked any number of times."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        host = reference.host.partition(":")[0]
        scheme = "http" if host in fetch.LOOPBACK else "https"
        self._base = f"{scheme}://{reference.host}/v2/{reference.name}"
        self._token = ""

    def resolve(self) -> Digest:
        """The digest of the manifest that the reference names, computed from the bytes that came."""
        wanted = self.reference.digest or self.reference.tag
        answer = self._get(f"/manifests/{wanted}", MAX_MANIFEST, accept=MANIFESTS)
        if answer.status != OK:
            raise self._failed(answer, f"no manifest {wanted}")
        found = of_bytes(answer.content)
        if self.reference.digest and str(found) != self.reference.digest:
            raise TamperError(
                f"{self.reference}: the manifest's digest is {found}, not the one that is named"
            )
        return found

    def referrers(self, digest: Digest) -> list[Mapping[str, Any]]:
        """Descriptors of all manifests that refer to one, by the API, or by the tag where there is none."""
        found: list[Mapping[str, Any]] = []
        path = f"/referrers/{digest}"
        for _ in range(MAX_PAGES):
            answer = self._get(path, MAX_MANIFEST, accept=INDEX)
            if answer.status in {404, 405, 400} and not found:
                return self._by_tag(digest)
            if answer.status != OK:
                raise self._failed(answer, "its referrers")
            found += _manifests(answer.content, str(self.reference))
            if len(found) > MAX_REFERRERS:
                raise FormatError(f"{self.reference}: more than {MAX_REFERRERS} referrers")
            if not (url := answer.next_url):
                return found
            if urlsplit(url).netloc != self.reference.host:
                raise FormatError(f"{self.reference}: its next page is on another host")
            path = url
        raise FormatError(f"{self.reference}: more than {MAX_PAGES} pages of referrers")

    def manifest(self, digest: str, size: int) -> bytes:
        """A manifest by its digest."""
        return self._checked(f"/manifests/{digest}", digest, min(size, MAX_MANIFEST), MANIFESTS)

    def blob(self, digest: str, size: int, limit: int) -> bytes:
        """A blob by its digest; FormatError where it says to be larger than `limit` bytes."""
        if size > limit:
            raise FormatError(f"{self.reference}: a blob of {size} bytes; {limit} are read")
        return self._checked(f"/blobs/{digest}", digest, size, "*/*")

    def _by_tag(self, digest: Digest) -> list[Mapping[str, Any]]:
        """The fallback of the specification ("Referrers Tag Schema")."""
        answer = self._get(f"/manifests/{digest.algorithm}-{digest.hex}", MAX_MANIFEST, accept=INDEX)
        if answer.status == NOT_FOUND:
            return []
        if answer.status != OK:
            raise self._failed(answer, "its referrers by tag")
        return _manifests(answer.content, str(self.reference))

    def _checked(self, path: str, digest: str, size: int, accept: str) -> bytes:
        answer = self._get(path, size, accept=accept)
        if answer.status != OK:
            raise self._failed(answer, digest)
        if str(of_bytes(answer.content)) != digest:
            raise TamperError(f"{self.reference}: {digest} has other bytes than its digest says")
        return answer.content

    def _get(self, path: str, max_bytes: int, *, accept: str) -> Answer:
        url = path if "://" in path else f"{self._base}{path}"
        for is_last in (False, True):
            headers = {"Accept": accept}
            if self._token:
                headers["Authorization"] = f"Bearer {self._token}"
            answer = fetch.get(url, headers=headers, max_bytes=max_bytes, redirects=True)
            if answer.status != UNAUTHORIZED or is_last:
                return answer
            self._token = self._anonymous(answer)
        raise AssertionError  # the loop returns

    def _anonymous(self, answer: Answer) -> str:
        """The token that a registry gives to anybody who may read."""
        asked = dict(_CHALLENGE.findall(answer.headers.get("www-authenticate", "")))
        if "realm" not in asked:
            raise ToolFailed(f"{self.reference}: wants credentials", hint="only public images are read")
        query = {key: asked[key] for key in ("service", "scope") if key in asked}
        realm = fetch.require_named(asked["realm"], by=answer.url)
        given = fetch.get(f"{realm}?{urlencode(query)}", max_bytes=MAX_MANIFEST)
        value = strictjson.parse(given.content, name="the registry's token") if given.status == OK else {}
        token = (value.get("token") or value.get("access_token")) if isinstance(value, dict) else None
        if not isinstance(token, str):
            raise ToolFailed(f"{self.reference}: wants credentials", hint="only public images are read")
        return token

    def _failed(self, answer: Answer, what: str) -> ToolFailed | DataError:
        if answer.status == NOT_FOUND:
            return DataError(f"{self.reference}: {what}: not found", hint="check the reference")
        return ToolFailed(f"{self.reference}: {what}: answered {answer.status}", hint="try again later")


def _manifests(content: bytes, name: str) -> list[Mapping[str, Any]]:
    value = strictjson.parse(content, name=f"{name}: referrers")
    found = value.get("manifests") if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FormatError(f"{name}: referrers that are no index")
    return found
