"""The plot of the losses, looked at by its pixels."""

import numpy as np
import pytest

from engine.images.picture import Picture
from engine.images.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Curve, log_ticks, loss_plot

BLUE = (0, 0, 255)


def where_blue(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the curve's pixels, without the legend's at the top right."""
    rows, columns = np.nonzero(np.abs(picture.pixels - [0, 0, 1]).max(axis=2) < 0.2)
    below = rows > TOP + 30
    return rows[below], columns[below]


def test_a_falling_loss_is_a_straight_line_down_on_the_log_axis() -> None:
    steps = list(range(1, 101))
    plot = loss_plot(steps, [Curve("total", [1000 * 0.9**n for n in steps], BLUE)])
    assert plot.size == (WIDTH, HEIGHT)
    rows, columns = where_blue(plot)
    slope, start = np.polyfit(columns, rows, 1)
    assert slope > 0  # rows count downwards
    assert np.abs(rows - (slope * columns + start)).max() < 4
    assert columns.max() == pytest.approx(WIDTH - RIGHT, abs=3)
    assert columns.min() > LEFT
    assert rows.max() < HEIGHT - BOTTOM


def test_a_loss_of_nothing_but_zeros_has_no_line_and_does_no_harm() -> None:
    plot = loss_plot([1, 2, 3], [Curve("content", [0.0, 0.0, 0.0], BLUE)])
    assert where_blue(plot)[0].size == 0


def test_a_single_evaluation_can_be_drawn() -> None:
    assert loss_plot([1], [Curve("total", [5.0], BLUE)]).size == (WIDTH, HEIGHT)


def test_the_line_breaks_where_a_value_is_zero() -> None:
    _, columns = where_blue(loss_plot(range(5), [Curve("style", [1, 2, 0, 2, 1], BLUE)]))
    assert not np.isin((LEFT + WIDTH - RIGHT) // 2, columns)
    assert columns.size > 0


def test_few_decades_have_fine_ticks_and_many_have_powers_of_ten() -> None:
    assert log_ticks(0.002, 0.03) == [0.002, 0.005, 0.01, 0.02]
    assert log_ticks(0.5, 1e5) == [1, 10, 100, 1000, 1e4, 1e5]
