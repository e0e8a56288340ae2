"""Masks, regions and palettes of a batch: beside its contents, or for all of them."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from support import Room, starts_only
from support_batches import run_batch as run

from hotfolder.batches.contents import find_contents
from hotfolder.errors import InputError

BATCH = "contents: '*.jpg'\nstyles: [[night.jpg, wave.jpg]]\n"


@pytest.fixture(autouse=True)
def library(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("night.jpg", "wave.jpg", "sunset.jpg"):
        (room.folder.styles / name).write_bytes(name.encode())
    # No contact sheet: the child that makes one takes seconds.
    monkeypatch.setattr("hotfolder.batches.publishing.sys.executable", shutil.which("true"))


def test_each_content_is_painted_where_the_mask_beside_it_is_white(room: Room) -> None:
    jobs = run(room, BATCH, "cat.jpg", "cat.mask.png", "dog.jpg")
    cat, dog = jobs["b-cat-night+wave"], jobs["b-dog-night+wave"]
    assert (cat.mask, cat.settings.mask, cat.regions) == ("cat.mask.png", "cat.mask.png", ())
    assert (dog.mask, dog.settings.mask) == (None, None)
    assert len(jobs) == 2, "a mask is no content"
    (archive,) = room.folder.done.glob("*/b")
    assert {path.name for path in archive.glob("*.png")} == {"cat.mask.png"}
    assert not [path for path in room.folder.inbox.iterdir() if path.is_file()]
    assert not (room.folder.status / "cat.json").exists()
    summary = yaml.safe_load((room.folder.outbox / "b.summary.yaml").read_text())
    assert [job.get("mask") for job in summary["jobs"]] == [["cat.mask.png"], None]


def test_numbered_masks_are_the_regions_of_a_blend(room: Room) -> None:
    masks = [f"sea/cat.mask{end}.png" for end in ("1", "2", "")]
    jobs = run(room, BATCH.replace("*.jpg", "sea"), "sea/cat.jpg", *masks)
    (job,) = jobs.values()
    assert job.regions == ("cat.mask1.png", "cat.mask2.png")
    assert job.settings.regions == ["cat.mask1.png", "cat.mask2.png"]
    assert (job.mask, job.styles) == ("cat.mask.png", ("night.jpg", "wave.jpg"))


@pytest.mark.parametrize("pattern", ["sea/**/*.jpg", "**/*.jpg"])
def test_masks_lie_beside_their_contents_in_folders_in_folders(room: Room, pattern: str) -> None:
    files = ("sea/deep/cat.jpg", "sea/deep/cat.mask.png", "sea/cat.jpg", "lake/cat.mask.png")
    jobs = run(room, BATCH.replace("*.jpg", pattern), *files)
    assert sorted(str(job.mask) for job in jobs.values()) == ["None", "cat.mask.png"]
    assert (room.folder.inbox / "lake/cat.mask.png").exists()


@pytest.mark.parametrize(
    ("files", "styles", "message"),
    [
        (["a.mask1.png"], "[[night.jpg, wave.jpg]]", "a.jpg has a.mask1.png for 2 styles"),
        (["a.mask2.png"], "[[night.jpg, wave.jpg]]", "a.jpg has a.mask2.png for 2 styles"),
        (["a.mask1.png", "a.mask2.png"], "night.jpg", "mask1.png, a.mask2.png for 1 style;"),
        (["a.mask.png", "a.mask.jpg"], "night.jpg", "several files for mask: a.mask.jpg, a.mas"),
    ],
)
def test_masks_that_do_not_fit_the_styles_are_waited_for_in_words(
    room: Room, files: list[str], styles: str, message: str
) -> None:
    text = f"contents: '*.jpg'\nstyles: {styles}"
    assert not run(room, text, "a.jpg", *files, steps=4)
    status = room.status("b")
    assert status["state"] == "waiting"
    assert message in status["message"]
    assert "expected mask1, mask2, ..." in status["message"] or "take all but" in status["message"]
    for name in files:
        (room.folder.inbox / name).unlink()
    room.step(4)
    assert [job.regions for job in room.dispatcher.submitted] == [()]


def test_a_batch_waits_until_its_masks_lie_still(room: Room) -> None:
    run(room, BATCH, "cat.jpg", steps=0)
    room.step()
    with (room.folder.inbox / "cat.mask.png").open("wb") as mask:
        for _ in range(3):
            mask.write(b"more")
            mask.flush()
            room.step()
            assert room.status("b")["state"] == "waiting"
    room.step(6)
    (job,) = room.dispatcher.submitted
    assert job.mask == "cat.mask.png"


def test_a_mask_of_a_job_stays_with_it(room: Room) -> None:
    jobs = run(room, BATCH, "cat.jpg", "cat.style.jpg", "cat.mask.png")
    assert jobs["b-cat-night+wave"].mask is None
    assert (room.folder.inbox / "cat.mask.png").exists()


def test_a_palette_and_a_mask_hold_for_all_contents(room: Room) -> None:
    text = f"{BATCH}settings: {{palette: sunset.jpg, mask: oval.png}}"
    jobs = run(room, text, "a.jpg", "c.jpg", "c.mask.png", "oval.png")
    assert {job.palette for job in jobs.values()} == {"sunset.jpg"}
    assert {(job.settings.colours, job.settings.palette) for job in jobs.values()} == {
        ("palette", "sunset.jpg")
    }
    assert {name: job.mask for name, job in jobs.items()} == {
        "b-a-night+wave": "oval.png",
        "b-c-night+wave": "c.mask.png",
    }


def test_each_of_several_settings_has_its_palette(room: Room) -> None:
    settings = "[{palette: sunset.jpg, colours: blend}, {palette: mine.png}, {}]"
    jobs = run(room, f"{BATCH}settings: {settings}", "a.jpg", "mine.png")
    assert {name[-1]: (job.palette, job.settings.colours) for name, job in jobs.items()} == {
        "1": ("sunset.jpg", "blend"),
        "2": ("mine.png", "palette"),
        "3": (None, "painting"),
    }


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("palette: sunste.jpg", "lacks the palette sunste.jpg"),
        ("mask: oval.png", "lacks the mask oval.png (did you mean oval.jpg?)"),
        ("mask: sunset.jpg", "lacks the mask sunset.jpg"),
    ],
)
def test_what_is_named_for_all_is_waited_for(room: Room, setting: str, message: str) -> None:
    text = f"contents: a.jpg\nstyles: night.jpg\nsettings: {{{setting}}}"
    assert not run(room, text, "a.jpg", "oval.jpg", steps=4)
    assert message in room.status("b")["message"]


def test_a_statistic_that_cannot_be_masked_is_refused_with_its_pictures_in_place(
    room: Room,
) -> None:
    text = f"{BATCH}settings: {{style_statistic: histogram}}"
    assert not run(room, text, "a.jpg", "a.mask.png")
    assert "style_statistic: histogram" in room.error("b")
    assert {path.name for path in room.folder.inbox.iterdir()} == {"a.jpg", "a.mask.png"}


def test_a_batch_has_the_same_masks_after_a_kill(room: Room) -> None:
    room.dispatcher.script = starts_only
    text = f"{BATCH}settings: {{palette: sunset.jpg}}"
    masks = [f"{name}.mask{number}.png" for name in "ac" for number in (1, 2)]
    run(room, text, "a.jpg", "c.jpg", *masks, steps=8)
    plan = json.loads((room.folder.batches / "b/plan.json").read_text())
    assert plan["items"][1][4] == {
        "palette": ["sunset.jpg"],
        "regions": ["c.mask1.png", "c.mask2.png"],
    }
    room.restart()
    for _ in range(12):
        room.step()
    jobs = {job.name: job for job in room.dispatcher.submitted}
    job = jobs["b-c-night+wave"]
    assert (job.palette, job.regions) == ("sunset.jpg", ("c.mask1.png", "c.mask2.png"))
    assert room.status("b")["state"] == "done"


def test_the_command_finds_the_masks_beside_its_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    names = ("cat.jpg", "cat.mask.png", "dog.jpg", "dog.mask1.png", "dog.mask2.png", "no.mask.png")
    for name in names:
        Path("photos", name).write_bytes(b"x")
    for words in (
        ["photos"],
        ["photos/*"],
        [f"photos/{name}" for name in names[:-1]],
        ["photos/cat.jpg", "photos/dog.jpg"],
    ):
        found = find_contents(words)
        assert [path.name for path in found.pictures] == ["cat.jpg", "dog.jpg"]
        masks = {path.name: others.document() for path, others in found.others().items()}
        assert masks == {
            "cat.jpg": {"mask": ["photos/cat.mask.png"]},
            "dog.jpg": {"regions": ["photos/dog.mask1.png", "photos/dog.mask2.png"]},
        }
        found.check_beside([(Path("night"), Path("wave"))])
        with pytest.raises(InputError, match=r"dog.mask2.png for 1 style; expected mask1, mask2"):
            found.check_beside([(Path("night"), Path("wave")), (Path("night"),)])
    assert find_contents(["photos"]).left_out == [
        "photos/no.mask.png (a mask, but no picture no lies beside it)"
    ]
    with pytest.raises(InputError, match="a mask, but no picture no lies beside it"):
        find_contents(["photos/no.mask.png"])
    with pytest.raises(InputError, match=r"cat.mask.png: a mask\. Name the picture"):
        find_contents(["photos/cat.mask.png"])
    found = find_contents(["photos/cat.mask.png", "photos/dog.jpg"])
    assert found.left_out == ["photos/cat.mask.png (a mask whose picture is not named)"]


@pytest.mark.parametrize("kind", ["link", "folder", "link_in_folder"])
def test_a_mask_that_is_no_file_keeps_its_content_from_being_painted_without_it(
    room: Room, kind: str
) -> None:
    folder = "sea/" if kind == "link_in_folder" else ""
    (room.folder.inbox / "sea").mkdir()
    mask = room.folder.inbox / f"{folder}cat.mask.png"
    if kind == "folder":
        mask.mkdir()
    else:
        mask.symlink_to(room.folder.inbox / "elsewhere.png")
    text = f"contents: '{folder}*.jpg'\nstyles: night.jpg\n"
    assert not run(room, text, f"{folder}cat.jpg", steps=4)
    for state in ("waiting", "held"):
        assert room.status("b")["state"] == state
        assert f"{folder}cat.mask.png: a {kind.split('_')[0]}" in room.status("b")["message"]
        room.clock.advance(100)
        room.step(4)
    assert not (room.folder.failed / "cat").exists()
    mask.rmdir() if kind == "folder" else mask.unlink()
    room.step(8)
    assert [job.mask for job in room.dispatcher.submitted] == [None]


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_a_mask_that_is_no_file_ends_the_command_before_anything_is_painted(
    tmp_path: Path, kind: str
) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"x")
    mask = tmp_path / "cat.mask.png"
    mask.mkdir() if kind == "folder" else mask.symlink_to("nothing.png")
    found = find_contents([str(tmp_path)])
    with pytest.raises(InputError, match=r"cat.mask.png: a folder or a link to nothing"):
        found.check_beside([(Path("night"),)])
