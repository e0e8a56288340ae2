"""The paintings of a series: their settings, and that each can be painted alone."""

from typing import Any

import pytest

from engine.errors import SettingsError
from engine.series.members import count_of, members_of
from engine.settings import Settings, resolve


def test_the_first_variation_is_the_painting_without_variations() -> None:
    first = members_of(resolve({"variations": 5, "seed": 7}), 1)[0]
    assert first.settings == resolve({"seed": 7})
    assert (first.name, first.count, first.document()) == ("", 5, {"variations": 5, "number": 1})


def test_variations_differ_from_each_other_in_seed_start_and_style() -> None:
    members = members_of(resolve({"variations": 16}), 1)
    assert [each.settings.seed for each in members] == list(range(16))
    assert len({str(each.settings.style_crop) for each in members}) == 16
    assert {each.settings.style_rotate for each in members} == {0, 90, 180, 270}
    assert all(each.settings.init_noise > 0 for each in members[1:])
    assert [each.name for each in members[:3]] == ["", "variation2", "variation3"]


def test_a_variation_asked_for_alone_has_the_settings_of_its_record() -> None:
    for member in members_of(resolve({"variations": 16, "style_rotate": -350.0}), 1):
        again = members_of(Settings.model_validate(member.settings.model_dump()), 1)
        assert [each.settings for each in again] == [member.settings]


def test_what_was_chosen_of_the_style_stays_and_labels_keep_their_place() -> None:
    crop = [0.1, 0.1, 0.5, 0.5]
    for member in members_of(resolve({"variations": 4, "style_crop": crop}), 1):
        assert member.settings.style_crop == crop
    labels = {"regions": ["a.png"], "style_regions": ["b.png"], "variations": 4}
    for member in members_of(resolve(labels), 1):
        assert member.settings.style_crop is None
        assert member.settings.style_rotate == 0


def test_strokes_keep_their_size_in_a_part_of_the_style() -> None:
    """A part of 0.75 of the sides at 0.75 of the scale: as many pixels for each stroke."""
    third = members_of(resolve({"variations": 3}), 1)[2].settings
    assert third.style_crop is not None
    assert third.style_crop[2:] == [0.75, 0.75]
    assert third.style_scale == 0.75


def test_an_interpolation_goes_from_one_style_alone_to_the_other_alone() -> None:
    members = members_of(resolve({"interpolate": 5}), 2)
    blends = [each.settings.style_blend for each in members]
    assert blends == [[1, 0], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0, 1]]
    assert [each.label for each in members][1] == "75% : 25%"
    assert {each.settings.interpolate for each in members} == {None}


def test_an_interpolation_between_strengths_has_both_ends() -> None:
    asked = resolve({"interpolate": 3, "interpolate_strength": [10, 90]})
    assert [each.settings.strength for each in members_of(asked, 1)] == [10, 50, 90]
    assert members_of(asked, 3)[1].settings == resolve({"strength": 50})


@pytest.mark.parametrize(
    ("settings", "styles"),
    [({"interpolate": 3}, 1), ({"interpolate": 3}, 3), ({"interpolate": 3, "regions": ["a"]}, 2)],
)
def test_an_interpolation_without_two_styles_is_refused(
    settings: dict[str, Any], styles: int
) -> None:
    with pytest.raises(SettingsError, match=r"interpolate: .* two styles"):
        members_of(resolve(settings), styles)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"variations": 0}, "variations"),
        ({"variations": 17}, "variations"),
        ({"interpolate": 1}, "interpolate"),
        ({"interpolate": 3, "variations": 2}, "variations"),
        ({"interpolate_strength": [0, 100]}, "interpolate"),
        ({"style_blend": [0.0, 0.0]}, "style_blend"),
    ],
)
def test_a_series_that_cannot_be_is_refused_by_its_key(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve(settings)
    assert [problem.path[0] for problem in refused.value.problems] == [key]


def test_one_painting_is_a_series_of_one() -> None:
    (only,) = members_of(resolve({}), 1)
    assert (only.settings, only.name, only.document()) == (resolve({}), "", {})
    assert count_of(resolve({"interpolate": 4})) == 4
