"""SLSA levels as text (SLSA 1.2, "SlsaResult"): which are legal, and whether one is reached."""

from __future__ import annotations

import re

FAILED = "FAILED"
REPRODUCED = "SLSA_BUILD_REPRODUCED"
UNEVALUATED = "SLSA_BUILD_LEVEL_UNEVALUATED"

_NUMBERED = re.compile(r"SLSA_(?P<track>[A-Z]+)_LEVEL_(?P<level>[0-9])")
_LEGAL = re.compile(
    r"SLSA_[A-Z]+_LEVEL_(?:[0-9]|UNEVALUATED)|SLSA_BUILD_REPRODUCED|SLSA_SOURCE_TWO_PARTY_REVIEWED"
)


def is_legal(text: str) -> bool:
    """Whether a verification summary may state this: SLSA's own words, or a word that is not SLSA's."""
    return bool(_LEGAL.fullmatch(text)) or (bool(text) and not text.startswith("SLSA_"))


def build_level(level: int) -> str:
    """The name of a level of the build track."""
    return f"SLSA_BUILD_LEVEL_{level}"


def reaches(stated: str, wanted: str) -> bool:
    """Whether a stated level is the wanted one, or a higher one of the same track."""
    if stated == wanted:
        return True
    have, want = _NUMBERED.fullmatch(stated), _NUMBERED.fullmatch(wanted)
    return bool(have and want and have["track"] == want["track"] and int(have["level"]) >= int(want["level"]))
