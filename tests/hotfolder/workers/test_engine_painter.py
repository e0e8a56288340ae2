"""The engine as a worker uses it: what it tells, and how much memory a job is planned with."""

import shutil
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import hotfolder.workers.engine_painter
from engine.errors import PictureError, SettingsError
from engine.images.picture import Picture, read_picture, write_picture
from engine.memory.planner import Planner
from engine.settings import resolve
from hotfolder.job import Job
from hotfolder.workers.engine_painter import EnginePainter
from hotfolder.workers.events import Done, Progress
from hotfolder.workers.worker_process import WorkerOptions


@pytest.fixture
def job(tmp_path: Path, small_pictures: tuple[Path, Path]) -> Job:
    (tmp_path / "inputs").mkdir()
    for picture in small_pictures:
        shutil.copy(picture, tmp_path / "inputs")
    content, style = (picture.name for picture in small_pictures)
    settings = resolve({"size": 64, "scales": 1, "steps": 4, "weights": "caffe"})
    return Job("id", "a", "a", str(tmp_path), content, (style,), settings)


@pytest.fixture
def painter() -> EnginePainter:
    options = WorkerOptions(
        threads=1,
        max_megapixels=1,
        memory="3GB",
        style_cache_megabytes=10,
        preview_seconds=1,
        checkpoint_seconds=0.001,
    )
    return EnginePainter("cpu", options)


