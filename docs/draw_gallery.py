"""Writes docs/gallery.md and its pictures: a cat painted in every style that Impasto comes with,
with the controls of colours and brush, in series, and styles alone as textures.

`make gallery` runs it. The paintings are kept in build/gallery, so that only what has changed is
painted anew; all of them take about three quarters of an hour on two cores.
"""

import sys
from pathlib import Path

import numpy as np
import skimage

from engine.images.picture import Picture, read_picture, write_picture
from engine.images.sheet import Panel, contact_sheet
from engine.series.members import members_of
from engine.settings import resolve
from hotfolder.cli.commands.painting.demo import side_by_side
from hotfolder.cli.main import main
from hotfolder.cli.styles import OWN_STYLES

DOCS = Path(__file__).parent
IMAGES = DOCS / "images" / "gallery"
PAINTED = DOCS.parent / "build" / "gallery"
PHOTOGRAPH = Path(skimage.__file__).parent / "data" / "chelsea.png"
SETTINGS = ["--size", "256", "--set", "steps=60"]
SHOWN = 255
"""Height of the pictures in a row, in pixels: one and a half times that of the painted cat."""

STYLES = {
    "mosaic": (1, "Glass tesserae in rows around every form."),
    "watercolour": (1, "Transparent washes with darker rims, on rough white paper."),
    "ink": (1, "Washes, and strokes of a brush that runs dry, on rice paper."),
    "pencil": (2, "Hatching in graphite, along the forms and across them."),
    "woodcut": (2, "Lines cut along the forms, in black over three flat colours."),
    "pointillism": (1, "Points of unmixed colours, with their complements among them."),
    "stained-glass": (1, "Glowing panes in lead."),
    "pastel": (1, "Soft chalk that catches on the tooth of the paper."),
    "gouache": (1, "Flat opaque colours, with ragged edges where the brush was dry."),
    "engraving": (2, "Swelling lines in dark green over a tint of interlaced ones."),
    "tapestry": (2, "Woven wool; outlines go in steps."),
    "night": (1, "Oil: thick strokes of a bristle brush, in blues and yellow."),
    "evening": (1, "Oil: the same brush, in warm colours."),
}
"""Style -> `style_scale`, 2 where the strokes would be too fine for so small a painting, and what
it is."""

CONTROLS = {
    "as it is": {},
    "colours: content": {"colours": "content"},
    "recolour: styles": {"colours": "content", "recolour": "styles"},
    "palette: evening.jpg": {"palette": "evening.jpg"},
    "palette, colour_method: histogram": {
        "palette": "evening.jpg",
        "colour_method": "histogram",
    },
    "colours: blend": {"colours": "blend"},
    "style_rotate: 90": {"style_rotate": 90},
    "style_crop: [0, 0, 0.3, 0.3]": {"style_crop": [0, 0, 0.3, 0.3]},
}
"""What is said beside a painting, and its settings."""

SERIES = {
    "variations": (["night"], {"variations": 6}, 3),
    "interpolate-styles": (["night", "mosaic"], {"interpolate": 5}, 5),
    "interpolate-strength": (["night"], {"interpolate": 5, "interpolate_strength": [10, 100]}, 5),
}
"""Name -> styles, settings, and columns of the sheet."""

TEXTURES = ("night", "mosaic", "tapestry")
TEXTURE_SETTINGS = ["--size", "256", "--tile", "--set", "steps=40"]

CONTROLS_STYLE = "night"
CONTROLS_SETTINGS = ["--size", "192", "--set", "steps=40"]

HEAD = """\
# Gallery

<!-- Made by `make gallery` (docs/draw_gallery.py); do not edit by hand. -->

The style pictures that come with Impasto, each painted by a program of ours
(`hotfolder/styles/`, MIT licence) at 2048 x 1536 px, and a cat painted in them:
`impasto stylise cat.jpg mosaic -o painted.png`. These paintings are small, 256 px, and took 60
steps; in a larger one the strokes are finer beside the cat. `style_scale: 2` makes them twice as
large, here of pencil, woodcut, engraving and tapestry. `impasto styles` lists the styles of a hot
folder, with `--sheet` as a contact sheet.
"""

CONTROLS_TEXT = f"""
## Colours and brush

One style, `{CONTROLS_STYLE}`, with some of the [settings](settings.md), at 192 px: in its own
colours; in the cat's, place by place; with the style recoloured before it is painted from; in those
of another picture, by their mean and covariance or by their histograms; half-way to the cat's; with
its strokes turned; and with a corner of it alone.

![The cat painted eight times, with a label each](images/gallery/controls.jpg)
"""

