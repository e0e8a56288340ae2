"""A stranger does to the hot folder whatever a file system allows, while the server works: nothing
is lost, nothing outside is touched, nothing ends the server, and no job waits without a reason.

A few hundred steps, always the same ones; `python -m benchmarks folder` takes twenty thousand.
"""

import os

import pytest

from benchmarks.reliability.folder.long_run import fuzz_folder, silence_the_log

SEED = int(os.environ.get("IMPASTO_FOLDER_SEED", "20261126"))
STEPS = 1200


@pytest.fixture(autouse=True)
def _silent() -> None:
    silence_the_log()


def test_whatever_is_done_to_the_folder_the_server_goes_on_and_loses_nothing() -> None:
    tally = fuzz_folder(STEPS, SEED)
    assert tally.steps >= STEPS
    assert tally.ends["done"] > 0
    assert tally.ends["failed"] > 0
    assert tally.kills > 0
