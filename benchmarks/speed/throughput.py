"""Pictures an hour of a folder beside as many single commands, and what a picture costs besides
its painting: decoding, a new size of the style, encoding, publishing, the start of the next one.

The folder is `impasto batch` with a server of its own; its records say how long each picture was
painted. What the batch takes until its first picture is begun is told apart: a server that runs has
done that before.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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
        wall = _seconds([*command, *settings])
        records = [yaml.safe_load(path.read_text()) for path in out.glob("*.result.yaml")]
        single = []
        for number, picture in enumerate(pictures[: options.single]):
            log_progress(f"single command {number + 1} of {options.single}")
            painted = str(folder / f"single-{number}.png")
            single.append(_seconds(["stylise", str(picture), style, "-o", painted, *settings]))
    save("throughput", "\n".join(_report(records, wall, single, options)))


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


def _seconds(arguments: Sequence[str]) -> float:
    began = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([*IMPASTO, *arguments], env=environment, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode(errors="replace")[-3000:])
    return time.monotonic() - began


def _report(
    records: Sequence[dict[str, Any]],
    wall: float,
    single: Sequence[float],
    options: argparse.Namespace,
) -> list[str]:
    begun = min(datetime.fromisoformat(record["started"]) for record in records)
    ended = max(datetime.fromisoformat(record["finished"]) for record in records)
    running = (ended - begun).total_seconds()
    painting = sum(record["seconds"] for record in records)
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
    share = max(0.0, running - painting) / painting
    lines += ["", f"Besides the painting itself: {share:.1%} of its time, {count} pictures."]
    return lines
