"""Writes docs/gallery.md and its pictures: a cat painted in every style that Impasto comes with,
and with the controls of colours and brush.

`make gallery` runs it. The paintings are kept in build/gallery, so that only what has changed is
painted anew; all of them take about half an hour on two cores.
"""

import sys
from pathlib import Path

import skimage

from engine.images.picture import read_picture, write_picture
from engine.images.sheet import Panel, contact_sheet
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
    "style_rotate: 90": {"style_rotate": 90},
    "style_crop: [0, 0, 0.3, 0.3]": {"style_crop": [0, 0, 0.3, 0.3]},
}
"""What is said beside a painting, and its settings."""

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
of another picture; with its strokes turned; and with a corner of it alone.

![The cat painted six times, with a label each](images/gallery/controls.jpg)
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


def write() -> None:
    """The page and its pictures."""
    IMAGES.mkdir(exist_ok=True)
    page = [HEAD]
    for name, (_, words) in STYLES.items():
        row = [Path(_picture(name)), PAINTED / f"{PHOTOGRAPH.stem}-{name}.png"]
        side_by_side(row, IMAGES / f"{name}.jpg", SHOWN, gap=6)
        title = name.replace("-", " ").capitalize()
        page.append(
            f"## {title}\n\n{words}\n\n"
            f"![The style picture {name}, and a cat painted in it](images/gallery/{name}.jpg)\n"
        )
    controls = [
        Panel(read_picture(_control(number)), label) for number, label in enumerate(CONTROLS)
    ]
    page_of_controls = contact_sheet(controls, columns=3)
    write_picture(page_of_controls, IMAGES / "controls.jpg", format="jpeg", quality=90)
    text = "\n".join(page) + CONTROLS_TEXT + CREDITS
    (DOCS / "gallery.md").write_text(text, encoding="utf-8")
    panels = [Panel(read_picture(_picture(name)).thumbnail(280), name) for name in STYLES]
    sheet = contact_sheet(panels, columns=5)
    write_picture(sheet, DOCS / "images" / "styles.jpg", format="jpeg", quality=88)


def _control(number: int) -> Path:
    return PAINTED / f"control-{number}.png"


def _picture(name: str) -> str:
    return str(OWN_STYLES / f"{name}.jpg")


if __name__ == "__main__":
    code = paint() or paint_controls()
    if not code:
        write()
    sys.exit(code)
