import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hotfolder.inbox import watcher
from hotfolder.inbox.watcher import FolderWatcher


@pytest.mark.parametrize("way", ["write", "rename", "link", "delete"])
def test_the_bell_rings_for_every_way_of_delivery(
    tmp_path: Path, until: Callable[..., None], way: str
) -> None:
    watched, elsewhere = tmp_path / "inbox", tmp_path / "elsewhere"
    watched.mkdir()
    elsewhere.write_text("x")
    (watched / "old").write_text("x")
    bell = FolderWatcher([watched])
    try:
        bell.pending()
        match way:
            case "write":
                (watched / "a").write_text("x")
            case "rename":
                elsewhere.rename(watched / "a")
            case "link":
                os.link(elsewhere, watched / "a")
            case "delete":
                (watched / "old").unlink()
        until(bell.pending, 5)
    finally:
        bell.close()


def test_without_events_the_daemon_is_told_to_look_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refused(watcher.Observer):  # type: ignore[misc,valid-type]
        def schedule(self, *_: object, **__: object) -> None:
            raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watcher, "Observer", Refused)
    bell = FolderWatcher([tmp_path])
    assert not bell.native
    assert not bell.pending()
    assert "inotify instance limit reached" in caplog.text


def test_polling_starts_no_observer(tmp_path: Path) -> None:
    assert not FolderWatcher([tmp_path], polling=True).native


def test_a_network_share_is_looked_at_regularly(
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
    bell = FolderWatcher([tmp_path])
    try:
        observer = bell._observer
        assert observer is not None
        victim = observer if thread == "dispatcher" else next(iter(observer.emitters))
        victim.stop()
        victim.join(10)
        bell.check()
        assert bell._observer not in (None, observer)
        bell.pending()
        (tmp_path / "a").write_text("x")
        until(bell.pending, 60)
    finally:
        bell.close()


# Failure mode 7. The old watch stays on the old folder, alive and silent for good.
def test_a_watch_on_a_folder_that_was_replaced_is_set_anew(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    watched = tmp_path / "inbox"
    watched.mkdir()
    bell = FolderWatcher([watched])
    try:
        assert bell.check()
        assert not bell.check()
        watched.rename(tmp_path / "away")
        bell.check()
        assert not bell.native
        watched.mkdir()
        assert bell.check()
        assert bell.native
        bell.pending()
        (watched / "a").write_text("x")
        until(bell.pending, 60)
    finally:
        bell.close()


def test_a_bell_that_stays_silent_is_set_anew_and_at_last_given_up(tmp_path: Path) -> None:
    bell = FolderWatcher([tmp_path])
    try:
        for _ in range(watcher.MISSED_EVENTS_LIMIT):
            before = bell._observer
            bell.missed_event()
            assert bell._observer not in (None, before)
        bell.missed_event()
        assert not bell.native
    finally:
        bell.close()
