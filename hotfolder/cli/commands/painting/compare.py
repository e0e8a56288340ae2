"""`compare`: paintings side by side on one sheet, with what tells them apart."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hotfolder.cli.app import command
from hotfolder.cli.input_files import check_files
from hotfolder.cli.options import ForceOption
from hotfolder.cli.output_files import check_output, format_of, write_file

__all__ = ["compare", "differences"]

COLUMNS = 4

NOT_COMPARED = ("progression", "jpeg_quality")
"""Settings that change no painting."""


@command(
    "compare",
    "impasto compare a.png b.png",
    "impasto compare painted/*.png --sheet comparison.jpg",
)
def compare(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="A B...", help="Paintings, or any pictures.")
    ],
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Also write a labelled sheet of them."),
    ] = None,
    side: Annotated[
        int,
        typer.Option("--side", metavar="PIXELS", min=32, max=4096, help="Of each on the sheet."),
    ] = 512,
    force: ForceOption = False,
) -> None:
    """Say in which settings paintings differ, and put them on one sheet.

    A painting carries its settings; another picture is shown by its name alone.
    """
    if len(pictures) < 2:
        raise typer.BadParameter("at least two pictures.", param_hint="A B...")
    check_files(pictures)
    if sheet is not None:
        suffix = format_of(sheet)
        if suffix not in ("png", "jpeg"):
            raise typer.BadParameter(f"{sheet}: a sheet is a .png or .jpg.", param_hint="--sheet")
        check_output(sheet, force=force)

    from engine.images.picture import read_settings_text

    told = differences([_settings_in(read_settings_text(path)) for path in pictures])
    for path, words in zip(pictures, told, strict=True):
        typer.echo(f"{path}\t{words}")
    if sheet is None:
        return

    from engine.images.picture import encode_picture, read_picture
    from engine.images.sheet import Panel, contact_sheet

    panels = [
        Panel(read_picture(path).thumbnail(side), f"{path.stem} {words}".strip())
        for path, words in zip(pictures, told, strict=True)
    ]
    page = contact_sheet(panels, columns=COLUMNS)
    write_file(encode_picture(page, format=suffix), sheet, force=force)
    typer.echo(sheet)


def differences(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each painting the settings that are not the same in all of them, in words; empty for one
    that has none."""
    from hotfolder.config.setting_facts import plain

    known = [each for each in settings if each]
    keys = [key for key in (known[0] if known else {}) if key not in NOT_COMPARED]
    unlike = [key for key in keys if len({plain(each.get(key)) for each in known}) > 1]
    return [
        ", ".join(f"{key}: {plain(each.get(key))}" for key in unlike if each) for each in settings
    ]


def _settings_in(text: str | None) -> Mapping[str, Any]:
    """The settings that a painting carries; none if the text is another program's."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
