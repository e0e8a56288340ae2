"""The dialog on a screen of two pixels a point."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dialogs import open_dialog, remember
from PIL import Image
from scripted import ScriptedServer
from session import SCREENSHOTS, Gimp, until, window

THUMBNAIL = (176, 132)
"""Pixels of a style's: 88 points wide."""


@pytest.fixture
def fine_screen(share: Path) -> Iterator[Gimp]:
    session = window(share, "fine", GDK_SCALE="2", SCREEN="2560x1440")
    yield session
    session.close()


def test_a_thumbnail_has_every_pixel_of_the_screen(
    fine_screen: Gimp, scripted: ScriptedServer, photograph: Path
) -> None:
    """A style of black and white columns, a pixel each, is not grey."""
    stripes = np.zeros(THUMBNAIL[::-1], np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).convert("RGB").save(fine_screen.share / "stripes.png")
    (fine_screen.share / "cat.png").write_bytes(photograph.read_bytes())
    remember(fine_screen, hot_folder="/share/scripted", style="/share/stripes.png")
    fine_screen.run("image = show('/share/cat.png'); time.sleep(0.5)")
    open_dialog(fine_screen)

    def edges() -> int:
        """Places on the screen where black is beside white."""
        fine_screen.photograph("dialog_of_two_pixels_a_point", SCREENSHOTS)
        with Image.open(SCREENSHOTS / "dialog_of_two_pixels_a_point.png") as shown:
            grey = np.asarray(shown.convert("L"), float)
        return int((np.abs(np.diff(grey, axis=1)) > 200).sum())

    until(lambda: edges() > 0.9 * (THUMBNAIL[0] - 1) * THUMBNAIL[1], "the thumbnail", 30)
