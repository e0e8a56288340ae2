"""docs/architecture.md against the code: drawings that are made anew, traces that are walked."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from engine.settings import resolve
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.job import Job
from hotfolder.paths import FolderPaths
from hotfolder.server.server import Server
from hotfolder.workers.engine_painter import EnginePainter
from hotfolder.workers.events import Done
from hotfolder.workers.local_dispatcher import LocalDispatcher
from hotfolder.workers.worker_process import WorkerOptions

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "architecture.md"

PUPPET = [sys.executable, str(Path(__file__).parent / "hotfolder" / "programs" / "puppet.py")]


def listed(name: str) -> list[str]:
    """The functions of one trace of the page, in their order: `module.Class.function`."""
    text = PAGE.read_text(encoding="utf-8")
    block = text.partition(f"<!-- {name}: begin -->")[2].partition(f"<!-- {name}: end -->")[0]
    rows = re.findall(r"^\d+\. `([\w/]+)\.py` `([\w.]+)`", block, re.MULTILINE)
    return [f"{path.replace('/', '.')}.{function}" for path, function in rows]


def test_the_drawings_are_made_from_the_code() -> None:
    """If this fails: make docs"""
    sys.path.insert(0, str(PAGE.parent))
    from draw_architecture import page

    assert page() == PAGE.read_text(encoding="utf-8")


def test_every_file_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:engine|hotfolder|plugin|tests|docs)/[\w./]+)`", PAGE.read_text())
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


@pytest.fixture
def called() -> Iterator[list[str]]:
    """The functions of ours that this thread calls from now on: `module.Class.function`."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith(("engine", "hotfolder")):
            calls.append(f"{module}.{frame.f_code.co_qualname}")

    sys.setprofile(note)
    yield calls
    sys.setprofile(None)


def walked(calls: list[str], functions: list[str]) -> str:
    """The functions that `calls` reach in this order; empty or the first that they do not."""
    remaining = iter(calls)
    return next((name for name in functions if name not in remaining), "")


def test_a_job_goes_the_listed_way_through_the_server(tmp_path: Path, called: list[str]) -> None:
    folder = FolderPaths(tmp_path / "hot")
    folder.create()
    (folder.inbox / "cat.content.jpg").write_text("steps=2")
    (folder.inbox / "cat.style.png").write_text("x")
    (folder.inbox / "cat.yaml").write_text("size: 640")
    config = Config(settle_seconds=0.0, devices=["puppet"])
    server = Server(
        ConfigWatch(config),
        [folder.root],
        once=True,
        dispatcher=lambda config: LocalDispatcher(config.devices, command=PUPPET),
    )
    assert server.run().done == 1
    assert len(listed("job")) > 20
    assert walked(called, listed("job")) == ""


def test_a_job_goes_the_listed_way_through_the_worker_and_each_evaluation_as_listed(
    tmp_path: Path, photograph: Path, painting: Path, called: list[str]
) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    shutil.copyfile(photograph, inputs / "cat.png")
    shutil.copyfile(painting, inputs / "cup.png")
    settings = resolve({"size": 64, "steps": 3, "coarse_steps": 2})
    job = Job("1", "cat", "cat", str(tmp_path), "cat.png", ("cup.png",), settings)
    painter = EnginePainter("cpu", WorkerOptions(preview_seconds=0))
    *_, done = painter.paint(job)
    assert isinstance(done, Done)
    for name in ("worker", "evaluation"):
        assert len(listed(name)) >= 10
        assert walked(called, listed(name)) == "", name
