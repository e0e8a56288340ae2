"""What the artist chose, and what is remembered of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from choices import Choices, Refusal, StyledRegion
from options import MAX_SCALE, MAX_SECONDS, MAX_SEED, MAX_SIZE
from pictures import OpenPicture, open_picture, picture_title, style_file
from preferences import Installation, Preferences

from engine.settings import Settings, resolve
from hotfolder.job_options import JobOptions


def test_the_sidecar_says_only_what_differs_from_the_preset() -> None:
    kept = {"format": "png", "bits": "auto", "profile": "content"}
    assert Choices().settings(900) == {"preset": "standard", **kept, "size": 900}
    assert Choices(preset="preview").settings(900) == {"preset": "preview", **kept}
    chosen = Choices(strength=40, size=640, seconds=30, style_scale=2, seed=9)
    assert chosen.settings(900) == {
        "preset": "standard",
        **kept,
        "size": 640,
        "seconds": 30,
        "strength": 40,
        "style_scale": 2,
        "seed": 9,
    }


def test_what_is_sent_is_known_to_the_server_and_within_its_ranges() -> None:
    chosen = Choices(
        strength=100, size=MAX_SIZE, seconds=MAX_SECONDS, style_scale=MAX_SCALE, seed=MAX_SEED
    )
    settings = chosen.settings(900)
    engines = {key: value for key, value in settings.items() if key in Settings.model_fields}
    assert set(settings) - set(engines) <= {"preset", *JobOptions.model_fields}
    assert resolve(engines).seconds == MAX_SECONDS


def test_whose_colours_is_said_where_they_are_not_the_paintings() -> None:
    assert Choices(colours="content").settings(900)["colours"] == "content"
    blend = Choices(colours="blend", colour_amount=0.25).settings(900)
    assert (blend["colours"], blend["colour_amount"]) == ("blend", 0.25)
    assert "colours" not in Choices(colour_amount=0.25).settings(900)
    assert "colour_amount" not in Choices(colours="content", colour_amount=0.25).settings(900)
    resolved = resolve({key: blend[key] for key in ("colours", "colour_amount")})
    assert (resolved.colours, resolved.colour_amount) == ("blend", 0.25)


def test_the_colours_that_an_earlier_version_kept_are_kept() -> None:
    assert Choices.from_json('{"keep_colours": true}').colours == "content"
    assert Choices.from_json('{"keep_colours": false, "colours": "blend"}').colours == "blend"


SKY = StyledRegion("channel", "sky", 7, "night.jpg")
SEA = StyledRegion("mask", "sea", 9, "/pictures/wave.png")


def test_of_a_texture_the_server_is_told_nothing_that_needs_a_layer() -> None:
    texture = Choices("night", texture=True, width=640, height=96, tile=True, regions=(SKY,))
    settings = replace(texture, strength=20, size=900).settings(640, deep=True)
    assert settings == {
        "preset": "standard",
        "format": "png",
        "bits": 16,
        "profile": "srgb",
        "texture_size": [640, 96],
        "tile": True,
    }
    resolved = resolve(settings)
    assert (resolved.texture, resolved.texture_sides) == (True, (640, 96))
    assert (texture.layer_name, texture.styles) == ("night - texture", ["night"])
    assert Choices().updated_with({"texture_size": [640, 96], "tile": True}) == replace(
        Choices(), texture=True, width=640, height=96, tile=True
    )


@pytest.mark.parametrize(
    ("sides", "small"),
    [
        ((512, 512), (256, 256)),
        ((1000, 300), (256, 80)),
        ((64, 100), (64, 96)),
        ((9000, 32), (256, 32)),
    ],
)
def test_the_preview_of_a_texture_is_small_and_could_be_seamless(
    sides: tuple[int, int], small: tuple[int, int]
) -> None:
    choices = Choices("n", texture=True, width=sides[0], height=sides[1], tile=True, hot_folder="h")
    preview = choices.as_preview()
    assert (preview.width, preview.height) == small
    preview.check()


def test_regions_come_back_from_a_layer_and_name_it() -> None:
    choices = Choices(style="unused.jpg", regions=(SKY, SEA))
    assert Choices.from_json(choices.to_json()) == choices
    assert choices.styles == ["night.jpg", "/pictures/wave.png"]
    assert choices.layer_name == "night + wave - 75"
    assert Choices(regions=(SKY, SKY)).layer_name == "night - 75"


def test_a_region_without_a_style_is_refused_by_its_name() -> None:
    bare = StyledRegion("channel", "sky", 7)
    with pytest.raises(Refusal, match="No style is chosen for the region sky"):
        Choices(regions=(bare,), hot_folder="/hot").check()
    with pytest.raises(Refusal, match="There are 65 regions; at most 64"):
        Choices(regions=(SKY,) * 65, hot_folder="/hot").check()
    with pytest.raises(Refusal, match=r"/pictures/wave\.png is not there"):
        Choices(regions=(SKY, SEA), hot_folder="/hot").check()


def test_a_layer_is_called_by_its_style_and_strength(tmp_path: Path) -> None:
    assert Choices(style="night.jpg").layer_name == "night - 75"
    assert Choices(style=str(tmp_path / "wave.png"), strength=33.5).layer_name == "wave - 33.5"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"style": ""}, "No style is chosen"),
        ({"style": "/nowhere/wave.jpg"}, "/nowhere/wave.jpg is not there"),
        ({"preset": "oil"}, "preset is 'oil'; it must be one of standard, quick, fine, preview"),
        ({"strength": 101.0}, "strength is 101; it must be from 0 to 100"),
        ({"size": 20}, "size is 20; it must be from 32 to 16384"),
        ({"seconds": -1}, "seconds is -1; it must be from 1 to 1e+06"),
        ({"output": "printer"}, "output is 'printer'"),
        (
            {"colours": "red"},
            "colours is 'red'; it must be one of painting, content, blend, palette",
        ),
        ({"colours": "palette"}, "No palette is chosen"),
        ({"colours": "palette", "palette": "/nowhere/p.png"}, "/nowhere/p.png is not there"),
        ({"colour_amount": 1.5}, "colour-amount is 1.5; it must be from 0 to 1"),
        ({"hot_folder": ""}, "No hot folder is known"),
        ({"texture": True, "colours": "content"}, "colours is 'content'; it must be one of pain"),
        ({"texture": True, "width": 20}, "width is 20; it must be from 32 to 16384"),
        (
            {"texture": True, "tile": True, "height": 500},
            "height is 500; of a seamless texture it must be a multiple of 16, such as 496 or 512",
        ),
    ],
)
def test_what_no_server_could_paint_is_refused_in_words(wrong: dict[str, Any], reason: str) -> None:
    right = {"style": "night.jpg", "hot_folder": "/hot"}
    Choices(**right).check()  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refused:
        Choices(**{**right, **wrong}).check()
    assert reason in str(refused.value)


def test_choices_come_back_from_a_layer() -> None:
    choices = Choices(style="night.jpg", strength=20, seed=3, selection_only=False)
    assert Choices.from_json(choices.to_json()) == choices


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[1]",
        '{"strength": "strong", "seed": true, "seconds": -5}',
        '{"style_scale": 0, "strength": NaN, "size": 20, "seed": 1e9, "preset": "oil"}',
        '{"regions": 3}',
        '{"regions": [1, "sky", {"kind": "channel"}, {"unknown": 1}]}',
        '{"regions": [{"kind": "channel", "name": "\\udcff", "tattoo": 1, "style": ""}]}',
        '{"regions": [{"kind": "channel", "name": "sky", "tattoo": "1", "style": ""}]}',
        '{"colours": "red", "colour_amount": 2, "palette": 3}',
        '{"texture": 1, "width": 5, "texture_size": [1, "2"], "tile": "yes"}',
        '{"style_scale": -1, "seed": 4294967296, "output": "printer", "style": "\\udcff"}',
    ],
)
def test_what_a_layer_says_wrongly_is_passed_over(text: str) -> None:
    assert Choices.from_json(text) == Choices()


def test_what_is_chosen_is_what_the_dials_can_show() -> None:
    shown = Choices(strength=33.337, style_scale=9.876).as_shown()
    assert (shown.strength, shown.style_scale) == (33.3, 9.9)


def test_the_last_choices_and_the_files_chosen_lately_are_remembered(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "impasto")
    assert preferences.choices() == Choices()
    files = [tmp_path / f"{number}.png" for number in range(10)]
    for path in files:
        path.touch()
        preferences.remember(Choices(style=str(path), strength=10))
    assert preferences.choices().style == str(files[-1])
    assert preferences.choices().strength == 10
    assert preferences.recent_styles() == files[:1:-1]
    region = StyledRegion("channel", "sky", 7, str(files[3]))
    preferences.remember(Choices(regions=(region,)))
    assert preferences.choices().regions == (region,)
    assert preferences.recent_styles()[:2] == [files[3], files[-1]]
    files[3].unlink()
    files[-1].unlink()
    assert preferences.recent_styles()[0] == files[-2]


def test_the_last_texture_is_remembered_apart_and_the_hot_folder_for_both(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path)
    assert preferences.texture() == Choices(texture=True)
    painting = Choices("night.jpg", strength=20, hot_folder="/hot")
    preferences.remember(painting)
    texture = Choices("wave.jpg", texture=True, width=96, tile=True, hot_folder="/other")
    preferences.remember(texture)
    assert preferences.texture() == texture
    assert preferences.choices() == replace(painting, hot_folder="/other")


OPEN = OpenPicture(9, 3, "cat.final.png", 7, "sky: [a]")


def test_an_open_picture_is_a_choice_that_comes_back_from_a_layer() -> None:
    choices = Choices(style=str(OPEN), colours="palette", palette=str(OpenPicture(9, 3, "cat.png")))
    assert Choices.from_json(choices.to_json()) == choices
    assert (open_picture(choices.style), style_file(choices.style)) == (OPEN, None)
    assert choices.layer_name == "sky: [a] - 75"
    assert picture_title(choices.palette) == "cat"
    files = choices.with_files(lambda picture: Path(f"/{picture.title}.png"))
    assert (files.style, files.palette) == ("/sky: [a].png", "/cat.png")
    unused = replace(choices, colours="content")
    assert unused.with_files(lambda picture: Path("/x")).palette == choices.palette
    region = replace(SKY, style=str(OPEN))
    each = Choices(regions=(region, SEA)).with_files(lambda picture: Path("/x.png"))
    assert each.styles == ["/x.png", SEA.style]


@pytest.mark.parametrize(
    "text",
    [
        "cat.png",
        "open:",
        "open:[1]",
        'open:{"session": 1, "image": "1", "image_name": "cat"}',
        "open:{}",
        'open:{"session": 1, "image": 1, "image_name": "\\udcff"}',
        'open:{"session": 1, "image": -1, "image_name": "cat"}',
    ],
)
def test_what_is_no_open_picture_is_none(text: str) -> None:
    assert open_picture(text) is None


def test_a_damaged_memory_is_no_reason_not_to_paint(tmp_path: Path) -> None:
    (tmp_path / "choices.json").write_text('{"choices": [')
    preferences = Preferences(tmp_path)
    assert preferences.choices() == Choices()
    assert preferences.recent_styles() == []
    Preferences(tmp_path / "choices.json" / "impossible").remember(Choices())


def test_the_installer_says_where_the_hot_folder_is(tmp_path: Path) -> None:
    facts = {"hot_folder": "/hot", "command": ["/venv/bin/impasto"]}
    (tmp_path / "impasto.json").write_text(json.dumps(facts))
    installed = Installation(tmp_path)
    assert (installed.hot_folder, installed.command) == ("/hot", ["/venv/bin/impasto"])
    (tmp_path / "impasto.json").write_text("{}")
    assert Installation(tmp_path).hot_folder == ""


def test_the_home_folder_of_nobody_is_no_style_and_no_surprise(tmp_path: Path) -> None:
    choices = Choices(style="~nosuchuser/wave.jpg", hot_folder=str(tmp_path))
    choices.check()
    assert style_file(choices.style) is None
