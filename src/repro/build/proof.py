"""Proof from Nix's log that a derivation's builder really ran, here, from start to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core.check import Check, Status

if TYPE_CHECKING:
    from repro.tools.nix_log import NixLog


def check_ran(log: NixLog, drv: str) -> Check:
    """PASS where a builder of `drv` started on this machine and stopped; otherwise SKIP with the reason.

    Nix also succeeds without building: on a path that it has or can fetch, with `--max-jobs 0`, and where a
    remote builder answers from its own store. None of these is a second build.
    """
    runs = [builder for builder in log.builders if builder.drv == drv]
    name = f"{drv} was built again"
    if not runs:
        fetched = " (it was fetched)" if log.substituted else ""
        return Check(name=name, status=Status.SKIP, reason=f"no builder started{fetched}: a hit, not a build")
    if remote := next((builder.machine for builder in runs if builder.machine), ""):
        reason = f"a remote builder answered ({remote}), which may have had the result already"
        return Check(name=name, status=Status.SKIP, reason=reason)
    if any(builder.stopped is None for builder in runs):
        return Check(name=name, status=Status.SKIP, reason="its builder started but never stopped")
    return Check(name=name, status=Status.PASS)
