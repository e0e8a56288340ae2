import pytest
import torch

from engine.images.colour.oklab import from_oklab, to_oklab


def colour(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1)


# From the definition in CSS Color Module Level 4, whose test suite has these values.
@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        pytest.param((1, 1, 1), (1, 0, 0), id="white"),
        pytest.param((0, 0, 0), (0, 0, 0), id="black"),
        pytest.param((1, 0, 0), (0.62796, 0.22486, 0.12585), id="red"),
        pytest.param((0, 1, 0), (0.86644, -0.23389, 0.17950), id="green"),
        pytest.param((0, 0, 1), (0.45201, -0.03246, -0.31153), id="blue"),
    ],
)
def test_known_colours_have_their_published_places(
    rgb: tuple[float, ...], lab: tuple[float, ...]
) -> None:
    torch.testing.assert_close(to_oklab(colour(*rgb)), colour(*lab), rtol=0, atol=2e-5)


def test_there_and_back_is_the_same_colour() -> None:
    picture = torch.rand(1, 3, 40, 30, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(from_oklab(to_oklab(picture)), picture, rtol=0, atol=2e-4)


def test_a_colour_outside_the_gamut_becomes_paler_and_keeps_lightness_and_hue() -> None:
    wanted = colour(0.5, 0.05, -0.45)  # far more blue than sRGB has
    found = to_oklab(from_oklab(wanted))
    torch.testing.assert_close(found[:, :1], wanted[:, :1], rtol=0, atol=2e-3)
    chroma, wanted_chroma = found[0, 1:, 0, 0], wanted[0, 1:, 0, 0]
    along = torch.dot(chroma, wanted_chroma) / (chroma.norm() * wanted_chroma.norm())
    assert along > 0.9999
    assert 0.1 < chroma.norm() < wanted_chroma.norm()
    more = torch.cat([found[:, :1], found[:, 1:] * 1.02], dim=1)
    assert (to_oklab(from_oklab(more)) - more).abs().max() > 2e-3  # no paler than it must be


def test_light_beyond_white_is_white_and_below_black_is_black() -> None:
    assert from_oklab(colour(1.2, 0.1, 0.1)).min() > 0.999
    assert from_oklab(colour(-0.1, 0.1, 0.1)).max() < 1e-3
