"""The style pictures that come with Impasto, and the programs that paint them."""

import itertools
import re
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch
from PIL import Image

from engine.losses.functional import gram_matrix
from engine.network.vgg import VGG19, load_vgg19
from hotfolder.cli.styles import OWN_STYLES, read_notes
from hotfolder.styles.generate import HEIGHT, PAINTINGS, paint

MOST_BYTES = 15_000_000
"""Of all pictures together: they are in the package."""

DOCS = Path(__file__).resolve().parents[3] / "docs"
FILES = {path.stem: path for path in OWN_STYLES.glob("*.jpg")}
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


@pytest.mark.parametrize("name", PAINTINGS)
def test_a_painting_comes_out_the_same_again(name: str) -> None:
    first, second = paint(name, 48), paint(name, 48)
    assert first.size == (64, 48)
    assert first.mode == "RGB"
    assert first.tobytes() == second.tobytes()
    assert np.asarray(first).std(axis=(0, 1)).min() > 20  # no flat canvas


def test_every_painting_lies_ready_at_the_size_of_a_print() -> None:
    assert FILES.keys() == PAINTINGS.keys()
    assert len(FILES) >= 12
    for path in FILES.values():
        with Image.open(path) as image:
            image.load()
            assert image.size == (2048, HEIGHT)


def test_all_of_them_are_small_enough_for_the_package() -> None:
    assert sum(path.stat().st_size for path in FILES.values()) < MOST_BYTES


def test_every_painting_has_tags_and_no_tags_are_of_a_picture_that_is_not_there() -> None:
    tags = read_notes(OWN_STYLES).tags
    assert tags.keys() == {path.name for path in FILES.values()}
    assert all(len(words) == len(set(words)) >= 3 for words in tags.values())
    assert len({tuple(words) for words in tags.values()}) >= 12


def test_any_two_are_further_apart_than_the_halves_of_one() -> None:
    vgg = load_vgg19("caffe", "cpu", "float32")
    whole: dict[str, list[torch.Tensor]] = {}
    halves: list[float] = []
    for name, path in FILES.items():
        with Image.open(path) as image:
            small = image.resize((256, 192), Image.Resampling.BOX)
        whole[name] = _grams(vgg, small)
        left, right = small.crop((0, 0, 128, 192)), small.crop((128, 0, 256, 192))
        halves.append(_distance(_grams(vgg, left), _grams(vgg, right)))
    between = {
        (one, other): _distance(whole[one], whole[other])
        for one, other in itertools.combinations(whole, 2)
    }
    nearest = min(between, key=between.__getitem__)
    assert between[nearest] > 1.25 * median(halves), nearest


def _grams(vgg: VGG19, image: Image.Image) -> list[torch.Tensor]:
    pixels = torch.from_numpy(np.asarray(image, np.float32) / 255)
    with torch.no_grad():
        features = vgg.features(pixels.permute(2, 0, 1)[None], LAYERS, padding="replicate")
    return [gram_matrix(features[layer], "positions") for layer in LAYERS]


def _distance(one: list[torch.Tensor], other: list[torch.Tensor]) -> float:
    """Of Gram matrices, relative to their size: 0 for equal ones, the mean over the layers."""
    pairs = zip(one, other, strict=True)
    return float(np.mean([(a - b).norm() / (a.norm() * b.norm()).sqrt() for a, b in pairs]))


def test_the_gallery_shows_every_style() -> None:
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"\(images/gallery/(.+)\.jpg\)", page)
    others = ["controls", "interpolate-strength", "interpolate-styles", "textures", "variations"]
    assert sorted(shown) == sorted([*PAINTINGS, *others])
    assert all((DOCS / f"images/gallery/{name}.jpg").is_file() for name in shown)


@pytest.mark.parametrize("name", ["ink", "night", "tapestry", "woodcut"])
def test_the_shipped_picture_is_the_programs(name: str) -> None:
    small = paint(name, 192)
    with Image.open(FILES[name]) as image:
        shipped = image.resize(small.size, Image.Resampling.BOX)
    # Other strokes at another height, but the same scene.
    blurred = [np.asarray(i.resize((8, 6), Image.Resampling.BOX), float) for i in (small, shipped)]
    assert np.abs(blurred[0] - blurred[1]).mean() < 16
