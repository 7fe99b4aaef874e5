"""The tables [sbom] and [licences] of `repro.toml`, and the policy that the latter states."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repro.core import toml
from repro.core.errors import UsageError
from repro.core.near import did_you_mean
from repro.flows import config
from repro.flows.sense import Place
from repro.flows.tables import ProjectTable
from repro.sbom.expression import is_expression, known_licences
from repro.sbom.licences import Exemption, Policy

if TYPE_CHECKING:
    from pathlib import Path

GLOB = re.compile(r"[*?\[]")


def tables_of(root: Path) -> ProjectTable:
    """All tables of the file in `root`, checked."""
    return ProjectTable.model_validate(toml.parse(config.load(root).text, name=config.FILE).tables)


def policy_of(root: Path) -> Policy:
    """The policy on licences; UsageError where there is none, ConfigError for an unknown licence."""
    place = Place(document=toml.parse(config.load(root).text, name=config.FILE)).at("licences")
    table = tables_of(root).licences
    if table is None:
        raise UsageError(
            "repro.toml has no table [licences]",
            hint='write one, such as: [licences] allow = ["MIT", "BSD-*", "Apache-2.0"]',
        )
    for key, globs in (("allow", table.allow), ("deny", table.deny)):
        for number, glob in enumerate(globs):
            _require_known(place.at(key, number), glob)
    return Policy(
        allow=table.allow,
        deny=table.deny,
        exceptions=tuple(
            Exemption(
                component=each.component, reason=each.reason, version=each.version or "", expires=each.expires
            )
            for each in table.exceptions
        ),
    )


def _require_known(place: Place, glob: str) -> None:
    """A name without wildcards must be SPDX's: a misspelt one would allow or deny nothing."""
    if GLOB.search(glob):
        return
    if not is_expression(glob) or re.search(r" (?:AND|OR) ", glob):
        raise place.wrong(f"no SPDX licence: {glob!r}", did_you_mean(glob, known_licences()))
