import torch
from torch import Tensor

from engine.images.colour.linear import colour_map
from engine.images.picture import Picture


def picture(seed: int, contrast: tuple[float, float, float], base: float) -> Tensor:
    noise = torch.rand(1, 3, 40, 30, generator=torch.Generator().manual_seed(seed))
    noise[:, 1] = 0.6 * noise[:, 0] + 0.4 * noise[:, 1]  # channels that go together
    return noise * torch.tensor(contrast).view(1, 3, 1, 1) + base


def match_colours(source: Tensor, palettes: list[Tensor], shares: list[float]) -> Tensor:
    pictures = [Picture.from_tensor(each) for each in (source, *palettes)]
    return colour_map(pictures[0], pictures[1:], shares)(source)


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    flat = x[0].flatten(1)
    return flat.mean(dim=1), torch.cov(flat)


def test_mean_and_covariance_become_the_palettes() -> None:
    mapped = match_colours(
        picture(1, (0.2, 0.2, 0.2), 0.4), [picture(2, (0.3, 0.1, 0.2), 0.3)], [1]
    )
    mean, covariance = statistics(mapped)
    wanted_mean, wanted_covariance = statistics(picture(2, (0.3, 0.1, 0.2), 0.3))
    torch.testing.assert_close(mean, wanted_mean, rtol=0, atol=1e-4)
    torch.testing.assert_close(covariance, wanted_covariance, rtol=0, atol=5e-5)


def test_a_picture_keeps_its_colours_when_they_are_the_palettes_already() -> None:
    same = picture(1, (0.3, 0.2, 0.4), 0.3)
    torch.testing.assert_close(match_colours(same, [same], [1]), same, rtol=0, atol=1e-4)


def test_palettes_count_by_their_shares() -> None:
    source = picture(1, (0.2, 0.2, 0.2), 0.4)
    dark, light = picture(2, (0.1, 0.1, 0.1), 0.2), picture(3, (0.1, 0.1, 0.1), 0.6)
    mean, _ = statistics(match_colours(source, [dark, light], [3, 1]))
    expected = 0.75 * statistics(dark)[0] + 0.25 * statistics(light)[0]
    torch.testing.assert_close(mean, expected, rtol=0, atol=1e-3)


def test_a_grey_or_flat_picture_takes_the_palettes_mean_and_no_noise() -> None:
    palette = picture(2, (0.3, 0.1, 0.2), 0.3)
    flat = torch.full((1, 3, 8, 8), 0.5)
    flat[..., 0, 0] += 1 / 255
    mapped = match_colours(flat, [palette], [1])
    assert torch.isfinite(mapped).all()
    assert mapped.std(dim=(2, 3)).max() < 0.05
    torch.testing.assert_close(statistics(mapped)[0], statistics(palette)[0], rtol=0, atol=0.02)
