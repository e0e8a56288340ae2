"""What the artist does to an image while it is painted, and where the painting goes then."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from session import Gimp

BEFORE = """
for each in Gimp.get_images():
    each.delete()
image = load("/share/cat.png")
layer = image.get_layers()[0]
image.scale(240, 160)
image.set_resolution(150, 150)
layer.scale(180, 120, False)
layer.set_offsets(20, 10)
{prepare}
image.select_rectangle(REPLACE, 60, 40, 80, 50) if {selected} else Gimp.Selection.none(image)
region = Region(image, [layer], selection_only=True)
placement = Placement(region)
content = pathlib.Path("/share/content.png")
region.export(content)
"""

AFTER = """
painted, reason = placement.insert(content, "painted", "{}")
there = painted.get_image()
answer = reason, there == image, facts(painted)
"""

SHRINK = "image.scale(120, 80)"
CROPS = {
    "cropped": "image.crop(100, 100, 60, 20)",
    "cropped to the same shape": "image.crop(120, 80, 60, 40)",
    "cropped a little": "image.crop(156, 104, 30, 20)",
    "the layer cropped by one pixel": "layer.resize(179, 120, -1, 0)",
    "the layer small in a larger canvas": "layer.resize(1200, 800, 30, 40)",
    "the layer small in the middle of a canvas": "layer.resize(9000, 6000, 4410, 2940)",
    "cropped and extended to the old size": "layer.resize(180, 120, -7, 3)",
    "the layer cropped": "layer.resize(100, 120, -40, 0)",
    "the layer extended": "layer.resize(220, 160, 20, 20)",
}
TURNS = {
    "flipped": "image.flip(Gimp.OrientationType.HORIZONTAL)",
    "upside down": "image.rotate(Gimp.RotationType.DEGREES180)",
    "rotated": "image.rotate(Gimp.RotationType.DEGREES90)",
    "the layer flipped": "layer.transform_flip_simple(Gimp.OrientationType.VERTICAL, True, 0)",
}


@pytest.fixture(scope="module")
def placer(gimp: Gimp, photograph: Path) -> Gimp:
    """GIMP with the plug-in's own modules, and the cat."""
    for path in (Path(__file__).with_name("reading.py"), photograph):
        shutil.copy(path, gimp.share / ("cat.png" if path == photograph else path.name))
    gimp.run("exec(compile(open('/share/reading.py').read(), 'reading.py', 'exec'))")
    return gimp


def insert_after(
    gimp: Gimp, change: str, *, selected: bool = False, prepare: str = ""
) -> tuple[str, bool, Any]:
    """The reason for an image of its own, whether the painting is in the image, and its facts."""
    gimp.run(BEFORE.format(selected=selected, prepare=prepare) + change)
    reason, is_inside, facts = gimp.run(AFTER)
    return reason, is_inside, facts


@pytest.mark.parametrize(
    ("change", "offsets", "size"),
    [
        ("", [20, 10], [180, 120]),
        ("layer.set_offsets(-7, 33)", [-7, 33], [180, 120]),
        (SHRINK, [10, 5], [90, 60]),
        ("image.scale(480, 320)", [40, 20], [360, 240]),
        ("image.scale(3000, 2000)", [250, 125], [2250, 1500]),
        ("image.scale(234, 156)", [20, 10], [175, 117]),
        ("layer.scale(90, 100, False)", [10, 8], [90, 100]),
        ("image.resize(300, 200, 30, 40)", [50, 50], [180, 120]),
        ("image.crop(238, 158, 2, 0)", [18, 10], [180, 120]),
        ("Gimp.Selection.all(image)", [20, 10], [180, 120]),
        ("fill(layer, 'red', (0, 0, 100, 120))", [20, 10], [180, 120]),
        ("image.convert_grayscale()", [20, 10], [180, 120]),
        ("image.insert_layer(layer.copy(), None, 0); image.remove_layer(layer)", [20, 10], None),
        (f"{SHRINK}; image.flatten()", [10, 5], [90, 60]),
    ],
)
def test_a_painting_follows_what_was_moved_or_scaled(
    placer: Gimp, change: str, offsets: list[int], size: list[int] | None
) -> None:
    reason, is_inside, facts = insert_after(placer, change)
    assert (reason, is_inside) == ("", True)
    assert (facts["offsets"], facts["size"]) == (offsets, size or [180, 120])


