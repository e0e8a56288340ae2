"""Layers and images that are open in GIMP, as the style and the palette of a painting."""

from PIL import Image
from scripted import ScriptedServer
from session import Gimp

MADE = """
for each in Gimp.get_images():
    each.delete()
image, layer = red_and_blue()
other, there = red_and_blue({base!r}, "U16_NON_LINEAR")
fill(there, {colour!r})
"""

PAINT = """
status, painted = call("impasto-neural-style", image, [layer], hot_folder="/share/scripted",
    style="sun", colours="palette", palette_layer=there, style_layer=layer)
assert status == "success", painted
answer = facts(painted)["settings"]
"""

AGAIN = """
status, again = call("impasto-repeat", image, [painted], hot_folder="/share/scripted")
answer = status, again if isinstance(again, str) else again.get_name()
"""


def profile(picture: Image.Image) -> bytes:
    """Its texts are in 16 bits."""
    return bytes(picture.info["icc_profile"]).replace(b"\0", b"")


def test_a_layer_is_the_palette_and_another_the_style_until_it_is_gone(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    gimp.run(MADE.format(base="RGB", colour="white"))
    gimp.run("""
        intent = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
        other.convert_color_profile(Gimp.ColorProfile.new_rgb_adobe(), intent, True)
    """)
    settings = gimp.run(PAINT)
    assert (settings["colours"], "photo" in settings["palette"]) == ("palette", True)
    sidecar, pictures = scripted.sidecars[0], scripted.pictures[0]
    assert sidecar["palette"].endswith(".palette.png")
    assert sidecar["styles"][0].endswith(".style.png")
    style, palette = pictures["style"], pictures["palette"]
    assert [style.getpixel((x, 9)) for x in (9, 90)] == [(255, 0, 0), (0, 0, 255)]
    assert (style.info["bits"], palette.info["bits"]) == (8, 16)
    assert b"Adobe RGB" in profile(palette)
    assert gimp.run(AGAIN) == ["success", "photo - 75 #1"]
    assert scripted.pictures[1]["palette"].tobytes() == palette.tobytes()
    # Not taken from another image without a file, which has no other name.
    gimp.run("other.delete()")
    status, message = gimp.run(AGAIN)
    assert status == "execution-error"
    assert "The picture photo is no longer open in GIMP" in message
    assert len(scripted.sidecars) == 2


WHOLE = """
import sys
sys.path.insert(0, str(pathlib.Path(Gimp.directory(), "plug-ins", "impasto")))
from images.open_pictures import OpenPictures, all_open

top = Gimp.Layer.new(other, "top", 48, 64, image_type(other, True), 50, Gimp.LayerMode.NORMAL)
other.insert_layer(top, None, 0)
fill(top, "white")
found = all_open()
OpenPictures(pathlib.Path("/share")).file_of(found[0]).rename("/share/whole.png")
answer = [each.layer for each in found]
"""


def test_an_image_as_a_whole_is_what_is_seen_of_it(gimp: Gimp) -> None:
    gimp.run(MADE.format(base="GRAY", colour="black"))
    assert gimp.run(WHOLE) == ["", "top", "photo", ""]
    with Image.open(gimp.share / "whole.png") as whole:
        assert (gimp.share / "whole.png").read_bytes()[24] == 16
        assert b"sRGB" in profile(whole)
        left, right = (whole.convert("RGB").getpixel((x, 9)) for x in (9, 90))
    assert right == (0, 0, 0)
    assert left not in ((0, 0, 0), (255, 255, 255))
