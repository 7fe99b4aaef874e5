"""`repro sign`: statements and files become Sigstore bundles."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import context as ctx
from repro.cli.keys import PasswordFiles, PasswordVariable, asked
from repro.cli.options import Json
from repro.cli.verb import single

if TYPE_CHECKING:
    from repro.flows.sign import Wishes

EPILOG = """Examples:

\b
  repro sign dist/x.whl --key repro.key    writes dist/x.whl.sigstore.json
  repro sign provenance.json sbom.json --key repro.key --out x.sigstore.jsonl
  repro sign release.json --key alice.key --key bob.key
  repro sign provenance.json               by identity: CI's, or a browser's
  repro sign provenance.json --trust-config own-sigstore.json

\b
Exit codes:
    0  signed, and every bundle written
    1  a statement that cannot be parsed
    2  wrong usage
    3  could not be signed: a key, a password, a service
"""

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Statements of repro attest, or any files.", show_default=False),
]
Keys = Annotated[
    list[Path] | None,
    typer.Option(
        "--key", metavar="FILE", help="Sign with this private key; may be repeated.", show_default=False
    ),
]
Timestamp = Annotated[
    str,
    typer.Option(
        "--timestamp-url",
        metavar="URL",
        help="Have a timestamp authority (RFC 3161) prove the time.",
        show_default=False,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--identity-token-file",
        metavar="FILE",
        help="Sign as the identity of this token.",
        show_default=False,
    ),
]
TrustConfig = Annotated[
    Path | None,
    typer.Option(
        "--trust-config", metavar="FILE", help="Use a Sigstore other than the public one.", show_default=False
    ),
]
Blob = Annotated[bool, typer.Option("--blob", help="Sign the bytes of a statement too.", show_default=False)]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE|DIR",
        help="Write here: a .json or .jsonl, else a folder.",
        show_default="beside each file",
    ),
]


def sign(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    files: Files,
    keys: Keys = None,
    password_files: PasswordFiles = None,
    password_variable: PasswordVariable = "",
    timestamp_url: Timestamp = "",
    identity_token_file: TokenFile = None,
    trust_config: TrustConfig = None,
    as_blob: Blob = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Sign statements and files, as Sigstore bundles (v0.3).

    A statement is signed as a DSSE envelope, any other file as a message; each signer makes one bundle. With
    --key nothing leaves this machine. Without it the signer is an identity, from CI's ambient token or a
    browser, and the signature is in a public log. Several bundles of one file are lines of one
    .sigstore.jsonl.
    """
    from repro.flows.sign import sign as sign_flow
    from repro.render.attest_text import signed_text

    folder = ctx.settings(context).folder
    signers = signers_of(
        folder,
        keys=keys,
        password_files=password_files,
        password_variable=password_variable,
        timestamp_url=timestamp_url,
        token_file=identity_token_file,
        trust_config=trust_config,
    )
    what = tuple(folder / file for file in files)
    signed = sign_flow(replace(signers, files=what, as_blob=as_blob, out=folder / out if out else None))
    if as_json:
        ctx.say_json({"version": 1, "exit": 0, "signed": [one.to_dict() for one in signed]})
    else:
        ctx.say(signed_text(signed))


def signers_of(
    folder: Path,
    *,
    keys: Keys,
    password_files: PasswordFiles,
    password_variable: str,
    timestamp_url: str,
    token_file: Path | None,
    trust_config: Path | None,
) -> Wishes:
    """Who is to sign, by the options that every signing verb has; nothing yet of what."""
    from repro.flows.sign import Wishes

    return Wishes(
        files=(),
        keys=tuple(folder / key for key in keys or ()),
        password_files=tuple(folder / file for file in password_files or ()),
        password_variable=password_variable,
        ask=lambda key: asked(f"password of {key}"),
        token_file=folder / token_file if token_file else None,
        interactive=sys.stdin.isatty(),
        trust_config=folder / trust_config if trust_config else None,
        timestamp_url=timestamp_url,
    )


app = single(sign, epilog=EPILOG)
