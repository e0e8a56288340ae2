"""As an artist uses it: the menu, the dialog, the live preview, Paint, cancel, import, undo.

What the screen shows at each test's end is kept in build/gimp-screenshots.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dialogs import layers, open_dialog, remember, remembered, wait_for_words, words
from PIL import Image
from scripted import ScriptedServer, fails, paints, queues
from session import SCREENSHOTS, Gimp, until

from plugin.client import Client


@pytest.mark.usefixtures("photo")
def test_the_menu_has_its_four_entries(screen: Gimp) -> None:
    entries = [
        "Neural Style (Impasto)...",
        "Texture (Impasto)...",
        "Repeat Impasto with the settings of this layer...",
        "Import finished Impasto results...",
    ]
    there = screen.run(f"answer = [bool(find(name, 'menu item')) for name in {entries}]")
    assert there == [True] * 4
    screen.run("""
        press("Filters", "menu")
        time.sleep(0.5)
        press("Artistic", "menu")
        time.sleep(0.5)
    """)


@pytest.mark.usefixtures("photo")
def test_the_preview_is_painted_while_the_dialog_is_open_and_anew_after_a_change(
    screen: Gimp, server: Client
) -> None:
    remember(screen, style="coffee.png")
    open_dialog(screen)
    assert "The server is" in " ".join(words(screen))
    wait_for_words(screen, "Painting: step ")
    first = server.job("preview")
    assert first is not None
    assert first.preset == "preview"

    screen.run("find('Strength', 'slider', dialog).get_value_iface().set_current_value(40)")
    until(
        lambda: any(job.live and job.id not in (None, first.id) for job in server.jobs()),
        "the next preview",
    )
    wait_for_words(screen, "Painting: step ")
    screen.photograph("live_preview", SCREENSHOTS)
    screen.run("press('Cancel', 'button', dialog)")
    until(lambda: not any(job.live for job in server.jobs()), "the end of the preview")
    # It leaves nothing behind that would be taken for a result.
    assert not [each.name for each in server.results() if each.name.startswith("preview")]
    assert len(layers(screen)) == 1
    assert remembered(screen)["strength"] == 40


@pytest.mark.usefixtures("photo")
def test_paint_adds_the_painting_as_one_step_that_can_be_undone(
    screen: Gimp, server: Client
) -> None:
    remember(screen, style="coffee.png", size=64)
    before = screen.run("answer = pixels(layer, [(50, 50), (200, 150)]), len(image.get_layers())")
    open_dialog(screen)
    screen.run("press('Paint', 'button', dialog)")
    until(lambda: len(layers(screen)) == 2, "the painting", 240)
    assert layers(screen)[0] == "coffee - 75"
    assert "-coffee" in server.results()[0].name
    until(lambda: not screen.run("answer = bool(find('Cancel', 'button'))"), "the end")
    screen.photograph("painted", SCREENSHOTS)
    assert screen.run("answer = image.is_dirty()")

    screen.run("focus_image(); key('ctrl+z')")
    until(lambda: len(layers(screen)) == 1, "the undoing")
    after = screen.run("answer = pixels(layer, [(50, 50), (200, 150)]), len(image.get_layers())")
    assert after == before
    screen.run("key('ctrl+y')")
    until(lambda: len(layers(screen)) == 2, "the redoing")
    settings = screen.run("answer = facts(image.get_layers()[0])['settings']")
    assert settings["style"] == "coffee.png"


@pytest.mark.usefixtures("photo")
def test_gimps_cancel_cancels_the_job(screen: Gimp, server: Client) -> None:
    remember(screen, style="coffee.png", preset="gatys", size=256)
    open_dialog(screen)
    screen.run("press('Preview', 'check box', dialog); press('Paint', 'button', dialog)")

    def job() -> Any:
        jobs = [each for each in server.jobs() if each.preset == "gatys" and not each.ended]
        return jobs[0] if jobs else None

    running = until(job, "the job")
    until(lambda: server.job(running.name).state == "running", "its start")  # type: ignore[union-attr]
    screen.photograph("painting", SCREENSHOTS)
    screen.run("press('Cancel', 'button')")
    until(
        lambda: server.job(running.name).state == "cancelled",  # type: ignore[union-attr]
        "the server's notice",
    )
    assert len(layers(screen)) == 1
    assert not screen.run("answer = image.is_dirty()")


@pytest.mark.usefixtures("photo")
def test_a_failure_is_told_and_the_choices_are_there_again(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    scripted.script = fails
    chosen = {"style": "sun.png", "strength": 33.0, "seed": 7, "size": 128, "colours": "content"}
    remember(screen, hot_folder="/share/scripted", **chosen)
    open_dialog(screen)
    screen.run("press('Paint', 'button', dialog)")
    screen.run("alert = wait_for(lambda: find_dialog() if not find('Paint') else None)")
    told = " ".join(words(screen, "alert"))
    assert "The paint ran out." in told
    screen.photograph("a_failure", SCREENSHOTS)
    screen.run("close_dialogs()")
    assert len(layers(screen)) == 1
    open_dialog(screen)
    strength = screen.run("""
        answer = find("Strength", "slider", dialog).get_value_iface().get_current_value()
    """)
    assert strength == 33
    assert {key: remembered(screen)[key] for key in chosen} == chosen


@pytest.mark.usefixtures("photo")
def test_gimps_repeat_last_paints_again_without_a_dialog(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png", strength=20.0)
    open_dialog(screen)
    screen.run("press('Paint', 'button', dialog)")
    until(lambda: len(layers(screen)) == 2, "the painting")
    screen.run("wait_for(lambda: not find('Cancel', 'button')); focus_image(); key('ctrl+f')")
    until(lambda: len(layers(screen)) == 3, "the next painting")
    assert layers(screen)[0].startswith("sun - 20")
    assert not screen.run("answer = bool(find_dialog())")


@pytest.mark.usefixtures("photo")
def test_a_server_that_does_not_run_can_be_started(screen: Gimp, scripted: ScriptedServer) -> None:
    scripted.alive = False
    scripted.send_heartbeat(state="stopped")
    command = screen.share / "impasto"
    command.write_text('#!/bin/sh\necho "$@" > /share/started\nexec sleep 20\n')
    command.chmod(0o755)
    started = screen.share / "started"
    started.unlink(missing_ok=True)
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    wait_for_words(screen, "No server works for /share/scripted")
    screen.run("press('Paint', 'button', dialog)")
    wait_for_words(screen, "so nothing was sent")
    screen.photograph("no_server", SCREENSHOTS)
    screen.run("press('Start the server', 'button', dialog)")
    until(started.exists, "the command")
    assert started.read_text() == "watch --hot /share/scripted\n"
    wait_for_words(screen, "The server is being started")
    scripted.alive = True
    wait_for_words(screen, "The server is ready")


@pytest.mark.usefixtures("photo")
def test_a_folder_that_is_gone_is_said_in_the_dialog(screen: Gimp) -> None:
    remember(screen, hot_folder="/share/nowhere", style="sun.png")
    open_dialog(screen)
    wait_for_words(screen, "The hot folder is not there")


@pytest.mark.usefixtures("photo")
def test_a_picture_of_ones_own_is_chosen_by_its_thumbnail(
    screen: Gimp, scripted: ScriptedServer, painting: Path
) -> None:
    mine = screen.share / "pictures"
    mine.mkdir(exist_ok=True)
    for name in ("one.png", "two.png"):
        shutil.copy(painting, mine / name)
    remember(screen, hot_folder="/share/scripted", style="/share/pictures/one.png")
    open_dialog(screen)
    screen.run("""
        # `press` would wait for the button's work to end, and with it for the chooser's.
        click(find("Choose a picture file...", "button", dialog))
        chooser = wait_for(lambda: find("Choose a style picture"))
        click(wait_for(lambda: find("two.png", within=chooser)))
        time.sleep(1)
    """)
    screen.photograph("choose_a_picture", SCREENSHOTS)
    screen.run("press('Open', 'button', chooser)")
    screen.run("wait_for(lambda: not find('Choose a style picture'))")
    # The first was of the one chosen before; a file is delivered under its role's name.
    until(lambda: len(scripted.sidecars) > 1, "its preview")
    assert str(scripted.sidecars[-1]["styles"][0]).endswith(".style.png")
    screen.run("press('Cancel', 'button', dialog)")
    until(lambda: remembered(screen)["style"] == "/share/pictures/two.png", "the memory of it")


@pytest.mark.usefixtures("photo")
def test_the_dialog_says_beforehand_what_does_not_fit(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    screen.run("""
        none, make = Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE
        image.convert_indexed(none, make, 16, False, False, "")
    """)
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    wait_for_words(screen, "The image has a palette")
    screen.run("press('Paint', 'button', dialog)")
    wait_for_words(screen, "This image has a palette")


@pytest.mark.usefixtures("photo")
def test_a_painted_layer_opens_the_dialog_with_its_settings(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    remember(screen, hot_folder="/share/scripted", style="sun.png", strength=20.0)
    open_dialog(screen)
    screen.run("press('Paint', 'button', dialog)")
    until(lambda: len(layers(screen)) == 2, "the painting")
    remember(screen, hot_folder="/share/scripted", style="sun.png", strength=90.0)
    screen.run("""
        wait_for(lambda: not find("Cancel", "button"))
        image.set_selected_layers([image.get_layers()[0]])
        press("Repeat Impasto with the settings of this layer...", "menu item")
        dialog = wait_for(lambda: find("Neural Style (Impasto)", "dialog"))
        wait_for(lambda: find("Paint", within=dialog))
        answer = find("Strength", "slider", dialog).get_value_iface().get_current_value()
    """)
    screen.run("press('Paint', 'button', dialog)")
    until(lambda: len(layers(screen)) == 3, "the next painting")
    assert layers(screen)[0].startswith("sun - 20") or layers(screen)[1].startswith("sun - 20")
    assert remembered(screen)["strength"] == 20


@pytest.mark.usefixtures("photo")
def test_the_place_in_the_queue_is_shown(screen: Gimp, scripted: ScriptedServer) -> None:
    scripted.script = queues
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    wait_for_words(screen, "In the queue, at place 3")


@pytest.mark.usefixtures("photo")
def test_a_painting_follows_a_layer_that_was_moved_meanwhile(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    _paint_until_running(screen, scripted)
    screen.run("layer.set_offsets(11, -5)")
    (scripted.root / "word").touch()
    until(lambda: len(layers(screen)) == 2, "the painting")
    until(lambda: screen.run("answer = facts(image.get_layers()[0])['offsets']") == [11, -5], "it")


@pytest.mark.usefixtures("photo")
def test_of_an_image_closed_meanwhile_the_painting_is_not_lost(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    _paint_until_running(screen, scripted)
    screen.run("displays.pop().delete()")
    (scripted.root / "word").touch()
    screen.run("alert = wait_for(find_dialog)")
    told = " ".join(words(screen, "alert"))
    assert "The image was closed while it was painted" in told
    opened = screen.run("answer = [each.get_layers()[0].get_name() for each in Gimp.get_images()]")
    assert "sun - 75" in opened


def _paint_until_running(screen: Gimp, scripted: ScriptedServer) -> None:
    (scripted.root / "word").unlink(missing_ok=True)
    scripted.script = waits_for_a_word
    remember(screen, hot_folder="/share/scripted", style="sun.png")
    open_dialog(screen)
    screen.run("press('Preview', 'check box', dialog); press('Paint', 'button', dialog)")
    until(
        lambda: any(each["preset"] == "standard" for each in scripted.sidecars),
        "the painting's job",
    )


def waits_for_a_word(server: ScriptedServer, name: str) -> Iterator[None]:
    while not (server.root / "word").exists():
        server.post(name, "running", step=1, steps=2, scale=1, scales=1, fraction=0.5)
        yield
    yield from paints(server, name)


@pytest.mark.usefixtures("photo")
def test_results_are_chosen_by_their_thumbnails(screen: Gimp, scripted: ScriptedServer) -> None:
    for number, colour in enumerate(("gold", "navy", "teal")):
        scripted.publish(f"batch-{number}", Image.new("RGB", (200, 150), colour))
    remember(screen, hot_folder="/share/scripted")
    screen.run("""
        press("Import finished Impasto results...", "menu item")
        dialog = wait_for(lambda: find("Import finished Impasto results", "dialog"))
        results = wait_for(lambda: find("Results", within=dialog))
        wait_for(lambda: len(children(results)) >= 3)
        time.sleep(0.5)
        click(children(results)[0])
        time.sleep(0.3)
    """)
    screen.photograph("import", SCREENSHOTS)
    screen.run("press('Insert as layers', 'button', dialog)")
    until(lambda: len(layers(screen)) == 2, "the layer")
    assert layers(screen)[0].startswith("batch-")
