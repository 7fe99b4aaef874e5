"""Places beyond this machine that may hold evidence; one that fails is told of, and stops nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.attest.github import Api, evidence_of
from repro.tools import host
from repro.verify.discovery import Found

if TYPE_CHECKING:
    from repro.verify.artifact import Artifact
    from repro.verify.policy import GitHub

API = "https://api.github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSource:
    """GitHub's attestations API."""

    api: Api

    def of(self, artifact: Artifact) -> Found:
        """What GitHub has about an artifact's sha256, as far as it tells."""
        if not artifact.sha256:
            return Found(unasked=(("GitHub", "the artifact's sha256 is not known"),))
        given = evidence_of(self.api, artifact.sha256)
        return Found(
            evidence=tuple(given.evidence),
            refused=tuple(given.refused),
            unasked=tuple(("GitHub", f"{one.message}; {one.hint}".rstrip("; ")) for one in given.failed),
        )


def github(repository: str, policy: GitHub | None) -> GitHubSource:
    """The API that a policy names, asked about a repository."""
    base = policy.api if policy else API
    return GitHubSource(
        api=Api(base=base, repository=repository or (policy.repository if policy else ""), token=_token(base))
    )


def _token(base: str) -> str:
    """GH_TOKEN's or GITHUB_TOKEN's, for GitHub itself or what GITHUB_API_URL names, which CI sets.

    The policy may be another's than the token: it could name a host that collects tokens.
    """
    variables = host.variables()
    if base.rstrip("/") not in {API, variables.get("GITHUB_API_URL", "").rstrip("/")}:
        return ""
    return variables.get("GH_TOKEN") or variables.get("GITHUB_TOKEN") or ""
