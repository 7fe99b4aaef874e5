"""A subject: a name and the digests of what bears it, each under the name of its algorithm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAR = "nix-nar-sha256"
"""The SHA-256 of an artifact's NAR, as hexadecimal digits: never the digest of the file's own bytes."""

_HEX = re.compile(r"[0-9a-f]+")

_COMMIT = frozenset({40, 64})
LENGTHS = {
    "md5": frozenset({32}),
    "sha1": frozenset({40}),
    **dict.fromkeys(("sha224", "sha512_224", "sha3_224"), frozenset({56})),
    **dict.fromkeys(("sha256", "sha512_256", "sha3_256", NAR), frozenset({64})),
    **dict.fromkeys(("sha384", "sha3_384"), frozenset({96})),
    **dict.fromkeys(("sha512", "sha3_512"), frozenset({128})),
    **dict.fromkeys(("gitCommit", "gitTree", "gitBlob", "gitTag"), _COMMIT),
}
"""Hexadecimal digits by algorithm, as in-toto names them (attestation framework, "DigestSet")."""

MAX_TEXT = 4096
"""Cap on a name, an algorithm and a value, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a statement is about: `name` ("" where it has none), and digests by algorithm.

    A known algorithm's value must be lower-case hexadecimal of its length; an unknown algorithm is kept and
    says nothing. Raises FormatError.
    """

    name: str
    digests: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse digests that cannot be ones."""
        if len(self.name) > MAX_TEXT:
            raise FormatError(f"a subject's name of {len(self.name)} characters; {MAX_TEXT} are read")
        for algorithm, value in self.digests.items():
            if len(algorithm) > MAX_TEXT or len(value) > MAX_TEXT:
                raise FormatError(f"{self.name!r}: a digest of more than {MAX_TEXT} characters")
            lengths = LENGTHS.get(algorithm)
            if lengths is not None and (len(value) not in lengths or not _HEX.fullmatch(value)):
                raise FormatError(f"{self.name!r}: not a {algorithm} digest: {value[:130]!r}")

    def to_dict(self) -> dict[str, object]:
        """As a statement has it; a subject without a name has none there either."""
        return {"digest": dict(self.digests)} | ({"name": self.name} if self.name else {})
