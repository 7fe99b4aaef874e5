"""`repro policy`: write a first policy, check one, and say in words what it demands."""

from __future__ import annotations

from typing import Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import LOOK, Verb, group

EPILOG = """Examples:

\b
  repro policy init dist/*.whl --key repro.pub
  repro policy check policy.toml
  repro policy explain policy.toml

\b
Exit codes:
    0  written, or in order
    1  the policy has expired
    2  wrong usage, or a policy that is wrong
    3  no attestation at hand could be verified
"""

File = Annotated[str, typer.Argument(metavar="FILE", help="The policy.", show_default=False)]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="FILE", help="A public key that may have signed.", show_default=False),
]
Bundles = Annotated[
    list[str] | None,
    typer.Option("--bundle", metavar="FILE|DIR", help="Look for evidence here.", show_default=False),
]
TrustedRoot = Annotated[
    str,
    typer.Option(
        "--trusted-root", metavar="FILE", help="In place of the public Sigstore's.", show_default=False
    ),
]

app = group("What is demanded of artifacts: init, check, explain.", epilog=EPILOG)


@app.command(cls=Verb, context_settings=LOOK)
def init(
    context: typer.Context,
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET...", help="Artifacts at hand.", show_default=False)
    ],
    keys: Keys = None,
    bundles: Bundles = None,
    trusted_root: TrustedRoot = "",
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Write here.")] = "policy.toml",
) -> None:
    """Write a first policy from attestations at hand; never overwrites one.

    It demands what there is, by who signed it, and every signature is verified. Who deserves to be trusted it
    cannot know: read it before it is used.
    """
    from repro.flows.policy_init import Wishes
    from repro.flows.policy_init import init as init_flow

    folder = ctx.settings(context).folder
    wishes = Wishes(
        targets=tuple(targets),
        keys=tuple(keys or ()),
        bundles=tuple(bundles or ()),
        trusted_root=trusted_root,
        out=out,
    )
    init_flow(folder, wishes)
    ctx.say(f"{out}: written; read it: repro policy explain {out}")


@app.command(cls=Verb, context_settings=LOOK)
def check(context: typer.Context, file: File, as_json: Json = False) -> None:
    """Check that a policy is in order: every key, every name, keys and roots at hand, not expired."""
    from repro.core.check import Status
    from repro.core.exits import Exit
    from repro.flows.policy import load_policy
    from repro.tools import clock

    policy, checks = load_policy(ctx.settings(context).folder, file, key="", now=clock.now())
    failed = [one for one in checks if one.status is Status.FAIL]
    code = Exit.WRONG if failed else Exit.GOOD
    if as_json:
        names = [rule.name for rule in policy.rules]
        document = {"version": 1, "exit": int(code), "name": policy.name, "sha256": policy.sha256}
        ctx.say_json({**document, "rules": names, "reasons": [one.reason for one in failed]})
    else:
        ctx.say(f"{file}: {failed[0].reason if failed else 'in order'}")
    ctx.leave(code)


@app.command(cls=Verb, context_settings=LOOK)
def explain(context: typer.Context, file: File) -> None:
    """Say in words what a policy demands."""
    from repro.flows.policy import load_policy
    from repro.render.policy_text import policy_text
    from repro.tools import clock

    policy, _ = load_policy(ctx.settings(context).folder, file, key="", now=clock.now())
    ctx.say(policy_text(policy))
