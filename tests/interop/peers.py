"""The independent tools as calls that say whether they took a bundle, and if not, why."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.interop.tools import TOOLS, javascript

SCRIPT = Path(__file__).parent / "js" / "sigstore.cjs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether a tool was content, and its words."""

    accepted: bool
    said: str


def _call(command: list[str], folder: Path, **extra: str) -> Outcome:
    # a home of its own, where no cache of the public instance's root can be read or written
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TUF_ROOT": str(folder / "tuf"), **extra}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return Outcome(accepted=done.returncode == 0, said=done.stdout + done.stderr)


def cosign(folder: Path, *arguments: str | Path, **extra: str) -> Outcome:
    """Run cosign."""
    return _call([str(TOOLS["cosign"].path), *map(str, arguments)], folder, **extra)


def cosign_verify(
    bundle: Path, artifact: Path, root: Path, who: tuple[str, str], verb: str, *more: str
) -> Outcome:
    """Whether cosign accepts a bundle for a file, by an identity."""
    return cosign(
        bundle.parent,
        verb,
        f"--bundle={bundle}",
        f"--trusted-root={root}",
        f"--certificate-identity={who[0]}",
        f"--certificate-oidc-issuer={who[1]}",
        *more,
        artifact,
    )


def javascript_call(folder: Path, *arguments: str | Path) -> Outcome:
    """Run sigstore-js."""
    command = ["node", str(SCRIPT), *map(str, arguments)]
    return _call(command, folder, NODE_PATH=str(javascript() / "node_modules"))


def slsa_verifier(folder: Path, *arguments: str | Path) -> Outcome:
    """Run slsa-verifier."""
    return _call([str(TOOLS["slsa-verifier"].path), *map(str, arguments)], folder)
