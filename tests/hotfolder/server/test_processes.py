"""Real daemons, real signals, real files. Their workers are puppets, so that seconds suffice."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from processes import Running, Until

LONG = "steps=10000 pause=0.02"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_daemon_in_order_and_requeues_what_runs(
    running: Running, until: Until, number: signal.Signals
) -> None:
    daemon = running.start()
    running.drop("a", LONG)
    until(lambda: running.status("a").get("step"), what="a runs")
    workers = running.worker_pids(daemon)
    daemon.send_signal(number)
    report, _ = daemon.communicate(timeout=10)
    assert daemon.returncode == (0 if number is signal.SIGTERM else 130)
    assert not json.loads(report)["torch"]
    assert running.state("a") == "queued"
    assert running.state("server") == "stopped"
    assert list(running.folder.spool.glob("*/checkpoint")), "the worker was asked to write one"
    assert all(not Path(f"/proc/{pid}").exists() for pid in workers)


def test_after_sigkill_the_next_start_finishes_the_job_once_and_no_worker_is_left(
    running: Running, until: Until
) -> None:
    first = running.start()
    running.drop("a", LONG)
    running.drop("b", "steps=2")
    until(lambda: running.status("a").get("step"), what="a runs")
    (worker,) = running.worker_pids(first)
    first.kill()
    first.wait()
    until(lambda: not Path(f"/proc/{worker}").exists(), what="the orphan ends itself")
    (entry,) = [p for p in running.folder.spool.iterdir() if (p / "inputs/a.content.jpg").exists()]
    (entry / "inputs" / "a.content.jpg").write_text("steps=2")  # so that the test is over soon
    second = running.start("--once")
    report, _ = second.communicate(timeout=30)
    assert json.loads(report)["done"] == 2
    assert {path.name for path in running.folder.outbox.iterdir()} == {
        *("a.png", "a.result.yaml", "b.png", "b.result.yaml")
    }
    assert list(running.folder.spool.iterdir()) == []


def test_a_second_daemon_is_refused_and_names_the_first(running: Running, until: Until) -> None:
    first = running.start()
    until(lambda: running.state("server") == "idle", what="the first is up")
    second = running.start()
    _, errors = second.communicate(timeout=10)
    assert second.returncode == 5
    assert f"process {first.pid} on " in errors
    assert first.poll() is None


def test_a_worker_killed_once_costs_an_attempt_and_no_job(running: Running, until: Until) -> None:
    daemon = running.start()
    running.drop("a", "steps=40 pause=0.02")
    until(lambda: running.status("a").get("step"), what="a runs")
    (worker,) = running.worker_pids(daemon)
    os.kill(worker, signal.SIGKILL)
    until(lambda: running.state("a") == "done", what="a is done")
    assert running.status("a")["attempt"] == 2


def test_a_job_whose_client_is_killed_is_cancelled_and_one_whose_client_lives_goes_on(
    running: Running, until: Until
) -> None:
    client = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host = socket.gethostname()
    running.drop("ours", LONG, f"owner: {{pid: {client.pid}, host: {host!r}}}")
    running.drop("mine", "steps=2", f"owner: {{pid: {os.getpid()}, host: {host!r}}}")
    running.start("--config", '{"client_timeout": 2, "watch": {"rescan_seconds": 0.2}}')
    until(lambda: running.status("ours").get("step"), what="it runs")
    client.kill()
    client.communicate()
    until(lambda: running.state("ours") == "cancelled", seconds=60, what="it is cancelled")
    assert running.status("ours")["message"] == (
        f"cancelled: its client, process {client.pid}, has ended"
    )
    until(lambda: running.state("mine") == "done", seconds=60, what="the other is painted")


def test_a_job_that_runs_for_too_long_is_stopped_and_fails_in_words(
    running: Running, until: Until
) -> None:
    running.drop("a", LONG, "max_minutes: 0.02")
    running.drop("b", "steps=2", "max_minutes: 60")
    daemon = running.start("--once")
    daemon.communicate(timeout=60)
    assert daemon.returncode == 10
    error = (running.folder.failed / "a" / "error.txt").read_text()
    assert "Stopped after 0.02 minutes of running, which is its limit (max_minutes)" in error
    assert " of 10000" in error
    assert running.state("b") == "done"


def test_a_poisonous_job_fails_and_the_next_one_runs(running: Running, until: Until) -> None:
    running.drop("a", "die")
    running.drop("b", "steps=1")
    daemon = running.start("--once", "--config", '{"retry": {"backoff": 0.1}}')
    daemon.communicate(timeout=60)
    assert daemon.returncode == 10
    assert "4 workers" in (running.folder.failed / "a" / "error.txt").read_text()
    assert running.state("b") == "done"


def test_a_slow_copy_is_painted_when_it_is_finished(running: Running, until: Until) -> None:
    running.start("--settle", "2")  # longer than a busy machine may pause between two writes
    with (running.folder.inbox / "a.content.jpg").open("w") as slow:
        running.drop("b", "steps=1")
        (running.folder.inbox / "a.style.jpg").write_text("x")
        for _ in range(8):
            slow.write("steps=1 ")
            slow.flush()
            until(lambda: running.state("a") == "waiting", what="a waits")
            before = running.status("a")["updated"]
            os.utime(slow.fileno())
            assert running.state("a") == "waiting", before
    until(lambda: running.state("a") == "done", what="a is done")
    until(lambda: running.state("b") == "done", what="b is done")


def test_an_idle_daemon_is_small_and_quiet_and_knows_no_torch(
    running: Running, until: Until
) -> None:
    daemon = running.start()
    running.drop("a", "steps=1")
    until(lambda: running.state("a") == "done", what="it has worked")

    def cpu_seconds() -> float:
        fields = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def heartbeat() -> str:
        return str(running.status("server")["updated"])

    before, beats = cpu_seconds(), {heartbeat()}

    def has_beaten_on() -> bool:
        beats.add(heartbeat())
        return len(beats) > 3

    until(has_beaten_on, what="the heart beats")
    # 3 heartbeats are 3 seconds; 1 % of them is 0.03, and the kernel counts in 0.01.
    assert cpu_seconds() - before <= 0.05
    resident = next(
        int(line.split()[1]) / 1024
        for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    assert resident < 60
    daemon.terminate()
    report = json.loads(daemon.communicate(timeout=10)[0])
    assert (report["torch"], report["numpy"]) == (False, False)


# Failure mode 14.
def test_a_worker_that_hangs_is_ended_and_its_job_painted(running: Running, until: Until) -> None:
    settings = {"stall_minutes": 0.1, "retry": {"backoff": 0.1}}
    daemon = running.start("--config", json.dumps(settings))
    running.drop("cat", "steps=20 pause=0.1")
    until(lambda: running.status("cat").get("step"), 60)
    (worker,) = running.worker_pids(daemon)
    os.kill(worker, signal.SIGSTOP)
    said = r"no progress for \d s; the worker is ended after 0\.1 min"
    until(lambda: re.search(said, running.status("cat")["message"]))
    reason = "(the worker on puppet made no progress for 0.1 minutes and was ended)"
    until(lambda: reason in running.status("cat")["message"])
    until(lambda: running.state("cat") == "done", 60)
    assert running.status("cat")["attempt"] == 2
