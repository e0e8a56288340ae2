"""Preset folders: every picture in one becomes a job (form 3)."""

import shutil
from pathlib import Path

import pytest
from support import Room, fails, starts_only
from support_inbox import Folder

PRESET = "styles: [wave.jpg]\nsize: 640\n"


def test_every_picture_in_a_preset_folder_is_painted(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", PRESET)
    for name in ("cat.jpg", "dog.PNG", "deep.sea.tif"):
        oil.put(name)
    room.step(8)
    assert {path.name for path in room.folder.outbox.glob("*.png")} == {
        *("oil-cat.png", "oil-dog.png", "oil-deep.sea.png")
    }
    status = room.status("oil-cat")
    assert (status["state"], status["source"], status["size"]) == ("done", "oil/cat", 640)
    assert oil.job("oil-cat").styles == ("wave.jpg",)
    assert [path.name for path in oil.path.iterdir()] == ["preset.yaml"]
    assert (room.folder.root / status["folder"] / "cat.jpg").exists()
    assert room.status("server")["strays"] == []


def test_a_style_beside_the_preset_serves_every_picture_and_stays(room: Room, oil: Folder) -> None:
    oil.put("wave.jpg", "the folder's wave")
    oil.put("second.png")
    oil.put("preset.yaml", "styles: [wave.jpg, second.png]")
    oil.put("cat.jpg")
    oil.put("dog.jpg")
    styles = []
    room.dispatcher.script = starts_only
    room.dispatcher.capacity = 2
    room.step(4)
    for name in ("oil-cat", "oil-dog"):
        job = oil.job(name)
        styles.append((Path(job.folder) / "inputs" / job.styles[0]).read_text())
        assert job.styles == ("wave.jpg", "second.png")
    assert styles == ["the folder's wave"] * 2
    assert {p.name for p in oil.path.iterdir()} == {"preset.yaml", "wave.jpg", "second.png"}
    assert not (room.folder.status / "oil-wave.json").exists()


def test_a_palette_beside_the_preset_serves_every_picture_and_stays(
    room: Room, oil: Folder
) -> None:
    oil.put("sunset.jpg", "the folder's colours")
    oil.put("preset.yaml", f"{PRESET}palette: sunset.jpg")
    oil.put("cat.jpg")
    oil.put("dog.jpg")
    oil.put("dog.palette.png", "the dog's colours")
    room.dispatcher.script = starts_only
    room.dispatcher.capacity = 2
    room.step(4)
    found = {}
    for name in ("oil-cat", "oil-dog"):
        job = oil.job(name)
        assert job.palette is not None
        assert job.settings.colours == "palette"
        found[job.palette] = (Path(job.folder) / "inputs" / job.palette).read_text()
    assert found == {"sunset.jpg": "the folder's colours", "dog.palette.png": "the dog's colours"}
    assert {p.name for p in oil.path.iterdir()} == {"preset.yaml", "sunset.jpg"}


@pytest.mark.parametrize("text", ["keep_colours: true", "colours: content", "preset: gatys"])
def test_other_colours_in_a_sidecar_take_the_place_of_the_folders_palette(
    room: Room, oil: Folder, text: str
) -> None:
    oil.put("preset.yaml", f"{PRESET}palette: sunset.jpg")
    for name in ("sunset.jpg", "cat.jpg"):
        oil.put(name)
    oil.put("cat.yaml", text)
    room.step(4)
    job = oil.job("oil-cat")
    assert (job.palette, job.settings.palette) == (None, None)


def test_a_palette_of_one_picture_takes_the_place_of_the_folders_colours(
    room: Room, oil: Folder
) -> None:
    oil.put("preset.yaml", f"{PRESET}colours: content")
    oil.put("cat.palette.png")
    oil.put("cat.jpg")
    room.step(4)
    job = oil.job("oil-cat")
    assert (job.palette, job.settings.colours) == ("cat.palette.png", "palette")


def test_a_sidecar_for_one_picture_lies_over_the_preset(room: Room, oil: Folder) -> None:
    room.settings["settings"] = {"size": 256, "steps": 7, "seed": 3}
    oil.put("preset.yaml", f"{PRESET}steps: 9\npriority: 2\nmax_minutes: 5")
    oil.put("cat.yaml", "size: 800\npriority: 8")
    oil.put("cat.jpg")
    oil.put("dog.jpg")
    room.step(6)
    cat, dog = oil.job("oil-cat"), oil.job("oil-dog")
    assert (cat.settings.size, cat.settings.steps, cat.settings.seed) == (800, 9, 3)
    assert (dog.settings.size, dog.settings.steps, dog.settings.seed) == (640, 9, 3)
    assert (cat.options.priority, cat.options.max_minutes) == (8, 5)
    assert (dog.options.priority, dog.options.max_minutes) == (2, 5)


def test_a_picture_may_bring_a_style_of_its_own(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", PRESET)
    oil.put("cat.style.png", "own")
    oil.put("cat.jpg")
    oil.put("dog.yaml", "styles: [night.png]")
    oil.put("night.png")
    room.step(1)
    oil.put("dog.jpg")
    room.step(6)
    assert oil.job("oil-cat").styles == ("cat.style.png",)
    assert oil.job("oil-dog").styles == ("night.png",)
    assert len(room.dispatcher.submitted) == 2
    assert [path.name for path in oil.path.iterdir()] == ["preset.yaml"]


def test_an_error_in_the_preset_holds_the_pictures_until_it_is_mended(
    room: Room, oil: Folder
) -> None:
    oil.put("preset.yaml", "styles: [wave.jpg]\nsiez: 640")
    oil.put("cat.jpg")
    oil.put("dog.jpg")
    room.step(4)
    status = room.status("oil-cat")
    assert status["state"] == "held"
    assert status["message"] == (
        "held: oil/preset.yaml, line 2: siez: unknown key; expected a known key. "
        "Did you mean 'size'?"
    )
    assert room.status("server")["queue"]["held"] == 2
    assert {path.name for path in oil.path.iterdir()} == {"preset.yaml", "cat.jpg", "dog.jpg"}
    oil.put("preset.yaml", PRESET)
    room.step(6)
    assert [room.status(f"oil-{name}")["state"] for name in ("cat", "dog")] == ["done"] * 2


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("styles: [wave", "oil/preset.yaml, line 1: not valid YAML"),
        ("styles: [styles/nowhere.jpg]", "line 1: styles.0: 'styles/nowhere.jpg'; expected"),
        ("styles: [../../x.jpg]", "line 1: styles.0: '../../x.jpg'"),
        ("styles: wave.jpg\ncontent: cat.jpg", "line 2: content: 'cat.jpg'; expected no such key"),
        ("styles: wave.jpg\npriority: 12", "line 2: priority: 12; expected at most 9."),
        ("styles: wave.jpg\nweights: my.pth", "line 2: weights: 'my.pth'"),
        ("palette: wave.jpg\ncolours: content", "line 2: colours: content; expected palette or"),
    ],
)
def test_every_kind_of_error_in_a_preset_is_readable_and_loses_nothing(
    room: Room, oil: Folder, preset: str, message: str
) -> None:
    oil.put("preset.yaml", preset)
    oil.put("cat.jpg")
    room.step(4)
    status = room.status("oil-cat")
    assert (status["state"], message in status["message"]) == ("held", True), status["message"]
    assert room.tree() == {"inbox/oil/preset.yaml", "inbox/oil/cat.jpg", "styles/wave.jpg"}


