"""How a painting came about, with the real engine, very small."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import SettingsError
from engine.images.picture import Picture, read_picture
from engine.network.vgg import VGG19
from engine.progression import FILES, Progression
from engine.settings import resolve
from engine.stylise import Progress, stylise


def painted(
    photograph: Path, painting: Path, vgg: VGG19, stages: int, **values: object
) -> tuple[Progression, list[Progress], Picture]:
    settings = resolve({"size": 64, "scales": 1, "steps": 12, "init_colours": "content"} | values)
    content, style = (read_picture(path).thumbnail(128) for path in (photograph, painting))
    progression = Progression(stages)
    steps = list(
        stylise(
            content,
            [style],
            settings,
            vgg,
            preview_seconds=None,
            preview_at=progression.wanted,
        )
    )
    for step in steps:
        progression.add(step)
    *progress, result = steps
    return progression, progress, result.picture  # type: ignore[return-value, union-attr]


def frames(data: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(data)) as image:
        found = []
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            found.append(np.asarray(image.convert("RGB"), np.float32) / 255)
    return found


def test_it_makes_a_strip_an_animation_and_a_plot(
    photograph: Path, painting: Path, vgg: VGG19
) -> None:
    progression, _, _ = painted(photograph, painting, vgg, 4)
    files = progression.files()
    assert tuple(files) == FILES
    formats = [Image.open(io.BytesIO(data)).format for data in files.values()]
    assert formats == ["JPEG", "WEBP", "PNG"]
    with Image.open(io.BytesIO(files["progression.jpg"])) as strip:
        assert 4 * 64 < strip.width < 5 * 64


def test_the_animation_goes_from_the_start_to_the_result_and_stays_there(
    photograph: Path, painting: Path, vgg: VGG19
) -> None:
    progression, _, result = painted(photograph, painting, vgg, 4)
    data = progression.files()["progression.webp"]
    first, *_, last = frames(data)
    start = read_picture(photograph).resized(*result.size).pixels
    assert np.abs(last - result.pixels).mean() < 0.04  # what WebP loses
    assert np.abs(first - start).mean() < 0.04
    assert np.abs(first - last).mean() > 0.06
    with Image.open(io.BytesIO(data)) as image:
        image.seek(image.n_frames - 1)  # type: ignore[attr-defined]
        image.load()
        assert image.info["duration"] == 2000


def test_frames_of_coarse_scales_have_the_results_size(
    photograph: Path, painting: Path, vgg: VGG19
) -> None:
    progression, _, result = painted(photograph, painting, vgg, 3, scales=2, coarse_steps=6)
    sizes = {frame.shape[1::-1] for frame in frames(progression.files()["progression.webp"])}
    assert sizes == {result.size}


def test_previews_come_where_they_are_wanted_and_nowhere_else(
    photograph: Path, painting: Path, vgg: VGG19
) -> None:
    settings = resolve({"size": 64, "scales": 1, "steps": 10})
    content, style = (read_picture(path).thumbnail(128) for path in (photograph, painting))
    *progress, _ = stylise(
        content, [style], settings, vgg, preview_seconds=None, preview_at=[0.0, 0.45, 0.5, 0.71]
    )
    shown = [p.step for p in progress if isinstance(p, Progress) and p.preview is not None]
    assert shown == [1, 5, 8]


def test_what_is_kept_of_a_large_picture_is_small(
    photograph: Path, painting: Path, vgg: VGG19
) -> None:
    _, progress, _ = painted(photograph, painting, vgg, 2)
    large = Picture(np.zeros((900, 1400, 3), np.float32))
    progression = Progression(2)
    from dataclasses import replace

    for step in progress:
        progression.add(replace(step, preview=large))
    assert {image.size for _, image in progression._frames} == {(512, 329)}
    assert len(progression._frames) <= len(progression.wanted)


def test_fewer_steps_than_stages_make_fewer_pictures(
    photograph: Path, painting: Path, vgg: VGG19
) -> None:
    progression, _, _ = painted(photograph, painting, vgg, 8, steps=1)
    assert len(frames(progression.files()["progression.webp"])) == 1


def test_one_stage_is_refused_in_words() -> None:
    with pytest.raises(SettingsError, match="progression: 1; expected 0, or from 2"):
        resolve({"progression": 1})
