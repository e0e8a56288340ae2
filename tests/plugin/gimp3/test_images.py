"""Every kind of image, its selection and transparency, with a server whose paint is known.

It turns the colours round: what was red is green, what was blue is red.
"""

import functools
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import ImageCms
from scripted import ScriptedServer, paints
from session import Gimp

RED, GREEN, BLUE = (1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1)


@pytest.fixture(autouse=True)
def nothing_is_left_over(gimp: Gimp) -> Iterator[None]:
    """Whatever happens, no hidden image stays open."""
    gimp.run("for each in Gimp.get_images(): each.delete()")
    yield
    left = gimp.run("answer = [each.get_id() for each in Gimp.get_images() if each.is_valid()]")
    assert len(left) <= 2  # the test's own, and a painting opened as an image


CALL = """
status, painted = call(
    "impasto-neural-style", image, drawables, style="sun", hot_folder="/share/scripted", {arguments}
)
answer = status, painted if isinstance(painted, str) else None
"""


def paint(gimp: Gimp, arguments: str = "", drawables: str = "[layer]") -> tuple[str, str | None]:
    """Paint `layer`; status and message. The new layer is `painted`."""
    code = f"drawables = {drawables}\n" + CALL.format(arguments=arguments)
    status, message = gimp.run(code)
    return status, message


def new_image(
    gimp: Gimp, base: str = "RGB", precision: str = "U8_NON_LINEAR", *, alpha: bool = False
) -> None:
    """`image`, 96 x 64, the left half red, the right half blue, in its one layer, `layer`."""
    gimp.run(f"image, layer = red_and_blue({base!r}, {precision!r}, {alpha})")


def facts(gimp: Gimp) -> dict[str, Any]:
    return dict(gimp.run("answer = facts(painted)"))


def colours(
    gimp: Gimp, *points: tuple[int, int], of: str = "painted", tolerance: float = 0.012
) -> list[Any]:
    """Red, green, blue and alpha at each point, to be compared with what they should be."""
    seen = gimp.run(f"answer = pixels({of}, {points})")
    return [pytest.approx(each, abs=tolerance) for each in seen]


@pytest.mark.parametrize(
    "precision",
    [
        "U8_NON_LINEAR",
        "U8_LINEAR",
        "U16_NON_LINEAR",
        "U32_LINEAR",
        "HALF_NON_LINEAR",
        "FLOAT_LINEAR",
        "DOUBLE_PERCEPTUAL",
    ],
)
def test_any_precision_comes_back_as_it_went(
    gimp: Gimp, scripted: ScriptedServer, precision: str
) -> None:
    new_image(gimp, precision=precision)
    gimp.run("fill(layer, '#808080', (0, 0, 96, 16))")
    assert paint(gimp) == ("success", None)
    content = scripted.content()
    assert content.mode == "RGB"
    assert content.getpixel((10, 40)) == (255, 0, 0)
    assert content.getpixel((10, 5)) == pytest.approx((128, 128, 128), abs=3)
    bits = 8 if precision == "U8_NON_LINEAR" else 16  # 8 linear bits are too few for the dark
    assert scripted.contents[-1][24] == bits  # a PNG's
    assert colours(gimp, (10, 40), (80, 40)) == [GREEN, RED]
    assert colours(gimp, (10, 5), tolerance=0.02) == [(0.5, 0.5, 0.5, 1)]


def test_transparency_goes_and_comes_back(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp, alpha=True)
    gimp.run("fill(layer, None, (0, 0, 20, 64))")
    assert paint(gimp) == ("success", None)
    assert scripted.content().mode == "RGBA"
    assert facts(gimp)["alpha"]
    transparent, opaque = gimp.run("answer = pixels(painted, [(10, 30), (30, 30)])")
    assert transparent[3] == 0
    assert opaque == pytest.approx(GREEN, abs=0.01)


def test_a_grey_image_gets_a_grey_layer(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp, base="GRAY")
    gimp.run("fill(layer, '#c8c8c8')")
    assert paint(gimp) == ("success", None)
    assert scripted.content().getpixel((5, 5)) == pytest.approx((200, 200, 200), abs=1)
    assert colours(gimp, (5, 5)) == [(200 / 255, 200 / 255, 200 / 255, 1)]
    assert gimp.run("answer = image.get_base_type().value_nick") == "gray"


