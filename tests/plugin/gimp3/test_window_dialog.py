"""The dialog says what will happen, sends what it shows, and fits the screen in every language."""

import gettext
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dialogs import OPEN, open_dialog, remember, wait_for_words, words
from fake_server import FakeServer
from scripted import ScriptedServer, paints
from session import SCREENSHOTS, Gimp, until

pytestmark = pytest.mark.usefixtures("photo")

LANGUAGES = ["de", "es", "fr", "ja"]

EXTENTS = """
def box(widget):
    place = widget.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    return [place.x, place.y, place.x + place.width, place.y + place.height]

frame = box(dialog)
outside, waiting = [], [dialog]
while waiting:
    widget = waiting.pop()
    if widget.get_role_name() == "scroll bar" and box(widget)[3] - box(widget)[1] < 20:
        outside += ["a horizontal scroll bar"] * widget.get_state_set().contains(
            Atspi.StateType.SHOWING)
    if widget.get_role_name() in ("label", "button", "check box", "combo box", "slider"):
        left, _, right, _ = box(widget)
        if widget.get_state_set().contains(Atspi.StateType.SHOWING) and right > frame[2]:
            outside.append(widget.get_name())
    waiting += children(widget)
answer = frame, outside
"""


@pytest.fixture(params=LANGUAGES)
def language(screen: Gimp, request: pytest.FixtureRequest) -> Iterator[gettext.NullTranslations]:
    """The plug-in finds this catalogue whatever GIMP's language: it is put under the tests' own."""
    folder = screen.profile / "plug-ins" / "impasto" / "translations"
    shutil.copytree(folder / request.param, folder / "C.UTF-8")
    yield gettext.translation("impasto", folder, [request.param])
    screen.run("close_dialogs()")
    shutil.rmtree(folder / "C.UTF-8")


def test_it_fits_a_small_screen_in_every_language(
    screen: Gimp, scripted: ScriptedServer, language: gettext.NullTranslations
) -> None:
    _ = language.gettext
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    screen.run("image.convert_precision(Gimp.Precision.FLOAT_LINEAR)")
    paint = _("_Paint").replace("(_P)", "(P)").replace("_", "")
    screen.run(OPEN.format(title=_("Neural Style (Impasto)"), paint=paint))
    wait_for_words(screen, _("The server is ready"))
    note = _("What is brighter than white (values above 1.0) is painted white.")
    assert note in words(screen)
    (left, top, right, bottom), outside = screen.run(EXTENTS)
    screen.photograph(f"dialog-{language.info()['language']}", SCREENSHOTS)
    assert (left >= 0, top >= 0, right <= 1366, bottom <= 768, bottom - top <= 700) == (True,) * 5
    assert outside == []
    title, (key,) = _("Neural Style (Impasto)").partition(" (")[0], re.findall("_(.)", _("_Where"))
    screen.run(f"focus({title!r}); key('alt+{key.lower()}')")
    wait_for_words(screen, _("Add a region (Insert)"))
    there, outside = screen.run(EXTENTS)
    screen.photograph(f"dialog-where-{language.info()['language']}", SCREENSHOTS)
    assert (there, outside) == ([left, top, right, bottom], [])


def test_what_is_shown_is_what_is_sent(screen: Gimp, scripted: ScriptedServer) -> None:
    chosen = {"style": "sun.png", "style_scale": 10.0, "strength": 33.337}
    remember(screen, hot_folder="/share/scripted", **chosen)
    open_dialog(screen)
    shown = screen.run("""
        answer = [find(name, "slider", dialog).get_value_iface().get_current_value()
            for name in ("Strokes", "Strength")]
    """)
    assert 2 ** shown[0] == pytest.approx(10, rel=0.01)
    assert shown[1] == pytest.approx(33.3)
    until(lambda: scripted.sidecars, "the preview")
    sent = scripted.sidecars[-1]
    assert (sent["style_scale"], sent["strength"]) == (10, 33.3)


