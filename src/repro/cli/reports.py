"""Reports as files, which several verbs write, and how a page is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.cli import context as ctx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import typer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The files that hold the result as well; `show`: open the page."""

    junit: Path | None = None
    markdown: Path | None = None
    sarif: Path | None = None
    html: Path | None = None
    show: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Writers:
    """What makes each report; called only for those that are asked for."""

    junit: Callable[[], str]
    markdown: Callable[[], str]
    sarif: Callable[[], dict[str, Any]]
    html: Callable[[], str]


def write(context: typer.Context, reports: Reports, writers: Writers, *, page: Callable[[], Path]) -> None:
    """Write the reports that were asked for; `page` names the file that is shown where none was named."""
    if reports.junit:
        ctx.write(context, reports.junit, writers.junit())
    if reports.markdown:
        ctx.write(context, reports.markdown, writers.markdown())
    if reports.sarif:
        import json

        text = json.dumps(writers.sarif(), indent=2, ensure_ascii=False, allow_nan=False)
        ctx.write(context, reports.sarif, text + "\n")
    if reports.html or reports.show:
        file = reports.html or page()
        ctx.write(context, file, writers.html())
        if reports.show:
            _show(context, ctx.settings(context).folder / file)


def _show(context: typer.Context, file: Path) -> None:
    from repro.tools import browser

    if not browser.show(file):
        ctx.tell(context, f"no browser was found; open {file.absolute().as_uri()}")
