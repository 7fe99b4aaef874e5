"""Who may sign: identities as exact pairs with their issuers, and keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.errors import ConfigError

if TYPE_CHECKING:
    from repro.attest.keys import PublicKey
    from repro.attest.signed import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One (identity, issuer) pair, both exact; with `is_pattern` the identity is a regular expression.

    A pattern must match all of an identity, from its first character to its last; the issuer is exact always.
    Raises ConfigError where either is empty, or a pattern is none or matches everything.
    """

    identity: str
    issuer: str
    is_pattern: bool = False

    def __post_init__(self) -> None:
        """Refuse a rule that could match what its author does not mean."""
        if not self.identity or not self.issuer:
            raise ConfigError("an identity without its issuer, or the reverse", hint="give both")
        if not self.is_pattern:
            return
        try:
            pattern = re.compile(self.identity)
        except (re.error, RecursionError, OverflowError) as error:
            hint = "see https://docs.python.org/3/library/re.html"
            raise ConfigError(f"identity pattern {self.identity!r}: {error}", hint=hint) from error
        if any(pattern.fullmatch(one) for one in _NOBODY):
            raise ConfigError(
                f"identity pattern {self.identity!r}: matches anybody", hint="name who may sign"
            )

    def is_met_by(self, signer: Signer) -> bool:
        """Whether this is who signed."""
        if signer.issuer != self.issuer:
            return False
        if self.is_pattern:
            return re.fullmatch(self.identity, signer.identity) is not None
        return signer.identity == self.identity

    def __str__(self) -> str:
        """For people."""
        return f"{'pattern ' if self.is_pattern else ''}{self.identity} (issuer {self.issuer})"


_NOBODY = (
    "\x00nobody\x00",
    "nobody@nowhere.invalid",
    "https://nowhere.invalid/nobody/nothing/.github/workflows/none.yml@refs/heads/none",
)
"""Identities of nobody, of each kind that issuers vouch for: who matches one of them matches anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What steps 4 to 8 ask of a piece of evidence.

    Signed by one of `identities`, or by `threshold` different ones of `keys`; a statement whose predicate is
    of one of `predicate_types`, or, where there are none, any statement, or a signature over the artifact
    itself. With `named` the statement's subject must bear the artifact's name. Raises ConfigError.
    """

    identities: tuple[Identity, ...] = ()
    keys: tuple[PublicKey, ...] = ()
    threshold: int = 1
    predicate_types: tuple[str, ...] = ()
    named: bool = False

    def __post_init__(self) -> None:
        """Refuse what nobody or anybody could meet."""
        if not self.identities and not self.keys:
            raise ConfigError("nobody is named who may sign", hint="name an identity and issuer, or a key")
        if self.threshold < 1:
            raise ConfigError(f"a threshold of {self.threshold} signatures", hint="at least 1 is needed")
        if self.threshold > max(1, len(set(self.keys))):
            count = len(set(self.keys))
            raise ConfigError(
                f"a threshold of {self.threshold}, and {count} different keys", hint="name more"
            )
