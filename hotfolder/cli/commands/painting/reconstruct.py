"""`reconstruct`: what the network's layers know of a picture, as one labelled sheet."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import clock_time, report
from hotfolder.cli.local_engine import load_network, set_threads
from hotfolder.cli.options import ConfigOption, DeviceOption, ForceOption, SetOption, settings_layer
from hotfolder.cli.output_files import check_output, format_of, write_output
from hotfolder.cli.styles import OWN_STYLES, find_style
from hotfolder.cli.where import read_config

if TYPE_CHECKING:
    from engine.reconstruct import Reconstruction
    from engine.settings import Settings

__all__ = ["reconstruct"]

FROM_CONFIG = ("weights", "precision")
"""Settings that a configuration may give; the others it has are for paintings."""


@command(
    "reconstruct",
    "impasto reconstruct content cat.jpg -o content.png",
    "impasto reconstruct content cat.jpg --layers conv1_1 conv3_1 conv5_1 -o content.png",
    "impasto reconstruct style night --layers relu1_1,relu2_1,relu3_1 -o style.jpg --size 384",
)
def reconstruct(
    kind: Annotated[
        Literal["content", "style"],
        typer.Argument(metavar="content|style", help="What of the picture is shown."),
    ],
    image: Annotated[
        str,
        typer.Argument(metavar="IMAGE", help="The picture: a file, or a name of `impasto styles`."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The sheet: .png, .jpg or .tif.")
    ],
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layers",
            "-l",
            metavar="LAYER ...",
            help="Layers of VGG19. Default: the first convolution of each block.",
        ),
    ] = None,
    more_layers: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    size: Annotated[
        int | None, typer.Option("--size", help="Longest side of each picture, in pixels.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Evaluations for each picture.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the white noise.")] = None,
    assignments: SetOption = None,
    device: DeviceOption = "auto",
    force: ForceOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what the network's layers know of a picture, as one labelled sheet.

    It is painted from white noise: the content out of each layer alone, or the style out of the
    first one, two and more of the layers. Of the configuration, weights and limits count.
    """
    from engine.settings import resolve

    read = read_config(config)
    base = {key: value for key, value in read.settings.items() if key in FROM_CONFIG}
    options = {"steps": steps, "seed": seed}
    layer = {
        **settings_layer(None, assignments, size),
        **{key: value for key, value in options.items() if value is not None},
        "format": format_of(output),
    }
    listed = [*(layers or []), *(more_layers or [])]
    chosen = [layer for word in listed for layer in word.replace(",", " ").split()]
    file = find_style(image, [OWN_STYLES])
    check_output(output, force=force)

    set_threads(read.threads)
    from engine.images.sheet import Panel, contact_sheet
    from engine.reconstruct import FIRST_OF_EACH_BLOCK, RECIPES, check_layers

    wanted = chosen or FIRST_OF_EACH_BLOCK
    check_layers(wanted)
    settings = resolve(RECIPES[kind], base, layer)
    made = _paint(kind, file, wanted, settings, device, read.max_megapixels)
    panels = [Panel(each.result.picture, " + ".join(each.layers)) for each in made]
    write_output(contact_sheet(panels), output, settings, force=force)
    seconds = sum(each.result.seconds for each in made)
    count = "1 picture" if len(made) == 1 else f"{len(made)} pictures"
    rejected = sum(each.result.rejected_moves for each in made)
    taken_back = f", {rejected} moves taken back" if rejected else ""
    report(f"{count} from {', '.join(wanted)} in {clock_time(seconds)}{taken_back}.")
    typer.echo(output)


def _paint(
    kind: Literal["content", "style"],
    file: Path,
    layers: Sequence[str],
    settings: "Settings",
    device: str,
    max_megapixels: float,
) -> "list[Reconstruction]":
    from hotfolder.cli.progress import Point, ProgressView

    name = file.name
    with ProgressView() as view:
        view.update(name, Point(0.0, "loading"))
        from engine.images.picture import read_picture
        from engine.reconstruct import Reconstruction, reconstruct

        picture = read_picture(file, max_megapixels=max_megapixels)
        vgg = load_network(settings, device)
        made: list[Reconstruction] = []
        for step in reconstruct(kind, picture, layers, settings, vgg):
            if isinstance(step, Reconstruction):
                made.append(step)
                continue
            point = Point.of(step)
            place = f"picture {len(made) + 1} of {len(layers)}, {point.detail}"
            view.update(name, replace(point, detail=place))
    return made
