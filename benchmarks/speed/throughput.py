"""Pictures an hour of a folder beside as many single commands, and what a picture costs besides
its evaluations: decoding, a new size of the style, encoding, publishing, the start of the next one.

The folder is `impasto batch` with a server of its own. How long an evaluation takes is what its
status says while it paints: at each scale the seconds between two reports, divided by the
evaluations between them. What the batch takes until its first picture is begun is told apart: a
server that runs has done that before.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import PHOTOGRAPHS, STYLES
from benchmarks.process import ROOT
from benchmarks.report import log_progress, save

IMPASTO = [sys.executable, "-m", "hotfolder.cli"]
SUFFIXES = (".png", ".jpg", ".jpeg")


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks throughput", description=__doc__)
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--single", type=int, default=5, help="single commands that are measured")
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--workers", default="null", help="`workers_per_device` of the folder")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    settings = [word for each in options.set for word in ("--set", each)]
    settings += ["--size", str(options.size), "--device", options.device]
    style = str(STYLES / "night.jpg")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = _copies(folder / "photos", options.pictures)
        log_progress(f"a folder of {len(pictures)} pictures")
        out = folder / "painted"
        command = ["batch", str(folder / "photos"), "--style", style, "--out", str(out), "--here"]
        reports = Reports(out / ".impasto-batch" / "status")
        (config := folder / "config.yaml").write_text(f"workers_per_device: {options.workers}\n")
        command += ["--config", str(config)]
        wall = _seconds([*command, *settings], reports.read)
        records = [yaml.safe_load(path.read_text()) for path in out.glob("*.result.yaml")]
        single = []
        for number, picture in enumerate(pictures[: options.single]):
            log_progress(f"single command {number + 1} of {options.single}")
            painted = str(folder / f"single-{number}.png")
            single.append(_seconds(["stylise", str(picture), style, "-o", painted, *settings]))
    save("throughput", "\n".join(_report(records, reports, wall, single, options)))


def _copies(folder: Path, count: int) -> list[Path]:
    """So many pictures, of as many photographs as the packages ship."""
    sources = sorted(path for path in PHOTOGRAPHS.iterdir() if path.suffix.lower() in SUFFIXES)
    folder.mkdir()
    found = []
    for number in range(count):
        source = sources[number % len(sources)]
        found.append(folder / f"{number:03}-{source.name}")
        shutil.copyfile(source, found[-1])
    return found


class Reports:
    """What a server said of its paintings: the first and the last status that was seen of each
    picture at each scale.

    Args:
        folder: `status/` of the hot folder; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first: dict[tuple[str, int], dict[str, Any]] = {}
        self._last: dict[tuple[str, int], dict[str, Any]] = {}

    def read(self) -> None:
        """Look at what is there now."""
        for path in self._folder.glob("*.json"):
            try:
                status = json.loads(path.read_text())
            except (OSError, ValueError):
                continue  # just being replaced or removed
            if status.get("state") == "running" and status.get("step"):
                key = (status["id"], status["scale"])
                self._first.setdefault(key, status)
                self._last[key] = status

    def evaluating(self, picture: str) -> float | None:
        """Seconds that all evaluations of the picture with this id took; None if a scale was seen
        at fewer than two of its steps, or less than half of all evaluations pass in between."""
        last = {scale: said for (seen, scale), said in self._last.items() if seen == picture}
        if not last or len(last) < max(said["scales"] for said in last.values()):
            return None
        seconds, seen = 0.0, 0
        for scale, now in last.items():
            before = self._first[picture, scale]
            if now["step"] == before["step"]:
                return None
            pace = (now["seconds"] - before["seconds"]) / (now["step"] - before["step"])
            seconds += pace * now["steps"]
            seen += now["step"] - before["step"]
        if 2 * seen < sum(now["steps"] for now in last.values()):
            return None
        return seconds


def _seconds(arguments: Sequence[str], meanwhile: Callable[[], None] | None = None) -> float:
    """How long the command takes; `meanwhile` is called again and again until it ends."""
    began = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as errors:
        command = [*IMPASTO, *arguments]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        ) as process:
            try:
                while process.poll() is None:
                    if meanwhile is not None:
                        meanwhile()
                    time.sleep(0.2)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            errors.seek(0)
            raise SystemExit(errors.read().decode(errors="replace")[-3000:])
    return time.monotonic() - began


def _report(
    records: Sequence[dict[str, Any]],
    reports: Reports,
    wall: float,
    single: Sequence[float],
    options: argparse.Namespace,
) -> list[str]:
    records = sorted(records, key=lambda record: _moment(record, "started"))
    ended = max(_moment(record, "finished") for record in records)
    running = (ended - _moment(records[0], "started")).total_seconds()
    count = len(records)
    lines = [
        f"{count} pictures, one style, {options.size} px. {provenance(options.device)}",
        "",
        "| | seconds a picture | pictures an hour |",
        "|---|---|---|",
        f"| a folder, with a server that runs | {running / count:.1f} | "
        f"{3600 * count / running:.1f} |",
        f"| `impasto batch`, its start included | {wall / count:.1f} | {3600 * count / wall:.1f} |",
    ]
    if single:
        each = sum(single) / len(single)
        lines.append(f"| `impasto stylise`, {len(single)} times | {each:.1f} | {3600 / each:.1f} |")
    measured = [
        (seconds, evaluating)
        for record, seconds in zip(records, whole_seconds(records), strict=True)
        if (evaluating := reports.evaluating(record["id"])) is not None
    ]
    if measured:
        whole, evaluating = (sum(each) for each in zip(*measured, strict=True))
        lines += [
            "",
            f"Besides its evaluations a picture costs {whole / evaluating - 1:.1%} of their time "
            f"({evaluating / len(measured):.1f} s), over {len(measured)} pictures.",
        ]
    else:
        lines += ["", "The paintings are too short for their status to tell what else they cost."]
    return lines


def whole_seconds(records: Sequence[dict[str, Any]]) -> list[float]:
    """How long each picture, in the order of their starts, kept a worker: from the end of the one
    before it, of which the worker is the one that was free last."""
    free: list[datetime] = []
    found = []
    for record in records:
        started, finished = _moment(record, "started"), _moment(record, "finished")
        before = max((end for end in free if end <= started), default=None)
        if before is not None:
            free.remove(before)
        free.append(finished)
        found.append((finished - (before or started)).total_seconds())
    return found


def _moment(record: dict[str, Any], key: str) -> datetime:
    return datetime.fromisoformat(record[key])
