"""Regions as the masks of a job, and the painting seen through them.

The server's paint is known: it turns the colours round, red to green, blue to red.
"""

from typing import Any

import numpy as np
import pytest
from scripted import ScriptedServer
from session import Gimp

RED, GREEN, BLUE = (1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1)

CALL = """
status, painted = call("impasto-neural-style", image, [layer], hot_folder="/share/scripted",
    regions={regions}, region_styles={styles}, {arguments})
answer = status, painted if isinstance(painted, str) else None
"""

MADE = """
for each in Gimp.get_images():
    each.delete()
image, layer = red_and_blue({base!r}, {precision!r}, {alpha})
left = channel(image, "left", 4, 4, 30, 40)
right = channel(image, "right", 50, 10, 40, 50)
"""


def make(
    gimp: Gimp, base: str = "RGB", precision: str = "U8_NON_LINEAR", alpha: bool = False
) -> None:
    """`image`, 96 x 64, half red, half blue, in `layer`; two channels, `left` and `right`."""
    gimp.run(MADE.format(base=base, precision=precision, alpha=alpha))


def paint(
    gimp: Gimp,
    regions: str = "left right",
    styles: tuple[str, ...] = ("sun", "/share/moon.png"),
    arguments: str = "",
) -> tuple[str, str | None]:
    status, message = gimp.run(
        CALL.format(regions=regions.split(), styles=list(styles), arguments=arguments)
    )
    return status, message


def refusal(gimp: Gimp, *arguments: Any) -> str:
    status, message = paint(gimp, *arguments)
    assert status == "execution-error"
    return str(message)


def colours(gimp: Gimp, of: str, *points: tuple[int, int]) -> list[Any]:
    return [pytest.approx(each, abs=0.012) for each in gimp.run(f"answer = pixels({of}, {points})")]


@pytest.fixture(autouse=True)
def moon(gimp: Gimp, scripted: ScriptedServer) -> None:
    """A second style, a file."""
    (gimp.share / "moon.png").write_bytes((scripted.root / "styles" / "sun.png").read_bytes())


IN_A_GROUP = """
group = Gimp.GroupLayer.new(image, "group")
image.insert_layer(group, None, 0)
image.reorder_item(layer, group, 0)
"""

SITUATIONS = {
    "transparent": "fill(layer, None, (40, 0, 4, 64))",
    "16 bits, cropped": "image.convert_precision(Gimp.Precision.U16_NON_LINEAR);"
    "layer.resize(90, 60, -3, -3)",
    "float, in a group": f"image.convert_precision(Gimp.Precision.FLOAT_LINEAR)\n{IN_A_GROUP}",
    "grey": "image.convert_grayscale()",
}


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
def test_regions_are_painted_each_in_its_style_and_nothing_else_is(
    gimp: Gimp, scripted: ScriptedServer, situation: str
) -> None:
    make(gimp, alpha="None" in situation)
    gimp.run(situation)
    gimp.run("Gimp.Selection.none(image); points = [(2, 2), (46, 30), (94, 62), (40, 60), (80, 5)]")
    before = gimp.run("""
        seen = Gimp.Layer.new_from_visible(image, image, "seen"); answer = pixels(seen, points)
    """)
    assert paint(gimp) == ("success", None)
    sidecar = scripted.sidecars[0]
    assert [name.split(".", 1)[1] for name in sidecar["regions"]] == ["mask1.png", "mask2.png"]
    assert sidecar["styles"][0] == "sun.png"
    assert sidecar["styles"][1].endswith(".style2.png")
    assert "mask" not in sidecar
    x, y = gimp.run("answer = layer.get_offsets()[1:]")
    first, second = scripted.masks[0]["mask1"], scripted.masks[0]["mask2"]
    assert first.size == second.size == scripted.content().size
    places = [(10 - x, 10 - y), (46 - x, 30 - y), (60 - x, 30 - y)]
    assert [first.getpixel(place) for place in places] == [255, 0, 0]
    assert [second.getpixel(place) for place in places] == [0, 0, 255]
    after = gimp.run("""
        seen = Gimp.Layer.new_from_visible(image, image, "seen"); answer = pixels(seen, points)
    """)
    assert after == before  # to the bit
    assert gimp.run("answer = painted.get_name()") == "sun + moon - 75"
    if situation != SITUATIONS["grey"]:
        assert colours(gimp, "seen", (20, 20), (70, 30)) == [GREEN, RED]


