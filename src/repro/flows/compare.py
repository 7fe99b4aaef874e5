"""Any two files or folders compared, without experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.core import toml
from repro.core.errors import ConfigError, MissingBaseline
from repro.core.near import did_you_mean
from repro.drift.compare import compare
from repro.drift.equivalence import Equivalence, parse_equivalence
from repro.drift.explain import explain
from repro.drift.rules import Rule, Rules, parse_rule
from repro.tools import clock
from repro.tools.files import read_capped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from repro.drift.explain import Explanation
    from repro.drift.report import DriftReport


def compare_paths(
    baseline: Path,
    observed: Path,
    *,
    tolerances: Mapping[str, float | None],
    rules_file: Path | None,
    sorted_by: Sequence[str] = (),
) -> DriftReport:
    """Compare under the tolerances given for everything, then the rules of a file, the last match winning.

    `sorted_by`: the columns by which rows of tables are paired, unless a rule of the file says otherwise.
    Where the file declares equivalence tests, runs under seeds that the baseline has not are ensembles.
    Raises MissingBaseline where one of the two does not exist, ConfigError for the rules.
    """
    for path in (baseline, observed):
        if not path.exists():
            raise MissingBaseline(f"{path}: does not exist", hint="name two files or two folders")
    rules, today = _rules(tolerances, rules_file, sorted_by), clock.now().date()
    tests = read_tests(rules_file) if rules_file else ()
    if tests:
        from repro.drift.seeded import compare_seeded

        return compare_seeded(baseline, observed, rules, tests, today=today)
    return compare(baseline, observed, rules, today=today)


def explain_rules(
    baseline: Path,
    *,
    tolerances: Mapping[str, float | None],
    rules_file: Path | None,
    sorted_by: Sequence[str] = (),
) -> Explanation:
    """Which of these rules decides about each path of a file or folder; raises as `compare_paths` does."""
    if not baseline.exists():
        raise MissingBaseline(f"{baseline}: does not exist", hint="name a file or folder")
    return explain(baseline, _rules(tolerances, rules_file, sorted_by), today=clock.now().date())


def _rules(
    tolerances: Mapping[str, float | None], rules_file: Path | None, sorted_by: Sequence[str] = ()
) -> Rules:
    given = {name: value for name, value in tolerances.items() if value is not None}
    asked = {"reason": "asked for on the command line", **given}
    tables = [{"path": "**", **asked}] if given else []
    if sorted_by:
        tables.append({"path": "$", **asked, "sorted_by": list(sorted_by)})
    common = [parse_rule(table, "options") for table in tables]
    return Rules(rules=(*common, *(read_rules(rules_file) if rules_file else ())))


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The `[[rules]]` of a TOML file, such as a `repro.toml`; it may have [[equivalence]] alone."""
    document = _document(path)
    if "rules" not in document.tables and "equivalence" in document.tables:
        return ()
    found = document.tables.get("rules")
    if not isinstance(found, list) or not found:
        raise ConfigError(f"{path}: has no [[rules]]", hint=did_you_mean("rules", document.tables))
    return tuple(
        parse_rule(table, document.where(("rules", position))) for position, table in enumerate(found)
    )


def read_tests(path: Path) -> tuple[Equivalence, ...]:
    """The `[[equivalence]]` of a rules file, none where it has none."""
    document = _document(path)
    found = document.tables.get("equivalence", [])
    if not isinstance(found, list):
        raise ConfigError(f"{document.where(('equivalence',))}: must be a list, begun by [[equivalence]]")
    return tuple(
        parse_equivalence(table, document.where(("equivalence", position)))
        for position, table in enumerate(found)
    )


def _document(path: Path) -> toml.Document:
    try:
        return toml.parse(read_capped(path, toml.MAX_BYTES), name=path.name)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="name a TOML file with [[rules]]") from error
