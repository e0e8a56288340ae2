"""The dialogs with pictures that are open in GIMP, and that of textures."""

import pytest
from dialogs import OPEN, layers, open_dialog, remember, remembered, wait_for_words
from scripted import ScriptedServer
from session import SCREENSHOTS, Gimp, until

TEXTURE = OPEN.replace('"Neural Style (Impasto)..."', '"Texture (Impasto)..."')


def open_texture_dialog(screen: Gimp) -> None:
    screen.run(TEXTURE.format(title="Texture (Impasto)", paint="Paint"))


def choose_open(screen: Gimp, button: str, place: int) -> None:
    """Press the button, whose name begins so, and choose the entry at that place of its menu."""
    screen.run(f"""
        waiting, button = [dialog], None
        while waiting and button is None:
            widget = waiting.pop(0)
            if role_of(widget) == "button" and widget.get_name().startswith({button!r}):
                button = widget
            waiting += children(widget)
        click(button)
        time.sleep(0.3)
        key(*{["Down"] * place}, "Return")
    """)


@pytest.mark.usefixtures("photo")
def test_an_open_image_and_a_layer_are_chosen_previewed_and_kept(
    screen: Gimp, scripted: ScriptedServer
) -> None:
    screen.run("""
        image.set_file(file_of("/share/cat.xcf"))
        sea = Gimp.Layer.new(image, "sea", 60, 60, layer.type(), 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(sea, None, 0)
        fill(sea, "blue")
        image.set_selected_layers([layer])
    """)
    remember(screen, hot_folder="/share/scripted", style="sun.png", colours="palette")
    open_dialog(screen)
    wait_for_words(screen, "The server is ready")
    choose_open(screen, "Palette", 2)
    until(lambda: "palette" in (scripted.pictures or [{}])[-1], "the preview with the palette")
    assert scripted.pictures[-1]["palette"].getpixel((9, 9)) == (0, 0, 255)
    choose_open(screen, "From GIMP...", 1)
    until(lambda: "style" in scripted.pictures[-1], "the preview with the style")
    assert scripted.pictures[-1]["style"].size == (451, 300)
    screen.photograph("open_pictures", SCREENSHOTS)
    before = len(scripted.pictures)
    screen.run("focus_image(); fill(sea, 'red'); time.sleep(0.2); focus_dialog()")
    until(lambda: len(scripted.pictures) > before, "the preview in the new colours")
    assert scripted.pictures[-1]["palette"].getpixel((9, 9)) == (255, 0, 0)
    screen.run("image.remove_layer(sea); focus_image(); time.sleep(0.2); focus_dialog()")
    wait_for_words(screen, "The picture sea is no longer open in GIMP.")
    screen.run("press('Cancel', 'button', dialog)")
    until(lambda: '"cat.xcf"' in remembered(screen)["style"], "the memory of it")


@pytest.mark.usefixtures("photo")
def test_a_texture_is_previewed_and_painted_by_keys(screen: Gimp, scripted: ScriptedServer) -> None:
    remember(screen, hot_folder="/share/scripted")
    open_texture_dialog(screen)
    wait_for_words(screen, "The server is ready")
    screen.run("""
        key("alt+l")
        key("alt+w")
        key("ctrl+a", "1", "0", "0", "Tab")
        key("alt+b")
    """)
    until(lambda: scripted.sidecars and scripted.sidecars[-1].get("tile"), "the preview")
    screen.photograph("texture", SCREENSHOTS)
    screen.run("press('Paint', 'button', dialog)")
    until(lambda: len(layers(screen)) == 2, "the texture")
    sent = {each["preset"]: each for each in scripted.sidecars}
    assert sent["preview"]["texture_size"] in ([256, 256], [48, 256], [96, 512])
    assert sent["standard"]["texture_size"] == [96, 512]
    assert sent["standard"]["tile"] is True
    assert layers(screen)[0] == "sun - texture"


def test_without_an_image_a_texture_opens_as_one(screen: Gimp, scripted: ScriptedServer) -> None:
    remember(screen, hot_folder="/share/scripted")
    open_texture_dialog(screen)
    wait_for_words(screen, "The server is ready")
    screen.run("press('Paint', 'button', dialog)")
    find = (
        "answer = [layer.get_name() for each in Gimp.get_images() for layer in each.get_layers()]"
    )
    until(lambda: "sun - texture" in screen.run(find), "the image")
    screen.run("displays += []")
