"""A job of several paintings: each as if it were painted alone, and gone on with where it was."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.images.picture import read_picture
from engine.settings import resolve
from hotfolder.atomic_files import read_json
from hotfolder.job import Job
from hotfolder.workers.engine_painter import EnginePainter
from hotfolder.workers.events import Done, Progress
from hotfolder.workers.series import Pace
from hotfolder.workers.worker_process import WorkerOptions

TINY = {"size": 64, "scales": 1, "steps": 4, "precision": "float32"}


def job_in(folder: Path, pictures: tuple[Path, Path], settings: dict[str, Any]) -> Job:
    (folder / "inputs").mkdir(parents=True)
    for picture in pictures:
        shutil.copy(picture, folder / "inputs")
    content, style = (picture.name for picture in pictures)
    return Job("id", "a", "a", str(folder), content, (style,), resolve(TINY | settings))


@pytest.fixture
def painter() -> EnginePainter:
    return EnginePainter("cpu", WorkerOptions(threads=1, checkpoint_seconds=0.001))


def ended(painter: EnginePainter, job: Job) -> Done:
    *_, done = painter.paint(job)
    assert isinstance(done, Done)
    return done


def samples(path: str | Path) -> NDArray[Any]:
    return read_picture(path).samples


def names(done: Done) -> list[str]:
    return [Path(path).name for path in done.extra_outputs]


def test_variations_differ_and_the_first_is_the_painting_without_them(
    painter: EnginePainter, tmp_path: Path, small_pictures: tuple[Path, Path]
) -> None:
    several = ended(painter, job_in(tmp_path / "3", small_pictures, {"variations": 3}))
    alone = ended(painter, job_in(tmp_path / "1", small_pictures, {}))
    assert Path(several.picture).read_bytes() == Path(alone.picture).read_bytes()
    assert several.record["settings"] == alone.record["settings"]
    assert several.record["series"] == {"variations": 3, "number": 1}
    assert "series" not in alone.record
    assert alone.extra_outputs == []
    assert names(several) == [
        *("variation2.result.yaml", "variation2.png"),
        *("variation3.result.yaml", "variation3.png", "variations.jpg"),
    ]
    pictures = [several.picture, several.extra_outputs[1], several.extra_outputs[3]]
    first, second, third = map(samples, pictures)
    for one, other in ((first, second), (first, third), (second, third)):
        assert np.abs(one.astype(float) - other).mean() > 255 * 0.02


def test_each_record_paints_its_picture_again_alone(
    painter: EnginePainter, tmp_path: Path, small_pictures: tuple[Path, Path]
) -> None:
    job = job_in(tmp_path / "2", small_pictures, {"variations": 2, "progression": 2})
    done = ended(painter, job)
    assert [name for name in names(done) if name.startswith("variation2")] == [
        "variation2.result.yaml",
        *(f"variation2.{name}" for name in ("progression.jpg", "progression.webp", "losses.png")),
        "variation2.png",
    ]
    record = read_json(tmp_path / "2" / "variation2.result.yaml")
    assert record["series"] == {"variations": 2, "number": 2}
    again = ended(painter, job_in(tmp_path / "again", small_pictures, record["settings"]))
    picture = tmp_path / "2" / "variation2.png"
    assert np.array_equal(samples(again.picture), samples(picture))
    assert not any(name.startswith("variation") for name in names(again))


def test_the_ends_of_an_interpolation_are_the_paintings_in_one_style(
    painter: EnginePainter, tmp_path: Path, small_pictures: tuple[Path, Path]
) -> None:
    job = job_in(tmp_path / "3", small_pictures, {"interpolate": 3})
    done = ended(painter, replace(job, styles=(*job.styles, job.content)))
    assert names(done)[-1] == "interpolation.jpg"
    for picture, style in ((done.picture, 1), (str(tmp_path / "3" / "interpolation3.png"), 0)):
        alone = job_in(tmp_path / str(style), small_pictures, {})
        alone = replace(alone, styles=(small_pictures[style].name,))
        assert np.array_equal(samples(ended(painter, alone).picture), samples(picture))


def test_progress_is_of_the_whole_series_and_says_which_painting(
    painter: EnginePainter, tmp_path: Path, small_pictures: tuple[Path, Path]
) -> None:
    *events, _ = painter.paint(job_in(tmp_path, small_pictures, {"variations": 3}))
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.painting for event in progress] == [1] * 4 + [2] * 4 + [3] * 4
    assert {event.paintings for event in progress} == {3}
    fractions = [event.fraction for event in progress]
    assert fractions == pytest.approx([number / 12 for number in range(1, 13)])
    seconds = [event.seconds for event in progress]
    assert seconds == sorted(seconds)


def test_the_time_to_go_is_that_of_the_paintings_that_are_left() -> None:
    pace = Pace(3)
    pace.finished(10.0)
    # Half of the second in 6 s, 6 to go: (10 + 12) / 2 for the third.
    assert pace.of(0.5, 6.0, 6.0) == (0.5, 16.0, 17.0)
    assert pace.of(0.5, 6.0, None) == (0.5, 16.0, None)


def until_painting(painter: EnginePainter, job: Job, number: int, step: int) -> None:
    """Paint, and be interrupted there."""
    with closing(painter.paint(job)) as events:  # type: ignore[type-var]
        for event in events:
            assert isinstance(event, Progress)
            if (event.painting, event.step) == (number, step):
                painter.checkpoint()
                return


def painted_numbers(events: Iterator[Progress | Done]) -> list[tuple[int, int]]:
    return [(event.painting, event.step) for event in events if isinstance(event, Progress)]


def test_interrupted_in_the_third_of_five_it_goes_on_there(
    painter: EnginePainter, tmp_path: Path, small_pictures: tuple[Path, Path]
) -> None:
    whole = ended(painter, job_in(tmp_path / "whole", small_pictures, {"variations": 5}))
    job = job_in(tmp_path / "stopped", small_pictures, {"variations": 5})
    until_painting(painter, job, 3, 3)
    events = list(painter.paint(job))
    assert painted_numbers(iter(events))[0] == (3, 3)
    done = events[-1]
    assert isinstance(done, Done)
    assert names(done) == names(whole)
    for mine, other in zip(done.extra_outputs, whole.extra_outputs, strict=True):
        if not mine.endswith(".yaml"):
            assert Path(mine).read_bytes() == Path(other).read_bytes()
    assert Path(done.picture).read_bytes() == Path(whole.picture).read_bytes()


@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_a_finished_painting_that_is_lost_is_painted_again(
    painter: EnginePainter, tmp_path: Path, small_pictures: tuple[Path, Path], how: str
) -> None:
    job = job_in(tmp_path, small_pictures, {"variations": 3})
    until_painting(painter, job, 3, 3)
    lost = tmp_path / "variation2.png"
    before = lost.read_bytes()
    lost.unlink() if how == "gone" else lost.write_bytes(before[:-1])
    assert painted_numbers(painter.paint(job)) == [(2, n) for n in (1, 2, 3, 4)] + [(3, 3), (3, 4)]
    assert lost.read_bytes() == before


def test_paintings_of_other_settings_are_not_taken_for_finished(
    painter: EnginePainter, tmp_path: Path, small_pictures: tuple[Path, Path]
) -> None:
    job = job_in(tmp_path, small_pictures, {"variations": 2})
    ended(painter, job)
    other = replace(job, settings=resolve(TINY | {"variations": 2, "seed": 5}))
    assert painted_numbers(painter.paint(other))[0] == (1, 1)
