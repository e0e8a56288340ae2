"""What a batch is made of: contents, styles, settings, names."""

import os
from pathlib import Path

import pytest

from engine.errors import SettingsError
from engine.settings import resolve
from hotfolder.batches.contents import find_contents
from hotfolder.batches.expansion import expand, variants_of
from hotfolder.errors import InputError
from plugin.client.protocol import MAX_NAME_BYTES

PLAIN = {"1": resolve()}


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    photos = tmp_path / "photos"
    (photos / "sea").mkdir(parents=True)
    for name in ("cat.jpg", "dog.PNG", "notes.txt", ".hidden.jpg", "half.jpg.part", "sea/fish.tif"):
        (photos / name).write_bytes(name.encode())
    return photos


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(["photos"], ["cat.jpg", "dog.PNG"], id="a_folders_pictures"),
        pytest.param(["photos/*.jpg"], ["cat.jpg"], id="a_pattern"),
        pytest.param(["photos/**/*.tif"], ["fish.tif"], id="a_pattern_through_folders"),
        pytest.param(["photos/dog.PNG", "photos"], ["dog.PNG", "cat.jpg"], id="each_once"),
    ],
)
def test_contents_are_files_folders_and_patterns(given: list[str], expected: list[str]) -> None:
    assert [path.name for path in find_contents(given).pictures] == expected


@pytest.mark.parametrize(
    "given", ["nowhere.jpg", "photos/*.gif", "photos/notes.txt", "photos/.hidden.jpg"]
)
def test_a_word_that_means_no_picture_is_named(given: str) -> None:
    with pytest.raises(InputError) as caught:
        find_contents(["photos", given])
    assert str(caught.value).startswith(f"{given}: no ")


def test_every_content_meets_every_style_under_every_settings() -> None:
    blends = [(Path("night.jpg"),), (Path("wave.jpg"), Path("night.jpg"))]
    variants = variants_of([{"preset": "preview"}, {"preset": "standard"}], {"size": 64})
    items = list(expand([Path("cat.jpg"), Path("a/dog.jpg")], blends, variants))
    assert [item.name for item in items] == [
        *("cat-night-preview", "cat-night-standard"),
        *("cat-wave+night-preview", "cat-wave+night-standard"),
        *("dog-night-preview", "dog-night-standard"),
        *("dog-wave+night-preview", "dog-wave+night-standard"),
    ]
    assert (items[0].settings.size, items[1].settings.size) == (256, 64)


def test_settings_of_one_preset_are_told_apart_by_their_number() -> None:
    assert list(variants_of([{"size": 64}, {"size": 128}], {})) == ["1", "2"]
    with pytest.raises(SettingsError):
        variants_of([{"size": "big"}], {})


def test_names_are_unique_and_safe() -> None:
    contents = [Path("a/cat.jpg"), Path("b/Cat.jpg"), Path("c/what?.jpg"), Path(f"{'x' * 250}.jpg")]
    names = [item.name for item in expand(contents, [(Path("night.jpg"),)], PLAIN)]
    assert names[:3] == ["cat-night", "Cat-night-2", "what--night"]
    assert len(os.fsencode(names[3])) == MAX_NAME_BYTES
