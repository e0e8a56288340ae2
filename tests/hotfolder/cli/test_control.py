"""What a person decides, said on the command line, and heard by a real daemon with puppets."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import ExitCode
from hotfolder.cli.main import main

DAEMON = Path(__file__).parents[1] / "programs" / "daemon.py"
LONG = "steps=10000 pause=0.02"

Until = Callable[..., None]
Capture = pytest.CaptureFixture[str]


class ServedFolder:
    """A hot folder, and the daemon that serves it once it is started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = {"watch": {"rescan_seconds": 0.2}, "wait_seconds": 600}
        self.daemon = subprocess.Popen(
            [sys.executable, str(DAEMON), str(self.root), "--config", json.dumps(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.communicate()
            self.daemon = None

    def drop(self, name: str, order: str, sidecar: str | None = None) -> None:
        if sidecar is not None:
            (self.root / "inbox" / f"{name}.yaml").write_text(sidecar)
        (self.root / "inbox" / f"{name}.content.jpg").write_text(order)
        (self.root / "inbox" / f"{name}.style.jpg").write_text("x")

    def state(self, name: str) -> str | None:
        try:
            document = json.loads((self.root / "status" / f"{name}.json").read_text())
        except FileNotFoundError:
            return None
        return str(document["state"])

    def post(self, name: str, **facts: object) -> None:
        document = {"name": name, "updated": "2026-11-24T03:00:00+00:00", **facts}
        (self.root / "status" / f"{name}.json").write_text(json.dumps(document))


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> Iterator[ServedFolder]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["init", "hot"]) == ExitCode.OK
    capsys.readouterr()
    place = ServedFolder(tmp_path / "hot")
    yield place
    place.stop()


@pytest.mark.parametrize("verb", ["cancel", "hold", "release"])
def test_only_live_jobs_are_spoken_of_and_the_others_are_named(
    place: ServedFolder, capsys: Capture, verb: str
) -> None:
    place.post("cat", state="held")
    place.post("dog", state="done")
    assert main([verb, "cat", "dog", "cta"]) == ExitCode.INPUT
    errors = capsys.readouterr().err
    assert "dog has ended already: done" in errors
    assert "Did you mean 'cat'?" in errors
    assert not (place.root / "inbox" / f"cat.{verb}").exists()
    assert main([verb, "cat"]) == ExitCode.OK
    assert (place.root / "inbox" / f"cat.{verb}").exists()
    assert "Nobody serves" in capsys.readouterr().err


def test_what_is_not_held_cannot_be_released(place: ServedFolder, capsys: Capture) -> None:
    place.post("cat", state="queued")
    assert main(["release", "cat"]) == ExitCode.INPUT
    assert "Not held: cat" in capsys.readouterr().err


def test_jobs_in_every_state_are_cancelled_together(
    place: ServedFolder, until: Until, capsys: Capture
) -> None:
    place.start()
    place.drop("runs", LONG, "priority: 9")
    until(lambda: place.state("runs") == "running", seconds=60)
    place.drop("queued", LONG)
    place.drop("held", LONG)
    (place.root / "inbox/waits.content.jpg").write_text(LONG)
    until(lambda: place.state("held") == "queued" and place.state("waits"), seconds=60)
    assert main(["hold", "held"]) == ExitCode.OK
    assert "held is held." in capsys.readouterr().err
    assert main(["cancel", "runs", "queued", "held", "waits"]) == ExitCode.OK
    said = capsys.readouterr().err
    for name in ("runs", "queued", "held", "waits"):
        assert f"{name} is cancelled." in said
    assert list((place.root / "inbox").iterdir()) == []


def test_a_held_job_is_painted_when_it_is_released(
    place: ServedFolder, until: Until, capsys: Capture
) -> None:
    place.drop("cat", "steps=1")
    assert main(["hold", "cat"]) == ExitCode.OK
    place.start()
    until(lambda: place.state("cat") == "held", seconds=60)
    assert main(["release", "cat"]) == ExitCode.OK
    assert "cat is released." in capsys.readouterr().err
    until(lambda: place.state("cat") == "done", seconds=60)


def test_a_job_that_waits_is_given_a_priority(place: ServedFolder, capsys: Capture) -> None:
    place.post("cat", state="queued")
    assert main(["priority", "cat", "9"]) == ExitCode.OK
    assert (place.root / "inbox/cat.priority").read_text() == "9\n"
    assert main(["priority", "cat", "10"]) == ExitCode.USAGE
    assert main(["priority", "cta", "3"]) == ExitCode.INPUT
    assert "Did you mean 'cat'?" in capsys.readouterr().err


def test_failed_jobs_are_tried_again_one_or_all(
    place: ServedFolder, until: Until, capsys: Capture
) -> None:
    for name in ("cat", "dog", "elk"):
        place.drop(name, "refuse", "seed: 3")
    place.start()
    until(lambda: all(place.state(n) == "failed" for n in ("cat", "dog", "elk")), seconds=60)
    for name in ("cat", "dog"):
        (place.root / "failed" / name / f"{name}.content.jpg").write_text("steps=1")
    assert main(["retry", "cta"]) == ExitCode.INPUT
    assert "There is no failed/cta/. Did you mean 'cat'?" in capsys.readouterr().err
    assert main(["retry"]) == ExitCode.USAGE
    assert main(["retry", "cat"]) == ExitCode.OK
    until(lambda: place.state("cat") == "done", seconds=60)
    place.stop()
    assert main(["retry", "--all-failed"]) == ExitCode.OK
    assert "dog, elk will all be tried again" in capsys.readouterr().err
    place.start()
    until(lambda: place.state("dog") == "done", seconds=60)
    until(lambda: not any((place.root / "inbox").iterdir()), seconds=60)
    until(lambda: (place.root / "failed/elk/error.txt").exists(), seconds=60)
    assert [path.name for path in (place.root / "failed").iterdir()] == ["elk"]
    assert (place.root / "outbox/dog.png").exists()


def test_nothing_that_has_failed_is_no_error(place: ServedFolder, capsys: Capture) -> None:
    assert main(["retry", "--all-failed"]) == ExitCode.OK
    assert "Nothing has failed" in capsys.readouterr().err


def test_a_pause_is_shown_and_outlives_a_restart(
    place: ServedFolder, until: Until, capsys: Capture
) -> None:
    assert main(["pause", "hot", "--reason", "the fan is loud"]) == ExitCode.OK
    place.start()
    place.drop("cat", "steps=1")
    until(lambda: place.state("cat") == "queued", seconds=60)
    place.stop()
    assert main(["status", "hot"]) == ExitCode.OK
    assert "the fan is loud). `impasto resume" in capsys.readouterr().out
    place.start()
    beat = place.root / "status/server.json"
    until(lambda: json.loads(beat.read_text())["state"] == "busy", seconds=60)
    assert main(["status", "hot", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["server"]["paused"].endswith(": the fan is loud")
    assert [job["state"] for job in document["jobs"]] == ["queued"]
    assert main(["resume", "hot"]) == ExitCode.OK
    until(lambda: place.state("cat") == "done", seconds=60)
    assert main(["resume", "hot"]) == ExitCode.OK
    assert "was not paused" in capsys.readouterr().err
