"""A changed config.yaml while the daemon runs."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from support import FakeClock, Room

from hotfolder.config.layers import read_configuration
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text("settings: {size: 640}\nwatch: {polling: true}\n")
    return file


@pytest.fixture
def watch(file: Path, clock: FakeClock) -> ConfigWatch:
    return ConfigWatch(
        read_configuration(file).config, lambda: read_configuration(file).config, [file], clock
    )


def look(watch: ConfigWatch, clock: FakeClock, times: int = 2) -> bool:
    changed = []
    for _ in range(times):
        clock.advance(3)
        changed.append(watch.changed())
    return any(changed)


def test_a_change_is_taken_up_once_the_file_lies_still(
    watch: ConfigWatch, file: Path, clock: FakeClock
) -> None:
    assert not look(watch, clock)
    file.write_text("overwrite: true")
    assert not look(watch, clock, times=1)
    file.write_text("overwrite: true\noriginals: keep")
    assert not look(watch, clock, times=1)
    assert look(watch, clock, times=1)
    assert (watch.current().overwrite, watch.current().originals) == (True, "keep")
    assert not look(watch, clock)


def test_a_broken_one_is_refused_while_the_old_one_stays(
    watch: ConfigWatch, file: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("settings:\n  size: big")
    assert not look(watch, clock, times=5)
    assert watch.current().settings == {"size": 640}
    assert watch.problem is not None
    assert "config.yaml, line 2: settings.size: 'big'" in watch.problem
    assert len([r for r in caplog.records if "refused" in r.message]) == 1
    file.write_text("settings: {size: 320}")
    assert look(watch, clock)
    assert watch.problem is None
    assert watch.current().settings == {"size": 320}


def test_a_file_that_goes_is_a_broken_one_if_it_was_named(
    watch: ConfigWatch, file: Path, clock: FakeClock
) -> None:
    file.unlink()
    assert not look(watch, clock)
    assert "no such file" in str(watch.problem)


def test_what_only_a_start_can_change_stays_and_is_said(
    watch: ConfigWatch, file: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("threads: 7\nsettings: {size: 640}\nwatch: {polling: true}\n")
    assert not look(watch, clock)
    assert watch.current().threads is None
    assert "threads: the change takes effect at the next start" in caplog.text


def test_new_jobs_have_the_new_settings_and_the_status_shows_a_refusal(
    room: Room, watch: ConfigWatch, file: Path
) -> None:
    room.config_watch = watch
    room.settings = watch.current().model_dump()
    room.drop_pair("before")
    room.step(3)
    file.write_text("settings: {size: 320}\nwatch: {polling: true}\noriginals: delete\n")
    room.step(3)
    room.drop_pair("after")
    room.step(3)
    assert room.status("before")["size"] == 640
    assert room.status("after")["size"] == 320
    assert not any(room.folder.done.rglob("after*"))
    assert room.status("server")["config_problem"] is None
    file.write_text("orignals: keep")
    room.step(3)
    assert "Did you mean 'originals'?" in room.status("server")["config_problem"]
    room.drop_pair("later")
    room.step(3)
    assert room.status("later")["size"] == 320


@pytest.mark.parametrize(
    "text", ["hot_folder: ~nosuchuser", 'log_file: "a\\0b"', "settings: {weights: ~nosuchuser}"]
)
def test_a_path_that_can_be_none_does_not_end_the_server(
    watch: ConfigWatch, file: Path, clock: FakeClock, text: str
) -> None:
    file.write_text(text)
    look(watch, clock)
    file.write_text("settings: {size: 320}")
    assert look(watch, clock)


def test_a_configuration_that_cannot_be_looked_at_is_a_broken_one(
    watch: ConfigWatch, file: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat

    def denied(path: Any, *args: Any, **keywords: Any) -> os.stat_result:
        if str(path) == str(file):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, *args, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr("os.stat", denied)
        assert not look(watch, clock)
        assert "cannot be looked at: Permission denied" in str(watch.problem)
    file.write_text("settings: {size: 320}")
    assert look(watch, clock)
    assert watch.problem is None


def test_an_unforeseen_error_of_the_reading_leaves_the_old_one_in_force(
    file: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    def load() -> Config:
        raise ValueError("of whatever kind")

    watch = ConfigWatch(read_configuration(file).config, load, [file], clock)
    file.write_text("settings: {size: 320}")
    assert not look(watch, clock)
    assert watch.current().settings == {"size": 640}
    assert "of whatever kind" in str(watch.problem)
