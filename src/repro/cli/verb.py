"""How every verb looks and what all of them take: help of one shape, and -C, -q, -v also after the verb."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from repro.cli.context import Settings
from repro.core.near import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

COMMON = ("folder", "quiet", "verbose")
"""Parameters of `repro` itself that may also stand after a verb."""

LOOK: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


class Shape:
    """What commands and groups of commands have in common, beside typer's own classes.

    Contexts and formatters are typer's own copy of click's or click's own, by typer's version: hence `Any`.
    """

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - see the class
        """The parameters of this command and those that `repro` lends it."""
        own: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in own:
            _lighten(param)
        root = ctx.find_root()
        lent = [] if root is ctx else [param for param in root.command.params if param.name in COMMON]
        return [*own, *lent]

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - see the class
        """Join what was said before and after the verb, then do it."""
        if ctx.find_root() is not ctx:
            said, now = ctx.find_object(Settings), {name: ctx.params.pop(name) for name in COMMON}
            ctx.obj = replace(
                said,
                folder=said.folder / now["folder"],
                quiet=said.quiet or now["quiet"],
                verbose=said.verbose or now["verbose"],
            )
        return super().invoke(ctx)  # type: ignore[misc]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - see the class
        """`[OPTIONS] A B`, or `[OPTIONS] COMMAND [ARGS]...`."""
        end = ["COMMAND [ARGS]..."] if isinstance(self, TyperGroup) else []
        arguments = [param.metavar for param in self.get_params(ctx) if param.param_type_name == "argument"]
        return ["[OPTIONS]", *arguments, *end]

    def params_shown(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - see the class
        """The parameters that help lists."""
        return self.get_params(ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - see the class
        """The arguments, the options, and the verbs of a group."""
        params = [param for param in self.params_shown(ctx) if not param.hidden]
        for kind in ("argument", "option"):
            rows = [_row(param) for param in params if param.param_type_name == kind]
            if rows:
                with formatter.section(f"{kind.capitalize()}s"):
                    formatter.write_dl(rows)
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)


def _row(param: Any) -> tuple[str, str]:  # noqa: ANN401 - a parameter of typer's
    """How a parameter is written, and what it does."""
    if param.param_type_name == "argument":
        return param.metavar, param.help or ""
    value = "" if param.is_flag or param.count else f" {param.metavar}"
    shown = param.show_default if isinstance(param.show_default, str) else param.default
    default = f"  [default: {shown}]" if param.show_default and value else ""
    return ", ".join(sorted(param.opts, key=len)) + value, (param.help or "") + default


def _lighten(param: Any) -> None:  # noqa: ANN401 - a parameter of typer's
    """Let values that need no conversion pass as they are.

    Newer typers convert each value, given or not, by an adapter of pydantic, which takes longer to load than
    a whole cached replay takes. Defaults here are of the right type, and so are texts; a path is its text.
    """
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if annotation is None or "process_value" in vars(param):
        return
    convert = param.process_value

    def process(ctx: Any, value: Any) -> Any:  # noqa: ANN401 - a value of any option
        if param.required if value is None else not (value is param.default or _is_plain(value, annotation)):
            return convert(ctx, value)
        value = param.default if value is None else value
        value = Path(value) if annotation is Path and isinstance(value, str) else value
        return param.callback(ctx, param, value) if param.callback else value

    param.process_value = process


def _is_plain(value: object, annotation: object) -> bool:
    texts = isinstance(value, list | tuple) and annotation == list[str]
    return texts or (isinstance(value, str) and annotation in {str, Path})


class Verb(Shape, TyperCommand):
    """One verb."""


class Verbs(Shape, TyperGroup):
    """Several verbs; without one of them, their help on standard error and exit 2."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - see Shape
        """The verb, or an error that names the near one."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            from repro.core.errors import UsageError

            raise UsageError(
                f"{ctx.command_path}: no command {args[0]!r}",
                hint=did_you_mean(args[0], known),
            )
        return super().resolve_command(ctx, args)


def single(function: Callable[..., None], *, epilog: str) -> typer.Typer:
    """The application of one verb, ready for `main`."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=LOOK)
    app.command(cls=Verb, epilog=epilog)(function)
    return app


def group(text: str, *, epilog: str) -> typer.Typer:
    """The application of several verbs under one name; `text` is its help."""
    app = typer.Typer(
        cls=Verbs,
        help=text,
        epilog=epilog,
        add_completion=False,
        rich_markup_mode=None,
        invoke_without_command=True,
        context_settings=LOOK,
    )
    app.callback()(bare)
    return app


def bare(context: typer.Context) -> None:
    """Show the help where a verb is missing."""
    from repro.cli import context as ctx
    from repro.core.exits import Exit

    if context.invoked_subcommand is None and not context.resilient_parsing:
        ctx.err(context.get_help())
        ctx.leave(Exit.USAGE)
