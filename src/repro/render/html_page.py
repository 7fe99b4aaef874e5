"""The frame of a page that stands alone: its style inside, nothing asked of any other place."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from repro import __version__
from repro.render.html_text import esc


def page(title: str, header: str, body: str) -> str:
    """A whole document; `header` and `body` are HTML.

    Its own policy (Content Security Policy level 3) lets a browser take the style in it, by hash, and nothing
    else: no script runs and nothing is loaded, whatever text got into the page.
    """
    style = files("repro.render").joinpath("report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{esc(title)}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
{header}
</header>
<main id="content">
{body}
</main>
<footer>repro {esc(__version__)}</footer>
</body>
</html>
"""
