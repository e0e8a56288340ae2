"""Scripts' way: the procedures, called with all their arguments, and a real server's paintings."""

from pathlib import Path

import pytest
from PIL import Image
from session import Gimp

from plugin.client import Client

CALL = """
status, result = call(
    "impasto-neural-style", image, style="coffee.png", preset="preview", size=64, {arguments}
)
answer = status, result if isinstance(result, str) else None
"""


def paint(gimp: Gimp, arguments: str = "") -> None:
    """Paint the image called `image` in GIMP."""
    status, message = gimp.run(CALL.format(arguments=arguments), patience=240)
    assert (status, message) == ("success", None)


def newest(client: Client) -> Image.Image:
    """What the server painted last."""
    pictures = [*client.outbox.glob("*.png"), *client.outbox.glob("*.jpg")]
    with Image.open(max(pictures, key=lambda path: path.stat().st_mtime)) as picture:
        return picture.convert("RGBA")


def test_it_registers_in_the_artistic_filters(gimp: Gimp) -> None:
    menu = gimp.run("""
        procedure = Gimp.get_pdb().lookup_procedure("impasto-neural-style")
        answer = procedure.get_menu_paths(), procedure.get_menu_label()
    """)
    assert menu == [["<Image>/Filters/Artistic"], "_Neural Style (Impasto)..."]


@pytest.fixture
def photo(gimp: Gimp, photograph: Path) -> Path:
    """The cat, 96 px wide, open in GIMP as `image`, with 8 bits and nothing selected."""
    path = gimp.share / "cat.png"
    with Image.open(photograph) as picture:
        picture.resize((96, 64)).save(path)
    gimp.run("image = load('/share/cat.png')")
    return path


def test_a_photograph_becomes_one_layer_with_the_paintings_pixels(
    gimp: Gimp, server: Client, photo: Path
) -> None:
    paint(gimp, "output='layer', strength=60")
    layers = gimp.run("answer = [facts(layer) for layer in image.get_layers()]")
    assert [layer["name"] for layer in layers] == ["coffee - 60", "Background"]
    painted = layers[0]
    assert painted["size"] == [96, 64]
    assert painted["offsets"] == [0, 0]
    assert not painted["mask"]
    assert painted["settings"]["style"] == "coffee.png"
    assert painted["settings"]["strength"] == 60
    expected = newest(server).resize((96, 64), Image.Resampling.BICUBIC)
    points = [(20, 20), (48, 32), (80, 50)]
    seen = gimp.run(f"answer = pixels(image.get_layers()[0], {points})")
    for point, colour in zip(points, seen, strict=True):
        wanted = [channel / 255 for channel in expected.getpixel(point)]  # type: ignore[union-attr]
        assert colour == pytest.approx(wanted, abs=0.06)
