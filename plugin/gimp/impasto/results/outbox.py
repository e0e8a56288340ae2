"""Finished results of the outbox, inserted as layers or opened as images."""

import contextlib
from collections.abc import Sequence
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import NO_FOLDER, Choices, Refusal
from client import Client, Finished
from gi.repository import Gimp
from i18n import _
from images.insertion import NewLayer, insert_amid, open_as_image
from options import STRENGTH

__all__ = ["import_results", "insert_results", "open_results", "results_in"]


def results_in(hot_folder: str, limit: int | None = 200) -> list[Finished]:
    """What the outbox holds, the newest first, at most `limit`.

    Raises:
        Refusal: no hot folder is known.
        FolderMissing
    """
    if not hot_folder:
        raise Refusal(NO_FOLDER)
    return Client(hot_folder).results(limit=limit)


def import_results(hot_folder: str, names: Sequence[str], image: Any, output: str) -> int:
    """Import results by their names, or the newest; how many.

    Raises:
        Refusal: a name is not among them, or there are none. Nothing was imported.
    """
    results = results_in(hot_folder, None if names else 1)
    if not results:
        raise Refusal(_("Nothing has been painted in {folder} yet.").format(folder=hot_folder))
    by_name = {result.name: result for result in results}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise Refusal(
            _("There is no finished painting named {names}.").format(names=", ".join(missing))
        )
    chosen = [by_name[name] for name in names] or results[:1]
    if output == "image":
        open_results(hot_folder, chosen)
    else:
        insert_results(hot_folder, chosen, image)
    return len(chosen)


def insert_results(hot_folder: str, results: Sequence[Finished], image: Any) -> None:
    """Insert the results as layers amid the image, above the selected layer, as one step.

    Raises:
        Refusal: there is no image, or it cannot take them.
    """
    if image is None or not image.is_valid():
        raise Refusal(_("There is no image to insert layers into. Open one, or open the results."))
    insert_amid(image, [_layer_of(hot_folder, result) for result in results])


def open_results(hot_folder: str, results: Sequence[Finished]) -> None:
    """Open each result as an image, on the screen if there is one."""
    for result in results:
        image = open_as_image(_layer_of(hot_folder, result)).get_image()
        image.clean_all()
        with contextlib.suppress(TypeError):  # no screen, no display
            Gimp.Display.new(image)


def _layer_of(hot_folder: str, result: Finished) -> NewLayer:
    return NewLayer(result.picture, result.name, _choices_of(hot_folder, result).to_json())


def _choices_of(hot_folder: str, result: Finished) -> Choices:
    """How the result was made, as far as the plug-in can choose it."""
    details = Client(hot_folder).details(result)
    settings = {key: value for key, value in details.settings.items() if value is not None}
    style = details.styles[0] if details.styles else ""
    choices = Choices(style=style, hot_folder=hot_folder, strength=STRENGTH)
    return choices.updated_with(settings)
