"""Textures as layers and as images, by a script; then one that a real server paints."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from scripted import ScriptedServer
from session import Gimp

from plugin.client import Client

CALL = """
status, painted = call("impasto-texture", {image}, hot_folder={folder!r}, {arguments})
failed = isinstance(painted, str)
answer = status, painted if failed else {{
    **facts(painted), "own": painted.get_image() not in before,
    "precision": painted.get_image().get_precision().value_nick}}
"""

MADE = """
for each in Gimp.get_images():
    each.delete()
image, layer = red_and_blue("RGB", {precision!r})
before = Gimp.get_images()
"""


def make(gimp: Gimp, precision: str = "U8_NON_LINEAR") -> None:
    gimp.run(MADE.format(precision=precision))


def paint(gimp: Gimp, arguments: str, image: str = "image", folder: str = "/share/scripted") -> Any:
    status, found = gimp.run(CALL.format(arguments=arguments, image=image, folder=folder))
    assert status == "success", found
    return found


def test_a_texture_becomes_a_layer_amid_the_image_as_deep_as_that(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    make(gimp, "U16_NON_LINEAR")
    found = paint(gimp, "style='sun', width=48, height=32, tile=True, seed=4")
    assert (found["name"], found["size"], found["offsets"]) == ("sun - texture", [48, 32], [24, 16])
    assert not found["own"]
    sent = scripted.sidecars[0]
    assert (sent["texture"], sent["texture_size"], sent["tile"]) == (True, [48, 32], True)
    assert sent["bits"] == 16
    assert not {"content", "size", "strength", "mask", "regions"} & {*sent}
    assert gimp.run("answer = [round(part) for part in pixels(painted, [(9, 9)])[0]]") == [
        0,
        1,
        0,
        1,
    ]
    assert (found["settings"]["texture"], found["settings"]["seed"]) == (True, 4)


def test_without_an_image_it_becomes_one_and_is_painted_again(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    make(gimp)
    found = paint(gimp, "style_layer=layer, width=48, height=40", image="None")
    assert (found["own"], found["size"]) == (True, [48, 40])
    assert scripted.pictures[0]["style"].size == (96, 64)
    status = gimp.run("""
        made = painted.get_image()
        answer = call("impasto-repeat", made, [painted], hot_folder="/share/scripted")[0]
    """)
    assert status == "success"
    first, second = scripted.sidecars
    assert first["bits"] == 8
    assert first["texture_size"] == second["texture_size"]
    assert scripted.pictures[1]["style"].size == (96, 64)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("style='sun', width=50, tile=True", "width is 50; of a seamless texture it must be a mu"),
        ("style='mars'", "has no mars (any more). It has: sun.png"),
    ],
)
def test_what_cannot_be_painted_is_refused_in_words(
    gimp: Gimp, scripted: ScriptedServer, arguments: str, reason: str
) -> None:
    make(gimp)
    call = CALL.format(arguments=arguments, image="image", folder="/share/scripted")
    status, message = gimp.run(call)
    assert status == "execution-error"
    assert reason in message
    assert not scripted.sidecars


def test_the_edges_of_a_seamless_texture_meet(gimp: Gimp, server: Client) -> None:
    make(gimp)
    arguments = "style='coffee', width=64, height=48, tile=True, output='image'"
    found = paint(gimp, arguments, folder="/share/hot")
    assert (found["own"], found["size"]) == (True, [64, 48])
    with Image.open(server.results()[0].picture) as picture:
        pixels = np.asarray(picture.convert("RGB"), float)
    inside = np.abs(np.diff(pixels, axis=1)).mean()
    assert np.abs(pixels[:, 0] - pixels[:, -1]).mean() < 1.5 * inside
