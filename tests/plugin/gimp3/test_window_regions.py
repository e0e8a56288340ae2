"""Regions in the dialog: added, given styles, reordered and removed, previewed and painted."""

from collections.abc import Iterator

import pytest
from dialogs import layers, open_dialog, remember, remembered, wait_for_words, words
from PIL import Image
from scripted import ScriptedServer
from session import SCREENSHOTS, Gimp, until

CHANNELS = """
sky = channel(image, "sky", 0, 0, 451, 140)
eye = channel(image, "eye", 60, 100, 160, 120)
Gimp.displays_flush()
"""


@pytest.fixture(autouse=True)
def channels(screen: Gimp, scripted: ScriptedServer, photo: None) -> Iterator[None]:
    """The cat with two channels, of which the newer, the first, is selected; two styles."""
    moon = scripted.root / "styles" / "moon.png"
    Image.new("RGB", (64, 64), "teal").save(moon)
    screen.run(CHANNELS)
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    wait_for_words(screen, "The server is ready")
    yield
    screen.run("close_dialogs()")
    moon.unlink()


def sent_styles(scripted: ScriptedServer) -> list[str]:
    """Those of the job that was delivered last."""
    return list(scripted.sidecars[-1]["styles"])


def press_keys(screen: Gimp, *names: str) -> None:
    screen.run(f"focus_dialog(); key(*{names}); time.sleep(0.3)")


def choose_moon(screen: Gimp) -> None:
    """The first of the styles, by their titles."""
    screen.run("click(children(find('Styles', within=dialog))[0])")


def add_two(screen: Gimp, scripted: ScriptedServer) -> None:
    """`eye` in the sun, `sky` in the moon; keys do all but the choice of the style."""
    press_keys(screen, "alt+w")
    press_keys(screen, "Insert", "Insert")
    until(lambda: scripted.masks and len(scripted.masks[-1]) == 2, "a preview of both")
    choose_moon(screen)
    until(lambda: sent_styles(scripted) == ["sun.png", "moon.png"], "a preview in both styles")


def test_each_region_gets_the_style_that_is_chosen_while_it_is_selected(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    add_two(screen, scripted)
    assert scripted.sidecars[-1]["preset"] == "preview"
    eye, sky = (scripted.masks[-1][role] for role in ("mask1", "mask2"))
    assert [eye.getpixel(at) for at in ((140, 160), (300, 50))] == [255, 0]
    assert [sky.getpixel(at) for at in ((140, 160), (300, 50))] == [0, 255]
    wait_for_words(screen, "Style of sky")
    wait_for_words(screen, "Where (2)")
    screen.photograph("regions", SCREENSHOTS)
    screen.run("press('Paint', 'button', dialog)")
    until(lambda: len(layers(screen)) == 2, "the painting")
    assert layers(screen)[0] == "sun + moon - 75"
    painted = next(each for each in scripted.sidecars if each["preset"] == "standard")
    assert painted["styles"] == ["sun.png", "moon.png"]
    kept = [(each["name"], each["style"]) for each in remembered(screen)["regions"]]
    assert kept == [("eye", "sun.png"), ("sky", "moon.png")]
    seen = screen.run("answer = pixels(image.get_layers()[0].get_mask(), [(140, 180), (400, 250)])")
    assert [round(each[0], 3) for each in seen] == [1, 0]


def test_keys_reorder_and_remove_regions(screen: Gimp, scripted: ScriptedServer) -> None:
    add_two(screen, scripted)
    screen.run("press('Move the region up (Alt+Up)', 'button', dialog)")
    until(lambda: sent_styles(scripted) == ["moon.png", "sun.png"], "the other order")
    press_keys(screen, "alt+Down")
    until(lambda: sent_styles(scripted) == ["sun.png", "moon.png"], "the first order")
    press_keys(screen, "Delete")
    until(lambda: sent_styles(scripted) == ["sun.png"], "a preview without it")
    wait_for_words(screen, "Where (1)")
    press_keys(screen, "Delete")
    until(lambda: "regions" not in scripted.sidecars[-1], "a preview without regions")
    until(lambda: "Where" in words(screen), "a list without regions")


def test_a_channel_that_goes_meanwhile_is_said(screen: Gimp, scripted: ScriptedServer) -> None:
    add_two(screen, scripted)
    screen.run("image.remove_channel(sky); focus_image(); focus_dialog()")
    wait_for_words(screen, "The region sky is no longer in the image.")
    screen.run("press('Paint', 'button', dialog)")
    wait_for_words(screen, "Choose another channel or layer mask, or remove the region.")
    assert len(layers(screen)) == 1


def test_what_is_painted_on_a_channel_meanwhile_is_in_the_preview(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    add_two(screen, scripted)
    before = len(scripted.masks)
    screen.run("fill(eye, 'white', (300, 200, 100, 80)); focus_image(); focus_dialog()")
    until(lambda: len(scripted.masks) > before, "the next preview")
    assert scripted.masks[-1]["mask1"].getpixel((350, 240)) == 255