def test_a_layer_mask_is_a_region_where_its_layer_lies(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    make(gimp)
    gimp.run("""
        small = Gimp.Layer.new(
            image, "small", 30, 30, image_type(image, True), 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(small, None, 0)
        small.set_offsets(60, 20)
        small.set_visible(False)
        mask = small.create_mask(Gimp.AddMaskType.WHITE)
        small.add_mask(mask)
        fill(mask, "black", (0, 0, 10, 30))
    """)
    assert paint(gimp, "small", ("sun",)) == ("success", None)
    sent = scripted.masks[0]["mask1"]
    assert [sent.getpixel(place) for place in ((65, 30), (75, 30), (75, 55))] == [0, 255, 0]
    region = gimp.run("answer = facts(painted)['settings']['regions']")
    assert [(each["kind"], each["name"], each["style"]) for each in region] == [
        ("mask", "small", "sun")
    ]


def test_regions_share_what_both_cover_and_the_selection_holds_for_all(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    make(gimp)
    gimp.run("""
        wide = channel(image, "wide", 0, 0, 96, 64)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 96, 32)
    """)
    assert paint(gimp, "left wide") == ("success", None)
    masks = scripted.masks[0]
    assert masks["mask"].getpixel((20, 20)) == 255
    assert masks["mask"].getpixel((20, 40)) == 0
    assert masks["mask1"].getpixel((20, 20)) == masks["mask2"].getpixel((20, 20)) == 255
    _, y = gimp.run("answer = painted.get_offsets()[1:]")
    seen = gimp.run(f"answer = pixels(painted.get_mask(), [(20, 20 - {y}), (20, 40 - {y})])")
    assert [round(each[0], 3) for each in seen] == [1, 0]


@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_NON_LINEAR"])
def test_a_region_that_covers_in_part_is_painted_wholly_and_seen_in_part(
    gimp: Gimp, scripted: ScriptedServer, precision: str
) -> None:
    """As far as it would be selected: a channel of 8 bits has its values in another encoding."""
    make(gimp, precision=precision)
    before = gimp.run("""
        soft = channel(image, "soft", 20, 10, 50, 40, 20)
        image.select_item(Gimp.ChannelOps.REPLACE, soft)
        answer = [image.get_selection().get_pixel(x, 30).get_rgba().red for x in range(96)]
        Gimp.Selection.none(image)
    """)
    assert paint(gimp, "soft", ("sun",)) == ("success", None)
    assert {*np.unique(np.asarray(scripted.masks[0]["mask1"]))} <= {0, 255}
    after = gimp.run("""
        mask = painted.get_mask()
        answer = [mask.get_pixel(x, 30).get_rgba().red for x in range(96)]
    """)
    assert after == pytest.approx(before, abs=0.003)
    assert any(0.1 < value < 0.9 for value in after)


@pytest.mark.parametrize(
    ("prepare", "regions", "styles", "reason"),
    [
        (
            "dark = channel(image, 'dark', 0, 0, 9, 9); fill(dark, 'black')",
            "dark",
            ("sun",),
            "dark has nothing of what is painted: it is black there",
        ),
        ("channel(image, 'tiny', 0, 0, 15, 17)", "tiny", ("sun",), "has only 255 pixels of"),
        ("", "left right", ("sun",), "2 regions and 1 region-styles"),
        ("", "left right", ("sun", ""), "No style is chosen for the region right"),
        ("", "left right", ("sun", "mars"), "has no mars (any more). It has: sun.png"),
        ("", "left", ("/share/nothing.png",), "/share/nothing.png is not there"),
        (
            "layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))",
            "loose",
            ("sun",),
            "no layer with a mask, named loose. It has: right, left, photo",
        ),
        (
            "image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 20, 20)",
            "right",
            ("sun",),
            "right has nothing of what is painted",
        ),
    ],
)
def test_a_region_that_cannot_be_painted_is_refused_in_words(
    gimp: Gimp,
    scripted: ScriptedServer,
    prepare: str,
    regions: str,
    styles: tuple[str, ...],
    reason: str,
) -> None:
    make(gimp)
    gimp.run(prepare)
    assert reason in refusal(gimp, regions, styles)
    assert not scripted.sidecars


REPEAT = """
status, again = call("impasto-repeat", image, [painted], hot_folder="/share/scripted")
answer = status, again if isinstance(again, str) else None
"""


def test_regions_are_painted_again_by_the_settings_of_a_layer(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    make(gimp)
    assert paint(gimp) == ("success", None)
    assert gimp.run(REPEAT) == ["success", None]
    assert scripted.sidecars[1]["styles"][0] == "sun.png"
    assert len(scripted.sidecars[1]["regions"]) == 2
    gimp.run("image.remove_channel(right)")
    status, message = gimp.run(REPEAT)
    assert status == "execution-error"
    assert "The region right is no longer in the image" in message
    assert len(scripted.sidecars) == 2
