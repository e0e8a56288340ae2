"""Log lines: for people and for programs, on stderr and in a file that is not endless."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Room

from hotfolder.config.layers import read_configuration
from hotfolder.config.logs import TextFormatter, configure, formatter
from hotfolder.config.model import Config
from hotfolder.errors import ConfigError
from hotfolder.job_tag import JobTag

log = logging.getLogger("hotfolder.test")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:], root.level = handlers, level


def logged(config: Config) -> io.StringIO:
    stream = io.StringIO()
    console = logging.StreamHandler(stream)
    console.setFormatter(formatter(config.log_format))
    configure(config, console)
    return stream


def test_json_lines_name_the_job_of_a_whole_life(room: Room) -> None:
    stream = logged(Config(log_format="json"))
    room.drop_pair("cat")
    room.step(3)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    job_id = room.record("cat")["id"]
    about = [line for line in lines if line.get("job") == "cat"]
    assert [line["message"] for line in about] == [
        *("claimed", "started on fake, attempt 1", "done: outbox/cat")
    ]
    assert {line["id"] for line in about} == {job_id}
    assert {line["level"] for line in about} == {"info"}
    assert all(line["time"].endswith("+00:00") for line in lines)


@pytest.mark.parametrize("name", ["a] done; b", "[x] y", "] x", "20261124-234003-393000-abcd c"])
def test_a_name_with_brackets_forges_no_field_of_a_json_line(room: Room, name: str) -> None:
    stream = logged(Config(log_format="json"))
    room.drop_pair(name)
    room.step(3)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    job_id = room.record(name)["id"]
    assert [line["message"] for line in lines if line.get("job") == name] == [
        *("claimed", "started on fake, attempt 1", f"done: outbox/{name}")
    ]
    assert {(line.get("id"), line["job"]) for line in lines if "job" in line} == {(job_id, name)}


def test_what_only_looks_like_a_job_in_a_message_is_none() -> None:
    stream = logged(Config(log_format="json"))
    log.warning("[cat] %s", "is what somebody called a device")
    line = json.loads(stream.getvalue())
    assert "job" not in line
    assert line["message"] == "[cat] is what somebody called a device"


def test_text_lines_name_the_job_too_and_stay_one_line() -> None:
    stream = logged(Config())
    log.error("[cat] two\nlines")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("ERROR [cat] two | lines")


def test_an_unforeseen_error_is_one_json_line_with_its_traceback() -> None:
    stream = logged(Config(log_format="json"))
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("%s cannot be understood", JobTag("cat"))
    line = json.loads(stream.getvalue())
    assert (line["job"], line["message"]) == ("cat", "cannot be understood")
    assert line["traceback"].endswith("ValueError: why")


@pytest.mark.parametrize("layout", ["text", "json", "terminal"])
def test_a_line_is_not_endless_and_says_what_is_missing(layout: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "%s", ("x" * 100_000,), None)
    kinds = {"text": formatter("text"), "json": formatter("json")}
    line = kinds.get(layout, TextFormatter("%(message)s")).format(record)
    assert len(line) < 9000
    assert "more characters)" in line


def test_the_file_is_set_aside_when_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "impasto.log"
    config = Config(log_file=str(path), log_file_megabytes=0.001, log_files=3, log_format="json")
    logged(config)
    for number in range(100):
        log.info("line %d", number)
    assert {each.name for each in path.parent.iterdir()} == {
        *("impasto.log", "impasto.log.1", "impasto.log.2")
    }
    assert all(each.stat().st_size <= 1000 for each in path.parent.iterdir())
    assert json.loads(path.read_text().splitlines()[-1])["message"] == "line 99"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(ConfigError, match=r"log_file: .*a file/log: cannot be written"):
        logged(Config(log_file=str(tmp_path / "a file" / "log")))


def test_the_file_is_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("log_file: impasto.log")
    assert read_configuration(tmp_path / "config.yaml").config.log_file == str(
        tmp_path / "impasto.log"
    )
