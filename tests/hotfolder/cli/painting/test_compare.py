import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import ExitCode
from engine.images.picture import Picture, read_picture, write_picture
from engine.settings import resolve
from hotfolder.cli.commands.painting.compare import differences
from hotfolder.cli.main import main

pytestmark = pytest.mark.usefixtures("somewhere_else")


def painting(name: str, grey: int, **settings: Any) -> None:
    picture = Picture(np.full((40, 60, 3), grey, np.uint8))
    text = json.dumps(resolve(settings).model_dump())
    write_picture(picture, name, text=text)


def test_only_the_settings_are_told_in_which_paintings_differ() -> None:
    same = {"size": 512, "steps": 9, "progression": 0}
    told = differences([same | {"seed": 1}, same | {"seed": 2, "progression": 8}])
    assert told == ["seed: 1", "seed: 2"]


def test_a_picture_without_settings_stands_by_its_name_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    painting("a.png", 10, strength=40)
    painting("b.png", 20, strength=80.5)
    Image.new("RGB", (30, 30)).save("photo.jpg")
    assert main(["compare", "a.png", "b.png", "photo.jpg"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["a.png\tstrength: 40", "b.png\tstrength: 80.5", "photo.jpg\t"]


def test_the_sheet_has_every_picture_at_its_place() -> None:
    for number, grey in enumerate((10, 60, 110, 160, 210)):
        painting(f"p{number}.png", grey, seed=number)
    names = [f"p{number}.png" for number in range(5)]
    assert main(["compare", *names, "--sheet", "sheet.png"]) == ExitCode.OK
    sheet = read_picture("sheet.png").samples
    counts = [(sheet == grey).all(axis=2).sum() for grey in (10, 60, 110, 160, 210)]
    assert min(counts) >= 60 * 40
    first, last = (np.argwhere((sheet == grey).all(axis=2)).min(axis=0) for grey in (10, 210))
    assert last[0] > first[0]  # the fifth begins a second row
    assert last[1] == first[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["a.png"], ExitCode.USAGE, "at least two pictures"),
        (["a.png", "none.png"], ExitCode.INPUT, "none.png: no such file"),
        (["a.png", "a.png", "--sheet", "s.tif"], ExitCode.USAGE, "a sheet is a .png or .jpg"),
        (["a.png", "a.png", "--sheet", "a.png"], ExitCode.FILE_ACCESS, "is there already"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    painting("a.png", 10)
    assert main(["compare", *arguments]) == code
    assert words in " ".join(capsys.readouterr().err.split())
