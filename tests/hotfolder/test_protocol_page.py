"""docs/protocol.md against what the server writes and what `plugin/client/protocol.py` says."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from support import Room

from hotfolder import file_names
from hotfolder.inbox.sidecar import SIDECAR_KEYS
from hotfolder.job_options import NAME_FIELDS
from plugin.client import protocol
from plugin.client._status import parse_server, parse_status

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()

ENVELOPE = {"protocol", "updated"}
"""Keys of every status document, which the dataclasses need not have."""


def section(heading: str) -> str:
    """The text below a heading, to the next heading of any level."""
    return re.split(r"^#+ ", PAGE.split(f" {heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def first_cells(heading: str) -> list[str]:
    """The names in backticks in the first column of the table below a heading."""
    rows = [line for line in section(heading).splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


EXAMPLES: list[dict[str, Any]] = [
    json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.S)
]
JOBS = [document for document in EXAMPLES if "name" in document]
SERVERS = [document for document in EXAMPLES if "name" not in document]


@pytest.mark.parametrize("document", JOBS, ids=lambda each: f"{each['name']}-{each['state']}")
def test_every_example_of_a_job_has_the_keys_that_the_server_writes(
    room: Room, document: dict[str, Any]
) -> None:
    room.drop_pair("cat")
    room.step(4)
    assert document.keys() == room.status("cat").keys()
    assert document.keys() == {field.name for field in fields(protocol.JobStatus)} | ENVELOPE
    assert document["protocol"] == protocol.VERSION


def test_the_example_of_the_server_has_the_keys_that_the_server_writes(room: Room) -> None:
    room.step()
    (document,) = SERVERS
    written = json.loads((room.folder.status / "server.json").read_text())
    assert document.keys() == written.keys()
    assert document.keys() == {field.name for field in fields(protocol.ServerStatus)} | ENVELOPE
    (device,) = document["devices"]
    assert device.keys() == written["devices"][0].keys()
    assert document["queue"].keys() == written["queue"].keys()


@pytest.mark.parametrize("document", JOBS, ids=lambda each: f"{each['name']}-{each['state']}")
def test_the_client_understands_every_value_of_an_example(document: dict[str, Any]) -> None:
    status = parse_status(document["name"], document)
    assert {key: getattr(status, key) for key in document.keys() - ENVELOPE} == {
        key: value for key, value in document.items() if key not in ENVELOPE
    }


def test_the_client_understands_every_value_of_the_servers_example() -> None:
    (document,) = SERVERS
    server = parse_server(document, now=0.0)
    assert {key: getattr(server, key) for key in document.keys() - ENVELOPE} == {
        key: value for key, value in document.items() if key not in ENVELOPE
    }


def test_there_is_an_example_of_every_state_and_of_a_batch() -> None:
    assert {document["state"] for document in JOBS} == {str(state) for state in protocol.JobState}
    batches = {document["client"]["batch"] for document in JOBS if document["client"].get("batch")}
    assert batches & {document["name"] for document in JOBS}


def test_the_tables_have_every_key_of_a_status() -> None:
    keys = {field.name for field in fields(protocol.JobStatus)} | ENVELOPE
    assert sorted(first_cells("Status of a job")) == sorted(keys)
    keys = {field.name for field in fields(protocol.ServerStatus)} | ENVELOPE
    assert sorted(first_cells("Status of the server")) == sorted(keys)


def test_the_tables_have_every_state_and_every_control_file() -> None:
    assert set(first_cells("A job's life")) == {str(state) for state in protocol.JobState}
    controls = [control.of("NAME") for control in protocol.ControlFile]
    assert sorted(first_cells("Control files")) == sorted(controls)


def test_the_tree_has_every_folder() -> None:
    tree = re.findall(r"^  ([.\w]+)/", section("The folders"), re.M)
    assert set(tree) == {
        *(protocol.INBOX, protocol.STYLES, protocol.OUTBOX, protocol.FAILED, protocol.DONE),
        *(protocol.STATUS, protocol.PRIVATE),
    }


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{protocol.MAX_NAME_BYTES} bytes" in section("Delivering files")
    assert f"{protocol.MAX_CLIENT_BYTES // 1024} KB as JSON" in section("The sidecar")
    assert f"older than {protocol.SERVER_TIMEOUT_SECONDS:g} s" in section("Status of the server")
    every = f"every {protocol.CLIENT_HEARTBEAT_SECONDS:g} s"
    assert every in section("Control files")


def test_the_page_has_every_suffix_of_pictures_and_all_that_is_ignored() -> None:
    text = section("Delivering files")
    for suffix in (*protocol.PICTURE_SUFFIXES, *protocol.SIDECAR_SUFFIXES):
        assert f"`{suffix}`" in text
    for ignored in (*file_names._IGNORED_NAMES, *file_names._IGNORED_ENDINGS):
        assert f"`{ignored.strip()}`" in text.lower()


def test_the_page_has_every_key_of_a_sidecar_and_every_field_of_a_results_name() -> None:
    keys = {*SIDECAR_KEYS, "priority"}
    assert set(first_cells("The sidecar")) == keys
    for field in NAME_FIELDS:
        assert f"`{{{field}}}`" in section("Results")
