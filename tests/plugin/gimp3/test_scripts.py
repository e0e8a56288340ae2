"""A real server with real weights paints what a script asks for: small, in a few steps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from session import Gimp

from plugin.client import Client

CALL = """
status, painted = call("impasto-neural-style", image, style="coffee", size=64, {arguments})
answer = status, painted if isinstance(painted, str) else None
"""

POINTS = [(20, 20), (48, 32), (80, 50)]


def paint(gimp: Gimp, arguments: str = "") -> None:
    """Paint the image called `image` in GIMP; the new layer is called `painted`."""
    status, message = gimp.run(CALL.format(arguments=arguments), patience=240)
    assert (status, message) == ("success", None)


def what_was_painted(client: Client) -> Image.Image:
    """The newest picture in the outbox."""
    with Image.open(client.results()[0].picture) as picture:
        return picture.copy()


def seen(gimp: Gimp, points: list[tuple[int, int]] = POINTS, of: str = "painted") -> list[Any]:
    return [pytest.approx(each, abs=0.06) for each in gimp.run(f"answer = pixels({of}, {points})")]


def painted_colours(picture: Image.Image, size: tuple[int, int] = (96, 64)) -> list[list[float]]:
    """What should be seen of a painting, brought to the layer's size."""
    whole = picture.convert("RGBA").resize(size, Image.Resampling.BICUBIC)
    return [[channel / 255 for channel in whole.getpixel(point)] for point in POINTS]  # type: ignore[union-attr]


@pytest.fixture
def photo(gimp: Gimp, photograph: Path) -> None:
    """The cat, 96 px wide, open in GIMP as `image`, with 8 bits and nothing selected."""
    with Image.open(photograph) as picture:
        picture.resize((96, 64)).save(gimp.share / "cat.png")
    gimp.run("image = load('/share/cat.png'); layer = image.get_layers()[0]")


def test_it_registers_in_the_artistic_filters(gimp: Gimp) -> None:
    menu = gimp.run("""
        procedure = Gimp.get_pdb().lookup_procedure("impasto-neural-style")
        answer = procedure.get_menu_paths(), procedure.get_menu_label()
    """)
    assert menu == [["<Image>/Filters/Artistic"], "_Neural Style (Impasto)..."]


@pytest.mark.usefixtures("photo")
def test_a_photograph_becomes_one_layer_with_the_paintings_pixels(
    gimp: Gimp, server: Client
) -> None:
    paint(gimp, "strength=60")
    layers = gimp.run("answer = [facts(layer) for layer in image.get_layers()]")
    assert [layer["name"] for layer in layers] == ["coffee - 60", "Background"]
    painted = layers[0]
    assert (painted["size"], painted["offsets"]) == ([96, 64], [0, 0])
    assert not painted["mask"]
    assert painted["settings"]["style"] == "coffee"
    assert painted["settings"]["strength"] == 60
    picture = what_was_painted(server)
    assert picture.size == (64, 43)
    assert seen(gimp) == painted_colours(picture)
    photograph = gimp.run(f"answer = pixels(image.get_layers()[1], {POINTS})")
    assert seen(gimp) != photograph


@pytest.mark.parametrize(
    ("change", "arguments"),
    [
        pytest.param("layer.add_alpha(); fill(layer, None, (0, 0, 8, 64))", "", id="RGBA"),
        pytest.param("image.convert_precision(Gimp.Precision.U16_NON_LINEAR)", "", id="16 bits"),
        pytest.param("image.convert_precision(Gimp.Precision.FLOAT_LINEAR)", "", id="float"),
        pytest.param(
            "image.convert_indexed(Gimp.ConvertDitherType.NONE,"
            " Gimp.ConvertPaletteType.GENERATE, 32, False, False, '')",
            "output='image'",
            id="indexed",
        ),
    ],
)
@pytest.mark.usefixtures("photo")
def test_it_paints_images_of_every_kind(
    gimp: Gimp, server: Client, change: str, arguments: str
) -> None:
    gimp.run(change)
    paint(gimp, arguments)
    picture = what_was_painted(server)
    size = gimp.run("answer = painted.get_width(), painted.get_height()")
    assert size == ([64, 43] if arguments else [96, 64])
    if not arguments:
        assert seen(gimp) == painted_colours(picture)
    if change.startswith("layer.add_alpha"):
        assert gimp.run("answer = pixels(painted, [(2, 30), (60, 30)])") == [
            [pytest.approx(channel, abs=1) for channel in (0, 0, 0)] + [0],
            [pytest.approx(channel, abs=1) for channel in (0, 0, 0)] + [1],
        ]


