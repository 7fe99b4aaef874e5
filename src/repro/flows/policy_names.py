"""What the tables of a policy call each other by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro.core.near import did_you_mean

if TYPE_CHECKING:
    from repro.flows.sense import Place
    from repro.verify.policy import Builder, BuildType, Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the demands of a policy can name."""

    signers: dict[str, Signer]
    builders: dict[str, Builder]
    build_types: dict[str, BuildType]


def named(place: Place, name: str, known: dict[str, Any], what: str) -> Any:  # noqa: ANN401 - of any such table
    """What bears a name. Raises ConfigError with the near one."""
    if name not in known:
        raise place.wrong(f"no {what} {name!r}", did_you_mean(name, known) or f"add a table [{what}s.{name}]")
    return known[name]


def pattern(place: Place, text: str) -> str:
    """A regular expression that must match all of something. Raises ConfigError."""
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise place.wrong(f"not a regular expression: {error}") from error
    return text
