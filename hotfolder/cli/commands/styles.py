"""`styles`: the pictures of the style library, listed, tagged, added and removed."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotfolder import atomic_files
from hotfolder.cli.app import command, example_lines, styles
from hotfolder.cli.console import did_you_mean, print_columns, report
from hotfolder.cli.options import HotOption
from hotfolder.cli.styles import OWN_STYLES, find_style, read_notes, write_notes
from hotfolder.cli.where import find_hot_folder
from hotfolder.errors import FolderError, InputError
from hotfolder.file_names import free_name_in, is_ignored
from plugin.client import Style
from plugin.client import list_styles as list_library
from plugin.client.protocol import PICTURE_SUFFIXES, STYLES, fold_name

if TYPE_CHECKING:
    from engine.images.sheet import Panel

__all__ = ["add_style", "list_styles", "remove_styles", "tag_style"]

REMOVED = ".removed"
"""The folder in the style library where removed pictures lie. Nothing lists what is hidden."""

SHEET_COLUMNS = 4
SHEET_SIDE = 320

TagsOption = Annotated[
    list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="A tag; may be repeated.")
]


@styles.callback(
    invoke_without_command=True,
    epilog=example_lines(
        "impasto styles",
        "impasto styles --tag oil --sheet oil.jpg",
        "impasto styles add wave.jpg --tag sea",
        "impasto styles remove wave",
    ),
)
def list_styles(
    context: typer.Context,
    tag: TagsOption = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Write a contact sheet, .jpg or .png."),
    ] = None,
    hot: HotOption = None,
) -> None:
    """List the paintings to paint with, those of the hot folder's style library.

    Without a hot folder: those that come with Impasto. With several --tag, those that have all.
    """
    if context.invoked_subcommand is not None:
        if tag or sheet or hot:
            context.fail("Options of `impasto styles add`, `remove` or `tag` come after that word.")
        return
    library = _library_or_own(hot)
    tags = read_notes(library).tags
    wanted = {fold_name(word) for word in tag or ()}
    found = [
        style
        for style in _pictures(library)
        if wanted <= {fold_name(word) for word in tags.get(style.name, [])}
    ]
    if not found:
        known = sorted({word for words in tags.values() for word in words})
        missing = [word for word in wanted if word not in map(fold_name, known)]
        hint = did_you_mean(missing[0], known) if missing else ""
        what = f"with the tags {', '.join(sorted(wanted))}" if wanted else "at all"
        raise InputError(f"No picture {what} in {library}.{hint}")
    if sheet is not None:
        _write_sheet(found, sheet)
        report(f"Contact sheet: {sheet}")
    print_columns([_row(style, tags.get(style.name, [])) for style in found])


@command(
    "styles add", "impasto styles add wave.jpg --tag sea --tag blue", "impasto styles add mosaic"
)
def add_style(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A picture, or one that comes with Impasto."),
    ],
    tag: TagsOption = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its name there; else the file's.")
    ] = None,
    hot: HotOption = None,
) -> None:
    """Copy a picture into the style library.

    It is read whole first: what cannot be painted with is refused. Nothing there is replaced.
    """
    from engine.images.picture import read_picture

    library = _library(hot)
    source = find_style(file, [OWN_STYLES])
    read_picture(source)
    new = _new_name(source, name)
    taken = {fold_name(style.name): style.name for style in _pictures(library)}
    target = library / taken.get(fold_name(new), new)
    if not atomic_files.publish(source, target):
        raise InputError(
            f"{target} is another picture. Give this one a name of its own with --name, or remove "
            f"that one first: impasto styles remove {target.name}"
        )
    notes = read_notes(library)
    if tag or target.name in notes.removed:
        notes.removed = [other for other in notes.removed if other != target.name]
        tags = [*notes.tags.get(target.name, []), *(tag or ())]
        notes.tags[target.name] = list(dict.fromkeys(tags))
        write_notes(library, notes)
    report(f"Added: {target}")


@command("styles remove", "impasto styles remove wave", "impasto styles remove night evening")
def remove_styles(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Pictures of the library.")],
    hot: HotOption = None,
) -> None:
    """Take pictures out of the style library.

    They are kept in styles/.removed. Those that come with Impasto can be had again with `add`.
    """
    library = _library(hot)
    chosen = [_named(library, name) for name in names]
    notes = read_notes(library)
    kept = library / REMOVED
    kept.mkdir(exist_ok=True)
    for style in dict.fromkeys(chosen):
        suffix = style.picture.suffix
        place = kept / (free_name_in(kept, style.picture.stem, [suffix]) + suffix)
        atomic_files.move(style.picture, place)
        notes.tags.pop(style.name, None)
        if (OWN_STYLES / style.name).is_file():
            notes.removed = sorted({*notes.removed, style.name})
        write_notes(library, notes)
        report(f"Removed: {style.name}; it is kept as {place}")


@command("styles tag", "impasto styles tag wave sea blue", "impasto styles tag wave")
def tag_style(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A picture of the library.")],
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG...]", help="Its tags from now on; or none.")
    ] = None,
    hot: HotOption = None,
) -> None:
    """Say what tags a picture has."""
    library = _library(hot)
    style = _named(library, name)
    notes = read_notes(library)
    notes.tags[style.name] = list(dict.fromkeys(tags or ()))
    write_notes(library, notes)
    report(f"{style.name}: {', '.join(notes.tags[style.name]) or 'no tags'}")


def _library(hot: Path | None) -> Path:
    return find_hot_folder(hot) / STYLES


def _library_or_own(hot: Path | None) -> Path:
    """The library of the hot folder, if there is one or one is named."""
    try:
        return _library(hot)
    except FolderError:
        if hot is not None:
            raise
        report("No hot folder here: these come with Impasto.")
        return OWN_STYLES


def _pictures(library: Path) -> list[Style]:
    return [style for style in list_library(library) if not is_ignored(style.picture.name)]


def _named(library: Path, name: str) -> Style:
    """The picture that `name` means, with or without its suffix.

    Raises:
        InputError: there is none, or several.
    """
    pictures = _pictures(library)
    wanted = fold_name(name)
    exact = [style for style in pictures if fold_name(style.name) == wanted]
    found = exact or [
        style for style in pictures if fold_name(str(Path(style.name).with_suffix(""))) == wanted
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{name} may be {' or '.join(style.name for style in found)}: say which.")
    hint = did_you_mean(name, [style.name for style in pictures])
    raise InputError(f"{name}: no such picture in {library}.{hint}")


def _new_name(source: Path, name: str | None) -> str:
    suffix = source.suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        known = ", ".join(PICTURE_SUFFIXES)
        raise InputError(f"{source}: its name must end as pictures' names do: {known}.")
    if name is None:
        return source.name
    plain = name if Path(name).suffix.lower() == suffix else name + source.suffix
    if Path(plain).name != plain or is_ignored(plain):
        raise InputError(f"--name {name}: expected a name without a folder or a dot before it.")
    return plain


def _row(style: Style, tags: list[str]) -> tuple[str, str, str]:
    """Name, pixels if Pillow can tell, and tags."""
    from PIL import Image

    try:
        with Image.open(style.picture) as image:
            size = f"{image.width} x {image.height}"
    except (OSError, Image.DecompressionBombError):
        size = "?"
    return style.name, size, ", ".join(tags)


def _write_sheet(found: list[Style], target: Path) -> None:
    from engine.images.picture import write_picture
    from engine.images.sheet import contact_sheet

    formats = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}
    if target.suffix.lower() not in formats:
        raise InputError(f"--sheet {target}: its name must end in .jpg or .png.")
    sheet = contact_sheet(list(_panels(found)), columns=SHEET_COLUMNS)
    write_picture(sheet, target, format=formats[target.suffix.lower()], quality=88)


def _panels(found: list[Style]) -> "Iterator[Panel]":
    from engine.errors import EngineError
    from engine.images.picture import read_picture
    from engine.images.sheet import Panel

    for style in found:
        try:
            picture = read_picture(style.picture).thumbnail(SHEET_SIDE)
        except EngineError as error:
            report(str(error))
            continue
        yield Panel(picture, style.title)
