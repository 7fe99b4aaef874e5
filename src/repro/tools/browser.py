"""The door to the user's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def show(file: Path) -> bool:
    """Show a file in the browser that the system or `BROWSER` names; False where there is none."""
    import webbrowser

    return webbrowser.open(file.absolute().as_uri())