def test_a_presets_style_that_is_missing_is_waited_for_and_starts_the_pictures_when_it_comes(
    room: Room, oil: Folder
) -> None:
    oil.put("preset.yaml", "styles: [night.jpg]")
    oil.put("cat.jpg")
    room.step(3)
    assert room.status("oil-cat")["state"] == "waiting"
    assert "lacks night.jpg, which oil/preset.yaml names" in room.status("oil-cat")["message"]
    room.step(35)
    assert room.status("oil-cat")["state"] == "held"
    oil.put("night.jpg")
    room.step(4)
    assert room.status("oil-cat")["state"] == "done"


def test_two_presets_are_one_too_many(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", PRESET)
    oil.put("preset.yml", PRESET)
    oil.put("cat.jpg")
    room.step(3)
    assert "several presets: oil/preset.yaml, oil/preset.yml" in room.status("oil-cat")["message"]
    (oil.path / "preset.yml").unlink()
    room.step(4)
    assert room.status("oil-cat")["state"] == "done"


def test_pictures_in_a_folder_without_a_preset_are_no_jobs(room: Room, oil: Folder) -> None:
    oil.put("cat.jpg")
    (oil.path / "deeper").mkdir()
    room.step(3)
    assert room.status("server")["strays"] == [
        "oil/ (no preset.yaml, so its pictures are no jobs: 1)",
        "oil/deeper/ (a folder in a folder)",
    ]
    oil.put("preset.yaml", PRESET)
    room.step(4)
    assert room.status("oil-cat")["state"] == "done"


def test_what_is_nearly_called_as_a_preset_is_told_of(room: Room, oil: Folder) -> None:
    oil.put("cat.jpg")
    oil.put("presets.yaml", PRESET)
    room.step(3)
    assert room.status("server")["strays"] == [
        "oil/ (no preset.yaml, so its pictures are no jobs: 1; presets.yaml is nearly called so)"
    ]


def test_a_picture_whose_sidecar_would_be_a_batch_is_no_job(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", PRESET)
    oil.put("cat.batch.jpg")
    room.step(4)
    assert not room.dispatcher.submitted
    assert room.status("server")["strays"] == ["oil/cat.batch.jpg (no job can have this name)"]


def test_a_pair_in_a_folder_needs_no_preset(room: Room, oil: Folder) -> None:
    oil.put("cat.content.jpg")
    oil.put("cat.style.jpg")
    room.step(4)
    assert room.status("oil-cat")["state"] == "done"


def test_a_folder_moved_in_is_a_delivery_like_a_slow_copy(room: Room, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    (ready / "preset.yaml").write_text(PRESET)
    (ready / "cat.jpg").write_bytes(b"x")
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    ready.rename(room.folder.inbox / "ready")
    room.step(4)
    assert room.status("ready-cat")["state"] == "done"


def test_a_preset_that_comes_last_starts_the_pictures_that_lie_there(
    room: Room, oil: Folder
) -> None:
    oil.put("wave.jpg")
    oil.put("cat.jpg")
    room.step(3)
    oil.put("preset.yaml", PRESET)
    room.step(4)
    assert room.status("oil-cat")["state"] == "done"
    assert not (room.folder.status / "oil-wave.json").exists()


def test_a_changed_preset_counts_for_pictures_that_come_later(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", PRESET)
    oil.put("cat.jpg")
    room.step(4)
    oil.put("preset.yaml", "styles: [wave.jpg]\nsize: 320")
    oil.put("dog.jpg")
    room.step(4)
    assert (oil.job("oil-cat").settings.size, oil.job("oil-dog").settings.size) == (640, 320)


def test_one_picture_can_be_cancelled_from_either_folder(room: Room, oil: Folder) -> None:
    room.dispatcher.script = starts_only
    oil.put("preset.yaml", PRESET)
    for name in ("cat", "dog", "elk"):
        oil.put(f"{name}.jpg")
    room.step(4)
    room.drop("oil-dog.cancel", "")
    oil.put("elk.cancel", "")
    room.step(3)
    states = [room.status(f"oil-{name}")["state"] for name in ("cat", "dog", "elk")]
    assert states == ["running", "cancelled", "cancelled"]
    assert [path.name for path in oil.path.iterdir()] == ["preset.yaml"]


def test_a_crowd_in_one_folder_does_not_starve_another(room: Room, oil: Folder) -> None:
    room.settings["claim_limit"] = 3
    oil.put("preset.yaml", PRESET)
    for number in range(12):
        oil.put(f"a{number:02}.jpg")
    room.step(4)
    ink = Folder(room, "ink")
    ink.put("preset.yaml", PRESET)
    for number in range(3):
        ink.put(f"b{number}.jpg")
    room.drop_pair("single")
    before = len(room.dispatcher.submitted)
    room.step(14)
    names = [job.name for job in room.dispatcher.submitted][before:]
    assert max(names.index(name) for name in ("ink-b2", "single")) <= 10
    room.step(20)
    assert len(room.dispatcher.submitted) == 16


def test_a_failed_picture_lies_in_failed_with_all_that_it_needs(room: Room, oil: Folder) -> None:
    room.dispatcher.script = fails
    oil.put("preset.yaml", "styles: [own.jpg, wave.jpg]")
    oil.put("own.jpg")
    oil.put("cat.jpg")
    room.step(4)
    assert {path.name for path in (room.folder.failed / "oil-cat").iterdir()} == {
        *("cat.jpg", "own.jpg", "preset.yaml", "error.txt")
    }
    assert {path.name for path in oil.path.iterdir()} == {"preset.yaml", "own.jpg"}


def test_a_folder_that_is_taken_away_takes_its_waiting_pictures_along(
    room: Room, oil: Folder
) -> None:
    room.dispatcher.capacity = 0
    room.settings["claim_limit"] = 1
    oil.put("preset.yaml", PRESET)
    oil.put("cat.jpg")
    oil.put("dog.jpg")
    room.step(3)
    shutil.rmtree(oil.path)
    room.step(3)
    assert room.status("oil-cat")["state"] == "queued"
    assert not (room.folder.status / "oil-dog.json").exists()


def test_two_pictures_of_one_stem_are_two_jobs(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", PRESET)
    (oil.path / "dog.jpg").write_bytes(b"the JPEG")
    (oil.path / "dog.png").write_bytes(b"the PNG")
    room.step(6)
    assert room.status("oil-dog")["state"] == room.status("oil-dog-png")["state"] == "done"
    contents = {job.name: job.content for job in room.dispatcher.submitted}
    assert contents == {"oil-dog": "dog.jpg", "oil-dog-png": "dog.png"}


def test_a_sidecar_of_the_stem_is_that_of_all_pictures_of_it(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", PRESET)
    for name in ("dog.jpg", "dog.png", "dog.webp"):
        oil.put(name)
    oil.put("dog.yaml", "size: 320")
    room.step(10)
    sizes = {job.content: job.settings.size for job in room.dispatcher.submitted}
    assert sizes == {"dog.jpg": 320, "dog.png": 320, "dog.webp": 320}
    assert [path.name for path in oil.path.iterdir()] == ["preset.yaml"]


@pytest.mark.parametrize("sidecar", ["dog.jpg.yaml", "dog.JPG.yml"])
def test_a_sidecar_called_after_a_picture_is_that_pictures_alone(
    room: Room, oil: Folder, sidecar: str
) -> None:
    oil.put("preset.yaml", PRESET)
    oil.put("dog.jpg")
    oil.put("dog.png")
    oil.put(sidecar, "size: 320")
    room.step(6)
    sizes = {job.content: job.settings.size for job in room.dispatcher.submitted}
    assert sizes == {"dog.jpg": 320, "dog.png": 640}


def test_a_sidecar_with_another_ending_holds_its_picture(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", PRESET)
    oil.put("note.jpg")
    oil.put("note.yaml.txt", "size: 320")
    room.step(4)
    room.step(1, seconds=100)
    status = room.status("oil-note")
    assert (status["state"], room.dispatcher.submitted) == ("held", [])
    assert "note.yaml.txt: called note.yaml it would be this job's sidecar" in status["message"]
    (oil.path / "note.yaml.txt").rename(oil.path / "note.yaml")
    room.step(4)
    assert (room.status("oil-note")["state"], room.status("oil-note")["size"]) == ("done", 320)


def test_another_programs_yaml_beside_a_picture_is_called_what_it_is(
    room: Room, oil: Folder
) -> None:
    oil.put("preset.yaml", PRESET)
    oil.put("beach.jpg")
    oil.put("beach.yml", "TakenAt: 2024-05-01T10:00:00Z\nUID: p0\nType: image\nTitle: Beach")
    room.step(4)
    assert room.status("oil-beach")["state"] == "done"
    stray = "oil/beach.yml (a file of PhotoPrism, not a sidecar of Impasto's)"
    assert room.status("server")["strays"] == [stray]


def test_a_preset_is_one_in_any_case(room: Room, oil: Folder) -> None:
    oil.put("Preset.YAML", PRESET)
    oil.put("cat.jpg")
    room.step(4)
    assert room.status("oil-cat")["state"] == "done"
