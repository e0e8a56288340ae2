"""Masks and regions of a job: by name, by its sidecar, by its folder's preset."""

from pathlib import Path

import pytest
from support import Room

from hotfolder.job import Job
from hotfolder.spool.entry import SpooledJob


def put(room: Room, *names: str, **texts: str) -> None:
    for name in names:
        (room.folder.inbox / name).write_bytes(name.encode())
    for name, text in texts.items():
        (room.folder.inbox / f"{name}.yaml").write_text(text)


def painted(room: Room) -> Job:
    room.step(8)
    (job,) = room.dispatcher.submitted
    return job


def waits_with(room: Room, name: str = "a") -> str:
    room.step(8)
    assert not room.dispatcher.submitted
    return str(room.status(name)["message"])


def test_a_mask_by_name_belongs_to_its_job(room: Room) -> None:
    put(room, "a.mask.png", "a.content.jpg", "a.style.jpg")
    job = painted(room)
    assert (job.mask, job.settings.mask, job.regions) == ("a.mask.png", "a.mask.png", ())
    assert (room.folder.root / room.status("a")["folder"] / "a.mask.png").exists()
    assert [*room.folder.inbox.iterdir()] == []


def test_numbered_masks_are_the_regions_of_the_styles_with_their_numbers(room: Room) -> None:
    names = ["a.mask2.png", "a.style2.jpg", "a.style.jpg", "a.mask1.png", "a.content.jpg"]
    put(room, *names)
    job = painted(room)
    assert job.styles == ("a.style.jpg", "a.style2.jpg")
    assert job.regions == ("a.mask1.png", "a.mask2.png")
    assert job.settings.regions == ["a.mask1.png", "a.mask2.png"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(
            ["a.style.jpg", "a.mask1.png", "a.mask2.png"],
            "lacks a style picture (a.style2.jpg)",
            id="more regions than styles",
        ),
        pytest.param(
            ["a.style.jpg", "a.style2.jpg", "a.mask1.png"],
            "lacks a mask picture (a.mask2.png)",
            id="more styles than regions",
        ),
        pytest.param(
            ["a.style.jpg", "a.style2.jpg", "a.mask2.png"],
            "lacks a mask picture (a.mask1.png)",
            id="the first region missing",
        ),
        pytest.param(
            ["a.style.jpg", "a.mask.png", "a.mask.jpg"],
            "several files for mask: a.mask.jpg, a.mask.png; take all but one away",
            id="two masks",
        ),
        pytest.param(
            ["a.style.jpg", "a.mask1.png", "a.mask1.jpg"],
            "several files for mask1: a.mask1.jpg, a.mask1.png; take all but one away",
            id="two masks of a region",
        ),
    ],
)
def test_an_unfinished_job_waits_for_its_masks(room: Room, names: list[str], message: str) -> None:
    put(room, "a.content.jpg", *names)
    assert waits_with(room) == message


def test_a_sidecar_names_masks_and_waits_for_them(room: Room) -> None:
    put(room, "cat.jpg", "sky.png", a="content: cat.jpg\nstyles: s.jpg\nmask: sky.png\n")
    put(room, "s.jpg")
    job = painted(room)
    assert (job.mask, job.settings.mask) == ("sky.png", "sky.png")


def test_a_mask_that_a_sidecar_names_is_waited_for(room: Room) -> None:
    put(room, "cat.jpg", "s.jpg", a="content: cat.jpg\nstyles: s.jpg\nmask: sky.png\n")
    assert waits_with(room) == "lacks sky.png, which a.yaml names as mask"
    put(room, "sky.png")
    assert painted(room).mask == "sky.png"


def test_regions_and_label_pictures_are_taken_in_their_order(room: Room) -> None:
    put(room, "cat.jpg", "s.jpg", "t.jpg", "labels.png", "s-labels.png", "t-labels.png")
    put(
        room,
        a="content: cat.jpg\nstyles: [t.jpg, s.jpg]\nregions: labels.png\n"
        "style_regions: [t-labels.png, s-labels.png]\nmask_feather: 12\n",
    )
    job = painted(room)
    assert (job.regions, job.style_regions) == (("labels.png",), ("t-labels.png", "s-labels.png"))
    assert job.settings.regions == ["labels.png"]
    assert job.settings.mask_feather == 12
    assert [*room.folder.inbox.iterdir()] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "regions: [m.png, m.png]\n",
            "a.yaml, line 3: regions: 2 masks; expected one for each style, of which there is 1.",
            id="more regions than styles",
        ),
        pytest.param(
            "regions: m.png\nstyle_regions: [m.png, m.png]\n",
            "a.yaml, line 4: style_regions: 2 label pictures; expected one for each style, of "
            "which there is 1.",
            id="more label pictures than styles",
        ),
        pytest.param(
            "style_regions: m.png\n",
            "a.yaml, line 1: regions: missing; expected one label picture of the content",
            id="no label picture of the content",
        ),
        pytest.param(
            "mask: ../m.png\n",
            "a.yaml, line 3: mask: '../m.png'; expected the name of a picture beside the sidecar",
            id="a path that leads elsewhere",
        ),
        pytest.param(
            "mask: m.txt\n", "a.yaml, line 3: mask: 'm.txt'; expected a picture", id="no picture"
        ),
        pytest.param(
            "mask: m.png\nstyle_statistic: histogram\n",
            "a.yaml, line 4: style_statistic: histogram, which sorts a layer's positions and "
            "cannot weigh them; expected gram, covariance or wasserstein",
            id="a statistic that cannot be guided",
        ),
    ],
)
def test_what_does_not_fit_together_fails_in_words(room: Room, text: str, words: str) -> None:
    put(room, "cat.jpg", "s.jpg", "m.png", a=f"content: cat.jpg\nstyles: s.jpg\n{text}")
    room.step(80)
    assert not room.dispatcher.submitted
    status = room.status("a")
    assert (status["state"], status["message"][: len(words)]) == ("failed", words)


