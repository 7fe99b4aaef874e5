"""Digests: an algorithm and its hexadecimal value, written `sha256:…`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from repro.core.canonical import to_bytes
from repro.core.errors import FormatError

LENGTHS = {"md5": 32, "md5-dos2unix": 32, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}
"""Hexadecimal digits of each algorithm that is understood here; the two md5 because DVC addresses by them."""

_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The digest of some bytes; two digests of different algorithms are never equal."""

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        """Refuse a digest that cannot be one."""
        if len(self.hex) != LENGTHS.get(self.algorithm) or not _HEX.fullmatch(self.hex):
            raise FormatError(f"not a {self.algorithm} digest: {self.hex[:80]!r}")

    def __str__(self) -> str:
        """`algorithm:hex`."""
        return f"{self.algorithm}:{self.hex}"

    @property
    def short(self) -> str:
        """The first twelve digits, for people."""
        return self.hex[:12]

    @classmethod
    def parse(cls, text: str) -> Digest:
        """The inverse of `str`."""
        algorithm, _, value = text.partition(":")
        return cls(algorithm, value)


def of_bytes(data: bytes | memoryview) -> Digest:
    """The SHA-256 (FIPS 180-4) of `data`."""
    return Digest("sha256", hashlib.sha256(data).hexdigest())


def of_value(value: object) -> Digest:
    """The SHA-256 of a value's canonical JSON."""
    return of_bytes(to_bytes(value))
