"""The application that the commands register with."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

__all__ = ["EDITOR", "FOLDER", "HELP", "PAINTING", "app", "command"]

PAINTING = "Painting"
FOLDER = "The hot folder"
EDITOR = "In an editor"
HELP = "DiagnosticResult out"

Function = TypeVar("Function", bound=Callable[..., Any])

app = typer.Typer(
    name="impasto",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(name: str, panel: str, *examples: str) -> Callable[[Function], Function]:
    """Register a command; the examples close its help."""
    lines = ["[bold]Examples[/bold]", *(f"[cyan]{_escaped(line)}[/cyan]" for line in examples)]
    return app.command(name, rich_help_panel=panel, epilog="\n\n".join(lines))


@app.callback(
    invoke_without_command=True,
    epilog="\n\n".join(
        [
            "[bold]Examples[/bold]",
            "[cyan]impasto demo[/cyan]",
            "[cyan]impasto stylise cat.jpg night -o painted.png[/cyan]",
            "[cyan]impasto init hot && impasto watch hot[/cyan]",
            "[cyan]impasto submit cat.jpg night --hot hot[/cyan]",
        ]
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


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
