import os
import unicodedata
from pathlib import Path

import pytest

from engine.settings import SUFFIXES
from hotfolder import file_names
from hotfolder.file_names import (
    FileRole,
    ParsedName,
    free_name_in,
    is_presentable,
    key_of,
    parse,
    shown,
)
from plugin.client.protocol import RESULT_SUFFIXES, ControlFile


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("a.content.jpg", ParsedName(FileRole.CONTENT, "a")),
        ("a.style.png", ParsedName(FileRole.STYLE, "a", 1)),
        ("a.style2.webp", ParsedName(FileRole.STYLE, "a", 2)),
        ("a.style12.tiff", ParsedName(FileRole.STYLE, "a", 12)),
        ("a.init.tif", ParsedName(FileRole.INIT, "a")),
        ("a.yaml", ParsedName(FileRole.SIDECAR, "a")),
        ("a.YML", ParsedName(FileRole.SIDECAR, "a")),
        ("a.cancel", ParsedName(ControlFile.CANCEL, "a")),
        ("my.holiday.2026.content.JPEG", ParsedName(FileRole.CONTENT, "my.holiday.2026")),
        ("a.Content.JPG", ParsedName(FileRole.CONTENT, "a")),
        ("portrait.jpg", ParsedName(FileRole.PICTURE)),
        # Python takes the long s and the dotless i for an s and an i of another case.
        ("a.\N{LATIN SMALL LETTER LONG S}tyle.jpg", ParsedName(FileRole.PICTURE)),
        ("a.\N{LATIN SMALL LETTER DOTLESS I}nit.jpg", ParsedName(FileRole.PICTURE)),
        ("a.style\N{ARABIC-INDIC DIGIT TWO}.jpg", ParsedName(FileRole.PICTURE)),
        ("IMG_0001.HEIC", ParsedName(FileRole.PICTURE)),
        ("a.content.jfif", ParsedName(FileRole.CONTENT, "a")),
        ("a.style.avif", ParsedName(FileRole.STYLE, "a", 1)),
        ("a.init.jxl", ParsedName(FileRole.INIT, "a")),
        # As darktable, digiKam and others call what belongs to a picture.
        ("cat.jpg.yaml", ParsedName(FileRole.SIDECAR, "cat", picture="cat.jpg")),
        ("cat.content.JPG.yml", ParsedName(FileRole.SIDECAR, "cat", picture="cat.content.JPG")),
        ("cat.style.jpg.yaml", ParsedName(FileRole.OTHER)),
        ("note.yaml.txt", ParsedName(FileRole.MISNAMED, "note")),
        ("note.yml.TXT", ParsedName(FileRole.MISNAMED, "note")),
        ("notes.txt", ParsedName(FileRole.OTHER)),
        ("holiday.batch.yaml", ParsedName(FileRole.BATCH, "holiday")),
        # Their sidecar would be a batch, and they would be painted without their settings.
        ("holiday.batch.content.jpg", ParsedName(FileRole.OTHER)),
        ("holiday.BATCH.style2.jpg", ParsedName(FileRole.OTHER)),
        ("README", ParsedName(FileRole.OTHER)),
        ("-rf.content.jpg", ParsedName(FileRole.CONTENT, "-rf")),
        ("🎨.content.jpg", ParsedName(FileRole.CONTENT, "🎨")),
    ],
)
def test_a_name_says_job_and_role(file_name: str, expected: ParsedName) -> None:
    assert parse(file_name) == expected


@pytest.mark.parametrize(
    "file_name",
    [
        pytest.param(".a.content.jpg", id="hidden"),
        pytest.param("._a.content.jpg", id="macos_resource_fork"),
        pytest.param("a.content.jpg.part", id="in_delivery"),
        pytest.param("a.content.jpg.PART", id="in_delivery_upper_case"),
        pytest.param("a.jpg.crdownload", id="browser"),
        pytest.param("a.tmp", id="temporary"),
        pytest.param("a.yaml~", id="editor_backup"),
        pytest.param("Thumbs.db", id="windows_thumbnails"),
        pytest.param("desktop.ini", id="windows_folder"),
        pytest.param(".DS_Store", id="macos_folder"),
        pytest.param("__MACOSX", id="macos_archive"),
        pytest.param("~$cat.content.jpg", id="office_lock"),
        pytest.param("@eaDir", id="synology_thumbnails"),
        pytest.param("$RECYCLE.BIN", id="windows_recycle_bin"),
        pytest.param("a.content.jpg.filepart", id="winscp"),
        pytest.param("a.content.jpg.opdownload", id="opera"),
        pytest.param("a.jpg.download", id="safari"),
        pytest.param("a.jpg.partial", id="internet_explorer"),
    ],
)
def test_litter_and_unfinished_deliveries_are_never_looked_at(file_name: str) -> None:
    assert parse(file_name) is None


def test_composed_and_decomposed_accents_are_one_name() -> None:
    composed = unicodedata.normalize("NFC", "café.content.jpg")
    decomposed = unicodedata.normalize("NFD", "café.content.jpg")
    assert composed != decomposed
    assert parse(composed) == parse(decomposed)
    assert key_of(composed) == key_of(decomposed)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a\nb", id="newline"),
        pytest.param("a\x1b[31m", id="terminal_escape"),
        pytest.param("a\udcff", id="undecodable_byte"),
        pytest.param("x" * 225, id="no_room_for_suffixes"),
        pytest.param(" ", id="blank"),
    ],
)
def test_hostile_names_make_no_job(name: str) -> None:
    assert not is_presentable(name)
    assert parse(f"{name}.content.jpg") == ParsedName(FileRole.OTHER)


def test_hostile_names_are_shown_escaped() -> None:
    assert shown("a\nb\udcff") == "a\\nb\\udcff"


def test_the_protocol_knows_the_suffixes_of_all_results() -> None:
    assert set(RESULT_SUFFIXES) == set(SUFFIXES.values())


def test_a_free_name_is_found_beside_a_crowd_without_a_look_at_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 300):
        (tmp_path / (f"cat-{number}.png" if number > 1 else "cat.png")).touch()
    looks = 0

    def counted(path: Path) -> bool:
        nonlocal looks
        looks += 1
        return os.path.lexists(path)

    monkeypatch.setattr(file_names, "exists", counted)
    assert free_name_in(tmp_path, "cat", [".png", ".yaml"]) == "cat-300"
    assert looks < 10
    assert free_name_in(tmp_path, "dog", [".png", ".yaml"]) == "dog"
