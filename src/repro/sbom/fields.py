"""Values taken out of a parsed document, each of the kind that its specification says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fields:
    """Takes values out of the document `name`; absent and null are the same. Raises FormatError.

    `skipped` counts what was read over, for want of a use.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.skipped = 0

    def wrong(self, where: str, what: str) -> FormatError:
        """The error that names the document, the place and what is wrong there."""
        return FormatError(f"{self.name}: {where}: {what}")

    def text(self, table: Mapping[str, Any], key: str, where: str) -> str:
        """A string, "" where there is none."""
        value = table.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(where + key, f"must be a string, not {_kind_of(value)}")
        return value

    def table(self, table: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
        """An object, empty where there is none."""
        value = table.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(where + key, f"must be an object, not {_kind_of(value)}")
        return value

    def tables(self, table: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
        """A list of objects, empty where there is none."""
        value = table.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.wrong(where + key, "must be a list of objects")
        return value


def _kind_of(value: object) -> str:
    words = {bool: "a truth value", int: "a number", float: "a number", str: "a string", list: "a list"}
    return words.get(type(value), "an object")
