"""The policy of a certificate: what `repro verify` must find in it, written out for people to read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from repro.attest.predicates import CYCLONEDX, REPLAY
from repro.flows.certificate_run import OUTPUTS
from repro.flows.certificate_seal import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repro.flows.certificate_run import Part
    from repro.flows.certificate_seal import Seal, Who

FREE = ("argv", "variables", "values", "outputs")
"""External parameters of a replay that follow from the experiment and the commit."""

SAME_RUN = (
    "provenance:/predicate/runDetails/metadata/invocationId",
    "replay:/predicate/repro_replay/runId",
)
"""Provenance and replay are about one run, not about two that made the same bytes."""


def policy_text(experiment: str, parts: Sequence[Part], seal: Seal, *, builder: str) -> str:
    """The policy as TOML."""
    names = _list([one.name for one in seal.signers])
    lines = ["version = 1", f"name = {_text(f'certificate of {experiment}')}"]
    if seal.root:
        lines += ["", "[roots.own]", f"file = {_text(ROOT)}"]
    for one in seal.signers:
        lines += ["", f"[signers.{one.name}]", *_signer(one, seal)]
    lines += ["", "[builders.own]", f"id = {_text(builder)}", f"signers = {names}", "level = 0"]
    named = {f"run-{number}": part for number, part in enumerate(parts, 1)}
    for name, part in named.items():
        lines += _build_type(part, name)
    common = f"signers = {names}, threshold = {len(seal.signers)}"
    lines += [
        "",
        "# Every file is one that the signers have listed, under its name.",
        "[[artifacts]]",
        'name = "files"',
        'match = ["**"]',
        "named = true",
        f'demands.listed = {{ kind = "release", {common} }}',
    ]
    for name, part in named.items():
        lines += _outputs(experiment, part, common, name=name)
    return "\n".join(lines) + "\n"


def _signer(one: Who, seal: Seal) -> Iterator[str]:
    if one.key is not None:
        yield f"key = {_text(one.file)}"
        return
    yield f"identity = {_text(one.identity)}"
    yield f"issuer = {_text(one.issuer)}"
    if seal.root:
        yield 'root = "own"'


def _build_type(part: Part, name: str) -> Iterator[str]:
    """What a replay of one run has for parameters."""
    command, run = part.ran.record.command, part.ran.record
    yield from ("", f"[build_types.{name}]", f"uri = {_text(REPLAY)}", f"[build_types.{name}.parameters]")
    yield f"experiment = {{ equals = {_text(run.experiment)} }}"
    yield f"run = {{ equals = {_text(run.run)} }}"
    yield f"network = {{ equals = {json.dumps(bool(command['network']))} }}"
    yield from (f"{free} = {{ any = true }}" for free in FREE)


def _outputs(experiment: str, part: Part, common: str, *, name: str) -> list[str]:
    """What is asked of the outputs of one run; of one that drifts no replay that passed can be asked."""
    replay = f'kind = "replay", experiments = {_list([experiment])}, {common}'
    if part.result == "WARNED":
        replay += ", allow_warnings = true"
    asked = [f"agree = [{_list(SAME_RUN)}]", f"demands.replay = {{ {replay} }}"]
    about = "which came out again."
    if not part.passed:
        asked, about = [], f"which did NOT come out again: {part.judgement.verdict}. No replay is asked for."
    built = f"builders = [{_text('own')}], build_types = [{_text(name)}]"
    environment = 'kind = "sbom"'
    if (said := part.statements["environment"].predicate_type) != CYCLONEDX:
        environment = f'kind = "statement", predicate_types = {_list([said])}'
    return [
        "",
        f"# Outputs of {_text(part.ran.run.name)}, {about}",
        "[[artifacts]]",
        f"name = {_text(name)}",
        f"match = {_list([f'**/{_literal(part.place)}{OUTPUTS}/**'])}",
        *asked,
        f'demands.provenance = {{ kind = "provenance", {built}, {common} }}',
        f"demands.environment = {{ {environment}, {common} }}",
    ]


def _literal(place: str) -> str:
    """A glob that names one place alone."""
    return re.sub(r"[*?\[]", r"[\g<0>]", place)


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _text(text: str) -> str:
    """A basic string of TOML 1.0, whose escapes are those of JSON but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
