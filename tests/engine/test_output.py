"""A content given back: depth, colours, transparency and format of a result, at strength 0."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from engine.errors import PictureError, SettingsError
from engine.images.matrix_profile import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB_CURVE,
    matrix_profile,
)
from engine.images.picture import Picture, encode_picture, read_picture, write_picture
from engine.network.vgg import VGG19
from engine.output import output_of
from engine.settings import Settings, resolve
from engine.stylise import Result, stylise

SAME: dict[str, Any] = {
    **{"size": "content", "steps": 1, "scales": 1, "strength": 0.0},
    "init_colours": "content",
}
"""The content's own colours come out."""

GRADIENT = np.linspace(20000, 23000, 96).astype(np.uint16)[None, :, None].repeat(64, 0).repeat(3, 2)

ADOBE = matrix_profile(ADOBE_RGB, (563 / 256,), name="Adobe RGB (1998)")
P3 = matrix_profile(DISPLAY_P3, SRGB_CURVE, name="Display P3")


def given_back(
    path: Path, style: Picture, vgg: VGG19, **values: Any
) -> tuple[Path, dict[str, Any]]:
    """The file that a content at `path` becomes, and `output` of its record."""
    settings = resolve(SAME | values)
    content = read_picture(path, page=settings.page)
    (result,) = (
        step for step in stylise(content, [style], settings, vgg) if isinstance(step, Result)
    )
    output = output_of(settings, content, result.size)
    target = path.with_name(f"result.{output.encoding.format}")
    write_picture(result.picture, target, output.encoding)
    return target, output.record


@pytest.fixture(scope="module")
def style(photograph: Path) -> Picture:
    return read_picture(photograph).thumbnail(64)


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("kind", ["uint16", "float32"])
def test_a_gradient_of_16_bits_passes_through_everything(
    tmp_path: Path, style: Picture, vgg: VGG19, format: str, kind: str
) -> None:
    values = GRADIENT if kind == "uint16" else (GRADIENT / 65535).astype(np.float32)
    tifffile.imwrite(tmp_path / "content.tif", values, photometric="rgb")
    target, record = given_back(tmp_path / "content.tif", style, vgg, format=format)
    found = read_picture(target)
    assert found.samples.dtype == np.uint16
    assert np.abs(found.samples.astype(int) - GRADIENT).max() <= 1
    assert (record["bits"], record["format"]) == (16, format)


def test_a_gradient_of_16_bits_is_scaled_without_a_step_of_8(
    tmp_path: Path, style: Picture, vgg: VGG19
) -> None:
    wide = np.linspace(20000, 23000, 384).astype(np.uint16)[None, :, None]
    tifffile.imwrite(tmp_path / "content.tif", wide.repeat(256, 0).repeat(3, 2), photometric="rgb")
    target, _ = given_back(tmp_path / "content.tif", style, vgg, size=96)
    row = read_picture(target).samples[32, :, 1].astype(int)
    assert len(np.unique(row)) == 96
    assert np.abs(row[8:-8] - np.linspace(20000, 23000, 385)[2::4][8:-8]).max() < 8


def test_on_the_way_to_8_bits_a_gradient_is_dithered(
    tmp_path: Path, style: Picture, vgg: VGG19
) -> None:
    tifffile.imwrite(tmp_path / "content.tif", GRADIENT, photometric="rgb")
    target, record = given_back(tmp_path / "content.tif", style, vgg, bits=8)
    assert record["bits"] == 8
    found = np.asarray(Image.open(target))
    assert found.dtype == np.uint8
    exact = GRADIENT[0, :, 0] / 257
    assert np.abs(found.mean(axis=(0, 2)) - exact).max() < 0.15
    assert np.abs(found - exact[None, :, None]).max() < 1


