"""Settings: layers, presets, and refusals that a person can act on."""

import subprocess
import sys
from typing import Any

import pytest

from engine.errors import SettingsError
from engine.settings import LAYERS, Settings, resolve
from engine.settings.presets import PRESETS


def refusal(**values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        resolve(values)
    return str(caught.value)


def test_defaults_are_the_standard_preset() -> None:
    assert resolve() == resolve({"preset": "standard"}) == Settings()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_and_records_its_name(name: str) -> None:
    assert resolve({"preset": name}).preset == name


def test_the_presets_that_reproduce_a_source_leave_nothing_of_the_recipe_to_the_defaults() -> None:
    free = {"preset", "coarse_steps", "scale_factor", "init_file", "seed", "style_blend"}
    free |= {"format", "bits", "profile", "metadata", "page", "jpeg_quality", "jpeg_chroma"}
    free |= {"first_move", "progression", "strength", "seconds", "settle", "time_limit"}
    free |= {"scale_steps", "boosted_steps", "palette", "colour_amount", "colour_method"}
    free |= {"mask", "mask_feather", "regions", "style_regions"}
    free |= {"variations", "interpolate", "interpolate_strength"}
    free |= {"texture", "texture_size", "tile"}
    for name in ("gatys", "tutorial", "article"):
        assert set(Settings.model_fields) - free == set(PRESETS[name]), name


def test_later_layers_win_and_a_preset_outranks_the_layers_before_it() -> None:
    config = {"size": 800, "steps": 7, "seed": 3}
    assert resolve(config, {"size": 900}).size == 900
    gatys = resolve(config, {"preset": "gatys", "seed": 4})
    assert (gatys.size, gatys.steps, gatys.seed) == (512, 500, 4)


def test_adam_has_a_learning_rate_of_its_own_unless_one_is_named() -> None:
    assert resolve({"optimiser": "adam"}).learning_rate == 0.02
    assert resolve({"preset": "gatys", "optimiser": "adam"}).learning_rate == 0.02
    assert resolve({"learning_rate": 0.5}, {"optimiser": "adam"}).learning_rate == 0.5
    assert resolve({"optimiser": "adam"}, {"optimiser": "lbfgs"}).learning_rate == 1.0


def test_of_keep_colours_and_colours_the_later_layer_has_the_last_word() -> None:
    both = {"keep_colours": True}, {"colours": "content"}
    kept, named = resolve(*reversed(both)), resolve(*both)
    assert (kept.keep_colours, kept.colours) == (True, "painting")
    assert (named.keep_colours, named.colours) == (False, "content")
    assert refusal(keep_colours=True, colours="content").startswith("keep_colours: true; expected")


def test_keep_colours_beside_a_palette_is_refused_and_in_a_later_layer_has_the_last_word() -> None:
    palette = {"palette": "sunset.jpg"}
    assert "keep_colours: true; expected false, or no `palette`" in refusal(
        keep_colours=True, **palette
    )
    later = resolve(palette, {"keep_colours": True})
    assert (later.keep_colours, later.palette) == (True, None)


def test_a_texture_leaves_out_what_the_layers_below_say_of_a_content() -> None:
    below = {"strength": 40, "keep_colours": True, "seed": 7}
    for texture in ({"texture": True}, {"texture_size": [64, 32]}):
        settings = resolve(below, texture)
        assert (settings.strength, settings.keep_colours, settings.seed) == (None, False, 7)
        assert resolve({"colours": "content"}, texture).colours == "painting"
        assert "strength: 40.0; expected nothing" in refusal(**below, **texture)
        painting = resolve(texture, {"texture": False})
        assert (painting.texture, painting.texture_size) == (False, None)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"texture_size": [10, 10]}, ["texture_size.0: 10", "texture_size.1: 10"]),
        ({"texture_size": [64, 200_000]}, ["texture_size.1: 200000; expected at most 100000"]),
        ({"texture_size": [64]}, ["texture_size: [64]"]),
        ({"texture_size": [64, 100], "tile": True}, ["texture_size.1: 100; expected a multiple"]),
        ({"texture": True, "size": 100, "tile": True}, ["size: 100; expected a multiple of 16"]),
        ({"texture": True, "size": 10}, ["size: 10; expected at least 32."]),
    ],
)
def test_a_size_of_a_texture_is_refused_by_the_key_that_was_written(
    values: dict[str, Any], words: list[str]
) -> None:
    lines = refusal(**values).splitlines()
    assert [line[: len(each)] for line, each in zip(lines, words, strict=True)] == words


