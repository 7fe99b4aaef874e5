"""The README of a certificate: what is certified, how a reviewer checks it, and what that does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.flows.certificate_run import DRIFT_PAGE, ENVIRONMENT, LOGS, OUTPUTS, STATEMENTS
from repro.flows.certificate_seal import BUNDLES, CRATE, POLICY, POLICY_BUNDLES, ROOT
from repro.render.words import one_line, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.flows.certificate import Contents
    from repro.flows.certificate_run import Part
    from repro.flows.certificate_seal import Seal

SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|"})
"""What Markdown would read as more than text."""


def readme_text(contents: Contents) -> str:
    """Markdown."""
    lines = [f"# {_plain(_title(contents))}", ""]
    if contents.description:
        lines += [_plain(contents.description), ""]
    if not contents.passed:
        lines += [
            f"**These numbers did not come out again: {contents.verdict}.** Look at the drift reports.",
            "",
        ]
    for part in contents.parts:
        lines += [*_run(part), ""]
    lines += [*(_check(contents.seal) if contents.seal else _unsigned()), "", *_files(contents)]
    return "\n".join(lines) + "\n"


def _title(contents: Contents) -> str:
    what = "Certificate" if contents.passed else "Certificate of a drift"
    return f"{what}: {contents.experiment}" + ("" if contents.seal else " (not signed)")


def _run(part: Part) -> Iterator[str]:
    record, judgement = part.ran.record, part.judgement
    code = record.conditions["code"]
    yield f"## Run {_plain(part.ran.run.name)}"
    yield ""
    yield f"- verdict: {judgement.verdict}, compared with {_plain(judgement.reference.what)}"
    yield from (f"- warning: {_plain(one)}" for one in judgement.warnings)
    changed = ", with changes that no commit has" if code["dirty"] else ""
    yield f"- commit: {code['commit'] or '(none)'}{changed}"
    environment = record.conditions["environment"]
    yield f"- environment: {_plain(environment['name'])} ({environment['kind']})"
    yield f"- platform: {_plain(record.conditions['platform']['class'])}"
    yield f"- isolation: {_plain(record.isolation['method'])}"
    yield f"- run: {_plain(record.started_at)}, by {_plain(record.by)}"
    for name, entry in record.outputs.items():
        if entry is not None:
            yield f"- output: {_plain(name)}, {size(entry['bytes'])}, {entry['digest']}"


def _check(seal: Seal) -> Iterator[str]:
    yield "## Check it"
    yield ""
    yield "In this folder, without a network:"
    yield ""
    yield "```sh"
    yield seal.command
    yield "```"
    yield ""
    yield "Exit code 0: the files are all those that the signers listed, each output was made by the recorded"
    yield "run, and its replay is as this page says. Exit code 1 names the file and the step that refused it."
    yield ""
    yield "Signed by:"
    yield ""
    for one in seal.signers:
        yield f"- {_plain(one.shown)}" + (f", in {one.file}" if one.key else "")
    yield ""
    yield "That these are the authors' is for you to find out: compare them with what the authors publish"
    if seal.signers[0].key:
        yield "elsewhere (`repro keys show FILE` shows the fingerprint of a key)."
    else:
        yield "elsewhere."
    yield ""
    yield "The check runs nothing again. To do that, check out the commit and run `repro replay`."


def _unsigned() -> Iterator[str]:
    yield "## Not signed"
    yield ""
    yield "Nobody has signed this. It tells what was found, and proves nothing: anybody can have written it."


def _files(contents: Contents) -> Iterator[str]:
    yield "## Files"
    yield ""
    if len(contents.parts) > 1:
        yield f"{plural(len(contents.parts), 'run')}, each in a folder of its own with:"
        yield ""
    yield "| file | what it is |"
    yield "|---|---|"
    yield "| record.json | the run: conditions, command, what was hashed before and after |"
    yield f"| {OUTPUTS}/ | the numbers |"
    yield f"| {LOGS}/ | what the command printed |"
    yield f"| drift.json, {DRIFT_PAGE} | the comparison with the baseline, value by value |"
    yield f"| {ENVIRONMENT} | SBOM of the environment (CycloneDX) |"
    if contents.seal is None:
        yield f"| {STATEMENTS}/ | provenance, replay and environment as in-toto statements, unsigned |"
    elif not contents.passed:
        yield f"| {STATEMENTS}/ | what the replay came to, as an in-toto statement |"
    yield f"| {CRATE} | this folder described for machines (RO-Crate 1.1) |"
    if contents.seal is not None:
        yield f"| {BUNDLES} | signed: provenance, replay, environment, and the list of all files |"
        yield f"| {POLICY}, {POLICY_BUNDLES} | what `repro verify` demands here, and its signature |"
        yield from (f"| {one.file} | public key |" for one in contents.seal.signers if one.key)
        if contents.seal.root:
            yield f"| {ROOT} | trusted root of the signers' Sigstore |"


def _plain(text: object) -> str:
    return one_line(str(text)).translate(SIGNS)
