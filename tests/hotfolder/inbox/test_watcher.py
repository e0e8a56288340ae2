import errno
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotfolder.inbox import watcher
from hotfolder.inbox.watcher import FolderWatcher


@pytest.mark.parametrize("way", ["write", "rename", "link", "delete"])
def test_an_event_comes_for_every_way_of_delivery(
    tmp_path: Path, until: Callable[..., None], way: str
) -> None:
    watched, elsewhere = tmp_path / "inbox", tmp_path / "elsewhere"
    watched.mkdir()
    elsewhere.write_text("x")
    (watched / "old").write_text("x")
    folder_watcher = FolderWatcher([watched])
    try:
        folder_watcher.pending()
        match way:
            case "write":
                (watched / "a").write_text("x")
            case "rename":
                elsewhere.rename(watched / "a")
            case "link":
                os.link(elsewhere, watched / "a")
            case "delete":
                (watched / "old").unlink()
        until(folder_watcher.pending, 5)
    finally:
        folder_watcher.close()


def test_a_system_without_events_leaves_them_out_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refused(watcher.Observer):  # type: ignore[misc,valid-type]
        def schedule(self, *_: object, **__: object) -> None:
            raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watcher, "Observer", Refused)
    folder_watcher = FolderWatcher([tmp_path])
    assert not folder_watcher.native
    assert not folder_watcher.pending()
    assert "inotify instance limit reached" in caplog.text


def test_polling_starts_no_observer(tmp_path: Path) -> None:
    assert not FolderWatcher([tmp_path], polling=True).native


def test_a_network_share_is_scanned_regularly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """inotify hears nothing of what another machine drops there."""
    monkeypatch.setattr(watcher, "network_file_system", {tmp_path: "cifs"}.get)
    assert not FolderWatcher([tmp_path]).native


# Failure mode 5. watchdog's threads are killed as an exception in a handler, or in watchdog, would.
@pytest.mark.parametrize("thread", ["dispatcher", "emitter"])
def test_a_watcher_thread_that_died_is_noticed_and_replaced(
    tmp_path: Path, until: Callable[..., None], thread: str
) -> None:
    folder_watcher = FolderWatcher([tmp_path])
    try:
        observer = folder_watcher._observer
        assert observer is not None
        victim = observer if thread == "dispatcher" else next(iter(observer.emitters))
        victim.stop()
        victim.join(10)
        folder_watcher.check()
        assert folder_watcher._observer not in (None, observer)
        folder_watcher.pending()
        (tmp_path / "a").write_text("x")
        until(folder_watcher.pending, 60)
    finally:
        folder_watcher.close()


# Failure mode 7. The old watch stays on the old folder, alive and silent for good.
def test_a_watch_on_a_folder_that_was_replaced_is_set_anew(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    watched = tmp_path / "inbox"
    watched.mkdir()
    folder_watcher = FolderWatcher([watched])
    try:
        assert folder_watcher.check()
        assert not folder_watcher.check()
        watched.rename(tmp_path / "away")
        folder_watcher.check()
        assert not folder_watcher.native
        watched.mkdir()
        assert folder_watcher.check()
        assert folder_watcher.native
        folder_watcher.pending()
        (watched / "a").write_text("x")
        until(folder_watcher.pending, 60)
    finally:
        folder_watcher.close()


def test_a_watch_without_events_is_set_anew_and_at_last_given_up(tmp_path: Path) -> None:
    folder_watcher = FolderWatcher([tmp_path])
    try:
        for _ in range(watcher.MISSED_EVENTS_LIMIT):
            before = folder_watcher._observer
            folder_watcher.missed_event()
            assert folder_watcher._observer not in (None, before)
        folder_watcher.missed_event()
        assert not folder_watcher.native
    finally:
        folder_watcher.close()


def test_a_watch_that_is_stopped_while_it_reads_an_event_logs_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inotify = pytest.importorskip("watchdog.observers.inotify")
    stop = inotify.InotifyEmitter.on_thread_stop
    stopped = []

    def stop_while_it_reads(emitter: Any) -> None:
        stop(emitter)
        emitter.queue_events(0.1)  # As its thread does if it was about to.
        stopped.append(emitter)

    monkeypatch.setattr(inotify.InotifyEmitter, "on_thread_stop", stop_while_it_reads)
    watch = FolderWatcher([tmp_path])
    assert watch.native
    watch.close()
    assert stopped
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    logging.getLogger("watchdog.observers.inotify").error("what it says otherwise is heard")
    assert "is heard" in caplog.text


def test_folders_below_are_watched_by_themselves_also_when_they_are_moved_or_replaced(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    folder, away = tmp_path / "inbox" / "oil", tmp_path / "away"
    folder.mkdir(parents=True)
    folder_watcher = FolderWatcher([tmp_path / "inbox"])

    def drop(name: str) -> None:
        folder_watcher.watch_below([folder])
        folder_watcher.pending()
        (folder / name).write_text("x")
        until(folder_watcher.pending, 60)

    try:
        drop("a")
        folder.rename(away)
        folder_watcher.watch_below([])
        away.rename(folder)
        drop("b")
        folder.rename(away)
        folder.mkdir()
        drop("c")
        folder_watcher.watch_below([])
        shutil.rmtree(folder)
        assert not folder_watcher._below
        folder_watcher.check()
        folder_watcher.pending()
        (tmp_path / "inbox" / "d").write_text("x")
        until(folder_watcher.pending, 60)
    finally:
        folder_watcher.close()


def test_no_more_folders_than_so_many_are_watched(tmp_path: Path) -> None:
    folders = [tmp_path / f"{number}" for number in range(watcher.MAX_BELOW + 1)]
    for folder in folders:
        folder.mkdir()
    folder_watcher = FolderWatcher([tmp_path])
    try:
        folder_watcher.watch_below(folders)
        assert len(folder_watcher._below) == watcher.MAX_BELOW
        folder_watcher.watch_below(folders[1:])
        assert {path for path, _ in folder_watcher._below} == {*folders[1:]}
    finally:
        folder_watcher.close()


def test_a_link_that_is_put_for_a_folder_at_any_moment_is_not_followed(tmp_path: Path) -> None:
    folder, away, theirs = tmp_path / "inbox" / "oil", tmp_path / "away", tmp_path / "theirs"
    (folder / "deeper").mkdir(parents=True)
    outside = [theirs, theirs / "archive"]
    outside[-1].mkdir(parents=True)
    for each in outside:
        (each / "cat.jpg").write_text("x")
        os.utime(each, (1e9, 1.5e9))
    folder_watcher = FolderWatcher([tmp_path / "inbox"])
    try:
        for _ in range(200):
            folder_watcher.watch_below([folder])
            folder.rename(away)
            folder.symlink_to(theirs)
            folder_watcher.watch_below([folder])
            time.sleep(0.001)
            folder.unlink()
            away.rename(folder)
        assert [each.stat().st_atime for each in outside] == [1e9] * 2
    finally:
        folder_watcher.close()
