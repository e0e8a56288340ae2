import unicodedata

import pytest

from hotfolder.names import Named, Role, is_presentable, key_of, parse, shown


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("a.content.jpg", Named(Role.CONTENT, "a")),
        ("a.style.png", Named(Role.STYLE, "a", 1)),
        ("a.style2.webp", Named(Role.STYLE, "a", 2)),
        ("a.style12.tiff", Named(Role.STYLE, "a", 12)),
        ("a.init.tif", Named(Role.INIT, "a")),
        ("a.yaml", Named(Role.SIDECAR, "a")),
        ("a.YML", Named(Role.SIDECAR, "a")),
        ("a.cancel", Named(Role.CANCEL, "a")),
        ("my.holiday.2026.content.JPEG", Named(Role.CONTENT, "my.holiday.2026")),
        ("a.Content.JPG", Named(Role.CONTENT, "a")),
        ("portrait.jpg", Named(Role.PICTURE)),
        ("notes.txt", Named(Role.OTHER)),
        ("README", Named(Role.OTHER)),
        ("-rf.content.jpg", Named(Role.CONTENT, "-rf")),
        ("🎨.content.jpg", Named(Role.CONTENT, "🎨")),
    ],
)
def test_a_name_says_job_and_role(file_name: str, expected: Named) -> None:
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
        pytest.param("x" * 231, id="no_room_for_suffixes"),
        pytest.param(" ", id="blank"),
    ],
)
def test_hostile_names_make_no_job(name: str) -> None:
    assert not is_presentable(name)
    assert parse(f"{name}.content.jpg") == Named(Role.OTHER)


def test_hostile_names_are_shown_escaped() -> None:
    assert shown("a\nb\udcff") == "a\\nb\\udcff"
