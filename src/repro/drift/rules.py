"""The tolerance language: which differences are granted, where, why and until when."""

from __future__ import annotations

import fnmatch
import math
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Final

from repro.core.digest import Digest, of_value
from repro.core.errors import ConfigError
from repro.core.near import did_you_mean
from repro.drift.pattern import Pattern, parse_pattern

DEFAULT_RTOL: Final = 1e-10
"""Relative tolerance where no rule says anything; no absolute or scaled tolerance is granted unasked."""

ULP_FLOOR: Final = 4
"""Units in the last place that a baseline of single or half precision is always granted."""

SEMANTICS: Final = 1
"""Raised when the same rules begin to mean something else, so that digests of them change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is granted to the values that `path` and `output` select; other rules add nothing to it.

    A value x is admitted against r if |x - r| <= max(atol, rtol*|r|, srtol*scale), where `scale` is declared
    or the largest finite |r| of the array. Further terms of the maximum: `ulp` units in the last place of r,
    10^-`digits` times |r|, and with `printed` half a unit of the last printed digit. `exact` grants nothing.
    `strict_zero` tells -0.0 from 0.0, `ignore` compares nothing, `labels` says that
    integers are names, whose mismatches are counted and not measured.

    What has no order or sign of its own: rows of a table are paired by the columns `sorted_by`; those of an
    array in whatever order, if it is a `permutation`; `up_to_sign` lets the `whole` array, each of its `rows`
    or of its `columns` (eigenvectors) have the other sign, or if complex another phase. `expires` is the last
    day of the rule.
    """

    path: str = "**"
    output: str = "*"
    rtol: float = DEFAULT_RTOL
    atol: float = 0.0
    srtol: float = 0.0
    scale: float | None = None
    ulp: int = 0
    digits: float = 0.0
    exact: bool = False
    printed: bool = False
    strict_zero: bool = False
    ignore: bool = False
    labels: bool = False
    sorted_by: tuple[str, ...] = ()
    up_to_sign: str = ""
    permutation: bool = False
    reason: str = ""
    expires: date | None = None
    pattern: Pattern = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Parse the pattern once; ConfigError if it is none."""
        object.__setattr__(self, "pattern", parse_pattern(self.path, where=f"rule {self.path!r}"))

    @property
    def relative(self) -> float:
        """The largest relative tolerance, whether written as `rtol` or as `digits`."""
        return max(self.rtol, 10.0**-self.digits if self.digits else 0.0)

    @property
    def loosened(self) -> bool:
        """Whether the rule grants more than the default does."""
        return _looser(self, DEFAULT)

    def expired(self, today: date) -> bool:
        """Whether the rule has ceased to apply."""
        return self.expires is not None and today > self.expires

    def applies_to(self, output: str) -> bool:
        """Whether the rule speaks about the output file of this name."""
        return fnmatch.fnmatchcase(output, self.output)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Rules in order: the last one that matches decides alone."""

    rules: tuple[Rule, ...] = ()

    def expired(self, today: date) -> tuple[Rule, ...]:
        """The rules that no longer apply."""
        return tuple(rule for rule in self.rules if rule.expired(today))

    def active(self, today: date) -> Rules:
        """The rules that apply."""
        return Rules(rules=tuple(rule for rule in self.rules if not rule.expired(today)))

    def digest(self) -> Digest:
        """The digest of what the rules mean, in their order."""
        return of_value({"semantics": SEMANTICS, "rules": [rule_to_dict(rule) for rule in self.rules]})


DEFAULT: Final = Rule()
"""What decides where no rule matches."""

KEYS: Final = {item.name: item for item in fields(Rule) if item.init}
NUMBERS: Final = ("rtol", "atol", "srtol", "scale", "digits")
FLAGS: Final = ("exact", "printed", "strict_zero", "ignore", "labels", "permutation")
MAX_ULP: Final = 1 << 20
SIGNS: Final = ("columns", "rows", "whole")
INSTEAD: Final = ("exact", "digits", "ulp")
"""Keys that say what is granted in place of the default `rtol`."""

TOLERANCES: Final = ("rtol", "atol", "srtol", "ulp", "digits", "printed")


def rule_to_dict(rule: Rule) -> dict[str, Any]:
    """The rule as a table of a configuration file holds it: what differs from the defaults, and its path.

    `parse_rules` is the inverse. JSON-able: the date is ISO 8601 text.
    """
    table = {name: getattr(rule, name) for name in KEYS}
    kept = {name: value for name, value in table.items() if name == "path" or value != KEYS[name].default}
    if any(key in kept for key in INSTEAD):
        kept["rtol"] = rule.rtol  # where these stand, its absence means 0
    if rule.sorted_by:
        kept["sorted_by"] = list(rule.sorted_by)
    if rule.expires is not None:
        kept["expires"] = rule.expires.isoformat()
    return kept


