"""Nodes of a real Ray cluster on loopback: processes of `ray start`, killed as nodes die."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.process import ROOT

__all__ = ["PROGRAMS", "RayCluster", "RayNode", "ray_cluster"]

PROGRAMS = ROOT / "tests" / "hotfolder" / "programs"

START = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
START += ["--object-store-memory=80000000", "--num-gpus=0", "--node-ip-address=127.0.0.1"]


class RayNode:
    """One node; `cpus` of 0 make one that nothing is painted on."""

    def __init__(self, port: int, folder: Path, *, head: bool = False, cpus: int = 1) -> None:
        self.port = port
        options = [f"--num-cpus={cpus}"]
        if head:
            options += ["--head", f"--port={port}", "--include-dashboard=false"]
            options += [f"--temp-dir={folder}"]
        else:
            options += [f"--address=127.0.0.1:{port}"]
        paths = [str(ROOT), str(PROGRAMS), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "OMP_NUM_THREADS": "1",
            # Seconds until what has lost its head gives up.
            "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
        }
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [*START, *options],
            env=environment,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-3000:]

    def wait(self) -> bool:
        """Whether it has started. Two that start at once on one machine get in each other's way."""
        deadline = time.monotonic() + 60
        while "Ray runtime started" not in self.log():
            if self._process.poll() is not None:
                return False
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)
        return True

    def painters(self) -> list[int]:
        """The processes of its actors."""
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self._process.pid).children(recursive=True)
            return [each.pid for each in below if "PaintingActor" in " ".join(_command(each))]
        return []

    def kill(self) -> None:
        """As when the power goes: every process of it at once."""
        processes: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self._process.pid)
            processes = [parent, *parent.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=10)
        self._process.wait()
        self._log.close()


def _free_port() -> int:
    """One that the system gives nobody by itself, so that a head that died finds it free again."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


class RayCluster:
    """A head on which nothing is painted, and nodes on which one painting is at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = _free_port()
        self.head = self.start_head()
        self.nodes: list[RayNode] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start_head(self) -> RayNode:
        self.head = RayNode(self.port, self._folder, head=True, cpus=0)
        assert self.head.wait(), self.head.log()
        return self.head

    def add(self) -> RayNode:
        for _ in range(3):
            node = RayNode(self.port, self._folder)
            if node.wait():
                self.nodes.append(node)
                return node
            log = node.log()
            node.kill()
        raise AssertionError(log)

    def take_away(self, node: RayNode) -> None:
        node.kill()
        self.nodes.remove(node)

    def actors_log(self) -> str:
        """The end of what actors wrote to standard error."""
        paths = self._folder.glob("session_latest/logs/worker-*.err")
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in paths)

    def close(self) -> None:
        for node in [*self.nodes, self.head]:
            node.kill()


@contextlib.contextmanager
def ray_cluster(nodes: int = 1) -> Iterator[RayCluster]:
    before = os.environ.get("RAY_AUTH_MODE")
    os.environ["RAY_AUTH_MODE"] = "disabled"  # Whatever token the user has.
    # A short path: sockets lie below it.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        cluster = RayCluster(Path(folder))
        try:
            for _ in range(nodes):
                cluster.add()
            yield cluster
        finally:
            cluster.close()
            del os.environ["RAY_AUTH_MODE"]
            if before is not None:
                os.environ["RAY_AUTH_MODE"] = before
