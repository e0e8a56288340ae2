"""docs/pictures.md is what files of every kind come to today."""

import shutil
from pathlib import Path

import pictures_page
import pytest

PAGE = Path(__file__).parents[3] / "docs" / "pictures.md"


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="there is no exiftool")
def test_the_page_says_what_becomes_of_files_of_every_kind() -> None:
    assert PAGE.read_text() == pictures_page.page(), "`make docs` writes it again"


def test_the_page_finds_nothing_wrong() -> None:
    text = PAGE.read_text()
    assert not [word for word in ("WRONG", "NOT KEPT", "READ |") if word in text]
