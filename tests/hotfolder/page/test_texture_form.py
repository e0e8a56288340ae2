"""Textures in the form and on the page of a painting, by real requests."""

from datetime import datetime

import pytest
import yaml
from PIL import Image
from support_page import Served, finished

from hotfolder.paths import FolderPaths

TEXTURE = {"style": "night.jpg", "texture": "true", "tile": "true", "size": "64"}
CONTENT = {"content": ("cat.jpg", b"a cat")}


@pytest.fixture(autouse=True)
def library(folder: FolderPaths) -> None:
    (folder.styles / "night.jpg").write_bytes(b"a painting")


def test_a_texture_is_dropped_without_a_picture(folder: FolderPaths, page: Served) -> None:
    with page.client() as client:
        form = client.get("/drop").text
        assert form.count('name="texture"') == form.count('name="texture_size"') == 1
        assert client.post("/drop", data=TEXTURE).status_code == 200
    (path,) = folder.inbox.iterdir()
    document = yaml.safe_load(path.read_text())
    assert (path.name, document["styles"]) == ("night.yaml", ["night.jpg"])
    assert (document["texture"], document["tile"], document["size"]) == (True, True, 64)
    assert "content" not in document


@pytest.mark.parametrize(
    ("data", "files", "words"),
    [
        (TEXTURE, CONTENT, "A texture has no picture to paint: choose none, or untick it."),
        ({"style": "night.jpg"}, {}, "Choose at least one picture to paint."),
        ({**TEXTURE, "size": "100"}, {}, "expected a multiple of 16 with tile"),
        (TEXTURE, {"mask": ("m.png", b"a mask")}, "since a texture has no content"),
        ({"style": "night.jpg", "texture_size": "9 x 64"}, {}, "9: expected at least 32"),
    ],
)
def test_what_a_texture_cannot_be_is_said_in_the_form(
    folder: FolderPaths,
    page: Served,
    data: dict[str, str],
    files: dict[str, tuple[str, bytes]],
    words: str,
) -> None:
    with page.client() as client:
        # A browser sends what is not filled in, too.
        blank = dict.fromkeys(("colours", "steps", "weights", "format"), "")
        answer = client.post("/drop", data=blank | data, files=files or {"x": ("", b"")})
        assert answer.status_code == 422
        assert words in answer.text.replace("&#39;", "'")
        assert "<summary>The look" in answer.text
        assert "open><summary>The" not in answer.text
    assert not [*folder.inbox.iterdir()]


def test_a_texture_is_painted_again_with_its_style(folder: FolderPaths, page: Served) -> None:
    picture = finished(folder, "floor", style="floor.style.png", texture=True, tile=True, size=64)
    day = folder.done / _day_of(picture.stat().st_mtime) / "floor"
    day.mkdir(parents=True)
    Image.new("RGB", (48, 32), (1, 2, 3)).save(day / "floor.style.png")
    with page.client() as client:
        shown = client.get("/gallery/floor").text
        assert "none: a texture whose opposite edges meet" in shown
        assert "/thumb/small/done/" in shown
        form = client.get("/drop", params={"like": "floor", "settings": "yes"}).text
        assert 'name="texture" value="true" checked' in form
        assert 'name="tile" value="true" checked' in form
        assert "same_content" not in form
        data = {"like": "floor", "same_styles": "yes", "texture": "true", "tile": "true"}
        assert client.post("/drop", data=data).status_code == 200
        other = client.get("/drop", params={"like": "floor", "keep": "styles"}).text
        assert 'name="texture" value="true" checked' not in other
    (sidecar,) = folder.inbox.glob("*.yaml")
    assert sidecar.stem == "floor-2"
    copy = folder.inbox / yaml.safe_load(sidecar.read_text())["styles"][0]
    assert copy.read_bytes() == (day / "floor.style.png").read_bytes()


def _day_of(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().date().isoformat()
