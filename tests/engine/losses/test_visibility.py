"""Terms over what is visible: hidden positions neither count nor are changed."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from engine.images.picture import Picture
from engine.images.scaling import scaled
from engine.losses.functional import gram_matrix
from engine.losses.gram import Gram
from engine.losses.guides import Visibility, visibility_of
from engine.memory.segmented_network import SegmentedNetwork
from engine.memory.segments import Layout, split_into_segments
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.settings import resolve

SIZE = (64, 48)
STATISTICS = ["gram", "covariance", "wasserstein", "histogram"]


def noise(seed: int, height: int = SIZE[1], width: int = SIZE[0]) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def visibility() -> Visibility:
    """The left two thirds, but for a hole."""
    cover = torch.zeros(1, 1, SIZE[1], SIZE[0])
    cover[..., :44] = 1
    cover[..., 16:32, 16:32] = 0
    return Visibility(cover)


def test_a_position_counts_if_half_of_its_pixels_are_visible() -> None:
    cover = torch.zeros(1, 1, 32, 32)
    cover[..., :8, :] = 1  # half of the first row of 16 x 16 px
    cover[..., 16:23, :] = 1  # less than half of the second
    seen = Visibility(cover).at("relu5_1")
    assert seen.tolist() == [[True, True], [False, False]]


def test_of_thin_lines_the_positions_that_see_most_count() -> None:
    cover = torch.zeros(1, 1, 64, 64)
    cover[..., 20, :] = 1
    seen = Visibility(cover).at("relu5_1")
    assert seen.tolist() == [[row == 1] * 4 for row in range(4)]


def test_selecting_and_spreading_are_each_others_transpose(visibility: Visibility) -> None:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(1, 5, 24, 32, generator=generator)
    selected = visibility.select(features, "relu2_1")
    other = torch.randn(selected.shape, generator=generator)
    spread = visibility.spread(other, "relu2_1")
    assert torch.allclose((selected * other).sum(), (features * spread).sum(), atol=1e-4)
    assert selected.shape[-1] == visibility.total("relu2_1")


def terms_and_gradient(
    vgg: VGG19, picture: Tensor, visibility: Visibility, layout: Layout | None, **values: Any
) -> tuple[Tensor, Tensor]:
    objective = style_transfer_objective(
        vgg,
        noise(2),
        [noise(3)],
        resolve({"content_layers": {"relu3_1": 1.0}} | values),
        layout=layout,
        visibility=visibility,
    )
    picture = picture.clone().requires_grad_()
    terms = objective(picture)
    (gradient,) = torch.autograd.grad((terms * terms.new_tensor([6.0, 1, 1])).sum(), picture)
    return terms.detach(), gradient


@pytest.mark.parametrize("statistic", STATISTICS[:3])
def test_in_tiles_the_masked_terms_are_those_of_the_whole(
    vgg: VGG19, visibility: Visibility, statistic: str
) -> None:
    layout = Layout(("pool1", "pool2"), (20, 32, None), offloaded=True)
    there = terms_and_gradient(vgg, noise(1), visibility, None, style_statistic=statistic)
    here = terms_and_gradient(vgg, noise(1), visibility, layout, style_statistic=statistic)
    torch.testing.assert_close(here[0], there[0], rtol=1e-5, atol=0)
    assert (here[1] - there[1]).norm() < 1e-5 * there[1].norm()


class _Reads(TorchDispatchMode):
    """Notes the operations for whose answer the host waits on a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        by_mask = name.startswith("aten::index") and any(
            isinstance(each, Tensor) and each.dtype == torch.bool
            for argument in args
            for each in (argument if isinstance(argument, list | tuple) else [argument])
        )
        if by_mask or name in ("aten::_local_scalar_dense", "aten::nonzero"):
            self.found.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("layout", [None, Layout(("pool1", "pool2"), (20, 32, None))])