def parse_rules(raw: object, *, where: str) -> Rules:
    """The rules that a list of tables writes; ConfigError names `where`, the rule's number and its key."""
    if not isinstance(raw, list | tuple):
        raise ConfigError(f"{where}: must be a list of tables, not {type(raw).__name__}")
    return Rules(rules=tuple(parse_rule(table, f"{where}[{number}]") for number, table in enumerate(raw)))


def parse_rule(table: object, where: str) -> Rule:
    """The rule that one table writes; ConfigError names `where` and the key."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: must be a table, not {type(table).__name__}")
    for key in table:
        if key not in KEYS:
            raise ConfigError(f"{where}.{key}: unknown key", hint=did_you_mean(str(key), KEYS))
    if "path" not in table and "output" not in table:
        raise ConfigError(f"{where}: selects nothing", hint='give it a path, such as "**" for everything')
    values: dict[str, Any] = {key: _value(key, value, f"{where}.{key}") for key, value in table.items()}
    parse_pattern(values.get("path", "**"), where=f"{where}.path")
    if values.get("exact") and any(values.get(key) for key in TOLERANCES):
        raise ConfigError(f"{where}: exact, and a tolerance beside it", hint="keep one of the two")
    if any(values.get(key) for key in INSTEAD):
        values.setdefault("rtol", 0.0)
    rule = Rule(**values)
    if rule.loosened and not rule.reason.strip():
        raise ConfigError(
            f"{where}: looser than the default without a reason",
            hint='say why it is granted: reason = "…"',
        )
    return rule


def _value(key: str, value: object, where: str) -> object:
    if key in NUMBERS:
        return _number(key, value, where)
    if key in FLAGS:
        return _typed(value, bool, where)
    if key == "expires":
        return parse_day(value, where)
    if key == "ulp":
        return _count(value, where)
    if key == "sorted_by":
        return _names(value, where)
    if key == "up_to_sign" and value not in SIGNS:
        raise ConfigError(f"{where}: must be one of {', '.join(SIGNS)}, not {value!r}")
    return _typed(value, str, where)


def _typed(value: object, kind: type, where: str) -> object:
    if not isinstance(value, kind):
        raise ConfigError(f"{where}: must be {kind.__name__}, not {type(value).__name__}")
    return value


def _number(key: str, value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{where}: must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError as error:
        raise ConfigError(f"{where}: out of range") from error
    if not math.isfinite(number) or number < 0 or (key == "scale" and number == 0):
        raise ConfigError(f"{where}: must be finite and not negative (a scale: positive), not {number}")
    return number


def _count(value: object, where: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_ULP:
        raise ConfigError(f"{where}: must be an integer from 0 to {MAX_ULP}, not {value!r}")
    return value


def _names(value: object, where: str) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{where}: must be the name of a column or a list of names, not {value!r}")
    return names


def parse_day(value: object, where: str) -> date:
    """A day, as TOML's own date or as text; raises ConfigError."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ConfigError(f"{where}: not a date: {value!r}", hint="write it as 2030-12-31") from error
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ConfigError(f"{where}: must be a date, not {type(value).__name__}")
    return value


def looser(rules: Rules, than: Rules) -> tuple[Rule, ...]:
    """The rules of one set that grant more than another set does for the same values.

    What `than` grants is its last rule that plainly covers the rule's path and output, else the default.
    Expired rules of either are the caller's to leave out (`Rules.active`).
    """
    return tuple(rule for rule in rules.rules if _looser(rule, _granted(rule, than)))


def _granted(rule: Rule, rules: Rules) -> Rule:
    for other in reversed(rules.rules):
        if _covers_output(other.output, rule.output) and other.pattern.covers(rule.pattern):
            return other
    return DEFAULT


def _covers_output(glob: str, other: str) -> bool:
    if glob in ("*", other):
        return True
    return not set(other) & set("*?[") and fnmatch.fnmatchcase(other, glob)


def _looser(rule: Rule, than: Rule) -> bool:
    if than.ignore:
        return False
    tolerances = (
        rule.relative > than.relative
        or rule.atol > than.atol
        or rule.srtol > than.srtol
        or rule.ulp > max(than.ulp, 0 if than.exact else ULP_FLOOR)
    )
    flags = (
        rule.ignore,
        rule.printed and not than.printed,
        than.strict_zero and not rule.strict_zero,
        than.exact and not rule.exact,
        rule.permutation and not than.permutation,
        bool(rule.up_to_sign) and rule.up_to_sign != than.up_to_sign,
        bool(rule.sorted_by) and rule.sorted_by != than.sorted_by,
    )
    return tolerances or any(flags) or (rule.srtol > 0 and _wider(rule.scale, than.scale))


def _wider(scale: float | None, than: float | None) -> bool:
    """Whether a declared scale may exceed another; the array's own scale (None) is unknown here."""
    if scale is None or than is None:
        return scale != than
    return scale > than