@pytest.mark.parametrize(
    ("options", "workers"),
    [
        pytest.param({}, 1, id="one painting is there the sooner"),
        pytest.param({"many": True}, 4, id="many are"),
        pytest.param({"workers_per_device": "auto"}, 4, id="by the configuration"),
        pytest.param({"workers_per_device": 1, "many": True}, 1, id="one, by the configuration"),
        pytest.param({"workers_per_device": 2, "threads": 3}, 2, id="with their threads"),
    ],
)
def test_a_cpu_has_several_workers_where_many_paintings_wait(
    options: dict[str, Any], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    monkeypatch.setattr("hotfolder.workers.engine_painter.total_memory", lambda: 64 * 10**9)
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    monkeypatch.setattr("torch.set_num_threads", threads.append)
    assert EnginePainter("cpu", WorkerOptions(**options)).workers == workers
    assert threads == ([options.get("threads", 8 // workers)] if workers > 1 else [])


def test_a_worker_that_has_warmed_up_has_its_network(painter: EnginePainter, job: Job) -> None:
    painter.warm_up()
    assert painter.style_cache.bytes == 0, "nothing else of it is kept"
    with mock.patch("hotfolder.workers.engine_painter.load_vgg19") as loading:
        assert _only_done(painter, job).record["device"] == "cpu"
    loading.assert_not_called()


def test_a_worker_that_cannot_warm_up_says_so_and_paints_all_the_same(
    painter: EnginePainter, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    with mock.patch("hotfolder.workers.engine_painter.stylise", side_effect=RuntimeError("full")):
        painter.warm_up()
    assert "cpu could not be warmed up: full" in caplog.text
    assert _only_done(painter, job).record["device"] == "cpu"


def test_a_palette_gives_its_colours_and_stands_in_the_record(
    painter: EnginePainter, job: Job, small_pictures: tuple[Path, Path]
) -> None:
    plain = _only_done(painter, job)
    shutil.copy(small_pictures[0], Path(job.folder) / "inputs" / "sunset.png")
    settings = resolve(job.settings.model_dump() | {"palette": "sunset.png", "colours": "palette"})
    done = _only_done(painter, replace(job, palette="sunset.png", settings=settings))
    assert done.record["palette"]["file"] == "sunset.png"
    assert done.record["palette"]["sha256"] == plain.record["content"]["sha256"]
    assert "palette" not in plain.record


def test_a_texture_has_no_content_in_its_record_and_its_own_size(
    painter: EnginePainter, job: Job
) -> None:
    settings = resolve(job.settings.model_dump() | {"texture": True, "tile": True})
    done = _only_done(painter, replace(job, content="", settings=settings))
    assert "content" not in done.record
    assert [each["file"] for each in done.record["styles"]] == [*job.styles]
    assert done.record["size"] == [64, 64]
    assert read_picture(Path(done.picture)).size == (64, 64)
    with pytest.raises(SettingsError, match="no content: a texture has none"):
        list(painter.paint(replace(job, settings=settings)))


def _only_done(painter: EnginePainter, job: Job) -> Done:
    *_, done = painter.paint(job)
    assert isinstance(done, Done)
    return done


@pytest.mark.parametrize("tiled", [False, True], ids=["whole", "tiled"])
def test_every_layer_of_every_evaluation_is_a_sign_of_life(
    painter: EnginePainter, job: Job, monkeypatch: pytest.MonkeyPatch, tiled: bool
) -> None:
    signs: list[int] = []
    painter.alive = lambda: signs.append(threading.get_ident())
    if tiled:
        monkeypatch.setattr(Planner, "fits_without_plan", lambda *_: False)
    with closing(painter.paint(job)) as events:  # type: ignore[type-var]
        next(events)
        before = len(signs)
        next(events)
    assert before > 0
    assert len(signs) - before >= 21  # conv1_1 to relu4_2: at least the layers of one pass
    assert set(signs) == {threading.get_ident()}


def test_progress_and_record_say_how_many_moves_were_taken_back(
    painter: EnginePainter, job: Job
) -> None:
    far = job.settings.model_copy(update={"first_move": 0.5, "clamp": False, "steps": 5})
    *progress, done = painter.paint(replace(job, settings=far))
    assert isinstance(done, Done)
    counts = [event.rejected_moves for event in progress if isinstance(event, Progress)]
    assert counts == sorted(counts)
    assert counts[0] == 0 < counts[-1] == done.record["rejected_moves"]
    losses = [event.losses["total"] for event in progress if isinstance(event, Progress)]
    assert losses[1] == losses[0]  # the first move led further away, and is taken back


def test_the_record_of_a_painting_in_a_time_makes_the_same_picture_again(
    painter: EnginePainter, job: Job
) -> None:
    in_time = job.settings.model_copy(update={"seconds": 2.0, "time_limit": "exceed"})
    *_, done = painter.paint(replace(job, settings=in_time))
    assert isinstance(done, Done)
    first = read_picture(Path(done.picture))
    assert done.record["schedule"] == {"seconds": 2.0, "settle": None, "ended": ["time"]}
    settings = resolve(done.record["settings"])
    assert settings.seconds is None
    assert settings.scale_steps == [done.record["steps"]]
    *_, again = painter.paint(replace(job, settings=settings))
    assert isinstance(again, Done)
    assert "schedule" not in again.record
    assert again.record["settings"] == done.record["settings"]
    assert np.array_equal(read_picture(Path(again.picture)).samples, first.samples)


def test_a_job_over_which_two_workers_died_is_planned_anew_and_smaller(
    painter: EnginePainter, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once may be anything: then it goes on as it was, to the very same picture."""
    monkeypatch.setattr(Planner, "fits_without_plan", lambda *_: False)
    with closing(painter.paint(job)) as events:  # type: ignore[type-var]
        next(events)
        next(events)

    planned = []
    original = hotfolder.workers.engine_painter.stylise

    def seen(*arguments: Any, **named: Any) -> Any:
        planned.append((named["budget"], named["resume"].plan is not None))
        return original(*arguments, **named)

    monkeypatch.setattr(hotfolder.workers.engine_painter, "stylise", seen)
    for lost in range(4):
        with closing(painter.paint(replace(job, lost=lost))) as events:  # type: ignore[type-var]
            next(events)
    assert planned == [
        (3_000_000_000, True),
        (3_000_000_000, True),
        (2_100_000_000, False),
        (1_470_000_000, False),
    ]


def test_a_painting_that_cannot_be_encoded_as_asked_is_delivered_as_png(
    painter: EnginePainter, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TypeError("expected str, not int")

    monkeypatch.setattr("engine.images.writing.encode.write_tiff", broken)
    tiff = job.settings.model_copy(update={"format": "tiff"})
    *_, done = painter.paint(replace(job, settings=tiff))
    assert isinstance(done, Done)
    assert Path(done.picture).name == "result.png"
    assert read_picture(done.picture).size == (64, 43)
    (note,) = done.record["output"]["notes"]
    assert note == "it could not be written as tiff (expected str, not int): PNG instead"


def test_what_a_job_cannot_be_written_as_is_refused_before_its_first_step(
    painter: EnginePainter, job: Job
) -> None:
    long = Picture(np.full((20, 3000, 3), 99, np.uint8))
    write_picture(long, Path(job.folder) / "inputs" / job.content, format="jpeg")
    values = {"format": "webp", "size": 20_000}
    with pytest.raises(PictureError, match="A WebP's sides are at most 16383 px"):
        next(painter.paint(replace(job, settings=job.settings.model_copy(update=values))))