def test_a_preset_s_mask_serves_every_picture_and_stays(room: Room) -> None:
    oil = room.folder.inbox / "oil"
    oil.mkdir()
    for name in ("oval.png", "s.jpg", "cat.jpg", "dog.jpg", "dog.mask.png"):
        (oil / name).write_bytes(name.encode())
    (oil / "preset.yaml").write_text("styles: s.jpg\nmask: oval.png\nmask_feather: 9\n")
    room.step(12)
    masks = {job.name: (job.mask, job.settings.mask) for job in room.dispatcher.submitted}
    own = ("dog.mask.png", "dog.mask.png")
    assert masks == {"oil-cat": ("oval.png", "oval.png"), "oil-dog": own}
    assert {path.name for path in oil.iterdir()} == {"oval.png", "s.jpg", "preset.yaml"}


def test_a_preset_s_regions_belong_to_its_own_styles(room: Room) -> None:
    oil = room.folder.inbox / "oil"
    oil.mkdir()
    for name in ("l.png", "r.png", "s.jpg", "t.jpg", "cat.jpg", "dog.jpg", "dog.style.jpg"):
        (oil / name).write_bytes(name.encode())
    (oil / "preset.yaml").write_text("styles: [s.jpg, t.jpg]\nregions: [l.png, r.png]\n")
    room.step(12)
    regions = {job.name: job.regions for job in room.dispatcher.submitted}
    assert regions == {"oil-cat": ("l.png", "r.png"), "oil-dog": ()}


def test_a_preset_whose_mask_is_missing_holds_its_pictures(room: Room) -> None:
    oil = room.folder.inbox / "oil"
    oil.mkdir()
    (room.folder.styles / "s.jpg").write_bytes(b"s")
    (oil / "cat.jpg").write_bytes(b"cat")
    (oil / "preset.yaml").write_text("styles: s.jpg\nmask: oval.png\n")
    room.step(8)
    status = room.status("oil-cat")
    assert (status["state"], "oval.png" in status["message"]) == ("held", True)
    (oil / "oval.png").write_bytes(b"oval")
    assert painted(room).mask == "oval.png"


def test_a_job_has_the_same_masks_after_a_restart(room: Room, tmp_path: Path) -> None:
    put(room, "a.mask.png", "a.mask1.png", "a.content.jpg", "a.style.jpg")
    job = painted(room)
    entry = SpooledJob(job, (), state="queued")  # type: ignore[arg-type]
    again = SpooledJob.from_plan(entry.plan_document(), Path(job.folder)).job
    assert (again.mask, again.regions) == ("a.mask.png", ("a.mask1.png",))


def test_a_job_of_an_earlier_version_has_none(room: Room) -> None:
    put(room, "a.content.jpg", "a.style.jpg")
    job = painted(room)
    document = job.to_document()
    for key in ("mask", "regions", "style_regions"):
        del document[key]
    assert Job.from_document(document, job.folder) == job


@pytest.mark.parametrize("part", ["mask.png", "mask1.png", "palette.jpg", "style2.png", "init.png"])
def test_a_folder_that_is_called_as_a_part_of_a_job_holds_it(room: Room, part: str) -> None:
    """It is not painted without what somebody took for its mask, and nothing is moved."""
    (room.folder.inbox / f"a.{part}").mkdir()
    put(room, f"a.{part}/b.png", "a.style.jpg", "a.content.jpg")
    assert waits_with(room) == f"a.{part}: a folder, not a picture; take it away"
    room.clock.advance(100)
    room.step(4)
    assert room.status("a")["state"] == "held"
    assert {path.name for path in room.folder.inbox.iterdir()} == {
        *("a.content.jpg", "a.style.jpg", f"a.{part}")
    }
    (room.folder.inbox / f"a.{part}" / "b.png").unlink()
    (room.folder.inbox / f"a.{part}").rmdir()
    assert painted(room).mask is None


def test_a_sidecar_that_names_a_folder_waits_for_a_picture(room: Room) -> None:
    (room.folder.inbox / "a.mask.png").mkdir()
    put(room, "a.style.jpg", "a.content.jpg", a="mask: a.mask.png")
    assert waits_with(room) == "a.mask.png: a folder, not a picture; take it away"
