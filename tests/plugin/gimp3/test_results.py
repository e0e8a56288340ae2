"""What the outbox holds comes into GIMP, and a painted layer tells how to paint the next."""

import pytest
from scripted import ScriptedServer, fails
from session import Gimp

from plugin.client import Client

IMPORT = """
status, result = call("impasto-import", image, hot_folder="/share/scripted", {arguments})
answer = status, result
"""

NEW_IMAGE = """
for each in Gimp.get_images():
    each.delete()
image = Gimp.Image.new(200, 100, Gimp.ImageBaseType.RGB)
layer = Gimp.Layer.new(
    image, "photo", 96, 64, image_type(image, False), 100, Gimp.LayerMode.NORMAL)
image.insert_layer(layer, None, 0)
fill(layer, "red")
"""

PAINT = """
status, painted = call(
    "impasto-neural-style", image, [layer], style="sun", hot_folder="/share/scripted", {arguments})
assert status == "success", painted
"""


@pytest.fixture
def names(gimp: Gimp, scripted: ScriptedServer) -> list[str]:
    """Two results in the outbox, the newest first, and `image` without any of them."""
    gimp.run(NEW_IMAGE)
    for _ in range(2):
        gimp.run(PAINT.format(arguments="strength=33"))
    gimp.run(NEW_IMAGE)
    return [result.name for result in Client(scripted.root).results(limit=2)]


def layers(gimp: Gimp) -> list[list[object]]:
    """Name, size and offsets of each layer."""
    found = gimp.run("answer = [facts(each) for each in image.get_layers()]")
    return [[each["name"], each["size"], each["offsets"]] for each in found]


def test_the_chosen_results_become_layers_amid_the_image(gimp: Gimp, names: list[str]) -> None:
    assert gimp.run(IMPORT.format(arguments=f"names={names}")) == ["success", 2]
    assert layers(gimp) == [
        [names[1], [96, 64], [52, 18]],
        [names[0], [96, 64], [52, 18]],
        ["photo", [96, 64], [0, 0]],
    ]
    colour = gimp.run("answer = pixels(image.get_layers()[0], [(5, 5)])")
    assert colour == [pytest.approx((0, 1, 0, 1), abs=0.01)]


def test_without_names_the_newest_is_imported(gimp: Gimp, names: list[str]) -> None:
    assert gimp.run(IMPORT.format(arguments="")) == ["success", 1]
    assert layers(gimp)[0][0] == names[0]


def test_results_open_as_images(gimp: Gimp, names: list[str]) -> None:
    assert gimp.run(IMPORT.format(arguments=f"names={names}, output='image'")) == ["success", 2]
    opened = gimp.run("""
        opened = [each for each in Gimp.get_images() if each.get_id() != image.get_id()]
        answer = [each.get_layers()[0].get_name() for each in opened]
    """)
    assert sorted(opened) == sorted(names)


def test_a_result_that_is_not_there_is_named_and_nothing_imported(
    gimp: Gimp, names: list[str]
) -> None:
    status, message = gimp.run(IMPORT.format(arguments=f"names={[names[0], 'moon']}"))
    assert status == "execution-error"
    assert "no finished painting named moon" in message
    assert len(layers(gimp)) == 1


def test_an_empty_outbox_says_so(gimp: Gimp, names: list[str], server: Client) -> None:
    (server.root / "nothing" / "inbox").mkdir(parents=True, exist_ok=True)
    status, message = gimp.run(
        """
        answer = call("impasto-import", image, hot_folder="/share/hot/nothing")
        """
    )
    assert status == "execution-error"
    assert "Nothing has been painted" in message


def test_the_settings_of_a_layer_paint_again_what_it_was_painted_from(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    gimp.run(NEW_IMAGE)
    gimp.run(PAINT.format(arguments="strength=33, seed=4, colours='content'"))
    gimp.run("fill(painted, 'white')")
    status, name = gimp.run("""
        status, again = call(
            "impasto-repeat", image, [painted], hot_folder="/share/scripted")
        answer = status, again if isinstance(again, str) else again.get_name()
    """)
    assert (status, name) == ("success", "sun - 33 #1")
    first, second = scripted.sidecars
    for each in (first, second):
        each.pop("content")
        each.pop("client")
    assert first == second
    assert first["seed"] == 4
    assert scripted.contents[0] == scripted.contents[1]
    assert [each[0] for each in layers(gimp)] == ["sun - 33", "sun - 33 #1", "photo"]


def test_a_layer_without_settings_cannot_be_repeated(gimp: Gimp, scripted: ScriptedServer) -> None:
    scripted.script = fails
    gimp.run(NEW_IMAGE)
    status, message = gimp.run("answer = call('impasto-repeat', image, [layer])")
    assert status == "execution-error"
    assert "carries no settings of Impasto" in message
