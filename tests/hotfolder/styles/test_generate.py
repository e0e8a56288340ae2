"""The style pictures of our own making."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hotfolder.cli.styles import OWN_STYLES
from hotfolder.styles.generate import PAINTINGS, paint


@pytest.mark.parametrize("name", PAINTINGS)
def test_a_painting_comes_out_the_same_again(name: str) -> None:
    first, second = paint(name, 48), paint(name, 48)
    assert first.size == (64, 48)
    assert first.tobytes() == second.tobytes()
    assert np.asarray(first).std(axis=(0, 1)).min() > 20  # no flat canvas


def test_every_painting_lies_ready_and_small() -> None:
    files = {path.stem: path for path in OWN_STYLES.glob("*.jpg")}
    assert files.keys() == PAINTINGS.keys()
    for path in files.values():
        assert path.stat().st_size < 300_000
        with Image.open(path) as image:
            image.load()
            assert image.size == (1024, 768)


def test_the_shipped_picture_is_the_programs(tmp_path: Path) -> None:
    small = paint("night", 96)
    with Image.open(OWN_STYLES / "night.jpg") as image:
        shipped = image.resize(small.size, Image.Resampling.BOX)
    # Other strokes at another height, but the same scene.
    blurred = [np.asarray(i.resize((8, 6), Image.Resampling.BOX), float) for i in (small, shipped)]
    assert np.abs(blurred[0] - blurred[1]).mean() < 16