SERIES_TEXT = """
## Series

`--variations 6`: the first is the painting without it; the others differ in soft noise at the
start, and in the part, the turn and the scale of the style.

![Six variations of the cat in night](images/gallery/variations.jpg)

`--interpolate 5` with two styles, `night` and `mosaic`, from the first to the second:

![Five paintings of the cat, from night to mosaic](images/gallery/interpolate-styles.jpg)

`--interpolate 5 --set interpolate_strength=[10,100]`:

![Five strengths, from hardly painted to nearly all style](images/gallery/interpolate-strength.jpg)

## Textures

`impasto texture night -o night.png --size 256 --tile`: a style alone. Each is shown as four copies
side by side, whose edges meet.

![Seamless textures of night, mosaic and tapestry](images/gallery/textures.jpg)
"""

CREDITS = """
The photograph, Chelsea the cat, is by S. van der Walt (CC0) and comes with scikit-image.
"""


def paint() -> int:
    """Paint what is not in build/gallery yet."""
    for scale in (1, 2):
        styles = [name for name, (own, _) in STYLES.items() if own == scale]
        chosen = [option for name in styles for option in ("--style", _picture(name))]
        settings = [*SETTINGS, "--set", f"style_scale={scale}"]
        out = ["--out", str(PAINTED), "--here"]
        if code := main(["batch", str(PHOTOGRAPH), *chosen, *settings, *out]):
            return code
    return 0


def paint_controls() -> int:
    """The same for `CONTROLS`."""
    for number, settings in enumerate(CONTROLS.values()):
        painted = _control(number)
        options = [f"--set={key}={value}" for key, value in settings.items() if key != "palette"]
        if "palette" in settings:
            options += ["--palette", _picture(Path(str(settings["palette"])).stem)]
        command = ["stylise", str(PHOTOGRAPH), CONTROLS_STYLE, "-o", str(painted)]
        if not painted.exists() and (code := main([*command, *CONTROLS_SETTINGS, *options])):
            return code
    return 0


def paint_series() -> int:
    """The same for `SERIES`."""
    for name, (styles, settings, _) in SERIES.items():
        painted = PAINTED / f"{name}.png"
        options = [f"--set={key}={value}" for key, value in settings.items()]
        command = ["stylise", str(PHOTOGRAPH), *styles, "-o", str(painted), "--resume"]
        command += [*CONTROLS_SETTINGS, *options]
        if not painted.exists() and (code := main(command)):
            return code
    return 0


def paint_textures() -> int:
    """The same for `TEXTURES`."""
    for name in TEXTURES:
        painted = PAINTED / f"texture-{name}.png"
        command = ["texture", name, "-o", str(painted), *TEXTURE_SETTINGS]
        if not painted.exists() and (code := main(command)):
            return code
    return 0


def write() -> None:
    """The page and its pictures."""
    IMAGES.mkdir(exist_ok=True)
    for name in STYLES:
        row = [Path(_picture(name)), PAINTED / f"{PHOTOGRAPH.stem}-{name}.png"]
        side_by_side(row, IMAGES / f"{name}.jpg", SHOWN, gap=6)
    panels = [Panel(read_picture(_picture(name)).thumbnail(280), name) for name in STYLES]
    sheet = contact_sheet(panels, columns=5)
    write_picture(sheet, DOCS / "images" / "styles.jpg", format="jpeg", quality=88)
    write_controls()
    write_series()
    write_textures()
    write_page()


def write_page() -> None:
    page = [HEAD]
    for name, (_, words) in STYLES.items():
        title = name.replace("-", " ").capitalize()
        page.append(
            f"## {title}\n\n{words}\n\n"
            f"![The style picture {name}, and a cat painted in it](images/gallery/{name}.jpg)\n"
        )
    text = "\n".join(page) + CONTROLS_TEXT + SERIES_TEXT + CREDITS
    (DOCS / "gallery.md").write_text(text, encoding="utf-8")


def write_controls() -> None:
    controls = [
        Panel(read_picture(_control(number)), label) for number, label in enumerate(CONTROLS)
    ]
    _write_sheet(controls, 4, "controls")


def write_series() -> None:
    for name, (styles, settings, columns) in SERIES.items():
        panels = []
        for member in members_of(resolve(settings), len(styles)):
            painted = f"{name}.{member.name}.png" if member.name else f"{name}.png"
            panels.append(Panel(read_picture(PAINTED / painted), member.label))
        _write_sheet(panels, columns, name)


def write_textures() -> None:
    panels = []
    for name in TEXTURES:
        tile = read_picture(PAINTED / f"texture-{name}.png").samples
        panels.append(Panel(Picture(np.tile(tile, (2, 2, 1))), name))
    _write_sheet(panels, 3, "textures", side=384)


def _write_sheet(panels: list[Panel], columns: int, name: str, side: int | None = None) -> None:
    sheet = contact_sheet(panels, columns=columns, side=side)
    write_picture(sheet, IMAGES / f"{name}.jpg", format="jpeg", quality=90)


def _control(number: int) -> Path:
    return PAINTED / f"control-{number}.png"


def _picture(name: str) -> str:
    return str(OWN_STYLES / f"{name}.jpg")


if __name__ == "__main__":
    code = paint() or paint_controls() or paint_series() or paint_textures()
    if not code:
        write()
    sys.exit(code)
