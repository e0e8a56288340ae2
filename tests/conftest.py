"""Real pictures and real weights for every room's tests."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import engine

os.environ.update(engine.THREADS_ENVIRONMENT)  # before anything imports torch

import pytest
import skimage

DATA = Path(skimage.__file__).parent / "data"


@pytest.fixture(scope="session", autouse=True)
def no_cache_of_the_developers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One for all tests, so that the precision is measured once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def subnormal_numbers() -> Iterator[None]:
    """There again after a test that ran a command or a painter in the tests' own process, where
    these prepare the process for painting: Hypothesis refuses to draw floats without them."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(scope="session")
def photograph() -> Path:
    """A cat, 451 x 300 px, PNG (scikit-image's `chelsea`, CC0)."""
    return DATA / "chelsea.png"


@pytest.fixture(scope="session")
def painting() -> Path:
    """Something with texture and colour, 600 x 400 px, PNG (scikit-image's `coffee`, CC0)."""
    return DATA / "coffee.png"


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for a condition of the real world, for a bounded time."""

    def wait(condition: Callable[[], object], seconds: float = 20.0, what: str = "") -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:g} s: {what or condition}")
            time.sleep(0.02)

    return wait
