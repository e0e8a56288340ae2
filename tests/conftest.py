"""Real pictures and real weights for every room's tests."""

import os
from pathlib import Path

import engine

os.environ.update(engine.THREADS_ENVIRONMENT)  # before anything imports torch

import pytest
import skimage

DATA = Path(skimage.__file__).parent / "data"


@pytest.fixture(scope="session")
def photograph() -> Path:
    """A cat, 451 x 300 px, PNG (scikit-image's `chelsea`, CC0)."""
    return DATA / "chelsea.png"


@pytest.fixture(scope="session")
def painting() -> Path:
    """Something with texture and colour, 600 x 400 px, PNG (scikit-image's `coffee`, CC0)."""
    return DATA / "coffee.png"
