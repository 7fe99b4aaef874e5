"""`repro keys`: make keys for signing without a network, and say what a key is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import LOOK, Verb, group

EPILOG = """Examples:

\b
  repro keys generate                      repro.key and repro.pub
  repro keys generate --out release --password-file release.password
  repro keys show repro.pub

\b
Exit codes:
    0  done
    2  wrong usage, or a file exists already: keys are never overwritten
    3  could not be done
"""

PasswordFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="Read the password here; one for all keys, or one for each.",
        show_default=False,
    ),
]
PasswordVariable = Annotated[
    str,
    typer.Option(
        "--password-env", metavar="NAME", help="Read the password from a variable.", show_default=False
    ),
]

app = group("Make keys for signing, and say what a key is.", epilog=EPILOG)


@app.command(cls=Verb, context_settings=LOOK)
def generate(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="NAME", help="Write NAME.key and NAME.pub.")] = Path(
        "repro"
    ),
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="p256, which every verifier reads, or ed25519.")
    ] = "p256",
    password_files: PasswordFiles = None,
    password_variable: PasswordVariable = "",
    no_password: Annotated[
        bool,
        typer.Option("--no-password", help="Write the private key in the clear.", show_default=False),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a pair of keys.

    The private one is encrypted with a password, and readable by its owner only. The password is asked for on
    the terminal, or read from a file or a variable; it is no argument, because everyone on the machine sees
    those.
    """
    from repro.flows.sign import password_from, read_password
    from repro.flows.sign_keys import generate as generate_flow

    folder = ctx.settings(context).folder
    if no_password:
        password = b""
    elif password_files:
        password = read_password(folder / password_files[0])
    elif password_variable:
        password = password_from(password_variable)
    else:
        password = _asked_twice()
    pair = generate_flow(folder / out, kind=kind, password=password)
    if as_json:
        ctx.say_json({"version": 1, "exit": 0, **pair.to_dict()})
    else:
        from repro.render.attest_text import pair_text

        ctx.say(pair_text(pair))


@app.command(cls=Verb, context_settings=LOOK)
def show(
    context: typer.Context,
    key: Annotated[Path, typer.Argument(metavar="FILE", help="A public key's file.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Say the kind and the fingerprint of a public key."""
    from repro.attest.keys import load_public

    public = load_public(ctx.settings(context).folder / key)
    facts = {"kind": public.kind, "fingerprint": public.fingerprint, "hint": public.hint}
    if as_json:
        ctx.say_json({"version": 1, "exit": 0, **facts})
    else:
        ctx.say(f"{public.kind} {public.fingerprint}\n  hint in bundles: {public.hint}")


def asked(what: str) -> bytes:
    """A password typed on the terminal, unseen. Raises UsageError where there is none."""
    import getpass

    from repro.core.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(f"{what}: no terminal to ask on", hint="use --password-file or --password-env")
    return getpass.getpass(f"{what}: ").encode()


def _asked_twice() -> bytes:
    from repro.core.errors import UsageError

    first = asked("password for the new key")
    if not first or first != asked("once more"):
        raise UsageError(
            "no password, or not the same twice", hint="type one, or say --no-password for a key in the clear"
        )
    return first