@pytest.mark.parametrize("statistic", STATISTICS[:2])
def test_no_masked_evaluation_but_the_first_reads_from_the_device(
    vgg: VGG19, visibility: Visibility, statistic: str, layout: Layout | None
) -> None:
    settings = resolve({"content_layers": {"relu3_1": 1.0}, "style_statistic": statistic})
    objective = style_transfer_objective(
        vgg, noise(2), [noise(3)], settings, layout=layout, visibility=visibility
    )
    picture = noise(1).requires_grad_()
    torch.autograd.grad(objective(picture).sum(), picture)
    with _Reads() as reads:
        torch.autograd.grad(objective(picture).sum(), picture)
    assert reads.found == []


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_gradient_is_the_slope_of_the_masked_terms(
    vgg: VGG19, visibility: Visibility, statistic: str
) -> None:
    picture = noise(1)
    _, gradient = terms_and_gradient(vgg, picture, visibility, None, style_statistic=statistic)
    direction = gradient / gradient.norm()
    sums = []
    for step in (-0.02, 0.02):
        terms, _ = terms_and_gradient(
            vgg, picture + step * direction, visibility, None, style_statistic=statistic
        )
        sums.append(float((terms * terms.new_tensor([6.0, 1, 1])).sum()))
    slope = (sums[1] - sums[0]) / 0.04
    assert slope == pytest.approx(float(gradient.norm()), rel=0.02)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_all_visible_means_the_plain_terms(vgg: VGG19, statistic: str) -> None:
    everything = Visibility(torch.ones(1, 1, SIZE[1], SIZE[0]))
    plain = terms_and_gradient(vgg, noise(1), None, None, style_statistic=statistic)  # type: ignore[arg-type]
    masked = terms_and_gradient(vgg, noise(1), everything, None, style_statistic=statistic)
    torch.testing.assert_close(masked[0], plain[0], rtol=1e-4, atol=0)
    assert (masked[1] - plain[1]).norm() < 1e-3 * plain[1].norm()


@pytest.mark.parametrize("statistic", STATISTICS)
def test_far_from_what_is_visible_nothing_is_painted(vgg: VGG19, statistic: str) -> None:
    cover = torch.zeros(1, 1, 48, 256)
    cover[..., :64] = 1
    objective = style_transfer_objective(
        vgg,
        noise(2, 48, 256),
        [noise(3)],
        resolve({"style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}, "style_statistic": statistic}),
        visibility=Visibility(cover),
    )
    picture = noise(1, 48, 256).requires_grad_()
    (gradient,) = torch.autograd.grad(objective(picture).sum(), picture)
    assert gradient[..., :64].abs().max() > 0
    assert gradient[..., 192:].abs().max() == 0  # relu4_2 sees 46 px to each side


def test_what_a_style_hides_is_no_part_of_its_statistics(vgg: VGG19) -> None:
    """Half of it hidden, a style's Gram matrix is nearly that of the other half alone; with the
    mean colour in the place of what is hidden it would be far from it."""
    pixels = noise(4, 96, 192)[0].permute(1, 2, 0).numpy()
    alpha = (torch.arange(192) < 96).float().repeat(96, 1).numpy()
    half = Picture(pixels, alpha)
    visible = visibility_of(half, half.size, 0, torch.device("cpu"))
    assert visible is not None
    layers = ["relu1_1", "relu2_1", "relu3_1"]
    network = SegmentedNetwork(
        vgg, split_into_segments(layers, Layout()), layers, "max", "replicate"
    )
    picture = scaled(half, half.size)
    masked = network.statistics(picture, Gram("positions"), visible)
    diluted = network.statistics(picture, Gram("positions"))
    alone = network.statistics(picture[..., :96], Gram("positions"))
    for name in layers:
        wanted = alone[name][0]
        assert (masked[name][0] - wanted).norm() < 0.1 * wanted.norm()
        assert (diluted[name][0] - wanted).norm() > 0.2 * wanted.norm()
    found = gram_matrix(
        visible.select(vgg.features(picture, ["relu1_1"], "max", "replicate")["relu1_1"], "relu1_1")
    )
    torch.testing.assert_close(masked["relu1_1"][0], found, rtol=1e-4, atol=1e-4)


def test_a_picture_that_hides_nothing_has_no_mask() -> None:
    pixels = noise(4)[0].permute(1, 2, 0).numpy()
    faint = torch.full((48, 64), 0.5).numpy()
    for alpha in (None, faint, torch.zeros(48, 64).numpy()):
        assert visibility_of(Picture(pixels, alpha), SIZE, 4, torch.device("cpu")) is None
