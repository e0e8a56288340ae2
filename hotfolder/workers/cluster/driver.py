"""The driver: a process of the server's that speaks with Ray.

    server -> driver   {"do": "start" | "paint" | "cancel" | "kill", "worker": ID, ...}
                       {"do": "stop"}
    driver -> server   {"event": "beat", "problem": ""}
                       {"event": "joined", "worker": ID, "device": "atlas/gpu0"}
                       {"event": "exit" | "left", "worker": ID, "reason": "..."}
                       {"event": "no_ray", "message": "..."}
    and, with their worker, what a worker process says (`hotfolder/workers/worker.py`)

It reads a job's files from the spool and writes what comes back there. Every call to Ray that may
wait has a time limit; where Ray itself hangs, no `beat` comes, and the server ends this process.
Ray ends it, too, when the head of the cluster is gone for good.
"""

import argparse
import contextlib
import json
import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import ray
from ray.exceptions import ActorUnschedulableError, RayActorError, RayError, TaskCancelledError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from hotfolder.errors import ExitCode
from hotfolder.workers.cluster.actor import THREADS, PaintingActor
from hotfolder.workers.cluster.failures import failed, in_words
from hotfolder.workers.cluster.transfer import read_job, write_checkpoint, write_files
from hotfolder.workers.events import Cancelled, event_document
from hotfolder.workers.worker import take_stdout
from hotfolder.workers.worker_process import WorkerOptions

__all__ = ["main"]

ENGINE = "hotfolder.workers.engine_painter:EnginePainter"

WAIT_SECONDS = 0.05
"""Longest time before a command of the server is heard."""

NODES_SECONDS = 1.0
"""Between two looks at the nodes, and two beats."""

SILENT_SECONDS = 30.0
"""An actor that has not reported for so long counts as lost: its reports come every second."""

SUSPECT_SECONDS = 20.0
"""How long an actor may be out of reach, until Ray starts it again or finds its node gone."""

STOP_SECONDS = 3.0
"""For the checkpoints at the end."""

PATIENCE_SECONDS = 10.0
"""Without a node to paint on, after which that is a problem."""

Send = Callable[[Mapping[str, Any]], None]


@dataclass
class Actor:
    """An actor: what it was asked, and since when it has not answered."""

    id: str
    node: str
    device: str
    handle: Any
    starting: Any = None
    """The call of `start` that has not been answered; likewise the two below."""
    painting: Any = None
    reporting: Any = None
    end: Mapping[str, Any] | None = None
    """What its painting came to, while an earlier report is on its way."""
    job: str = ""
    folder: Path = field(default_factory=Path)
    asked: float = 0.0
    suspect: str = ""
    """Why it seems to be lost, while it is not known whether its node is."""
    suspected: float = 0.0

    @property
    def calls(self) -> list[Any]:
        return [each for each in (self.starting, self.painting, self.reporting) if each is not None]

    def forget_calls(self) -> None:
        self.starting = self.painting = self.reporting = None


