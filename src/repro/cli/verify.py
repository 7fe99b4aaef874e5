"""`repro verify`: whether artifacts may be deployed or trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import context as ctx
from repro.cli.keys import PasswordFiles, PasswordVariable, asked
from repro.cli.options import Json, Markdown, Sarif
from repro.cli.verb import single

if TYPE_CHECKING:
    from repro.flows.verify_report import Report
    from repro.flows.verify_vsa import VsaWishes

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

Policy = Annotated[
    str, typer.Option("--policy", metavar="FILE", help="What is demanded.", show_default=False)
]
PolicyKey = Annotated[
    str,
    typer.Option("--policy-key", metavar="FILE", help="Who must have signed the policy.", show_default=False),
]
Bundles = Annotated[
    list[str] | None,
    typer.Option(
        "--bundle",
        metavar="FILE|DIR",
        help="Look for evidence here, and not beside artifacts.",
        show_default=False,
    ),
]
Digest = Annotated[
    str,
    typer.Option(
        "--digest", metavar="sha256:HEX", help="The digest that the target must have.", show_default=False
    ),
]
Identities = Annotated[
    list[str] | None,
    typer.Option(
        "--identity", metavar="ID", help="Who may have signed, exactly; with --issuer.", show_default=False
    ),
]
Issuers = Annotated[
    list[str] | None,
    typer.Option("--issuer", metavar="URL", help="Who vouches for the --identity.", show_default=False),
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="FILE", help="A public key that may have signed.", show_default=False),
]
TrustedRoot = Annotated[
    str,
    typer.Option(
        "--trusted-root", metavar="FILE", help="In place of the public Sigstore's.", show_default=False
    ),
]
GitHub = Annotated[
    str,
    typer.Option(
        "--github",
        metavar="OWNER/NAME",
        help="Ask GitHub for attestations of this repository.",
        show_default=False,
    ),
]
Vsa = Annotated[
    Path | None,
    typer.Option("--vsa", metavar="FILE", help="Write signed verification summaries.", show_default=False),
]
VsaKey = Annotated[
    Path | None,
    typer.Option("--vsa-key", metavar="FILE", help="Sign them with this private key.", show_default=False),
]
VerifierId = Annotated[
    str, typer.Option("--verifier", metavar="URI", help="Who verified, in summaries.", show_default=False)
]
ResourceUri = Annotated[
    str,
    typer.Option(
        "--resource-uri", metavar="URI", help="What was verified, in the summary.", show_default=False
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGET]...",
        help="Files, folders, store paths, oci: images, sha256: digests.",
        show_default=False,
    ),
]
Memory = Annotated[
    Path | None,
    typer.Option(
        "--memory",
        metavar="FILE",
        help="What was accepted last, where a policy asks for it.",
        show_default="in the user's state folder",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no network.", show_default=False)]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refused evidence beside good fails too.", show_default=False)
]


def verify(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    targets: Targets = None,
    policy: Policy = "",
    policy_key: PolicyKey = "",
    identity: Identities = None,
    issuer: Issuers = None,
    key: Keys = None,
    trusted_root: TrustedRoot = "",
    bundle: Bundles = None,
    github: GitHub = "",
    digest: Digest = "",
    offline: Offline = False,
    strict: Strict = False,
    memory: Memory = None,
    vsa: Vsa = None,
    vsa_key: VsaKey = None,
    password_files: PasswordFiles = None,
    password_variable: PasswordVariable = "",
    verifier: VerifierId = "",
    resource_uri: ResourceUri = "",
    as_json: Json = False,
    markdown: Markdown = None,
    sarif: Sarif = None,
) -> None:
    """Verify artifacts before they are deployed, cited or trusted.

    Signatures, logs, identities, subjects, builders, sources and all that a policy demands are checked in
    numbered steps, and each is reported. Signers on the command line are a policy of one: any of them.
    """
    from repro.flows.verify import Wishes
    from repro.flows.verify import verify as verify_flow

    settings = ctx.settings(context)
    wishes = Wishes(
        targets=tuple(targets or ()),
        policy=policy, policy_key=policy_key,
        identities=_pairs(identity or [], issuer or []), keys=tuple(key or ()), trusted_root=trusted_root,
        bundles=tuple(bundle or ()), github=github, digest=digest, offline=offline, strict=strict,
        memory=settings.folder / memory if memory else None,
    )  # fmt: skip
    passwords = (tuple(password_files or ()), password_variable)
    summaries = _summaries(settings.folder, (vsa, vsa_key), passwords, (verifier, resource_uri))
    report = verify_flow(settings.folder, wishes, summaries=summaries)
    _tell(context, report, as_json=as_json, markdown=markdown, sarif=sarif)


def _pairs(identities: list[str], issuers: list[str]) -> tuple[tuple[str, str], ...]:
    """Each identity with the issuer that stands for it, in their order."""
    from repro.core.errors import UsageError

    if len(identities) != len(issuers):
        hint = "give --identity and --issuer as often as each other"
        raise UsageError(f"{len(identities)} identities and {len(issuers)} issuers", hint=hint)
    return tuple(zip(identities, issuers, strict=True))


def _summaries(
    folder: Path,
    files: tuple[Path | None, Path | None],
    passwords: tuple[tuple[Path, ...], str],
    said: tuple[str, str],
) -> VsaWishes | None:
    """Where summaries go and who signs them, None where none are asked for; the key is opened first."""
    from repro.core.errors import UsageError

    out, key = files
    if out is None and key is None:
        if any(said):
            raise UsageError("--verifier and --resource-uri are for --vsa", hint="name its file: --vsa FILE")
        return None
    if out is None or key is None:
        raise UsageError("--vsa and --vsa-key belong together", hint="a summary that nobody signed is none")
    from repro.flows.sign import Wishes, private_keys
    from repro.flows.verify_vsa import VERIFIER, VsaWishes

    (private,) = private_keys(
        Wishes(
            files=(),
            keys=(folder / key,),
            password_files=tuple(folder / one for one in passwords[0]),
            password_variable=passwords[1],
            ask=lambda path: asked(f"password of {path}"),
        )
    )
    return VsaWishes(out=folder / out, key=private, verifier=said[0] or VERIFIER, resource_uri=said[1])


def _tell(
    context: typer.Context, report: Report, *, as_json: bool, markdown: Path | None, sarif: Path | None
) -> None:
    settings = ctx.settings(context)
    if markdown:
        from repro.render.verify_markdown import verify_markdown

        ctx.write(context, markdown, verify_markdown(report))
    if sarif:
        import json

        from repro.render.verify_sarif import verify_sarif

        text = json.dumps(verify_sarif(report), indent=2, ensure_ascii=False, allow_nan=False)
        ctx.write(context, sarif, text + "\n")
    if as_json:
        ctx.say_json(report.to_dict())
    else:
        from repro.render.verify_text import verify_text

        ctx.say(verify_text(report, ctx.palette(), brief=settings.quiet))
    ctx.leave(report.exit)


app = single(verify, epilog=EPILOG)
