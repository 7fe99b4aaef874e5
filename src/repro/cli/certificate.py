"""`repro certificate`: what a reviewer needs to check an experiment's numbers, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.attest.predicates import LOCAL_BUILDER
from repro.cli import context as ctx
from repro.cli.keys import PasswordFiles, PasswordVariable
from repro.cli.options import Json, One
from repro.cli.sign import Keys, Timestamp, TokenFile, TrustConfig, signers_of
from repro.cli.verb import single

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.drift.report import DriftReport
    from repro.flows.certificate import Certificate, Contents
    from repro.flows.evidence import Evidence

EPILOG = """Examples:

\b
  repro certificate branin --key repro.key
  repro certificate branin --key alice.key --key bob.key --out branin.zip
  repro certificate 'noise[sigma=0.5,seed=7]' --key repro.key --out noise
  repro certificate branin                 by identity: CI's, or a browser's
  repro certificate branin --unsigned      to look at; it proves nothing

\b
Exit codes:
    0  the certificate is written
    1  a run does not match its baseline, or a file was altered
    2  wrong usage or configuration
    3  nothing to certify: no run, no baseline; or it could not be signed
"""


Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR|FILE.zip",
        help="Write here; must not exist.",
        show_default="EXPERIMENT-certificate",
    ),
]
Unsigned = Annotated[bool, typer.Option("--unsigned", help="Let nobody sign it.")]
EvenIfDrifted = Annotated[bool, typer.Option("--even-if-drifted", help="Certify a drift as what it is.")]
Builder = Annotated[
    str, typer.Option("--builder-id", metavar="URI", help="Which builder this is, as policies name it.")
]


@dataclass(frozen=True, slots=True)
class _Pages:
    """What `repro.render` makes, as the flow asks for it."""

    def drift(self, report: DriftReport, evidence: Evidence, *, baseline: str, observed: str) -> str:
        from repro.render.html_report import drift_html

        return drift_html(report, evidence, baseline=baseline, observed=observed)

    def readme(self, contents: Contents) -> str:
        from repro.render.certificate_readme import readme_text

        return readme_text(contents)

    def crate(self, contents: Contents, files: Mapping[str, int]) -> bytes:
        from repro.render.certificate_crate import crate_json

        return crate_json(contents, files)


def certificate(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    experiment: One,
    out: Out = None,
    keys: Keys = None,
    password_files: PasswordFiles = None,
    password_variable: PasswordVariable = "",
    timestamp_url: Timestamp = "",
    identity_token_file: TokenFile = None,
    trust_config: TrustConfig = None,
    unsigned: Unsigned = False,
    even_if_drifted: EvenIfDrifted = False,
    builder: Builder = LOCAL_BUILDER,
    as_json: Json = False,
) -> None:
    """Write what a reviewer needs to check an experiment's numbers.

    The newest runs are hashed again and judged now. One folder (RO-Crate 1.1) gets record, logs, outputs,
    drift report, SBOM, signed statements, a policy, and a README that says how repro verify checks them
    without a network.
    """
    from repro.core.errors import UsageError
    from repro.flows import certificate as flow

    folder = ctx.settings(context).folder
    if unsigned and (keys or identity_token_file or trust_config):
        raise UsageError("--unsigned, and somebody who signs", hint="leave one of them out")
    signing = None
    if not unsigned:
        signing = signers_of(
            folder,
            keys=keys,
            password_files=password_files,
            password_variable=password_variable,
            timestamp_url=timestamp_url,
            token_file=identity_token_file,
            trust_config=trust_config,
        )
    wishes = flow.Wishes(
        experiment=experiment, out=out, signing=signing, builder=builder, even_if_drifted=even_if_drifted
    )
    made = flow.certify(folder, wishes, _Pages())
    _say(made, as_json=as_json)


def _say(made: Certificate, *, as_json: bool) -> None:
    from repro.render.certificate_text import certificate_text

    if as_json:
        ctx.say_json({"version": 1, "exit": 0, **made.to_dict()})
    else:
        ctx.say(certificate_text(made))


app = single(certificate, epilog=EPILOG)
