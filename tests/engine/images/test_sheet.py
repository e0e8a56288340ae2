"""Contact sheets, looked at by their pixels."""

import numpy as np
import pytest

from engine.images.picture import Picture
from engine.images.sheet import GAP, Panel, contact_sheet

RED = np.array([1, 0, 0], np.float32)


def plain(colour: np.ndarray, width: int, height: int) -> Picture:
    return Picture(np.broadcast_to(colour, (height, width, 3)).astype(np.float32))


def red_columns(sheet: Picture) -> np.ndarray:
    """Number of red pixels in each column."""
    return (np.abs(sheet.pixels - RED).max(axis=2) < 0.01).sum(axis=0)


def test_pictures_stand_side_by_side_with_their_pixels_unchanged() -> None:
    sheet = contact_sheet([Panel(plain(RED, 60, 40), "a"), Panel(plain(RED, 60, 40), "b")])
    columns = red_columns(sheet)
    assert columns.sum() == 2 * 60 * 40
    assert sheet.width == 2 * 60 + 3 * GAP
    assert columns[GAP - 1] == 0 < columns[GAP] == 40
    np.testing.assert_array_equal(sheet.pixels[0, 0], [1, 1, 1])


def test_columns_make_rows_and_side_makes_thumbnails() -> None:
    panels = [Panel(plain(RED, 100, 50), str(n)) for n in range(5)]
    sheet = contact_sheet(panels, columns=2, side=50)
    assert sheet.width == 2 * 50 + 3 * GAP
    assert red_columns(sheet).max() == 3 * 25


def test_the_label_is_written_above_its_picture() -> None:
    def ink(label: str) -> float:
        sheet = contact_sheet([Panel(plain(RED, 60, 40), label)])
        return float((1 - sheet.pixels[: sheet.height - 40 - GAP]).sum())

    assert ink("") == pytest.approx(0, abs=1e-3)
    assert ink("conv1_1") > 50


def test_a_long_label_takes_more_lines_instead_of_leaving_its_column() -> None:
    label = "conv1_1 + conv2_1 + conv3_1 + conv4_1"
    sheet = contact_sheet([Panel(plain(RED, 90, 40), label), Panel(plain(RED, 90, 40), "")])
    short = contact_sheet([Panel(plain(RED, 90, 40), "conv1_1")])
    assert sheet.height > short.height
    right = sheet.pixels[: sheet.height - 40 - GAP, GAP + 90 + GAP :]
    assert right.min() > 0.99


def test_what_is_transparent_is_laid_on_white() -> None:
    clear = Picture(plain(RED, 60, 40).pixels, np.zeros((40, 60), np.float32))
    assert contact_sheet([Panel(clear, "")]).pixels.min() > 0.99
