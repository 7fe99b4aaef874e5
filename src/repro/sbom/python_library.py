"""importlib.metadata's view of texts: no file is looked for, and no interpreter is asked."""

from __future__ import annotations

import re
from importlib.metadata import Distribution
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from email.message import Message

_UNASKED = re.compile(
    r"(?<=\n)(?:Classifier:(?!\s*License)|Provides-Extra:|Requires-Python:|Keywords:|Dynamic:|Platform:)"
    r"[^\r\n]*\n(?![ \t])"
)
"""Headers without lines that continue them, by which nothing is told; of many packages half of all."""


class TextDistribution(Distribution):
    """A distribution whose files of metadata are these texts."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def read_text(self, filename: str) -> str | None:
        """A file of metadata, None where it is not there."""
        return self._texts.get(filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Any:  # noqa: ANN401 - never returns
        """Not there: files of a tree have no place on a disk."""
        raise FileNotFoundError(path)


def headers_of(text: str) -> dict[str, list[str]]:
    """The values of each header of core metadata by its name in lower case, in order, without space around.

    Headers that nothing here asks for are left out where each stands on one line. Versions of Python differ
    in the space before a value that begins on its second line.
    """
    message = TextDistribution({"METADATA": _UNASKED.sub("", text)}).metadata
    found: dict[str, list[str]] = {}
    for name, value in cast("Message", message).raw_items():  # `get_all` goes over all of them for each
        found.setdefault(name.lower(), []).append(str(value).strip())
    return found
