"""Hooks, the webhook, the desktop: real child processes, a real HTTP server."""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import Room, fails

from hotfolder.config.layers import read_configuration
from hotfolder.config.model import Config
from hotfolder.notify.desktop import notify, summarise
from hotfolder.notify.hooks import environment_of, run_hook
from hotfolder.notify.job_notifier import JobNotifier
from hotfolder.notify.webhook import post
from hotfolder.platforms import system

JOB: dict[str, Any] = {
    **{"id": "1", "name": "cat; rm -rf *", "source": "cat", "state": "done", "message": "done"},
    **{"result": "outbox/cat.png", "record": "outbox/cat.result.yaml", "folder": None},
    **{"error": None, "seconds": 1.5, "client": {"window": 7}},
}

Until = Callable[..., None]


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_a_hook_gets_the_job_in_its_environment(tmp_path: Path) -> None:
    text = "import json, os; json.dump(dict(os.environ), open('received.json', 'w'))"
    assert run_hook(python(text), JOB, tmp_path, seconds=60) == 0
    received = json.loads((tmp_path / "received.json").read_text())
    assert received["IMPASTO_JOB_NAME"] == "cat; rm -rf *"
    assert received["IMPASTO_JOB_RESULT"] == str(tmp_path / "outbox/cat.png")
    assert received["IMPASTO_JOB_FOLDER"] == received["IMPASTO_JOB_ERROR"] == ""
    assert json.loads(received["IMPASTO_JOB_CLIENT"]) == {"window": 7}
    assert received["IMPASTO_JOB_HOT_FOLDER"] == str(tmp_path)
    assert received["PATH"] == os.environ["PATH"]


def test_a_hook_may_use_impasto_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in environment_of(JOB, tmp_path).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_configuration().config.overwrite is False


def test_a_hook_that_hangs_is_killed_with_its_children(
    tmp_path: Path, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    command = ["/bin/sh", "-c", "sleep 600 & echo $! > child; wait"]
    assert run_hook(command, JOB, tmp_path, seconds=3.0) is None
    assert "ran longer than 3 s; killed" in caplog.text
    child = int((tmp_path / "child").read_text())
    until(lambda: not running(child), seconds=60)


@pytest.mark.parametrize("status", [0, 3])
def test_what_a_hook_leaves_running_in_the_background_goes_on(tmp_path: Path, status: int) -> None:
    command = ["/bin/sh", "-c", f"sleep 600 & echo $! > child; exit {status}"]
    assert run_hook(command, JOB, tmp_path, seconds=60) == status
    child = int((tmp_path / "child").read_text())
    try:
        time.sleep(0.2)  # A signal would have arrived by now.
        assert running(child)
    finally:
        os.kill(child, signal.SIGKILL)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_hook_that_fails_is_logged_with_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "import sys; print('x' * 100_000); sys.exit('the NAS is away')"
    assert run_hook(python(text), JOB, tmp_path, seconds=60) == 1
    assert "ended with 1" in caplog.text
    assert "the NAS is away" in caplog.text
    assert len(caplog.text) < 5000
    assert run_hook(["/nowhere/program"], JOB, tmp_path, seconds=60) is None
    assert "cannot be started" in caplog.text


def test_hooks_are_run_by_the_daemon_for_each_end(room: Room) -> None:
    note = "import os; open('received', 'a').write(os.environ['IMPASTO_JOB_{0}'] + chr(10))"
    room.settings["hooks"] = {
        "on_done": python(note.format("RESULT")),
        "on_failed": python(note.format("ERROR")),
    }
    room.drop_pair("cat")
    room.step(3)
    room.dispatcher.script = fails
    room.drop_pair("dog")
    room.step(3)
    room.daemon._job_notifier.close(60)
    received = (room.folder.root / "received").read_text()
    assert received.startswith(f"{room.folder.outbox / 'cat.png'}\n")
    assert "Impasto could not paint dog" in received


def test_a_hook_that_hangs_does_not_delay_the_daemon(room: Room) -> None:
    room.settings["hooks"] = {"on_done": python("import time; time.sleep(600)"), "seconds": 600}
    for name in ("a", "b", "c"):
        room.drop_pair(name)
    room.step(8)
    assert {path.stem for path in room.folder.outbox.glob("*.png")} == {"a", "b", "c"}
    room.daemon._job_notifier.close(0.1)


def test_too_many_notifications_are_dropped_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr("hotfolder.notify.job_notifier.QUEUE_SIZE", 3)
    monkeypatch.setattr("hotfolder.notify.job_notifier.run_hook", lambda *_, **__: go_on.wait(60))
    config = Config.model_validate({"hooks": {"on_done": ["true"]}})
    notifier = JobNotifier(lambda: config, tmp_path)
    for _ in range(10):
        notifier.send(JOB)
    assert "no hook: 3 wait already" in caplog.text
    go_on.set()
    notifier.close(60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hooks: {on_done: notify.sh}", "hooks.on_done: 'notify.sh'; expected a list"),
        ("hooks: {on_done: []}", "hooks.on_done"),
        ("webhook: {url: 'file:///etc/passwd'}", "webhook.url: 'file:///etc/passwd'"),
        ("webhook: {url: nowhere}", "'nowhere'; expected an address such as https://"),
    ],
)
def test_a_wrong_hook_is_refused_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(Exception, match="line 1") as caught:
        read_configuration(path)
    assert expected in str(caught.value)


