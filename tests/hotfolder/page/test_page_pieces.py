"""The page's pure parts: words, curves, rates, addresses, fields."""

from datetime import datetime

import pytest
from support import FakeClock

from engine.settings import PICTURES, Settings, resolve
from hotfolder.config.model import Config
from hotfolder.config.page_address import PageAddress, parse_page_address
from hotfolder.page.fields import fill, form_values, groups
from hotfolder.page.folder.curve import HEIGHT, MAX_POINTS, WIDTH, Curve, LossCurves
from hotfolder.page.folder.words import bytes_in_words, duration, moment, number, time_to_go
from hotfolder.page.safety.rates import OpenStreams, RateLimit
from plugin.client import Status


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""), (-1.0, ""), (0.2, "1 s"), (40.2, "40 s"), (59.6, "1 min"), (61.0, "1 min"),
        (150.0, "2 min"), (3599.0, "1 h"), (7500.0, "2 h 5 min"), (200_000.0, "2 days"),
    ],
)  # fmt: skip
def test_durations_as_people_say_them(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (datetime(2026, 3, 12, 9, 5), "09:05"),
        (datetime(2026, 3, 11, 23, 59), "yesterday, 23:59"),
        (datetime(2026, 1, 2, 14, 32), "2 January, 14:32"),
        (datetime(2025, 12, 31, 14, 32), "31 December 2025"),
    ],
)
def test_moments_as_people_say_them(time: datetime, words: str) -> None:
    assert moment(time, datetime(2026, 3, 12, 10, 0)) == words


def test_the_time_to_go_of_a_batch_is_that_of_what_is_done() -> None:
    began, now = datetime(2026, 3, 12, 9, 0), datetime(2026, 3, 12, 9, 10)
    assert time_to_go(0.25, began, now) == 1800.0
    assert time_to_go(0.0, began, now) is None
    assert time_to_go(1.0, began, now) is None
    assert time_to_go(0.5, None, now) is None


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, ""), (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (840_000, "840 kB"),
        (3_440_000, "3.4 MB"), (999_900, "1.0 MB"), (68e9, "68 GB"), (2.5e12, "2.5 TB"),
    ],
)  # fmt: skip
def test_sizes_as_people_write_them(count: int | None, words: str) -> None:
    assert bytes_in_words(count) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"), (0.01234, "0.0123"), (99.94, "99.9"), (213_065.2, "213 000"),
        (999_900.0, "1 million"),
        (6_391_955.75, "6.39 million"), (1.2e9, "1.2 billion"),
    ],
)  # fmt: skip
def test_losses_in_three_figures(value: float, words: str) -> None:
    assert number(value) == words


def test_a_curve_is_logarithmic_from_left_to_right_and_top_to_bottom() -> None:
    curve = Curve()
    for fraction, total in ((0.0, 1000.0), (0.5, 100.0), (1.0, 10.0)):
        curve.add(fraction, {"total": total})
    (line,) = curve.lines()
    points = [tuple(map(float, point.split(","))) for point in line.points.split()]
    assert points == [(0.0, 6.0), (WIDTH / 2, HEIGHT / 2), (WIDTH, HEIGHT - 6.0)]
    assert line.last == 10.0


def test_a_long_curve_keeps_its_ends_and_few_points() -> None:
    curve = Curve()
    for step in range(10_001):
        curve.add(step / 10_000, {"total": 1.0 + step})
    assert len(curve.points) <= MAX_POINTS
    assert curve.points[0][0] == 0.0
    assert curve.points[-1][0] == 1.0


def test_a_curve_begins_anew_with_another_attempt_and_ends_with_its_job() -> None:
    curves = LossCurves()

    def at(fraction: float) -> Status:
        return Status("cat", "running", id="1", fraction=fraction, losses={"total": 5.0})

    for fraction in (0.5, 0.6, 0.6, 0.1):
        curves.note([at(fraction)])
    assert [point[0] for point in curves.of(at(0.1)).points] == [0.1]
    curves.note([Status("cat", "done", id="1")])
    assert curves.of(at(0.1)).points == []


def test_losses_that_have_no_logarithm_are_left_out() -> None:
    curve = Curve()
    curve.add(0.1, {"total": 0.0, "style": float("inf"), "content": -1.0})
    curve.add(0.2, {"total": float("nan")})
    assert curve.lines() == []


def test_a_rate_lets_a_burst_through_and_then_so_many_a_second() -> None:
    clock = FakeClock()
    rate = RateLimit(2, 3, clock)
    assert [rate.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert rate.take("b") == 0.0
    clock.advance(0.5)
    assert [rate.take("a") for _ in range(2)] == [0.0, 0.5]


def test_streams_are_counted_for_all_and_for_each() -> None:
    streams = OpenStreams(3, 2)
    with streams.one("a"), streams.one("a"):
        assert not streams.has_room("a")
        with streams.one("b"):
            assert not streams.has_room("c")
        assert streams.has_room("c")
    assert streams.has_room("a")


@pytest.mark.parametrize(
    ("text", "address", "is_loopback"),
    [
        ("127.0.0.1:8321", PageAddress("127.0.0.1", 8321), True),
        ("127.5.0.1:1", PageAddress("127.5.0.1", 1), True),
        ("localhost:8321", PageAddress("localhost", 8321), True),
        ("[::1]:8321", PageAddress("::1", 8321), True),
        ("0.0.0.0:80", PageAddress("0.0.0.0", 80), False),
        ("[::]:80", PageAddress("::", 80), False),
        ("studio.lan:8321", PageAddress("studio.lan", 8321), False),
        ("localhost.evil.example:1", PageAddress("localhost.evil.example", 1), False),
    ],
)
def test_an_address_and_who_can_reach_it(
    text: str, address: PageAddress, is_loopback: bool
) -> None:
    assert parse_page_address(text) == address
    assert address.is_loopback == is_loopback
    assert str(address) == text


@pytest.mark.parametrize("text", ["8321", ":8321", "127.0.0.1", "::1:80", "a b:1", "x:99999", "x:"])
def test_what_is_no_address_is_refused_in_the_configuration(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT such as 127\.0\.0\.1:8321"):
        Config(page=text)


def test_the_form_has_every_setting_once_but_for_those_that_name_pictures() -> None:
    names = [field.name for _, fields in groups() for field in fields]
    assert sorted(names) == sorted(set(Settings.model_fields) - {*PICTURES})


def test_a_field_has_the_models_range_and_help() -> None:
    fields = {field.name: field for _, fields in groups() for field in fields}
    strength, steps = fields["strength"], fields["steps"]
    assert (strength.kind, strength.least, strength.most, strength.step) == (
        *("number", "0", "100", "any"),
    )
    assert (steps.least, steps.step, steps.default) == ("1", "1", "60")
    assert fields["pooling"].choices == ("max", "average", "l2")
    assert fields["clamp"].choices == ("true", "false")
    assert fields["jpeg_quality"].help.startswith("Quality of a JPEG")


def test_a_records_settings_fill_the_form_and_come_back_the_same() -> None:
    layer = {"size": "content", "strength": 40.0, "style_layers": {"relu1_1": 2.0}, "clamp": False}
    settings = resolve({"preset": "gatys"}, layer, {"style_blend": [2.0, 1.0], "bits": 16})
    filled = fill(form_values(settings.model_dump()), {})
    assert filled.errors == {}
    assert resolve(filled.settings) == settings
