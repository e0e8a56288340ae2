"""The application that the commands register with, and the groups in which `--help` lists them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from hotfolder.paths import expand_home

__all__ = ["GROUPS", "SUBCOMMANDS", "app", "command", "example_lines", "service", "styles"]

GROUPS = {
    "Painting": ("demo", "stylise", "texture", "plan", "compare", "reconstruct", "batch"),
    "The hot folder": ("init", "watch", "run", "page", "pause", "resume", "service"),
    "Jobs of the hot folder": (
        *("submit", "status", "cancel", "hold", "release", "priority", "retry"),
    ),
    "In an editor": ("install-plugin", "uninstall-plugin"),
    "Checking and looking up": ("check", "doctor", "presets", "settings"),
}
"""Every command, in the order in which people meet them."""

Function = TypeVar("Function", bound=Callable[..., Any])


class Command(TyperCommand):
    """A command. `status HOT` means `status --hot HOT`, if the command has no other arguments.

    Older scripts and systemd units call it so; the help shows `--hot` only.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        names = {param.name: param.param_type_name for param in self.params}
        name = next((name for name in ("hot", "hots") if name in names), None)
        if name is None or "argument" in names.values():
            return super().parse_args(ctx, args)
        ctx.allow_extra_args = True
        bare = [Path(argument) for argument in super().parse_args(ctx, args)]
        ctx.args = []
        if bare:
            given = ctx.params[name] or []
            named = given if isinstance(given, list) else [given]
            if name == "hot" and len(bare) > 1:
                ctx.fail(f"One hot folder at a time, not {', '.join(map(str, bare))}.")
            if named and set(map(_resolved, named)) != set(map(_resolved, bare)):
                options = " ".join(f"--hot {folder}" for folder in named)
                ctx.fail(f"Different hot folders: {' '.join(map(str, bare))} and {options}.")
            ctx.params[name] = bare if name == "hots" else bare[0]
        return []

    def invoke(self, ctx: Any) -> Any:
        """Run it. A refusal of a setting that an option has given names the option."""
        from engine.errors import SettingsError

        try:
            return super().invoke(ctx)
        except SettingsError as error:
            given = {
                param.name: param.opts[0]
                for param in self.params
                if param.param_type_name == "option" and ctx.params.get(param.name)
            }
            given |= {"texture_size": given["size"]} if "size" in given else {}
            named = [
                replace(each, path=(given[key],)) if (key := str(each.path[0])) in given else each
                for each in error.problems
            ]
            raise SettingsError([*dict.fromkeys(named)]) from error

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        shown = [param for param in self.get_params(ctx) if not getattr(param, "hidden", False)]
        pieces = [piece for param in shown for piece in param.get_usage_pieces(ctx)]
        return [self.options_metavar or "", *pieces]


app = typer.Typer(
    name="impasto",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
service = typer.Typer(
    help="Run the server under systemd: at login or boot, restarted when it fails.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
styles = typer.Typer(rich_markup_mode="rich")

SUBCOMMANDS = {"service": service, "styles": styles}
"""Commands that have commands of their own."""


def command(name: str, *examples: str) -> Callable[[Function], Function]:
    """Register a command (`service install`: one of the group `service`), with examples of it."""
    group, _, own_name = name.rpartition(" ")
    panel = next((panel for panel, names in GROUPS.items() if name in names), None)
    return SUBCOMMANDS.get(group, app).command(
        own_name, cls=Command, rich_help_panel=panel, epilog=example_lines(*examples)
    )


def example_lines(*lines: str) -> str:
    """The end of a command's help."""
    cyan = (f"[cyan]{line.replace('[', chr(92) + '[')}[/cyan]" for line in lines)
    return "\n\n".join(["[bold]Examples[/bold]", *cyan])


def _resolved(path: Path) -> Path:
    return expand_home(path).resolve()


@app.callback(
    invoke_without_command=True,
    epilog=example_lines(
        "impasto demo",
        "impasto stylise cat.jpg night -o painted.png",
        "impasto init --hot hot && impasto watch --hot hot",
        "impasto submit cat.jpg night --hot hot",
    ),
)
def _impasto(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Drop a picture and a painting into a folder; get the picture back, painted."""
    if version:
        from engine import __version__

        typer.echo(f"impasto {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.add_typer(service, name="service", rich_help_panel="The hot folder")
app.add_typer(styles, name="styles", rich_help_panel="Painting")
