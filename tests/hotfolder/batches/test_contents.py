"""Which pictures `impasto batch` takes, by files, folders and patterns, and what it leaves out."""

import os
import unicodedata
from pathlib import Path

import pytest

from hotfolder.batches.contents import find_contents
from hotfolder.errors import InputError

NFC, NFD = (unicodedata.normalize(form, "été.jpg") for form in ("NFC", "NFD"))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("files", "word", "expected"),
    [
        pytest.param(["IMG [1].jpg", "IMG 1.jpg"], "IMG [1].jpg", ["IMG [1].jpg"], id="a_file"),
        pytest.param(["s [24]/a.jpg", "s 2/b.jpg"], "s [24]/*.jpg", ["s [24]/a.jpg"], id="folder"),
        pytest.param(["s [24]/a.jpg"], "s [24]", ["s [24]/a.jpg"], id="the_folder_itself"),
        pytest.param(["IMG [1]a.jpg"], "IMG [1]*.jpg", ["IMG [1]a.jpg"], id="within_a_pattern"),
        pytest.param(["IMG 1.jpg"], "IMG [0-9].jpg", ["IMG 1.jpg"], id="a_class"),
        pytest.param(["CAT.JPG"], "*.jpg", ["CAT.JPG"], id="another_case"),
        pytest.param([NFD], NFC, [NFD], id="decomposed_on_the_disk"),
        pytest.param([NFC], NFD, [NFC], id="composed_on_the_disk"),
        pytest.param([NFD], f"{NFC[:2]}*", [NFD], id="in_a_pattern"),
        pytest.param([f"{NFD}/a.jpg"], f"{NFC}/*", [f"{NFD}/a.jpg"], id="in_a_folders_name"),
        pytest.param(
            ["a.jfif", "b.HEIC", "c.avif"], ".", ["a.jfif", "b.HEIC", "c.avif"], id="kinds"
        ),
    ],
)
def test_the_file_of_that_very_name_is_found(
    files: list[str], word: str, expected: list[str]
) -> None:
    put(*files)
    assert [path.as_posix() for path in find_contents([word]).pictures] == expected


def test_what_a_folder_has_besides_is_named_and_litter_is_not() -> None:
    put("photos/a.jpg", "photos/raw/b.jpg", "photos/b.CR2", "photos/notes.txt", "photos/a.yaml")
    put("photos/._a.jpg", "photos/.DS_Store", "photos/Thumbs.db", "photos/@eaDir/a.jpg")
    found = find_contents(["photos"])
    assert list(found.pictures) == [Path("photos/a.jpg")]
    assert found.left_out == [
        "photos/a.yaml (`batch` has its settings from the command line)",
        "photos/b.CR2 (a camera's raw file, which Impasto does not read; develop it to TIFF or "
        "JPEG)",
        "photos/notes.txt (neither a picture nor a sidecar)",
        "photos/raw/ (a folder in a folder; --recursive looks into it)",
    ]


def test_a_pattern_that_fits_folders_names_them() -> None:
    put("photos/a.jpg", "photos/raw/b.jpg")
    assert find_contents(["photos/*"]).left_out == [
        "photos/raw/ (a folder in a folder; --recursive looks into it)"
    ]
    assert len(find_contents(["photos/*"], recursive=True).pictures) == 2


@pytest.mark.parametrize("word", ["photos", "photos/**/*.jpg", "photos/**"])
def test_results_go_where_the_pictures_lie_in_the_folder(word: str) -> None:
    put("photos/a.jpg", "photos/day/a.jpg", "photos/day/late/b.jpg", "photos/painted/a-n.jpg")
    Path("photos/loop").symlink_to(Path("photos").absolute())
    found = find_contents([word], recursive=True, but=Path("photos/painted"))
    places = {path.as_posix(): folder for path, folder in found.pictures.items()}
    if word != "photos":  # What a pattern says is meant.
        assert places.pop("photos/painted/a-n.jpg") == "painted"
    assert places == {
        "photos/a.jpg": "",
        "photos/day/a.jpg": "day",
        "photos/day/late/b.jpg": "day/late",
    }


def test_a_word_that_means_nothing_names_what_is_nearly_it() -> None:
    put("photos/cat.jpg", "photos/day/a.jpg")
    for word, hint in (
        ("photos/cat.jpeg", "Did you mean 'photos/cat.jpg'?"),
        ("photos/Cat.jpg", "Did you mean 'photos/cat.jpg'?"),
        ("phtos", "Did you mean 'photos'?"),
        ("photos/d*", "photos/day/ (a folder in a folder; --recursive looks into it)"),
    ):
        with pytest.raises(InputError) as caught:
            find_contents([word])
        assert str(caught.value).startswith(f"{word}: no ")
        assert hint in str(caught.value)


@pytest.mark.parametrize("word", ["gone.jpg", "pipe.jpg", "photos", "photos/*.jpg"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_what_is_called_like_a_picture_and_is_no_file_is_named(word: str) -> None:
    put("photos/a.jpg")
    for folder in (Path(), Path("photos")):
        (folder / "gone.jpg").symlink_to("nowhere")
        os.mkfifo(folder / "pipe.jpg")
    reasons = ["gone.jpg (a link to nothing)", "pipe.jpg (not a plain file)"]
    if Path(word).suffix != ".jpg" or "*" in word:
        found = find_contents([word])
        assert list(found.pictures) == [Path("photos/a.jpg")]
        assert found.left_out == [f"photos/{reason}" for reason in reasons]
        return
    with pytest.raises(InputError, match="no picture") as caught:
        find_contents([word])
    assert next(reason for reason in reasons if reason.startswith(word)) in str(caught.value)


@pytest.mark.parametrize("word", ["photos", "photos/*"])
@pytest.mark.parametrize("recursive", [False, True])
def test_a_link_to_a_folder_doubles_no_picture(word: str, recursive: bool) -> None:
    put("photos/a.jpg", "photos/day/b.jpg")
    Path("photos/loop").symlink_to(Path("photos").absolute())
    found = find_contents([word], recursive=recursive)
    assert len(found.pictures) == 1 + recursive
    assert "photos/loop/ (a link to a folder)" in found.left_out
