"""What a binary cache holds, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.check import Status
from repro.render.words import Palette, one_line, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.flows.cache import CacheReport, Holding

VERSION = 1
SHOWN = 8
"""Paths of one kind that are listed; the document has all."""


def cache_text(report: CacheReport, palette: Palette) -> str:
    """One block per target, and what to do where something is wrong."""
    lines = [line for holding in report.holdings for line in _holding(holding, palette)]
    if report.copied is not None:
        lines.append(palette.dim(f"{plural(len(report.copied), 'path')} copied to {one_line(report.url)}"))
    return "\n".join(lines) + "\n"


def _holding(holding: Holding, palette: Palette) -> Iterator[str]:
    check = holding.check
    if check.status is Status.PASS:
        word = palette.good("can be realised from the cache")
        yield f"{one_line(holding.name)}: {word}, {plural(holding.paths, 'path')}, {size(holding.bytes)}"
        return
    yield f"{one_line(holding.name)}: {palette.bad('cannot be realised from the cache alone')}"
    for word, paths in (("missing", holding.missing), ("not trusted", holding.untrusted)):
        yield from (f"  {word}  {one_line(path)}" for path in paths[:SHOWN])
        if len(paths) > SHOWN:
            yield f"  {word}  and {len(paths) - SHOWN} more"
    yield f"  {check.reason}"
    yield f"  -> {holding.hint}"


def cache_document(report: CacheReport) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": VERSION,
        "url": report.url,
        "commit": report.commit,
        "nix": report.nix,
        "copied": None if report.copied is None else list(report.copied),
        "targets": [
            {
                "name": holding.name,
                "derivation": holding.derivation,
                "status": str(holding.check.status),
                "reason": holding.check.reason,
                "hint": holding.hint,
                "paths": holding.paths,
                "bytes": holding.bytes,
                "missing": list(holding.missing),
                "missing_but_here": holding.here,
                "untrusted": list(holding.untrusted),
            }
            for holding in report.holdings
        ],
    }