@pytest.mark.usefixtures("photo")
def test_a_grey_photograph_gets_a_grey_painting(gimp: Gimp, server: Client) -> None:
    gimp.run("image.convert_grayscale()")
    paint(gimp)
    grey = [[value] * 3 for value in brightness(what_was_painted(server))]
    assert [colour.expected[:3] for colour in seen(gimp)] == [
        pytest.approx(each, abs=0.06) for each in grey
    ]


def brightness(picture: Image.Image) -> list[float]:
    """Luminance at the points, encoded as sRGB is: of light, not of the encoded values."""

    def light(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    lights = [
        0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue)
        for red, green, blue, _ in painted_colours(picture)
    ]
    return [1.055 * each ** (1 / 2.4) - 0.055 for each in lights]


@pytest.mark.usefixtures("photo")
def test_only_what_is_selected_is_painted(gimp: Gimp, server: Client) -> None:
    gimp.run("image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 16, 40, 32)")
    paint(gimp)
    found = gimp.run("answer = facts(painted)")
    assert (found["offsets"], found["size"], found["mask"]) == ([24, 0], [72, 64], True)
    gimp.run("above = Gimp.Layer.new_from_visible(image, image, 'above')")
    outside = [(10, 10), (30, 50), (90, 60)]
    assert seen(gimp, outside, of="above") == gimp.run(f"answer = pixels(layer, {outside})")
    inside = [(60, 30), (45, 40)]
    assert seen(gimp, inside, of="above") != gimp.run(f"answer = pixels(layer, {inside})")


@pytest.mark.usefixtures("photo")
def test_two_regions_are_painted_each_in_its_own_style_and_the_rest_not_at_all(
    gimp: Gimp, server: Client
) -> None:
    for name, colours in {"warm": ("red", "gold"), "cold": ("navy", "cyan")}.items():
        stripes = Image.new("RGB", (96, 96), colours[0])
        for top in range(0, 96, 16):
            stripes.paste(colours[1], (0, top, 96, top + 8))
        stripes.save(gimp.share / f"{name}.png")
    gimp.run("""
        for name, x in {"left": 2, "right": 56}.items():
            image.select_rectangle(Gimp.ChannelOps.REPLACE, x, 4, 38, 56)
            Gimp.Selection.save(image).set_name(name)
        Gimp.Selection.none(image)
        image.set_selected_layers([layer])
        whole = Gegl.Rectangle.new(0, 0, 96, 64)

        def visible():
            seen = Gimp.Layer.new_from_visible(image, image, "seen")
            return bytes(seen.get_buffer().get(whole, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))

        before = visible()
    """)
    paint(gimp, "regions=['left', 'right'], region_styles=['/share/warm.png', '/share/cold.png']")
    before, after = (
        np.frombuffer(bytes(gimp.run(f"answer = list({name})")), np.uint8).reshape(64, 96, 3)
        for name in ("before", "visible()")
    )
    outside = np.ones((64, 96), bool)
    for x in (2, 56):
        outside[4:60, x : x + 38] = False
    assert (after[outside] == before[outside]).all()
    left, right = after[8:56, 6:36].astype(int), after[8:56, 60:90].astype(int)
    # Nothing of the blue stripes in the left one, nor of the red ones in the right one.
    assert (left[..., 0] >= left[..., 2]).mean() > 0.98
    assert (right[..., 2] >= right[..., 0]).mean() > 0.98


@pytest.mark.parametrize("output", ["layer", "image"])
@pytest.mark.usefixtures("photo")
def test_16_bits_and_the_profile_come_back(gimp: Gimp, server: Client, output: str) -> None:
    gimp.run("""
        image.convert_precision(Gimp.Precision.U16_NON_LINEAR)
        intent = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
        image.convert_color_profile(Gimp.ColorProfile.new_rgb_adobe(), intent, True)
    """)
    paint(gimp, f"strength=0.0, output={output!r}")
    result = server.results()[0].picture
    assert result.read_bytes()[24] == 16  # a PNG's bits
    with Image.open(result) as picture:
        assert "Adobe RGB".encode("utf-16-be") in picture.info["icc_profile"]
    precision, profile, fine = gimp.run("""
        there = painted.get_image()
        part = Gegl.Rectangle.new(0, 0, 40, 40)
        flat = painted.get_buffer().get(part, 1.0, "R'G'B' u16", Gegl.AbyssPolicy.NONE)
        fine = sum(value % 257 != 0 for value in memoryview(flat).cast("H"))
        profile = there.get_color_profile().get_label()
        answer = there.get_precision().value_nick, profile, fine
    """)
    assert precision == "u16-non-linear"
    assert "Adobe RGB" in profile
    assert fine > 4000  # of 4800 values: more than 8 bits have