@pytest.mark.parametrize("precision", ["U16_NON_LINEAR", "HALF_LINEAR"])
def test_what_becomes_of_a_deep_image_is_told_as_of_any_other(placer: Gimp, precision: str) -> None:
    deep = f"image.convert_precision(Gimp.Precision.{precision})"
    for change in (SHRINK, f"{SHRINK}; image.flatten()"):
        reason, is_inside, facts = insert_after(placer, change, prepare=deep)
        assert (reason, is_inside) == ("", True), change
    for change in (TURNS["flipped"], TURNS["the layer flipped"]):
        reason, is_inside, facts = insert_after(placer, change, prepare=deep)
        assert "flipped or rotated" in reason, change
        assert facts["size"] == [180, 120]


def test_what_was_selected_follows_too(placer: Gimp) -> None:
    reason, _, facts = insert_after(placer, SHRINK, selected=True)
    assert reason == ""
    assert (facts["offsets"], facts["size"]) == ([22, 12], [56, 41])
    shown = placer.run("answer = pixels(painted.get_mask(), [(20, 20), (3, 3)])")
    assert [round(each[0]) for each in shown] == [1, 0]


@pytest.mark.parametrize("change", CROPS.values(), ids=CROPS)
def test_of_a_cropped_image_the_painting_is_opened_by_itself(placer: Gimp, change: str) -> None:
    reason, is_inside, facts = insert_after(placer, change)
    assert "cropped or extended" in reason
    assert not is_inside
    assert facts["size"] == [180, 120]


@pytest.mark.parametrize(
    ("width", "height", "x", "y"), [(239, 160, 0, 0), (240, 159, 0, 1), (238, 159, 1, 1)]
)
def test_a_crop_by_a_pixel_is_no_scaling(
    placer: Gimp, width: int, height: int, x: int, y: int
) -> None:
    """Of a layer that fills the image, so that its sizes and its place are those of a scaling."""
    reason, is_inside, _ = insert_after(
        placer,
        f"image.crop({width}, {height}, {x}, {y})",
        prepare="layer.set_offsets(0, 0); layer.scale(240, 160, False)",
    )
    assert "cropped or extended" in reason
    assert not is_inside


@pytest.mark.parametrize("change", TURNS.values(), ids=TURNS)
def test_of_a_turned_image_the_painting_is_opened_by_itself(placer: Gimp, change: str) -> None:
    reason, is_inside, _ = insert_after(placer, change)
    assert "flipped or rotated" in reason
    assert not is_inside


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            "image.convert_indexed(Gimp.ConvertDitherType.NONE,"
            " Gimp.ConvertPaletteType.GENERATE, 8, False, False, '')",
            "palette",
        ),
        ("fill(layer, 'red'); layer.resize(1200, 800, 30, 40)", "does not fit"),
        ("image.delete()", "was closed"),
        ("image.flatten(); image.crop(120, 80, 60, 40)", "cropped"),
    ],
)
def test_what_has_no_place_for_it_any_more_is_named(placer: Gimp, change: str, why: str) -> None:
    reason, is_inside, _ = insert_after(placer, change)
    assert why in reason
    assert not is_inside


def test_an_image_of_its_own_is_like_the_one_it_was_made_from(placer: Gimp) -> None:
    placer.run(BEFORE.format(selected=False, prepare=MADE_DEEP))
    facts = placer.run("""
        painted = placement.open(content, "sun - 75", "{}")
        new = painted.get_image()
        answer = {
            "name": new.get_name(),
            "resolution": new.get_resolution()[1:],
            "precision": new.get_precision().value_nick,
            "profile": new.get_color_profile().get_label(),
            "error": max(
                abs(a - b)
                for one, two in zip(read(painted, 0, 0, 180, 120), read(layer, 0, 0, 180, 120))
                for a, b in zip(one, two, strict=True)),
        }
    """)
    assert facts.pop("error") < 3e-4  # 16 bits, of a profile that is encoded otherwise than sRGB
    assert facts == {
        "name": "cat (sun - 75).xcf",
        "resolution": [150, 150],
        "precision": "float-linear",
        "profile": "Compatible with Adobe RGB (1998)",
    }


MADE_DEEP = """
image.set_file(file_of("/share/cat.xcf"))
image.convert_precision(Gimp.Precision.FLOAT_LINEAR)
image.convert_color_profile(
    Gimp.ColorProfile.new_rgb_adobe(), Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC, True)
write(layer, [(0.6, 0.9, -0.1, 1.0)] * 180 * 120)
"""