@pytest.mark.parametrize("suffix", ["png", "jpeg", "webp", "tiff"])
def test_auto_keeps_8_bits(tmp_path: Path, style: Picture, vgg: VGG19, suffix: str) -> None:
    path = tmp_path / f"content.{suffix}"
    Image.new("RGB", (64, 64), (60, 180, 60)).save(path)
    target, record = given_back(path, style, vgg, format="content")
    origin = read_picture(target).origin
    assert origin is not None
    assert (origin.format, origin.bits, record["bits"]) == (suffix, 8, 8)


def test_16_bits_can_be_asked_for(tmp_path: Path, style: Picture, vgg: VGG19) -> None:
    Image.new("RGB", (64, 64), (60, 180, 60)).save(tmp_path / "content.png")
    target, record = given_back(tmp_path / "content.png", style, vgg, bits=16)
    assert record["bits"] == 16
    found = read_picture(target).samples
    assert np.abs(found[9, 9].astype(int) - np.array([60, 180, 60]) * 257).max() <= 1


# Colours


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("profile", [ADOBE, P3], ids=["adobe_rgb", "display_p3"])
def test_colours_come_back_in_the_profile_of_the_content(
    tmp_path: Path, style: Picture, vgg: VGG19, profile: bytes, bits: int
) -> None:
    """Of colours that sRGB has too: here nearly grey ones."""
    generator = np.random.default_rng(0)
    levels = generator.uniform(0.1, 0.9, (64, 64, 1)) + generator.uniform(-0.03, 0.03, (64, 64, 3))
    white = 2**bits - 1
    stored = np.rint(levels * white).astype(np.uint8 if bits == 8 else np.uint16)
    path = tmp_path / "content.tif"
    tifffile.imwrite(path, stored, photometric="rgb", iccprofile=profile)
    target, record = given_back(path, style, vgg, profile="content", format="content")
    with tifffile.TiffFile(target) as file:
        found = file.pages.first.asarray()
        assert file.pages.first.iccprofile == profile
    assert record["profile"] == "content"
    assert found.dtype == stored.dtype
    difference = np.abs(found.astype(int) - stored.astype(int)).max()
    assert difference <= (1 if bits == 8 else 65)


def test_as_srgb_the_same_colours_have_other_numbers(
    tmp_path: Path, style: Picture, vgg: VGG19
) -> None:
    path = tmp_path / "content.tif"
    patch = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    tifffile.imwrite(path, patch, photometric="rgb", iccprofile=ADOBE)
    target, record = given_back(path, style, vgg)
    assert record["profile"] == "srgb"
    with Image.open(target) as image:
        assert "icc_profile" not in image.info
        # Light of (200, 100, 50): 0.586, 0.1275, 0.0278. In sRGB: 1.3984 R - 0.3984 G, G,
        # 1.0429 B - 0.0429 G, which are 0.7686, 0.1275, 0.0235.
        assert np.abs(np.asarray(image)[9, 9].astype(int) - (227, 100, 42)).max() <= 1


@pytest.mark.parametrize(
    ("mode", "why"),
    [("CMYK", "the content is CMYK"), ("L", "the content is GREY")],
)
def test_what_is_not_rgb_comes_back_as_srgb_and_the_record_says_so(
    tmp_path: Path, style: Picture, vgg: VGG19, mode: str, why: str
) -> None:
    path = tmp_path / "content.tif"
    Image.new("RGB", (64, 64), (60, 180, 60)).convert(mode).save(path)
    _, record = given_back(path, style, vgg, profile="content")
    assert record["profile"] == "srgb"
    assert f"{why}: the result is in sRGB" in record["notes"]


def test_a_profile_that_only_leads_from_its_colours_is_not_used_for_the_way_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from engine.images.origin import Origin

    broken = bytearray(ADOBE)
    broken[broken.index(b"rXYZ", 128 + 4)] = ord("x")
    content = Picture(np.zeros((64, 64, 3), np.uint8), None, Origin("png", 8, "RGB", bytes(broken)))
    with caplog.at_level(logging.ERROR):
        output = output_of(resolve({"profile": "content"}), content)
    assert output.encoding.profile is None
    assert output.record["notes"] == [
        "the content's profile has no way back: the result is in sRGB"
    ]


