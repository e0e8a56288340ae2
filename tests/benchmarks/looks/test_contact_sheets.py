"""Sheets to judge pictures by eye."""

import json
from pathlib import Path

from benchmarks.looks.sheet import SHOWN, contact_sheet, labelled_sheet
from engine.images.picture import read_picture


def test_a_contact_sheet_has_its_key_beside_it(photograph: Path, tmp_path: Path) -> None:
    references = {"photograph": photograph}
    contact_sheet({"a": photograph, "b": photograph}, references, tmp_path / "sheet.png")
    key = json.loads((tmp_path / "sheet.key.json").read_text())
    assert sorted(key) == ["A", "B"]
    assert sorted(key.values()) == ["a", "b"]


def test_a_sheet_with_names_has_every_picture(photograph: Path, tmp_path: Path) -> None:
    pictures = dict.fromkeys(("a", "b", "c"), photograph)
    labelled_sheet(pictures, {"photograph": photograph}, tmp_path / "sheet.jpg")
    width, height = read_picture(tmp_path / "sheet.jpg").size
    side = read_picture(photograph).thumbnail(SHOWN)
    assert 3 * side.width < width < 4 * side.width
    assert height > 2 * side.height
