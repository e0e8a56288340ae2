"""Patterns of pictures in a batch file."""

import time
import unicodedata

import pytest

from hotfolder.batches.batch_file import parse_batch
from hotfolder.batches.patterns import MAX_DEEP, MAX_LENGTH, PathPattern
from hotfolder.errors import SidecarError
from plugin.client.protocol import fold_name


def fits(pattern: PathPattern, path: str) -> bool:
    return pattern.fits(fold_name(path).split("/"))


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("cat.jpg", "*.jpg", True),
        ("CAT.JPG", "*.jpg", True),
        ("sea/cat.jpg", "*.jpg", False),
        ("sea/cat.jpg", "**/*.jpg", True),
        ("cat.jpg", "**/*.jpg", True),
        ("a/b/cat.jpg", "a/**/cat.*", True),
        ("a/b/cat.jpg", "a/*", False),
        ("a/b/c/cat.jpg", "**/b/**/*.jpg", True),
        ("a/c/b/cat.jpg", "**/b/**/c/*.jpg", False),
        ("a/b/cat.jpg", "**", True),
        ("cat.jpg", "cat.jpg", True),
        ("a/cat.jpg", "cat.jpg", False),
        (unicodedata.normalize("NFD", "café.jpg"), unicodedata.normalize("NFC", "café.jpg"), True),
    ],
)
def test_patterns_stay_within_a_folder_unless_they_say_otherwise(
    path: str, pattern: str, expected: bool
) -> None:
    assert fits(PathPattern(pattern), path) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("**/" * 2000 + "*.jpg", id="deep"),
        pytest.param("**/a/" * 400 + "*.jpg", id="deep_with_names_between"),
        pytest.param("*a" * 2000 + ".jpg", id="stars"),
        pytest.param("[" * 3000 + ".jpg", id="brackets"),
    ],
)
def test_a_pattern_of_any_size_is_matched_in_time_and_without_recursion(pattern: str) -> None:
    started = time.process_time()
    compiled = PathPattern(pattern)
    for path in ("a" * 250 + ".jpg", "a/" * 300 + "b.jpg", "b/cat.jpg"):
        fits(compiled, path)
    assert time.process_time() - started < 20  # backtracking would take years


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("**/" * 2000 + "*.jpg", f"at most {MAX_LENGTH} characters", id="long"),
        pytest.param("**/a/" * (MAX_DEEP + 1) + "*.jpg", f"at most {MAX_DEEP} times", id="deep"),
    ],
)
def test_a_pattern_beyond_the_limits_is_refused_with_its_line(pattern: str, expected: str) -> None:
    for text in (
        f"styles: n.jpg\ncontents: '{pattern}'",
        f"contents: n.jpg\nstyles: ['{pattern}']",
    ):
        with pytest.raises(SidecarError) as caught:
            parse_batch(text.encode(), "trip.batch.yaml", {})
        assert f"trip.batch.yaml, line {1 + text.startswith('styles')}" in str(caught.value) or (
            "trip.batch.yaml, line 2" in str(caught.value)
        )
        assert expected in str(caught.value)
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("shoot [2024]/a.jpg", "shoot [2024]/*.jpg", True),
        ("IMG [1].jpg", "IMG [1]*.jpg", True),
        ("shoot 2/a.jpg", "shoot [2024]/*.jpg", True),
        ("shoot 3/a.jpg", "shoot [2024]/*.jpg", False),
        (unicodedata.normalize("NFD", "é [1].jpg"), unicodedata.normalize("NFC", "é [1]*"), True),
    ],
)
def test_brackets_mean_themselves_as_well(path: str, pattern: str, expected: bool) -> None:
    assert fits(PathPattern(pattern), path) is expected
