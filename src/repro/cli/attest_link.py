"""`repro attest link`, `layout` and `chain`: supply chains of several steps, as in-toto has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import context as ctx
from repro.cli.keys import PasswordFiles, PasswordVariable, asked
from repro.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repro.attest.keys import PrivateKey

Key = Annotated[
    list[Path],
    typer.Option("--key", metavar="FILE", help="Sign with this private key.", show_default=False),
]


def link(  # noqa: PLR0917 - as many as the verb has options
    context: typer.Context,
    step: Annotated[
        str, typer.Argument(metavar="STEP", help="The step's name in the layout.", show_default=False)
    ],
    command: Annotated[
        str, typer.Option("--run", metavar="COMMAND", help="What the step does.", show_default=False)
    ],
    key: Key,
    products: Annotated[
        list[str], typer.Option("--products", metavar="GLOB", help="What it makes.", show_default=False)
    ],
    materials: Annotated[
        list[str] | None,
        typer.Option("--materials", metavar="GLOB", help="What it reads.", show_default=False),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Write STEP.KEYID.link here.", show_default="here")
    ] = Path(),
    password_files: PasswordFiles = None,
    password_variable: PasswordVariable = "",
    as_json: Json = False,
) -> None:
    """Do one step, and sign what it read and made."""
    from repro.flows.attest_link import StepWishes, do_step

    folder = ctx.settings(context).folder.absolute()
    (signer,) = _keys(context, key[:1], password_files, password_variable)
    wishes = StepWishes(
        step=step, command=command, materials=tuple(materials or ()), products=tuple(products)
    )
    file = do_step(folder, wishes, signer, ctx.settings(context).folder / out)
    _said(file, as_json=as_json)


def layout(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="TOML", help="Steps, keys and rules.", show_default=False)
    ],
    key: Key,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the layout here.")] = Path(
        "root.layout"
    ),
    password_files: PasswordFiles = None,
    password_variable: PasswordVariable = "",
    as_json: Json = False,
) -> None:
    """Sign which steps a supply chain has.

    And who may do them, and how their files fit together.
    """
    from repro.flows.attest_link import write_layout

    folder = ctx.settings(context).folder
    owners = _keys(context, key, password_files, password_variable)
    _said(write_layout(folder / source, owners, folder / out), as_json=as_json)


def chain(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="LAYOUT", help="A signed layout.", show_default=False)],
    owners: Annotated[
        list[Path],
        typer.Option(
            "--layout-key", metavar="FILE", help="Public key of the layout's owner.", show_default=False
        ),
    ],
    artifacts: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="What the last step must have made.", show_default=False),
    ] = None,
    links: Annotated[
        Path, typer.Option("--links", metavar="DIR", help="Where the links are.", show_default="here")
    ] = Path(),
    as_json: Json = False,
) -> None:
    """Verify that all steps of a layout were done.

    By those who may, with files that fit together. Exit 1: something is wrong; exit 3: links are missing.
    Nothing that a layout names is run.
    """
    from repro.flows.attest_link import check_chain
    from repro.render.attest_text import chain_text

    folder = ctx.settings(context).folder.absolute()
    found = check_chain(
        folder / source,
        [folder / owner for owner in owners],
        folder / links,
        [folder / artifact for artifact in artifacts or ()],
    )
    if as_json:
        document = {"steps": list(found.steps), "products": dict(found.products), "notes": list(found.notes)}
        ctx.say_json({"version": 1, "exit": 0, **document})
    else:
        ctx.say(chain_text(found))


def _keys(
    context: typer.Context, keys: Sequence[Path], files: Sequence[Path] | None, variable: str
) -> list[PrivateKey]:
    from repro.flows.sign import Wishes, private_keys

    folder = ctx.settings(context).folder.absolute()
    wishes = Wishes(
        files=(),
        keys=tuple(folder / key for key in keys),
        password_files=tuple(folder / file for file in files or ()),
        password_variable=variable,
        ask=lambda key: asked(f"password of {key}"),
    )
    return private_keys(wishes)


def _said(file: Path, *, as_json: bool) -> None:
    if as_json:
        ctx.say_json({"version": 1, "exit": 0, "file": str(file)})
    else:
        ctx.say(str(file))
