"""`settings` and `presets`: what there is to choose from."""

import sys
from typing import Annotated, Any

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import did_you_mean, stdout_console
from hotfolder.errors import InputError

__all__ = ["presets", "settings"]


@command("settings", "impasto settings", "impasto settings style_weight")
def settings(
    name: Annotated[str | None, typer.Argument(metavar="KEY", help="Only this setting.")] = None,
) -> None:
    """List the settings with their ranges and defaults."""
    from hotfolder.config.setting_facts import facts

    found = facts()
    if name is not None:
        known = [fact.name for fact in found]
        if name not in known:
            raise InputError(f"There is no setting called {name!r}.{did_you_mean(name, known)}")
        found = [fact for fact in found if fact.name == name]
    rows = [(fact.name, fact.allowed, fact.default, fact.description) for fact in found]
    _print(("setting", "allowed", "default", ""), rows)


@command(
    "presets", "impasto presets", "impasto stylise cat.jpg night -o painted.png --preset preview"
)
def presets() -> None:
    """List the presets, named recipes of settings."""
    from engine.settings.presets import PRESETS
    from hotfolder.config.setting_facts import plain

    rows = []
    for name, values in PRESETS.items():
        shown = [f"{key}: {plain(value)}" for key, value in values.items()]
        rows.append((name, "\n".join(shown) or "the defaults"))
    _print(("preset", "settings"), rows)


def _print(headings: tuple[str, ...], rows: list[Any]) -> None:
    """A table for people; a line a row, tabs between cells, for pipes."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(cell.replace("\n", ", ") for cell in row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold dim", box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for first, *others in rows:
        table.add_row(Text(first, style="bold"), *(Text(cell) for cell in others))
    stdout_console().print(table)
