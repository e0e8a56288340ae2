"""`name:` says what results are called, wherever it stands; what cannot be one is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from support import Room

from engine.settings import resolve
from hotfolder.config.model import Config
from hotfolder.inbox.sidecar import parse_sidecar
from hotfolder.job_options import JobOptions
from hotfolder.outbox.result_name import result_name
from plugin.client.protocol import MAX_NAME_BYTES

PATTERN = "{content}-{style}-{size}"


def results(room: Room) -> list[str]:
    return sorted(path.name for path in room.folder.outbox.glob("*.png"))


@pytest.mark.parametrize("where", ["sidecar", "config", "preset", "batch"])
def test_the_name_of_a_result_is_said_anywhere(room: Room, where: str) -> None:
    said = f"name: '{PATTERN}'\n"
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    if where == "config":
        room.settings["name"] = PATTERN
    if where == "preset":
        (room.folder.inbox / "oil").mkdir()
        room.drop("oil/preset.yaml", f"{said}styles: [wave.jpg]\nsize: 640")
        room.drop("oil/cat.jpg")
    elif where == "batch":
        room.drop("cat.jpg")
        room.drop(
            "b.batch.yaml", f"{said}contents: cat.jpg\nstyles: wave.jpg\nsettings: {{size: 640}}"
        )
    else:
        room.drop("cat.jpg")
        own = said if where == "sidecar" else ""
        room.drop("job.yaml", f"{own}content: cat.jpg\nstyles: wave.jpg\nsize: 640")
    room.step(8)
    assert results(room) == ["cat-wave-640.png"]
    (job,) = room.dispatcher.submitted
    status = room.status(job.name)
    assert status["result"] == "outbox/cat-wave-640.png"
    assert status["record"] == "outbox/cat-wave-640.result.yaml"
    assert room.record("cat-wave-640")["name"] == job.name


def test_the_sidecar_says_more_than_the_preset_and_that_more_than_the_configuration(
    room: Room,
) -> None:
    room.settings["name"] = "config-{content}"
    (room.folder.inbox / "oil").mkdir()
    room.drop("oil/preset.yaml", "styles: [wave.jpg]\nname: 'preset-{content}'")
    room.drop("oil/cat.jpg")
    room.drop("oil/dog.jpg")
    room.drop("oil/dog.yaml", "name: 'sidecar-{content}'")
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    room.drop_pair("eel")
    room.step(8)
    assert results(room) == ["config-eel.png", "preset-cat.png", "sidecar-dog.png"]


def test_pictures_of_one_name_keep_it_in_that_of_the_result(room: Room) -> None:
    for place in ("a", "b"):
        (room.folder.styles / place).mkdir()
        (room.folder.styles / place / "cat.jpg").write_bytes(b"x")
    room.drop("cat.jpg")
    room.drop("job.yaml", f"content: cat.jpg\nstyles: [a/cat.jpg, b/cat.jpg]\nname: '{PATTERN}'")
    room.step(6)
    assert results(room) == ["cat-cat+cat-512.png"]


def test_results_that_come_to_one_name_get_numbers(room: Room) -> None:
    room.settings["name"] = "painting"
    for name in "abc":
        room.drop_pair(name)
    room.step(8)
    assert results(room) == ["painting-2.png", "painting-3.png", "painting.png"]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{contnet}", "no fields but {name}, {content}, {style}, "),
        ("{content.parent}", "no fields but"),
        ("{content[0]}", "no fields but"),
        ("{content!r}", "no fields but"),
        ("{size:09}", "no fields but"),
        ("{}", "no fields but"),
        ("{content", "text with fields such as {content}"),
        ("{style}/{content}", "no slash"),
        ("..\\\\{content}", "no slash"),
        (".{content}", "not hidden"),
        ("a\nb", "every system"),
        ("CON", "every system"),
        ("nul.{content}", "every system"),
        ("what?", "every system"),
        ("", "every system"),
        ("server", "server is the server's own"),
        ("x" * 101, "at most 100 bytes of text"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        JobOptions(name=pattern)
    assert why in str(caught.value)
    with pytest.raises(ValidationError):
        Config.model_validate({"name": pattern})


def test_a_sidecar_with_a_wrong_name_is_refused_with_its_line(room: Room) -> None:
    room.drop_pair("cat", "size: 640\nname: '{contnet}'")
    room.step(4)
    assert "cat.yaml, line 2: name: '{contnet}'; expected no fields but" in room.error("cat")
    assert parse_sidecar(b"name: '{content}'", "a.yaml").options.name == "{content}"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (None, "oil-cat"),
        ("{name}", "oil-cat"),
        ("{content}-{style}", "cat-wave+night"),
        ("{preset} {size} {strength} {seed}", "preview 1024 75 7"),
        ("{date}", "2026-11-25"),
        ("{{{content}}}", "{cat}"),
    ],
)
def test_every_field_is_filled_in(pattern: str | None, expected: str) -> None:
    settings = resolve({"preset": "preview", "size": "content", "seed": 7})
    name = result_name(
        pattern,
        "oil-cat",
        "cat.content.jpg",
        ["wave.jpg", "x/night.png"],
        settings,
        record={"size": [1024, 768]},
        finished="2026-11-25T12:00:00+00:00",
    )
    assert name == expected


@pytest.mark.parametrize(
    "content", ["CON.jpg", "a:b.jpg", "x" * 240 + ".jpg", "a.jpg.jpg", " .jpg"]
)
def test_whatever_comes_into_the_fields_it_is_a_name(content: str, tmp_path: Path) -> None:
    settings, moment = resolve(), "2026-11-25T12:00:00+00:00"
    name = result_name("{content}", "a", content, [], settings, record={}, finished=moment)
    assert name
    assert len(name.encode()) <= MAX_NAME_BYTES
    (tmp_path / f"{name}.result.yaml").touch()
    assert JobOptions(name=name[:100]).name
