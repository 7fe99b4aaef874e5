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
    """The API that a policy names, asked about a repository; the token is GITHUB_TOKEN's or GH_TOKEN's."""
    variables = host.variables()
    token = variables.get("GH_TOKEN") or variables.get("GITHUB_TOKEN") or ""
    base = policy.api if policy else API
    return GitHubSource(
        api=Api(base=base, repository=repository or (policy.repository if policy else ""), token=token)
    )