class Driver:
    """The actors of a cluster, and what they are asked."""

    def __init__(self, send: Send, options: WorkerOptions, painter: str) -> None:
        self._send = send
        self._options = options
        self._painter = painter
        self._actors: dict[str, Actor] = {}
        self._numbers = iter(range(1_000_000_000))
        self._due = 0.0
        self._found = time.monotonic()

    def step(self) -> None:
        """Look at the nodes if it is time, and take in what has been answered."""
        if time.monotonic() >= self._due:
            self._look_at_nodes()
            self._due = time.monotonic() + NODES_SECONDS
            for actor in self._actors.values():
                if actor.suspect and actor.starting is None:
                    actor.starting = actor.handle.start.remote()
        calls = {call: actor for actor in self._actors.values() for call in actor.calls}
        if not calls:
            time.sleep(WAIT_SECONDS)
            return
        ready, _ = ray.wait(list(calls), num_returns=1, timeout=WAIT_SECONDS)
        if ready:
            ready, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        for call in ready:
            self._answered(calls[call], call)
        for actor in list(self._actors.values()):
            silent = time.monotonic() - actor.asked
            if actor.reporting is not None and silent >= SILENT_SECONDS:
                self._kill(actor)
                self._suspect(actor, f"has not answered for {SILENT_SECONDS:g} seconds")
            if actor.suspect and time.monotonic() - actor.suspected >= SUSPECT_SECONDS:
                self._gone(actor, actor.suspect)

    def do(self, command: Mapping[str, Any]) -> None:
        """A command of the server. One for an actor that has gone is late, and ignored."""
        actor = self._actors.get(command["worker"])
        if actor is None:
            return
        match command["do"]:
            case "start":
                actor.starting = actor.handle.start.remote()
            case "paint":
                self._paint(actor, command["job"], Path(command["folder"]))
            case "cancel" if actor.painting is not None and actor.job == command["job"]:
                ray.cancel(actor.painting)
            case "kill":
                self._kill(actor)
                self._gone(actor, "was killed")

    def stop(self) -> None:
        """Let each painting write a checkpoint, and keep those that come in time."""
        calls = {
            actor.handle.checkpoint.remote(): actor
            for actor in self._actors.values()
            if actor.painting is not None
        }
        deadline = time.monotonic() + STOP_SECONDS
        while calls and (left := deadline - time.monotonic()) > 0:
            ready, _ = ray.wait(list(calls), num_returns=1, timeout=left)
            for call in ready:
                actor = calls.pop(call)
                with contextlib.suppress(RayError, OSError, ValueError):
                    if files := ray.get(call):
                        write_checkpoint(files, actor.folder)

    def _look_at_nodes(self) -> None:
        """Make actors on nodes that have joined, and forget those of nodes that have gone."""
        nodes = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
        for actor in list(self._actors.values()):
            if actor.node not in nodes:
                if actor.end is not None:
                    self._finish(actor, actor.end)
                del self._actors[actor.id]
                reason = "was lost with its node"
                self._send({"event": "left", "worker": actor.id, "reason": reason})
        known = {actor.node for actor in self._actors.values()}
        for identity, node in nodes.items():
            if identity not in known:
                self._make_actors(identity, node)
        if self._actors:
            self._found = time.monotonic()
        problem = ""
        if time.monotonic() - self._found >= PATIENCE_SECONDS:
            problem = "waits for a node in the Ray cluster that has a GPU or a CPU to paint on"
        self._send({"event": "beat", "problem": problem})

    def _make_actors(self, node: str, facts: Mapping[str, Any]) -> None:
        """One for each GPU, or as many as share it; without a GPU one, which has all the CPUs."""
        resources, host = facts["Resources"], facts["NodeManagerHostname"]
        gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
        wanted = self._options.workers_per_device
        shared = wanted if isinstance(wanted, int) else 1
        if gpus:
            devices = [f"{host}/gpu{number}" for number in range(gpus) for _ in range(shared)]
            needs: dict[str, float] = {"num_gpus": 1 / shared, "num_cpus": 0}
        elif cpus:
            shared, devices, needs = 1, [f"{host}/cpu"], {"num_cpus": cpus}
        else:
            return
        options = self._options.model_copy(update={"workers_per_device": shared})
        kind = ray.remote(PaintingActor).options(
            max_restarts=-1,
            max_task_retries=0,
            max_concurrency=THREADS,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
            **needs,
        )
        hosts = {actor.device for actor in self._actors.values() if actor.node != node}
        for device in devices:
            # Two nodes of one machine have one name.
            shown = f"{device}-{node[:4]}" if device in hosts else device
            handle = kind.remote(
                self._painter, "cuda:0" if gpus else "cpu", options.model_dump_json()
            )
            actor = Actor(f"{node[:8]}-{next(self._numbers)}", node, shown, handle)
            self._actors[actor.id] = actor
            self._send({"event": "joined", "worker": actor.id, "device": shown})

    def _answered(self, actor: Actor, call: Any) -> None:
        if self._actors.get(actor.id) is not actor or call not in actor.calls:
            return  # It was lost by an answer before this one.
        try:
            answer = ray.get(call)
        except TaskCancelledError:
            self._ended(actor, event_document(Cancelled(actor.job)))
        except (RayActorError, ActorUnschedulableError) as error:
            if "creation task" in str(error):
                self._gone(actor, in_words(error))
            else:
                self._suspect(actor, in_words(error))
        except RayError as error:
            traceback.print_exc()
            self._kill(actor)
            self._gone(actor, in_words(error))
        else:
            if call is actor.starting:
                self._started(actor, answer)
            elif call is actor.reporting:
                self._reported(actor, answer)
            else:
                self._painted(actor, answer)

    def _started(self, actor: Actor, answer: Mapping[str, Any]) -> None:
        actor.starting = None
        if actor.suspect:  # Its node lives, and so does its next process.
            self._gone(actor, actor.suspect)
            return
        if answer.get("job"):
            # It was taken for dead, and paints on what has been given away.
            self._kill(actor)
            self._gone(actor, "did not end its last job")
            return
        self._send({**answer, "worker": actor.id})
        if answer["event"] == "fatal":
            self._gone(actor, str(answer["message"]))

    def _paint(self, actor: Actor, document: Mapping[str, Any], folder: Path) -> None:
        actor.job, actor.folder = str(document["id"]), folder
        try:
            files = ray.put(read_job(folder))
        except OSError as error:
            self._ended(actor, failed(actor.job, error))
            return
        actor.painting = actor.handle.paint.remote(document, files)
        if actor.reporting is None:
            self._ask_for_report(actor)

    def _ask_for_report(self, actor: Actor) -> None:
        actor.reporting, actor.asked = actor.handle.report.remote(), time.monotonic()

    def _reported(self, actor: Actor, answer: Mapping[str, Any]) -> None:
        actor.reporting = None
        if answer["job"] == actor.job and (actor.painting is not None or actor.end is not None):
            if answer["alive"]:
                self._send({"event": "alive", "worker": actor.id})
            try:
                files = answer["files"]
                checkpoint = {name: data for name, data in files.items() if "checkpoint-" in name}
                if checkpoint:
                    write_checkpoint(checkpoint, actor.folder)
                write_files({n: files[n] for n in files.keys() - checkpoint.keys()}, actor.folder)
            except (OSError, ValueError) as error:  # It is no reason not to paint on.
                sys.stderr.write(f"what {actor.device} sent could not be kept: {error}\n")
            for event in answer["events"]:
                self._send_event(actor, event)
        if actor.end is not None:
            self._finish(actor, actor.end)
        elif actor.painting is not None:
            self._ask_for_report(actor)

    def _painted(self, actor: Actor, answer: Mapping[str, Any]) -> None:
        actor.painting, actor.end = None, answer
        if actor.reporting is None:
            self._finish(actor, answer)

    def _finish(self, actor: Actor, answer: Mapping[str, Any]) -> None:
        actor.end = None
        self._send({"event": "style_cache", "worker": actor.id, **answer["style_cache"]})
        try:
            write_files(answer["files"], actor.folder)
        except (OSError, ValueError) as error:
            self._ended(actor, failed(actor.job, error))
        else:
            for event in [*answer["events"], answer["end"]]:
                self._send_event(actor, event)

    def _ended(self, actor: Actor, end: Mapping[str, Any]) -> None:
        actor.painting = None
        self._send_event(actor, end)

    def _send_event(self, actor: Actor, event: Mapping[str, Any]) -> None:
        """An event with the paths and the device as the server knows them."""
        known = dict(event)
        if known.get("device"):
            known["device"] = actor.device
        for key in ("picture", "preview"):
            if known.get(key):
                known[key] = str(actor.folder / Path(known[key]).name)
        if known.get("extra_outputs"):
            known["extra_outputs"] = [
                str(actor.folder / Path(path).name) for path in known["extra_outputs"]
            ]
        self._send({**known, "worker": actor.id})

    def _suspect(self, actor: Actor, reason: str) -> None:
        """It seems lost: it answers `start` again, or its node has gone, or the time runs out."""
        if actor.end is not None:
            self._finish(actor, actor.end)
        actor.forget_calls()
        if not actor.suspect:
            actor.suspect, actor.suspected = reason, time.monotonic()

    def _gone(self, actor: Actor, reason: str) -> None:
        """Its process is dead, or as good as; Ray starts another. What it has painted counts."""
        if actor.end is not None:
            self._finish(actor, actor.end)
        actor.forget_calls()
        actor.suspect = ""
        self._send({"event": "exit", "worker": actor.id, "reason": reason})

    def _kill(self, actor: Actor) -> None:
        with contextlib.suppress(RayError, ValueError):
            ray.kill(actor.handle, no_restart=False)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    parser = argparse.ArgumentParser(prog="hotfolder.workers.cluster.driver")
    parser.add_argument("--address", required=True)
    parser.add_argument("--options", type=WorkerOptions.model_validate_json, default="{}")
    parser.add_argument("--painter", default=ENGINE)
    parsed = parser.parse_args(arguments)
    send = take_stdout()
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(commands,), daemon=True).start()
    try:
        ray.init(
            address=parsed.address,
            namespace="impasto",
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=False,
        )
    except (ConnectionError, RayError, OSError, RuntimeError, ValueError) as error:
        sys.stderr.write(f"{' '.join(str(error).split())[:300]}\n")
        sys.stderr.flush()
        os._exit(ExitCode.OTHER)  # The thread that reads the commands would hinder another end.
    driver = Driver(send, parsed.options, parsed.painter)
    while True:
        while not commands.empty():
            command = commands.get()
            if command["do"] == "stop":
                driver.stop()
                sys.stderr.flush()
                os._exit(0)  # Ray's own end takes longer than the server waits.
            driver.do(command)
        driver.step()


def _listen(commands: "queue.SimpleQueue[dict[str, Any]]") -> None:
    """In a thread of its own. A server that was killed leaves no cluster painting for nobody."""
    try:
        for line in sys.stdin.buffer:
            commands.put(json.loads(line))
    except Exception:
        traceback.print_exc()
    commands.put({"do": "stop"})


if __name__ == "__main__":
    main()
