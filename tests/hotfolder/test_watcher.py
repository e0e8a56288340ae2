import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hotfolder import watcher
from hotfolder.watcher import Doorbell


@pytest.mark.parametrize("way", ["write", "rename", "link", "delete"])
def test_the_bell_rings_for_every_way_of_delivery(
    tmp_path: Path, until: Callable[..., None], way: str
) -> None:
    watched, elsewhere = tmp_path / "inbox", tmp_path / "elsewhere"
    watched.mkdir()
    elsewhere.write_text("x")
    (watched / "old").write_text("x")
    bell = Doorbell([watched])
    try:
        bell.rung()
        match way:
            case "write":
                (watched / "a").write_text("x")
            case "rename":
                elsewhere.rename(watched / "a")
            case "link":
                os.link(elsewhere, watched / "a")
            case "delete":
                (watched / "old").unlink()
        until(bell.rung, 5)
    finally:
        bell.close()


def test_without_events_the_daemon_is_told_to_look_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refused:
        def schedule(self, *_: object, **__: object) -> None:
            raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watcher, "Observer", Refused)
    bell = Doorbell([tmp_path])
    assert not bell.native
    assert not bell.rung()
    assert "inotify instance limit reached" in caplog.text


def test_polling_starts_no_observer(tmp_path: Path) -> None:
    assert not Doorbell([tmp_path], polling=True).native