class Listener:
    """An HTTP server that answers with these codes in turn, then with 200; GETs always with 200."""

    def __init__(self, *codes: int) -> None:
        self.heard: list[Any] = []
        answers = iter(codes)
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.heard.append((self.headers["Content-Type"], json.loads(body)))
                code = next(answers, 200)
                self.send_response(code)
                if 300 <= code < 400:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def do_GET(self) -> None:
                listener.heard.append(("GET", self.path))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/done"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def make(*codes: int) -> Listener:
        made.append(Listener(*codes))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


def test_a_webhook_gets_the_job_as_json(room: Room, listen: Callable[..., Listener]) -> None:
    listener = listen()
    room.settings["webhook"] = {"url": listener.url}
    room.drop_pair("cat", "client: {window: 7}")
    room.step(3)
    room.daemon._job_notifier.close(60)
    ((kind, document),) = listener.heard
    assert kind == "application/json"
    assert document["hot_folder"] == str(room.folder.root)
    assert (document["name"], document["state"]) == ("cat", "done")
    assert (document["result"], document["client"]) == ("outbox/cat.png", {"window": 7})


def test_a_webhook_is_tried_again_while_there_is_hope(listen: Callable[..., Listener]) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return True

    listener = listen(503, 429)
    assert post(listener.url, JOB, seconds=60, attempts=5, wait=wait)
    assert (len(listener.heard), waited) == (3, [1, 2])
    listener = listen(404)
    assert not post(listener.url, JOB, seconds=60, attempts=5, wait=wait)
    assert len(listener.heard) == 1
    listener = listen(500, 500, 500)
    assert not post(listener.url, JOB, seconds=60, attempts=3, wait=wait)
    assert len(listener.heard) == 3


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirected_webhook_is_not_taken(
    listen: Callable[..., Listener], code: int, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(code)
    assert not post(listener.url, JOB, seconds=60, attempts=5, wait=lambda _: True)
    assert [kind for kind, _ in listener.heard] == ["application/json"]
    assert f"HTTP {code}" in caplog.text
    assert "to /elsewhere: redirects are not followed" in caplog.text


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nX: "], ids=["nothing", "no_end"])
def test_the_seconds_of_a_webhook_are_for_the_whole_attempt(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A server whose answer comes a byte at a time would never let a socket's time-out pass."""
    ended = threading.Event()

    def drip() -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(answer)
            while answer and not ended.wait(0.05):
                connection.sendall(b"x")
            ended.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        started = time.monotonic()
        assert not post(url, JOB, seconds=1.0, attempts=1, wait=lambda _: True)
        assert time.monotonic() - started < 20
        ended.set()
        thread.join()
    assert "no answer within 1 s" in caplog.text or "timed out" in caplog.text


@pytest.mark.parametrize(
    "url", [f"http://{'x' * 100}.example/", "http://[::1", "https://127.0.0.1:a_port/"]
)
def test_an_address_that_can_be_none_is_given_up_in_words(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not post(url, JOB, seconds=60, attempts=5, wait=lambda _: True)
    assert "the webhook was not taken: " in caplog.text


def test_a_webhook_that_nobody_answers_is_given_up_in_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as deaf:  # bound, so that no other process gets its port
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/done"
        assert not post(url, JOB, seconds=5, attempts=2, wait=lambda _: True)
    assert "the webhook was not taken" in caplog.text


def test_the_pauses_grow_up_to_five_minutes(listen: Callable[..., Listener]) -> None:
    def pauses(attempts: int) -> list[float]:
        waited: list[float] = []

        def wait(seconds: float) -> bool:
            waited.append(seconds)
            return True

        listener = listen(*[503] * attempts)
        assert not post(listener.url, JOB, seconds=60, attempts=attempts, wait=wait)
        return waited

    assert pauses(4) == [1, 2, 4]
    assert max(pauses(100)) == 300


def test_a_webhook_that_hangs_does_not_delay_the_end(
    tmp_path: Path, listen: Callable[..., Listener]
) -> None:
    listener = listen(*[503] * 100)
    url = {"url": listener.url, "attempts": 100}
    config = Config.model_validate({"webhook": url})
    notifier = JobNotifier(lambda: config, tmp_path)
    notifier.send(JOB)
    started = time.monotonic()
    notifier.close(0.2)
    assert time.monotonic() - started < 30


def test_many_ends_at_once_are_one_notification() -> None:
    title, text = summarise([JOB, JOB, {**JOB, "state": "failed", "name": "dog"}])
    assert title == "Impasto: 2 done, 1 failed"
    assert text.endswith("dog")


def test_a_notification_is_shown_on_the_desktop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(title: str, text: str) -> list[str]:
        return python(f"import json; json.dump({[title, text]}, open({str(shown)!r}, 'w'))")

    shown = tmp_path / "shown.json"
    monkeypatch.setattr(type(system), "notification", lambda _, *words: command(*words))
    assert notify([{**JOB, "name": "cat"}])
    assert json.loads(shown.read_text()) == ["Impasto: cat done", "outbox/cat.png"]


def test_no_desktop_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(system), "notification", lambda *_: None)
    assert not notify([JOB])
    assert caplog.text == ""
