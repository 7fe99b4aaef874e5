"""`repro verify`: whether artifacts may be deployed or trusted."""

from __future__ import annotations

from typing import Annotated

import typer

from repro.cli import context as ctx
from repro.cli.options import Json
from repro.cli.verb import single

EPILOG = """Examples:

\b
  repro verify                             what [verify] of repro.toml names
  repro verify dist/x.whl --key repro.pub
  repro verify dist --policy policy.toml --json
  repro verify x.tar --identity WORKFLOW --issuer URL --bundle x.sigstore.json
  repro verify oci:registry.example.org/lab@sha256:… --policy policy.toml

\b
Exit codes:
    0  every artifact is verified
    1  refused: evidence that does not hold, or a demand that is not met
    2  wrong usage, or a policy that is wrong
    3  not checked: an artifact without any attestation, or nothing to verify
"""


def verify(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="Files, folders, store paths, oci: images, sha256: digests.",
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        str, typer.Option("--policy", metavar="FILE", help="What is demanded.", show_default=False)
    ] = "",
    bundles: Annotated[
        list[str] | None,
        typer.Option(
            "--bundle",
            metavar="FILE|DIR",
            help="Look for evidence here, and not beside artifacts.",
            show_default=False,
        ),
    ] = None,
    identities: Annotated[
        list[str] | None,
        typer.Option(
            "--identity",
            metavar="ID",
            help="Who may have signed, exactly; with --issuer.",
            show_default=False,
        ),
    ] = None,
    issuers: Annotated[
        list[str] | None,
        typer.Option("--issuer", metavar="URL", help="Who vouches for --identity.", show_default=False),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="FILE", help="A public key that may have signed.", show_default=False),
    ] = None,
    trusted_root: Annotated[
        str,
        typer.Option(
            "--trusted-root", metavar="FILE", help="In place of the public Sigstore's.", show_default=False
        ),
    ] = "",
    digest: Annotated[
        str,
        typer.Option(
            "--digest", metavar="sha256:HEX", help="The digest that the target must have.", show_default=False
        ),
    ] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Ask no network.", show_default=False)] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refused evidence beside good fails too.", show_default=False),
    ] = False,
    as_json: Json = False,
) -> None:
    """Verify artifacts before they are deployed, cited or trusted.

    Signatures, logs, identities, subjects, builders, sources and all that a policy demands are checked in
    numbered steps, and each is reported. Signers on the command line are a policy of one: any of them.
    """
    from repro.flows.verify import Wishes
    from repro.flows.verify import verify as verify_flow

    settings = ctx.settings(context)
    report = verify_flow(
        settings.folder,
        Wishes(
            targets=tuple(targets or ()),
            policy=policy,
            bundles=tuple(bundles or ()),
            identities=_pairs(identities or [], issuers or []),
            keys=tuple(keys or ()),
            trusted_root=trusted_root,
            digest=digest,
            offline=offline,
            strict=strict,
        ),
    )
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        from repro.render.verify_text import verify_text

        ctx.say(verify_text(report, ctx.palette(), brief=settings.quiet))
    ctx.leave(report.exit)


def _pairs(identities: list[str], issuers: list[str]) -> tuple[tuple[str, str], ...]:
    """Each identity with the issuer that stands for it, in their order."""
    from repro.core.errors import UsageError

    if len(identities) != len(issuers):
        hint = "give --identity and --issuer as often as each other"
        raise UsageError(f"{len(identities)} identities and {len(issuers)} issuers", hint=hint)
    return tuple(zip(identities, issuers, strict=True))


app = single(verify, epilog=EPILOG)
