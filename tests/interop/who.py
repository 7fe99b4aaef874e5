"""Who signs on the real servers: a person, and a run of a workflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.interop.oidc import EMAIL, WORKFLOWS

if TYPE_CHECKING:
    from tests.interop.servers import RealSigstore

REPOSITORY = "example/lab"
REF = "refs/tags/v1.0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A token, and what the certificate will say."""

    token: str
    identity: str
    issuer: str
    source: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """Identity and issuer."""
        return self.identity, self.issuer


def person(real: RealSigstore) -> Who:
    """Somebody with an e-mail address."""
    address = "ada@example.org"
    return Who(token=real.issuer.person(address), identity=address, issuer=real.issuer.address + EMAIL)


def workflow(real: RealSigstore) -> Who:
    """A run of a workflow on GitHub."""
    return Who(
        token=real.issuer.workflow(REPOSITORY, "release.yml", REF),
        identity=f"https://github.com/{REPOSITORY}/.github/workflows/release.yml@{REF}",
        issuer=real.issuer.address + WORKFLOWS,
        source=f"https://github.com/{REPOSITORY}",
    )


WHO = {"person": person, "workflow": workflow}