def test_an_image_with_a_palette_is_refused_a_layer_before_anything_is_sent(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    new_image(gimp)
    gimp.run("""
        none, make = Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE
        image.convert_indexed(none, make, 8, False, False, "")
    """)
    status, message = paint(gimp)
    assert status == "execution-error"
    assert "palette" in str(message)
    assert "Image > Mode > RGB" in str(message)
    assert not scripted.sidecars


def test_an_image_with_a_palette_is_painted_as_a_new_image(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    new_image(gimp)
    gimp.run("""
        none, make = Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE
        image.convert_indexed(none, make, 8, False, False, "")
    """)
    assert paint(gimp, "output='image'") == ("success", None)
    assert scripted.content().convert("RGB").getpixel((10, 40)) == (255, 0, 0)
    assert colours(gimp, (10, 40), (80, 40)) == [GREEN, RED]
    assert gimp.run("answer = len(image.get_layers())") == 1


@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_LINEAR", "FLOAT_NON_LINEAR"])
def test_colours_outside_of_srgb_go_and_come_back_in_the_images_profile(
    gimp: Gimp, scripted: ScriptedServer, precision: str
) -> None:
    new_image(gimp, precision=precision)
    gimp.run("""
        intent = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
        image.convert_color_profile(Gimp.ColorProfile.new_rgb_adobe(), intent, True)
        green = Gegl.Color.new("red")
        green.set_rgba_with_space(0.1, 0.85, 0.1, 1.0, image.get_color_profile().get_space(intent))
        Gimp.context_set_foreground(green)
        layer.edit_fill(Gimp.FillType.FOREGROUND)
        before = pixels(layer, [(10, 10)])
    """)
    assert gimp.run("answer = before[0][0] < 0")  # no such colour in sRGB
    assert paint(gimp) == ("success", None)
    content = scripted.content()
    assert "Adobe RGB" in ImageCms.getProfileDescription(
        ImageCms.ImageCmsProfile(io.BytesIO(content.info["icc_profile"]))
    )
    assert content.getpixel((10, 10)) == pytest.approx((26, 217, 26), abs=1)
    # Turned once more, it would be blue: so three times is none.
    gimp.run("layer = painted")
    assert paint(gimp) == ("success", None)
    gimp.run("layer = painted")
    assert paint(gimp) == ("success", None)
    assert colours(gimp, (10, 10), tolerance=0.02) == [tuple(gimp.run("answer = before")[0])]


def test_a_layer_lies_where_the_painted_layer_lies(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp)
    gimp.run("""
        below = layer
        layer = Gimp.Layer.new(
            image, "part", 40, 50, image_type(image, False), 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, None, 0)
        layer.set_offsets(-7, 30)
        fill(layer, "blue")
    """)
    assert paint(gimp) == ("success", None)
    assert scripted.content().size == (40, 50)
    found = facts(gimp)
    assert (found["size"], found["offsets"]) == ([40, 50], [-7, 30])
    order = gimp.run("answer = [each.get_name() for each in image.get_layers()]")
    assert order == ["sun - 75", "part", "photo"]


def test_a_painting_of_another_size_is_brought_to_the_layers(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    scripted.script = functools.partial(paints, factor=0.5)
    new_image(gimp)
    assert paint(gimp, "size=48") == ("success", None)
    assert scripted.sidecars[0]["size"] == 48
    assert facts(gimp)["size"] == [96, 64]
    assert colours(gimp, (10, 40), (85, 40)) == [GREEN, RED]


def test_a_selection_becomes_a_mask_and_is_painted_with_what_surrounds_it(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    new_image(gimp)
    gimp.run("image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 20, 32, 24)")
    assert paint(gimp) == ("success", None)
    assert scripted.content().size == (64, 56)  # 16 pixels around it
    sent = scripted.masks[0]["mask"]
    assert (sent.mode, sent.size) == ("L", (64, 56))
    # Two more around it: scaled up, the edge of the painting would be blurred.
    assert np.argwhere(np.asarray(sent)).min(0).tolist() == [14, 14]
    assert np.argwhere(np.asarray(sent)).max(0).tolist() == [41, 49]
    found = facts(gimp)
    assert (found["offsets"], found["size"], found["mask"]) == ([24, 4], [64, 56], True)
    inside, outside, edge = (20, 20), (5, 5), (15, 15)
    mask = colours(gimp, inside, outside, edge, of="painted.get_mask()")
    assert mask == [(1, 1, 1, 1), (0, 0, 0, 1), (0, 0, 0, 1)]
    # Seen from above: painted within the selection, as it was without.
    gimp.run("seen = Gimp.Layer.new_from_visible(image, image, 'seen')")
    assert colours(gimp, (45, 30), (60, 30), of="seen") == [GREEN, RED]
    assert colours(gimp, (35, 30), (80, 30), (45, 10), of="seen") == [RED, BLUE, RED]


def test_a_soft_selection_makes_a_soft_mask(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp)
    gimp.run("""
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 30, 15, 40, 40)
        Gimp.Selection.feather(image, 12)
        before = [image.get_selection().get_pixel(x, 30).get_rgba().red for x in range(96)]
    """)
    assert paint(gimp) == ("success", None)
    gimp.run("_, left, top = painted.get_offsets()")
    after = gimp.run("""
        mask = painted.get_mask()
        answer = [mask.get_pixel(x - left, 30 - top).get_rgba().red
            for x in range(left, left + mask.get_width())]
    """)
    left = gimp.run("answer = left")
    before = gimp.run("answer = before")
    assert after == pytest.approx(before[left : left + len(after)], abs=0.01)
    assert any(0.1 < value < 0.9 for value in after)
    # What is selected in part is painted wholly, and seen in part.
    assert {*np.unique(np.asarray(scripted.masks[0]["mask"]))} == {0, 255}


def test_a_selection_is_disregarded_where_it_is_not_wanted(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    new_image(gimp)
    gimp.run("image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 20, 32, 24)")
    assert paint(gimp, "selection_only=False") == ("success", None)
    assert facts(gimp)["size"] == [96, 64]
    assert not facts(gimp)["mask"]


def test_a_selection_beside_the_layer_is_refused(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp)
    gimp.run("""
        layer.resize(40, 64, 0, 0)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 20, 20, 24)
    """)
    status, message = paint(gimp)
    assert status == "execution-error"
    assert "beside the layer photo" in str(message)
    assert not scripted.sidecars


def test_what_is_too_small_is_refused(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp)
    gimp.run("layer.resize(20, 12, 0, 0)")
    status, message = paint(gimp)
    assert status == "execution-error"
    assert "20 x 12 pixels" in str(message)
    assert not scripted.sidecars


@pytest.mark.parametrize(
    ("drawables", "reason"),
    [
        ("[layer, layer.copy()]", "One layer"),
        ("[mask]", "is a mask or a channel"),
    ],
)
def test_what_is_no_single_layer_is_refused(
    gimp: Gimp, scripted: ScriptedServer, drawables: str, reason: str
) -> None:
    new_image(gimp)
    gimp.run("mask = layer.create_mask(Gimp.AddMaskType.WHITE); layer.add_mask(mask)")
    status, message = paint(gimp, drawables=drawables)
    assert status == "execution-error"
    assert reason in str(message)


def test_a_group_is_painted_as_it_is_seen(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp)
    gimp.run("""
        group = Gimp.GroupLayer.new(image, "both")
        image.insert_layer(group, None, 0)
        image.reorder_item(layer, group, 0)
        above = Gimp.Layer.new(
            image, "above", 20, 20, image_type(image, False), 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(above, group, 0)
        fill(above, "lime")
        layer = group
    """)
    assert paint(gimp) == ("success", None)
    content = scripted.content().convert("RGB")
    assert [content.getpixel(point) for point in [(5, 5), (30, 30), (80, 30)]] == [
        (0, 255, 0),
        (255, 0, 0),
        (0, 0, 255),
    ]


def test_a_layers_mask_is_kept_out_and_its_opacity_is_not(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    new_image(gimp)
    gimp.run("""
        layer.set_opacity(30)
        mask = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(mask)
        fill(mask, "black", (0, 0, 20, 64))
    """)
    assert paint(gimp) == ("success", None)
    content = scripted.content()
    assert content.mode == "RGBA"
    assert content.getpixel((10, 30))[3] == 0  # type: ignore[index]
    assert content.getpixel((30, 30)) == (255, 0, 0, 255)


def test_the_layer_itself_stays_as_it_was(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp)
    gimp.run("image.clean_all()")
    assert paint(gimp) == ("success", None)
    assert colours(gimp, (10, 40), (80, 40), of="layer") == [RED, BLUE]
    assert gimp.run("answer = layer.get_name(), len(image.get_layers())") == ["photo", 2]


def test_a_text_is_painted_as_it_is_seen(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp)
    gimp.run("""
        Gimp.context_set_foreground(Gegl.Color.new("blue"))
        layer = Gimp.TextLayer.new(image, "MMM", Gimp.context_get_font(), 40, Gimp.Unit.pixel())
        image.insert_layer(layer, None, 0)
    """)
    assert paint(gimp) == ("success", None)
    content = scripted.content()
    assert content.mode == "RGBA"
    pixels = np.asarray(content)
    opaque = pixels[pixels[..., 3] == 255][:, :3]
    assert len(opaque) > 100
    assert (opaque == (0, 0, 255)).all()
    assert gimp.run("answer = layer.get_text()") == "MMM"


def test_a_layers_filters_are_painted_too(gimp: Gimp, scripted: ScriptedServer) -> None:
    new_image(gimp)
    gimp.run("""
        inverted = Gimp.DrawableFilter.new(layer, "gegl:invert-gamma", "inverted")
        layer.append_filter(inverted)
    """)
    assert paint(gimp) == ("success", None)
    content = scripted.content().convert("RGB")
    assert [content.getpixel((10, 40)), content.getpixel((80, 40))] == [
        (0, 255, 255),
        (255, 255, 0),
    ]
    assert gimp.run("answer = len(layer.get_filters())") == 1
