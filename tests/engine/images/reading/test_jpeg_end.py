"""JPEG files whose data is not all there, and those that only look so."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scenes import refusal

from engine.images.picture import read_picture

KINDS = [
    pytest.param({}, id="baseline"),
    pytest.param({"optimize": True}, id="optimised"),
    pytest.param({"progressive": True}, id="progressive"),
    pytest.param({"restart_marker_rows": 1}, id="restart_markers"),
    pytest.param({"subsampling": 0, "quality": 98}, id="without_subsampling"),
]


def noise(width: int = 640, height: int = 480) -> np.ndarray:
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 255, (60, 80, 3), np.uint8)).resize((width, height))
    grain = rng.normal(0, 6, (height, width, 3))
    return (np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8)


def jpeg(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **({"quality": 90} | options))
    return buffer.getvalue()


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_file_filled_up_after_what_arrived_is_refused(
    tmp_path: Path, options: Any, share: float, fill: bytes
) -> None:
    data = jpeg(noise(), **options)
    arrived = data[: int(len(data) * share)]
    (tmp_path / "p.jpg").write_bytes(arrived.ljust(len(data), fill))
    assert "the copy was not finished" in refusal(tmp_path / "p.jpg")


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("missing", [2, 40, 200])
def test_a_file_whose_last_bytes_are_zeros_is_refused(
    tmp_path: Path, options: Any, missing: int
) -> None:
    (tmp_path / "p.jpg").write_bytes(jpeg(noise(), **options)[:-missing] + bytes(missing))
    assert "FF D9, is missing" in refusal(tmp_path / "p.jpg")


@pytest.mark.parametrize("options", [kind for kind in KINDS if kind.id != "progressive"])
def test_a_hole_of_zeros_within_the_data_is_refused(tmp_path: Path, options: Any) -> None:
    data = jpeg(noise(), **options)
    middle = len(data) // 2
    (tmp_path / "p.jpg").write_bytes(data[:middle] + bytes(4096) + data[middle + 4096 :])
    assert "a part of its data is zeros" in refusal(tmp_path / "p.jpg")


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_lower_half_of_one_colour_is_read(tmp_path: Path, options: Any, level: int) -> None:
    pixels = noise()
    pixels[240:] = level
    (tmp_path / "p.jpg").write_bytes(jpeg(pixels, **options))
    found = read_picture(tmp_path / "p.jpg").pixels
    assert np.abs(found[:240] - pixels[:240] / 255).mean() < 0.03
    assert np.abs(found[260:] - level / 255).max() < 0.02


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", KINDS[:3])
def test_zeros_that_are_the_data_of_a_flat_picture_are_read(
    tmp_path: Path, mode: str, options: Any
) -> None:
    flat = np.asarray(Image.new(mode, (2048, 2048), "black"))
    data = jpeg(flat, **options)
    (tmp_path / "p.jpg").write_bytes(data)
    if options == {"optimize": True} and mode == "L":
        assert max(len(run) for run in re.findall(rb"\0+", data)) > 4096
    assert read_picture(tmp_path / "p.jpg").pixels.max() == 0


@pytest.mark.parametrize("options", KINDS)
def test_what_follows_the_end_is_left_alone(tmp_path: Path, options: Any) -> None:
    """Motion photographs and stereo pairs are appended; block-wise copies end in zeros."""
    pixels = noise()
    data = jpeg(pixels, **options)
    for rest in (bytes(4096), b"\0\0\0\x18ftypmp42", data[:1000]):
        (tmp_path / "p.jpg").write_bytes(data + rest)
        assert read_picture(tmp_path / "p.jpg").size == (640, 480)


def test_the_end_of_an_embedded_thumbnail_is_not_the_files(tmp_path: Path) -> None:
    data = jpeg(noise())
    thumbnail = jpeg(noise(160, 120))
    segment = b"\xff\xe1" + (len(thumbnail) + 8).to_bytes(2) + b"Thumb\0" + thumbnail
    whole = data[:2] + segment + data[2:]
    (tmp_path / "p.jpg").write_bytes(whole)
    assert read_picture(tmp_path / "p.jpg").size == (640, 480)
    (tmp_path / "p.jpg").write_bytes(whole[:-2] + bytes(2))
    assert "FF D9, is missing" in refusal(tmp_path / "p.jpg")


@pytest.mark.parametrize(
    ("marker", "precision", "what"),
    [
        pytest.param(0xC1, 12, "12 bits a channel", id="12_bits"),
        pytest.param(0xC3, 8, "lossless", id="lossless"),
        pytest.param(0xC5, 8, "hierarchical", id="hierarchical"),
    ],
)
def test_a_kind_that_no_ordinary_decoder_reads_is_not_called_damaged(
    tmp_path: Path, marker: int, precision: int, what: str
) -> None:
    path = tmp_path / "kind.jpg"
    Image.new("RGB", (48, 32)).save(path)
    data = bytearray(path.read_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = marker, precision
    path.write_bytes(data)
    message = refusal(path)
    assert f"this kind of JPEG file is not read: {what}" in message
    assert "damaged" not in message
