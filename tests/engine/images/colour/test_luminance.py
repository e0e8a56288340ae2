import torch
from torch import Tensor

from engine.images.colour.luminance import keep_luma


def picture(seed: int, contrast: tuple[float, float, float], base: float) -> Tensor:
    noise = torch.rand(1, 3, 40, 30, generator=torch.Generator().manual_seed(seed))
    noise[:, 1] = 0.6 * noise[:, 0] + 0.4 * noise[:, 1]  # channels that go together
    return noise * torch.tensor(contrast).view(1, 3, 1, 1) + base


def test_kept_colours_have_the_paintings_luma_and_the_contents_hue() -> None:
    painted, content = picture(1, (0.9, 0.9, 0.9), 0.05), picture(2, (0.3, 0.2, 0.5), 0.2)
    kept = keep_luma(painted, content)
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)

    def chroma(x: Tensor) -> Tensor:
        return x - (x * luma).sum(1, keepdim=True)

    torch.testing.assert_close((kept * luma).sum(1), (painted * luma).sum(1), rtol=0, atol=1e-5)
    along = torch.nn.functional.cosine_similarity(chroma(kept), chroma(content), dim=1)
    assert along.min() > 0.999
    assert (chroma(kept).norm(dim=1) <= chroma(content).norm(dim=1) + 1e-6).all()


def test_keeping_colours_of_the_picture_itself_changes_nothing() -> None:
    same = picture(2, (0.3, 0.2, 0.5), 0.2)
    torch.testing.assert_close(keep_luma(same, same), same)


def test_black_white_and_grey_stay_in_the_gamut() -> None:
    painted = torch.tensor([0.0, 1.0, 0.5]).expand(3, 3).reshape(1, 3, 1, 3)
    content = torch.tensor([0.9, 0.2, 0.1]).view(1, 3, 1, 1).expand(1, 3, 1, 3)
    kept = keep_luma(painted, content)
    assert kept[..., 0].max() == 0
    assert kept[..., 1].min() == 1
    grey = torch.full((1, 3, 1, 3), 0.4)
    torch.testing.assert_close(keep_luma(painted, grey), painted)