def test_a_palette_implies_its_colours_unless_they_are_blended() -> None:
    palette = {"palette": "sunset.jpg"}
    assert resolve(palette).colours == "palette"
    assert resolve({"keep_colours": True}, palette).keep_colours is False
    assert resolve({"colours": "blend"}, palette).colours == "blend"


@pytest.mark.parametrize("colours", ["content", "painting"])
def test_other_colours_beside_a_palette_are_refused_and_in_a_later_layer_take_its_place(
    colours: str,
) -> None:
    palette = {"palette": "sunset.jpg"}
    expected = f"colours: {colours}; expected palette or blend, since there is a `palette`, or no"
    assert refusal(colours=colours, **palette).startswith(expected)
    later = resolve(palette, {"colours": colours})
    assert (later.colours, later.palette) == (colours, None)
    assert resolve({"colours": colours}, palette).takes_palette
    assert resolve({"preset": "gatys"} | palette).takes_palette
    assert resolve(palette, {"preset": "gatys"}).palette is None


def test_a_whole_number_serves_as_a_fraction_but_not_the_reverse() -> None:
    assert resolve({"style_weight": 2}).style_weight == 2.0
    assert refusal(size=512.0).startswith("size: 512.0; expected a whole number")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sise": 512}, "sise: unknown key; expected a known key. Did you mean 'size'?"),
        ({"size": "large"}, "size: 'large'; expected a whole number"),
        ({"size": 8}, "size: 8; expected at least 32, or `content`"),
        ({"size": "contents"}, "size: 'contents'; expected a whole number, or `content`"),
        ({"seed": True}, "seed: True; expected a whole number"),
        ({"clamp": 1}, "clamp: 1; expected true or false"),
        ({"style_weight": -1}, "style_weight: -1; expected at least 0"),
        ({"style_weight": float("nan")}, "style_weight: nan; expected a finite number"),
        ({"pooling": "averge"}, "expected 'max', 'average' or 'l2'. Did you mean 'average'?"),
        ({"style_layers": {"relu4_5": 1}}, "style_layers.relu4_5: 'relu4_5'; expected a layer"),
        ({"style_layers": {"rellu4_1": 1}}, "Did you mean 'relu4_1'?"),
        ({"style_layers": {"relu4_1": "x"}}, "style_layers.relu4_1: 'x'; expected a number"),
        ({"style_layers": ["relu4_1"]}, "expected a mapping of names to values"),
        ({"style_blend": [-1]}, "style_blend.0: -1; expected at least 0"),
        (
            {"preset": "gatis"},
            "preset: 'gatis'; expected one of standard, quick, fine, preview, gatys",
        ),
        ({"preset": ["gatys"]}, "preset: ['gatys']; expected one of"),
        ({"init": "file"}, "init_file: missing; expected a picture"),
        ({"colours": "palette"}, "palette: missing; expected a picture"),
        (
            {"palette": "a.png", "colour_method": "luminance"},
            "colour_method: luminance; expected linear or histogram with a palette",
        ),
        (
            {"colours": "content", "recolour": "styles", "colour_method": "luminance"},
            "colour_method: luminance; expected linear or histogram with `recolour: styles`",
        ),
        ({"learning_rate": 10}, "learning_rate: 10; expected at most 2 for `lbfgs`"),
        ({"content_layers": {}, "style_layers": {}}, "expected a layer to optimise"),
    ],
)
def test_a_refusal_names_the_key_what_was_given_what_was_expected_and_the_nearest(
    values: dict[str, Any], words: str
) -> None:
    assert words in refusal(**values)


def test_a_size_is_a_number_or_the_contents_own() -> None:
    assert resolve({"size": 640}).longest_side((300, 900)) == 640
    assert resolve({"size": "content"}).longest_side((300, 900)) == 900


def test_every_problem_is_told_at_once() -> None:
    assert len(refusal(sise=1, pooling="x", size=1).splitlines()) == 3


def test_layers_are_those_of_vgg19_in_order() -> None:
    assert len(LAYERS) == 16 + 16 + 5
    assert LAYERS[:5] == ("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1")
    assert LAYERS[-3:] == ("conv5_4", "relu5_4", "pool5")


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_do_not_import_torch() -> None:
    code = "import sys, engine.settings; print('torch' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
