"""What may stand in a batch file, and what becomes of one that is refused."""

import pytest
from support import Room

from engine.settings import Settings
from hotfolder.batches import matching
from hotfolder.batches.batch_file import parse_batch
from hotfolder.batches.publishing import BatchPublisher
from hotfolder.errors import SidecarError
from hotfolder.inbox.presets import check_preset
from hotfolder.inbox.sidecar import parse_sidecar

BATCH = "contents: '*.jpg'\nstyles: night.jpg"


@pytest.fixture(autouse=True)
def library(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    (room.folder.styles / "night.jpg").write_bytes(b"night")
    # No contact sheet: the child that makes one takes seconds.
    monkeypatch.setattr(BatchPublisher, "_sheet_is_made", lambda *_: True)


def bad_value(key: str) -> str:
    return "/tmp/evil.pth" if key == "weights" else "[[[nothing that may stand here]]]"


@pytest.mark.parametrize("key", [*Settings.model_fields, "no_such_key"])
def test_what_a_sidecar_may_not_say_a_preset_and_a_batch_may_not_either(key: str) -> None:
    layer = f"{key}: {bad_value(key)}"
    with pytest.raises(SidecarError, match=f"(?m)^a.yaml, line 1: {key}"):
        parse_sidecar(layer.encode(), "a.yaml").settings({})
    with pytest.raises(SidecarError, match=f"(?m)^preset.yaml, line 1: {key}"):
        check_preset(parse_sidecar(layer.encode(), "preset.yaml"), {})
    head = "contents: a.jpg\nstyles: n.jpg\n"
    for text in (f"{head}settings:\n  {layer}", f"{head}settings:\n  - {{}}\n  - {{{layer}}}"):
        with pytest.raises(SidecarError, match=rf"trip.batch.yaml, line \d: settings\.(1\.)?{key}"):
            parse_batch(text.encode(), "trip.batch.yaml", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "settings: {weights: mine.pth}", "can only be named in config.yaml", id="file"
        ),
        pytest.param("settings: {palette: ../a.png}", "a path below the inbox", id="palette"),
        pytest.param("settings: {palette: '*.png'}", "the name of one picture", id="palettes"),
        pytest.param(
            "settings: {palette: a.png, colours: content}", "palette or blend, since", id="colours"
        ),
        pytest.param(
            "settings: {init: file, init_file: /a.png}", "it is for one content", id="init"
        ),
        pytest.param("settings: {mask: m.txt}", "'m.txt'; expected a picture", id="mask"),
        pytest.param("settings: {regions: [m.png]}", "lie beside each content", id="regions"),
        pytest.param("settings: {style_regions: [m.png]}", "for one content", id="labels"),
        pytest.param(f"client: {{a: {'x' * 3000}}}", "at most 2048 bytes", id="client"),
        pytest.param("owner: {pid: 1}", "owner: unknown key", id="owner"),
        pytest.param(f"settings: [{'{}, ' * 1001}]", "1001 entries", id="many_settings"),
    ],
)
def test_a_batch_may_say_no_more_than_a_sidecar(text: str, expected: str) -> None:
    with pytest.raises(SidecarError) as caught:
        parse_batch(f"contents: a.jpg\nstyles: n.jpg\n{text}".encode(), "trip.batch.yaml", {})
    assert expected in str(caught.value)


def test_a_batch_may_name_the_weights_that_the_configuration_names() -> None:
    text = b"contents: a.jpg\nstyles: n.jpg\nsettings: {weights: mine.pth}"
    batch = parse_batch(text, "trip.batch.yaml", {"weights": "mine.pth"})
    assert batch.variants["1"].weights == "mine.pth"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("styles: [[]]", "styles.0: 0 pictures"),
        (f"styles: [[{'n.jpg, ' * 65}]]", "styles.0: 65 pictures"),
        (f"styles: n.jpg\nextra: [{'x, ' * 6000}]", "more than 5000"),
    ],
)
def test_a_blend_has_as_many_styles_as_a_sidecar(text: str, expected: str) -> None:
    with pytest.raises(SidecarError) as caught:
        parse_batch(f"contents: a.jpg\n{text}".encode(), "trip.batch.yaml", {})
    assert expected in str(caught.value)


def test_a_refused_batch_is_retried_when_it_is_corrected(room: Room) -> None:
    room.drop("trip.batch.yaml", "contents: fish.jpg\nstiles: night.jpg")
    room.drop("fish.jpg")
    room.step(4)
    path = room.folder.failed / "trip" / "trip.batch.yaml"
    assert "Did you mean 'styles'?" in room.error("trip")
    path.write_text("contents: fish.jpg\nstyles: night.jpg")
    room.drop("trip.retry")
    room.step(10)
    assert room.status("trip")["state"] == "done"
    assert not list(room.folder.failed.iterdir())
    assert not list(room.folder.inbox.iterdir())


@pytest.mark.parametrize(
    ("limit", "value", "expected"),
    [
        ("MAX_ITEMS", 1, "2 paintings; at most 1 fit in one batch. Split it."),
        ("MAX_PLAN_BYTES", 50, "the names of its paintings and their pictures take more than"),
    ],
)
def test_a_batch_that_is_too_large_is_refused_and_takes_no_picture(
    room: Room, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, expected: str
) -> None:
    monkeypatch.setattr(matching, limit, value)
    room.drop("trip.batch.yaml", BATCH)
    room.drop("a.jpg")
    room.drop("b.jpg")
    room.step(5)
    assert expected in room.error("trip")
    assert {path.name for path in room.folder.inbox.iterdir()} == {"a.jpg", "b.jpg"}
