"""The folder protocol's names, as client and server use them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.client.protocol import (
    END_STATES,
    LIVE_STATES,
    STYLE,
    ControlFile,
    JobState,
    parse_picture_stem,
    parse_time,
    picture_name,
    portable_name,
    resolve_path,
    usable_name,
)


def test_every_state_is_live_or_an_end() -> None:
    assert set(JobState) == LIVE_STATES | END_STATES
    assert not LIVE_STATES & END_STATES


def test_a_state_is_its_word_wherever_it_is_written() -> None:
    assert (str(JobState.DONE), f"{JobState.DONE}", json.dumps(JobState.DONE)) == (
        *("done", "done", '"done"'),
    )
    assert "done" in END_STATES
    assert {"done": 1}[JobState.DONE] == 1


def test_a_control_file_is_named_after_its_job() -> None:
    assert ControlFile.CANCEL.of("cat.2") == "cat.2.cancel"


@pytest.mark.parametrize(
    ("stem", "parsed"),
    [
        ("cat.content", ("cat", "content", 0)),
        ("cat.Style", ("cat", "style", 1)),
        ("cat.style12", ("cat", "style", 12)),
        ("cat.style.content", ("cat.style", "content", 0)),
        ("cat.init", ("cat", "init", 0)),
        ("cat.style0", None),
        # Python takes the long s for an s of another case.
        ("cat.\N{LATIN SMALL LETTER LONG S}tyle", None),
        ("cat", None),
        (".content", None),
    ],
)
def test_a_pictures_name_says_its_job_and_role(
    stem: str, parsed: tuple[str, str, int] | None
) -> None:
    assert parse_picture_stem(stem) == parsed


def test_a_pictures_name_is_parsed_as_it_was_made() -> None:
    assert picture_name("cat", STYLE, ".JPG") == "cat.style.jpg"
    name = picture_name("cat", STYLE, ".png", slot=3)
    assert parse_picture_stem(name.removesuffix(".png")) == ("cat", STYLE, 3)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "outbox/../../x", r"a\b", "", None])
def test_a_path_that_leaves_the_hot_folder_is_none(path: str | None) -> None:
    assert resolve_path(Path("/hot"), path) is None
    assert resolve_path(Path("/hot"), "outbox/cat.png") == Path("/hot/outbox/cat.png")


def test_a_time_that_is_none_is_no_error() -> None:
    assert parse_time("yesterday") is None
    assert parse_time("2026-11-24T10:00:00.000+00:00") is not None


@pytest.mark.parametrize(
    ("wanted", "portable"),
    [
        *(("cat", "cat"), ("a.b", "a.b"), ("CONtent", "CONtent"), ("COM10", "COM10")),
        *(("CON", "CON-job"), ("nul.2026", "nul-job.2026"), ("aux .x", "aux-job.x")),
        *(("COM1", "COM1-job"), ("lpt\N{SUPERSCRIPT THREE}", "lpt\N{SUPERSCRIPT THREE}-job")),
        *(("CONIN$", "CONIN$-job"), ("a:b", "a-b"), ('<>"|?*\\/', "--------"), ("a\tb", "a-b")),
        *(("cat.", "cat"), ("cat. .", "cat"), (" .", "picture-job")),
    ],
)
def test_a_portable_name_is_the_nearest_that_every_platform_can_have(
    wanted: str, portable: str
) -> None:
    assert portable_name(wanted) == portable


@given(st.text(st.sampled_from("CONnul1¹.: -?/aé")) | st.text())
def test_portable_and_usable_names_are_kept_as_they_are(wanted: str) -> None:
    portable = portable_name(wanted)
    assert portable_name(portable) == portable
    usable = usable_name(wanted)
    assert portable_name(usable) == usable_name(usable) == usable