# Transparency


def transparent(path: Path, bits: int) -> np.ndarray:
    """A picture with all degrees of alpha, and colours hidden where it is 0."""
    white = 2**bits - 1
    rgba = np.zeros((64, 64, 4), np.uint8 if bits == 8 else np.uint16)
    rgba[..., 0] = np.linspace(0, white, 64)
    rgba[..., 1] = np.linspace(0, white, 64)[:, None]
    rgba[..., 2] = white // 3
    rgba[..., 3] = np.linspace(0, white, 64)
    rgba[:, :16, 3] = 0
    rgba[:20, :20] = (white, 0, white, 0)
    tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=["unassalpha"])
    return rgba


@pytest.mark.parametrize("format", ["png", "tiff", "webp"])
@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_comes_back_exactly_and_what_is_hidden_does_not_change(
    tmp_path: Path, style: Picture, vgg: VGG19, bits: int, format: str
) -> None:
    stored = transparent(tmp_path / "content.tif", bits)
    options: dict[str, Any] = {"jpeg_quality": 100} if format == "webp" else {}
    values = {"strength": 90.0, "steps": 3, "format": format} | options
    target, _ = given_back(tmp_path / "content.tif", style, vgg, **values)
    found = read_picture(target)
    assert found.alpha is not None
    deep = 8 if format == "webp" else bits
    white = 2**deep - 1
    assert np.abs(found.alpha * white - stored[..., 3] / (2**bits - 1) * white).max() < 0.51
    hidden = stored[..., 3] == 0
    there = found.pixels[hidden] * white
    assert np.abs(there - stored[hidden][:, :3] / (2**bits - 1) * white).max() < 1.01
    assert np.abs(found.pixels[~hidden] - stored[~hidden][:, :3] / (2**bits - 1)).max() > 0.02


@pytest.mark.parametrize(
    ("mode", "profile", "note"),
    [
        ("RGB", b"junk", "its colour profile is damaged; its colours are taken for sRGB"),
        (
            "RGB",
            ADOBE[:300],
            "its colour profile is damaged: its end is missing; its colours are taken for sRGB",
        ),
        ("CMYK", None, "CMYK without a colour profile: its colours are approximate"),
    ],
)
def test_the_record_says_if_the_colours_are_not_certain(
    tmp_path: Path, mode: str, profile: bytes | None, note: str
) -> None:
    path = tmp_path / "content.jpg"
    Image.new(mode, (64, 48)).save(path, icc_profile=profile)
    record = output_of(resolve({}), read_picture(path)).record
    assert record["notes"] == [f"the content: {note}"]
    Image.new("RGB", (64, 48)).save(path, icc_profile=ADOBE)
    assert "notes" not in output_of(resolve({}), read_picture(path)).record


def with_hidden_colours(folder: Path) -> list[Path]:
    """Two pictures that differ only where they are fully transparent."""
    stored = transparent(folder / "stored.tif", 8)
    paths = []
    for name, colour in (("green", (0, 255, 0)), ("magenta", (255, 0, 255))):
        stored[stored[..., 3] == 0, :3] = colour
        paths.append(folder / f"{name}.tif")
        tifffile.imwrite(paths[-1], stored, photometric="rgb", extrasamples=["unassalpha"])
    return paths


def test_hidden_colours_change_nothing_of_the_painting(
    tmp_path: Path, style: Picture, vgg: VGG19
) -> None:
    paintings = []
    for path in with_hidden_colours(tmp_path):
        target, _ = given_back(path, style, vgg, strength=90.0, steps=3, init_colours="style")
        found = read_picture(target)
        assert found.alpha is not None
        paintings.append(found.pixels[found.alpha > 0])
    assert np.array_equal(*paintings)


