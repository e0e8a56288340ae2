import pytest
import torch

from engine.images.pyramid import crop, enlarge, extend, pyramid_sizes, resize, style_size


def test_the_last_size_is_the_results_and_each_before_is_shorter_by_the_factor() -> None:
    assert pyramid_sizes((1024, 768), 512, 3, 2.0) == [(128, 96), (256, 192), (512, 384)]


@pytest.mark.parametrize(
    ("size", "sides"),
    [(200, [200]), (256, [256]), (500, [500]), (512, [256, 512]), (2048, [256, 512, 1024, 2048])],
)
def test_by_default_it_begins_between_256_and_511_px(size: int, sides: list[int]) -> None:
    assert [max(each) for each in pyramid_sizes((300, 400), size, 0, 2.0)] == sides


@pytest.mark.parametrize("content", [(1000, 667), (667, 1000), (333, 333), (1201, 1528)])
def test_the_aspect_is_the_contents_to_the_pixel(content: tuple[int, int]) -> None:
    width, height = pyramid_sizes(content, 512, 1, 2.0)[-1]
    assert max(width, height) == 512
    exact = min(content) / max(content) * 512
    assert abs(min(width, height) - exact) <= 0.5


def test_scales_too_small_for_the_network_are_left_out_but_never_the_last() -> None:
    assert pyramid_sizes((400, 100), 200, 3, 2.0) == [(200, 50)]
    assert pyramid_sizes((400, 20), 200, 2, 2.0) == [(200, 10)]


def test_a_style_has_the_results_area() -> None:
    assert style_size((1000, 1000), (512, 384), 1.0) == (443, 443)
    assert style_size((2000, 500), (200, 200), 1.0) == (400, 100)
    assert style_size((1000, 1000), (512, 512), 0.5) == (256, 256)


def test_a_style_is_never_enlarged_beyond_what_the_network_needs() -> None:
    assert style_size((200, 100), (2048, 2048), 1.0) == (200, 100)
    assert style_size((16, 16), (512, 512), 1.0) == (32, 32)


def test_a_style_that_is_a_pixel_too_large_is_not_blurred() -> None:
    assert style_size((547, 410), (437, 512), 1.0) == (547, 410)
    assert style_size((549, 412), (437, 512), 1.0) == (546, 410)


def test_resizing_keeps_the_gamut_and_does_nothing_at_the_same_size() -> None:
    stripes = (torch.arange(40) % 2).float().expand(1, 3, 40, 40)
    larger = resize(stripes, (100, 90))
    assert larger.shape == (1, 3, 90, 100)
    assert larger.min() >= 0
    assert larger.max() <= 1
    assert resize(stripes, (40, 40)) is stripes


def test_enlarging_gives_the_contents_fine_structure_back() -> None:
    content = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(2)) * 0.4 + 0.3
    coarse = resize(content, (24, 32))
    torch.testing.assert_close(enlarge(coarse, coarse, content), content)
    brighter = enlarge(coarse + 0.1, coarse, content)
    torch.testing.assert_close(brighter, content + 0.1)


def test_what_is_painted_beyond_the_edges_mirrors_the_picture_and_can_be_cut_off() -> None:
    picture = torch.rand(1, 3, 20, 30)
    canvas = extend(picture, 4)
    assert canvas.shape == (1, 3, 28, 38)
    torch.testing.assert_close(canvas[..., 3, 4:-4], picture[..., 1, :])
    torch.testing.assert_close(crop(canvas, (30, 20)), picture)
    assert extend(picture, 0).shape == picture.shape
    assert extend(torch.rand(1, 3, 3, 30), 8).shape == (1, 3, 7, 34)