def test_a_damaged_memory_opens_with_the_usual_values(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png", style_scale=0, strength=1e9)
    open_dialog(screen)
    strength = screen.run("""
        answer = find("Strength", "slider", dialog).get_value_iface().get_current_value()
    """)
    assert strength == 75


@pytest.mark.parametrize("style", ["moon.png", "/share/moon.png"], ids=["library", "file"])
def test_a_style_that_has_gone_is_said_at_once(
    screen: Gimp, scripted: ScriptedServer, style: str
) -> None:
    remember(screen, hot_folder="/share/scripted", style=style)
    open_dialog(screen)
    wait_for_words(screen, "The style moon is no longer there. Choose another one.")
    screen.run("press('Paint', 'button', dialog)")
    wait_for_words(screen, "moon")
    assert screen.run("answer = bool(find('Paint', 'button', dialog))")


def test_a_style_that_goes_while_the_dialog_is_open_is_said(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    late = scripted.root / "styles" / "late.png"
    shutil.copy(scripted.root / "styles" / "sun.png", late)
    remember(screen, hot_folder="/share/scripted", style="late.png")
    open_dialog(screen)
    wait_for_words(screen, "The server is ready")
    late.unlink()
    wait_for_words(screen, "The style late is no longer there")


def test_it_closes_with_its_image(screen: Gimp, scripted: ScriptedServer) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    wait_for_words(screen, "The server is ready")
    screen.run("displays.pop().delete()")
    until(lambda: not screen.run("answer = bool(find_dialog())"), "the dialog's end")


def test_a_layer_that_is_gone_is_not_painted(screen: Gimp, scripted: ScriptedServer) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    wait_for_words(screen, "The server is ready")
    screen.run("""
        image.insert_layer(layer.copy(), None, 0)
        image.remove_layer(layer)
        press("Paint", "button", dialog)
    """)
    wait_for_words(screen, "The layer is no longer in the image.")


def test_a_server_whose_clock_is_behind_is_used_and_its_clock_named(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    scripted.clock_error = -25
    try:
        remember(screen, hot_folder="/share/scripted", style="sun.png")
        open_dialog(screen)
        wait_for_words(screen, "s behind this computer's: set one of them right")
        assert not screen.run("answer = bool(find('Start the server', 'button', dialog))")
        scripted.script = paints
        screen.run("press('Paint', 'button', dialog)")
        until(lambda: screen.run("answer = len(image.get_layers())") == 2, "the painting")
    finally:
        scripted.clock_error = 0


def test_keys_alone_choose_and_paint(
    screen: Gimp, scripted: ScriptedServer, tmp_path: Path
) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    screen.run("""
        key("alt+g")
        for _ in range(5):
            key("Left")
        key("alt+u")
        key("Down")
        time.sleep(0.3)
        key("alt+p")
    """)
    until(lambda: screen.run("answer = len(image.get_layers())") == 2, "the painting")
    sent = next(each for each in scripted.sidecars if each["preset"] == "standard")
    assert (sent["strength"], sent["colours"]) == (70, "content")


def test_enter_paints_from_the_field_of_a_number_too(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png", size=64)
    open_dialog(screen)
    screen.run("""
        key("alt+z")
        key("ctrl+a", "9", "6", "Return")
    """)
    until(lambda: screen.run("answer = len(image.get_layers())") == 2, "the painting")
    assert next(each["size"] for each in scripted.sidecars if each["preset"] == "standard") == 96


def test_a_time_is_sent_as_it_is_shown_but_not_for_the_preview(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png", seconds=45)
    open_dialog(screen)
    until(lambda: scripted.sidecars, "the preview")
    screen.run("""
        key("alt+i")
        key("ctrl+a", "9", "0", "Return")
    """)
    until(lambda: screen.run("answer = len(image.get_layers())") == 2, "the painting")
    sent = {each["preset"]: each.get("seconds") for each in scripted.sidecars}
    assert sent == {"preview": None, "standard": 90}


def test_the_colours_of_a_picture_are_previewed_and_given_up(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    remember(
        screen,
        hot_folder="/share/scripted",
        style="sun.png",
        colours="palette",
        palette="/share/cat.png",
    )
    open_dialog(screen)
    until(lambda: scripted.sidecars, "the preview")
    assert scripted.sidecars[-1]["palette"].endswith(".palette.png")
    screen.run("find('Colours', 'combo box', dialog).get_selection_iface().select_child(2)")
    until(lambda: scripted.sidecars[-1]["colours"] == "blend", "the preview of a blend")
    assert "palette" not in scripted.sidecars[-1]
    screen.run("find('Colour amount', 'slider', dialog).get_value_iface().set_current_value(0.2)")
    until(lambda: scripted.sidecars[-1]["colour_amount"] == 0.2, "the preview of another blend")


STARTED = """
sys.path.insert(0, str(pathlib.Path(Gimp.directory(), "plug-ins", "impasto")))
gi.require_version("Gtk", "3.0")
from client import Client
from dialog.server_row import ServerRow
from gi.repository import Gtk

one, two = Client("/share/one"), Client("/share/two")
row = ServerRow(["no such command"], print, print)
row.refresh(one)
row._start.clicked()
row.refresh(two)

def shown(client):
    row.refresh(client)
    while Gtk.events_pending():
        Gtk.main_iteration()
    return row._label.get_text()

answer = [shown(two)]
row.refresh(one)
wait_for(lambda: "started" not in shown(one))
answer += [shown(one), shown(two)]
"""


def test_a_server_that_is_being_started_is_that_of_its_own_folder(screen: Gimp) -> None:
    for name in ("one", "two"):
        FakeServer(screen.share / name).send_heartbeat(state="stopped")
    other, its_own, still_other = screen.run("import sys, pathlib\n" + STARTED)
    assert other == still_other == "No server works for /share/two"
    assert "no such command" in its_own


def test_what_was_painted_and_selected_meanwhile_is_in_the_preview(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    until(lambda: len(scripted.contents) == 1, "the preview")
    assert scripted.content().size == (451, 300)
    screen.run("""
        focus_image()
        fill(layer, "red")
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 80, 60)
        time.sleep(0.5)
        focus_dialog()
    """)
    until(lambda: len(scripted.contents) == 2, "the next preview")
    assert scripted.content().size == (80 + 32, 60 + 32)
    assert scripted.content().getpixel((5, 5)) == (255, 0, 0)
    screen.run("press('Only the selection', 'check box', dialog)")
    until(lambda: len(scripted.contents) == 3, "the preview of the layer")
    assert scripted.content().size == (451, 300)


def test_turning_a_dial_exports_the_layer_no_more(screen: Gimp, scripted: ScriptedServer) -> None:
    """Of a large layer that takes a second, in which the dialog stands still."""
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    until(lambda: len(scripted.contents) == 1, "the preview")
    screen.run("fill(layer, 'red')")
    screen.run("find('Strength', 'slider', dialog).get_value_iface().set_current_value(40)")
    until(lambda: len(scripted.contents) == 2, "the next preview")
    assert scripted.contents[0] == scripted.contents[1]