def test_hidden_colours_of_a_style_change_nothing(tmp_path: Path, vgg: VGG19) -> None:
    Image.new("RGB", (64, 64), (60, 180, 60)).save(tmp_path / "content.png")
    values = {"strength": 90.0, "steps": 3, "init_colours": "style"}
    paintings = []
    for path in with_hidden_colours(tmp_path):
        target, _ = given_back(tmp_path / "content.png", read_picture(path), vgg, **values)
        paintings.append(read_picture(target).pixels)
    assert np.array_equal(*paintings)


# Formats and pages


def test_a_page_is_asked_for_by_its_number(tmp_path: Path, style: Picture, vgg: VGG19) -> None:
    path = tmp_path / "content.tif"
    with tifffile.TiffWriter(path) as file:
        for level in (50, 150):
            file.write(np.full((64, 64, 3), level, np.uint8), photometric="rgb")
    target, record = given_back(path, style, vgg, page=2)
    assert np.asarray(Image.open(target))[9, 9].tolist() == [150, 150, 150]
    assert "the content is page 2 of 2 of its file" in record["notes"]
    _, record = given_back(path, style, vgg)
    assert "the content is page 1 of 2 of its file" in record["notes"]


@pytest.mark.parametrize(("suffix", "pages"), [("tiff", 2), ("webp", 2), ("png", 2), ("avif", 2)])
def test_a_page_that_is_not_there_is_refused(tmp_path: Path, suffix: str, pages: int) -> None:
    path = tmp_path / f"content.{suffix}"
    frames = [Image.new("RGB", (64, 64), (level, 0, 0)) for level in (50, 150)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert read_picture(path, page=pages).pixels[9, 9, 0] == pytest.approx(150 / 255, abs=0.03)
    with pytest.raises(PictureError, match="it has 2 pages; there is no page 3"):
        read_picture(path, page=3)


def test_a_heic_is_given_back_as_png(tmp_path: Path, style: Picture, vgg: VGG19) -> None:
    import pillow_heif

    path = tmp_path / "content.heic"
    heic = pillow_heif.from_pillow(Image.new("RGB", (64, 64), (60, 180, 60)))
    heic.save(path, quality=95)
    target, record = given_back(path, style, vgg, format="content")
    assert target.suffix == ".png"
    assert "HEIC is not written: PNG instead" in record["notes"]


# What cannot be written is refused before it is painted


@pytest.mark.parametrize(
    ("values", "size", "error", "what"),
    [
        ({"format": "content", "bits": 16}, (64, 64), SettingsError, "written as jpeg"),
        ({"format": "webp"}, (16_384, 64), PictureError, "A WebP's sides are at most 16383 px"),
        ({"format": "jpeg"}, (65_501, 64), PictureError, "A JPEG's sides are at most 65500 px"),
    ],
)
def test_what_a_format_cannot_have_is_refused_at_once(
    tmp_path: Path, values: dict[str, Any], size: tuple[int, int], error: Any, what: str
) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "content.jpg")
    with pytest.raises(error, match=what):
        output_of(resolve(values), read_picture(tmp_path / "content.jpg"), size)


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_16_bits_of_a_format_that_has_8_are_refused(format: str) -> None:
    with pytest.raises(SettingsError, match=f"since `format` is `{format}`"):
        resolve({"bits": 16, "format": format})


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff", "webp", "avif"])
def test_the_same_picture_gives_the_same_bytes_as_often_as_it_is_written(format: Any) -> None:
    noise = np.random.default_rng(1).random((70, 90, 3)).astype(np.float32)
    options: dict[str, Any] = {"format": format, "profile": P3, "text": "{}"}
    assert encode_picture(Picture(noise), **options) == encode_picture(Picture(noise), **options)


def test_every_format_of_the_settings_can_be_written() -> None:
    formats = set(Settings.model_fields["format"].annotation.__args__) - {"content"}  # type: ignore[union-attr]
    for format in formats:
        found = encode_picture(Picture(np.zeros((32, 32, 3), np.uint8)), format=format)
        assert len(found) > 100
