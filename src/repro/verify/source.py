"""Repositories and refs as parsed parts: what is compared is never the text of an address.

Two texts that look alike to a reader (`org` and `org-evil`, a branch called like a tag, a host behind an `@`)
are different parts here, or are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from repro.core.errors import FormatError

_ADDRESS = re.compile(r"(?:git\+)?(?P<scheme>https?|ssh|git|file)://(?P<host>[^/]*)/(?P<rest>.*)", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_PART = re.compile(r"[A-Za-z0-9._~+-]+")
_REF = re.compile(r"refs/(?P<kind>heads|tags|pull|merge-requests)/(?P<name>.+)", re.DOTALL)
_BAD_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|\.lock(?:/|$)|^[/.]|[/.]$")
"""What no name of a ref may hold (git-check-ref-format(1))."""

KINDS = {"heads": "branch", "tags": "tag", "pull": "pull request", "merge-requests": "merge request"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where a repository lies; `.git` at its end means nothing, everything else does, case too."""

    scheme: str
    host: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        """The address without `git+`."""
        return f"{self.scheme}://{self.host}/{'/'.join(self.path)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A branch, a tag or a request, by its name: `refs/heads/refs/tags/v1` is the branch `refs/tags/v1`."""

    kind: str
    name: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.kind} {self.name!r}"


def parse_repository(text: str) -> Repository:
    """The repository that an address names. Raises FormatError for what readers could take for two things."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise _wrong(text, "not the address of a repository")
    host = match["host"]
    if "@" in host:
        raise _wrong(text, "names a user: what stands before the @ is no host")
    if not _HOST.fullmatch(host) or ".." in host:
        raise _wrong(text, "has no proper host")
    parts = match["rest"].removesuffix(".git").split("/")
    if any(not _PART.fullmatch(part) or part in {".", ".."} for part in parts):
        raise _wrong(text, "has a path that is not plain")
    return Repository(scheme=match["scheme"], host=host.lower(), path=tuple(parts))


def parse_located(text: str) -> tuple[Repository, str]:
    """The repository and what stands behind the `@` of `git+https://HOST/PATH@REF`, "" where nothing does."""
    scheme, mark, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    place, at, ref = path.partition("@")
    if at and not ref:
        raise _wrong(text, "names an empty ref")
    return parse_repository(f"{scheme}{mark}{host}{slash}{place}"), ref


def parse_ref(text: str) -> Ref:
    """The branch or tag that a whole ref names. Raises FormatError for a short one, which could be either."""
    match = _REF.fullmatch(text)
    if match is None:
        raise FormatError(
            f"not a whole ref: {text[:200]!r}", hint="whole ones begin with refs/heads/ or refs/tags/"
        )
    return Ref(kind=KINDS[match["kind"]], name=require_ref_name(match["name"]))


def require_ref_name(name: str) -> str:
    """A name that git gives to branches and tags."""
    if not name or _BAD_NAME.search(name):
        raise FormatError(f"not a name that git gives: {name[:200]!r}")
    return name


def _wrong(text: str, why: str) -> FormatError:
    return FormatError(f"{text[:200]!r} {why}", hint="write https://HOST/OWNER/NAME")
