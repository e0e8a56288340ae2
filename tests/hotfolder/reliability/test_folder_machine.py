"""A stranger does to the hot folder whatever a file system allows, while the server works: nothing
is lost, nothing outside is touched, nothing ends the server, and no job waits without a reason.

A few hundred steps, always the same ones; `python -m benchmarks folder` takes twenty thousand.
"""

import logging
import os
from collections.abc import Iterator

import pytest

from benchmarks.reliability.folder.long_run import fuzz_folder, silence_the_log
from benchmarks.reliability.folder.machine import FolderMachine, Taken
from benchmarks.reliability.folder.reduction import repeat

SEED = int(os.environ.get("IMPASTO_FOLDER_SEED", "20261126"))
STEPS = 700


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    log = logging.getLogger("hotfolder")
    before = log.propagate, log.handlers[:]
    silence_the_log()
    yield
    log.propagate, log.handlers[:] = before


def test_whatever_is_done_to_the_folder_the_server_goes_on_and_loses_nothing() -> None:
    tally = fuzz_folder(STEPS, SEED)
    assert tally.steps >= STEPS
    assert tally.ends["done"] > 0
    assert tally.ends["failed"] > 0
    assert tally.kills > 0


def litter(place: str, name: str, form: str) -> Taken:
    return "litter", {"place": place, "name": name, "form": form}


def control(name: str, form: str) -> Taken:
    stem, _, suffix = name.rpartition(".")
    return "control", {"folder": "", "name": stem, "control": f".{suffix}", "form": form}


PAIR: Taken = ("drop_pair", {"folder": "", "name": "cat"})
LATER: Taken = ("step", {"times": 5, "seconds": 2.0})
RAIN = "\u96e8" * 60

FOUND: dict[str, list[Taken]] = {
    "a_folder_called_like_a_control_file": [PAIR, control("cat.hold", "folder")],
    "a_link_for_the_lock": [("stop", {}), litter(".impasto", "lock", "link")],
    "a_link_for_the_pause": [litter(".impasto", "paused", "link")],
    "a_pipe_for_the_pause": [litter(".impasto", "paused", "pipe")],
    "a_link_for_a_status": [("stop", {}), litter("status", "cat.json", "link")],
    "a_pipe_for_a_status": [("stop", {}), litter("status", "cat.json", "pipe")],
    "a_pipe_for_the_heartbeat": [("stop", {}), litter("status", "server.json", "pipe")],
    "a_folder_for_the_heartbeat": [litter("status", "server.json", "full_folder")],
    "a_pipe_for_a_jobs_document": [
        ("stop", {}),
        litter(".impasto/spool/20200101-000000-000000-0000", "job.json", "pipe"),
    ],
    "a_link_among_what_is_retained": [
        litter("done", "2020-01-01", "folder_link"),
        ("configure", {"text": "retention: {done_days: 0.5}\n"}),
        LATER,
        ("clean", {}),
    ],
    "a_folder_by_hand_among_what_is_retained": [
        litter("done/2020-01-01", "cat", "full_folder"),
        ("configure", {"text": "retention: {done_days: 0.5}\n"}),
        LATER,
        ("clean", {}),
    ],
    "long_names_in_a_batch": [
        (
            "write_batch",
            {"name": RAIN, "pictures": 3, "text": b"contents: '*.jpg'\nstyles: wave.jpg\n"},
        )
    ],
    "a_stray_that_grows": [("grow", {"path": "stray.txt"}), PAIR],
    "a_damaged_document": [
        ("workers", {"life": "hangs"}),
        PAIR,
        LATER,
        ("damage", {"pick": 0, "data": b"[]"}),
        ("kill", {}),
    ],
    "a_document_that_is_nested_too_deep": [
        ("workers", {"life": "hangs"}),
        PAIR,
        LATER,
        ("damage", {"pick": 1, "data": b"[" * 2000}),
        ("kill", {}),
    ],
    "a_picture_replaced_while_it_is_copied": [
        ("begin", {"place": "inbox"}),
        PAIR,
        ("meanwhile", {"at": 22}),
        ("write", {"path": "cat.content.jpg", "over": False}),
        LATER,
    ],
}
"""What the machine has found once, in the fewest steps."""


@pytest.mark.parametrize("steps", FOUND.values(), ids=FOUND)
def test_what_was_found_once_does_no_harm_any_more(steps: list[Taken]) -> None:
    repeat(FolderMachine, steps)
