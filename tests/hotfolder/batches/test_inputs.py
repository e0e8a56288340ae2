"""Which pictures a batch of the inbox takes: by names with brackets and in any Unicode form, of
folders and the folders in them; and what it says of those that it does not."""

import shutil
import unicodedata

import pytest
import yaml
from support import Room

NFC, NFD = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))


@pytest.fixture(autouse=True)
def library(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    (room.folder.styles / "night.jpg").write_bytes(b"night")
    # No contact sheet: the child that makes one takes seconds.
    monkeypatch.setattr("hotfolder.batches.publishing.sys.executable", shutil.which("true"))


def put(room: Room, *names: str) -> None:
    for name in names:
        (room.folder.inbox / name).parent.mkdir(parents=True, exist_ok=True)
        room.drop(name, name)


def painted(room: Room, contents: str, styles: str = "night.jpg", more: str = "") -> set[str]:
    """The batch's pictures, by what is in them."""
    room.drop("b.batch.yaml", f"contents: {contents}\nstyles: {styles}\n{more}")
    for _ in range(12):
        room.step()
        for process, _ in room.daemon._batches._publisher._sheets.values():
            process.wait(60)
    inputs = [job.folder + "/inputs/" + job.content for job in room.dispatcher.submitted]
    assert all(job.client == {"batch": "b"} for job in room.dispatcher.submitted)
    archive = room.folder.done.glob("*/b/*")
    assert len(inputs) == len({job.name for job in room.dispatcher.submitted})
    return {path.read_text() for path in archive if path.suffix.lower() == ".jpg"}


@pytest.mark.parametrize(
    ("files", "contents", "expected"),
    [
        (["IMG [1].jpg", "IMG 1.jpg"], "['IMG [1].jpg']", {"IMG [1].jpg"}),
        (["s [24]/a.jpg", "s 2/b.jpg"], "['s [24]/a.jpg']", {"s [24]/a.jpg"}),
        (["s [24]/a.jpg", "s/b.jpg"], "['s [24]/*.jpg']", {"s [24]/a.jpg"}),
        (["IMG [1]a.jpg", "IMG 2a.jpg"], "['IMG [1]*.jpg']", {"IMG [1]a.jpg"}),
        ([f"{NFD}.jpg"], f"['{NFC}.jpg']", {f"{NFD}.jpg"}),
        ([f"{NFC}.jpg"], f"['{NFD}.jpg']", {f"{NFC}.jpg"}),
        ([f"{NFD}/a.jpg"], f"['{NFC}/*']", {f"{NFD}/a.jpg"}),
        (["a.jpg", "._a.jpg", "~$a.jpg"], "['*.jpg']", {"a.jpg"}),
    ],
)
def test_a_batch_takes_the_file_of_that_very_name(
    room: Room, files: list[str], contents: str, expected: set[str]
) -> None:
    put(room, *files)
    assert painted(room, contents) == expected


def test_a_macs_resource_fork_in_the_style_library_is_no_style(room: Room) -> None:
    for name in ("._night.jpg", ".DS_Store.jpg", "~$night.jpg"):
        (room.folder.styles / name).write_bytes(b"\0\5\x16\7")
    put(room, "cat.jpg")
    painted(room, "cat.jpg", "'*.jpg'")
    assert [job.name for job in room.dispatcher.submitted] == ["b-cat-night"]


@pytest.mark.parametrize("style", ["'night [1].jpg'", "'night [[]1].jpg'", "'night ?1?.jpg'"])
def test_a_style_may_have_brackets_in_its_name(room: Room, style: str) -> None:
    (room.folder.styles / "night [1].jpg").write_bytes(b"x")
    (room.folder.styles / "night 1.jpg").write_bytes(b"x")
    put(room, "cat.jpg")
    painted(room, "cat.jpg", style)
    assert [job.name for job in room.dispatcher.submitted] == ["b-cat-night [1]"]


@pytest.mark.parametrize("contents", ["sea", "sea/", "'sea/*'"])
@pytest.mark.parametrize("recursive", [False, True])
def test_a_folder_is_all_the_pictures_in_it(room: Room, contents: str, recursive: bool) -> None:
    put(room, "cat.jpg", "sea/a.jpg", "sea/x.CR2", "sea/deep/b.jpg", "sea/deep/er/c.jpg")
    put(room, "sea/oil/preset.yaml", "sea/oil/d.jpg")
    found = painted(room, contents, more=f"recursive: {str(recursive).lower()}")
    deeper = {"sea/deep/b.jpg", "sea/deep/er/c.jpg"} if recursive else set()
    assert found == {"sea/a.jpg"} | deeper
    summary = yaml.safe_load((room.folder.outbox / "b.summary.yaml").read_text())
    left_out = {words.partition(" (")[0] for words in summary["left_out"]}
    assert left_out == {"sea/x.CR2"} | (set() if recursive else {"sea/deep/", "sea/oil/"})
    assert (room.folder.inbox / "sea/oil/d.jpg").exists()


def test_a_folder_whose_preset_has_another_name_is_not_left_out_itself(room: Room) -> None:
    put(room, "sea/a.jpg", "sea/x (2).CR2")
    room.drop("sea/preset (1).yaml", "size: 64")
    assert painted(room, "sea") == {"sea/a.jpg"}
    summary = yaml.safe_load((room.folder.outbox / "b.summary.yaml").read_text())
    (left_out,) = summary["left_out"]
    assert left_out.startswith("sea/x (2).CR2 (a camera's raw file")


@pytest.mark.parametrize("pattern", ["'**/*.jpg'", "'sea/**'", "'sea/**/*.jpg'"])
def test_two_stars_go_through_all_folders(room: Room, pattern: str) -> None:
    put(room, "sea/a.jpg", "sea/deep/b.jpg", "sea/deep/er/c.jpg")
    assert painted(room, pattern) == {"sea/a.jpg", "sea/deep/b.jpg", "sea/deep/er/c.jpg"}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("contents: cat.jpeg\nstyles: night.jpg", "cat.jpeg (did you mean cat.jpg?)"),
        ("contents: cat.jpg\nstyles: night", "the style night (did you mean night.jpg?)"),
        ("contents: cat.jpg\nstyles: Night.jpg", "(did you mean night.jpg?)"),
        (
            "contents: cat.jpg\nstyles: night.jpg, wave.jpg",
            "several are a list: [night.jpg, wave.jpg]",
        ),
    ],
)
def test_what_a_batch_lacks_is_told_of_with_what_is_nearly_it(
    room: Room, text: str, hint: str
) -> None:
    put(room, "cat.jpg")
    room.drop("b.batch.yaml", text)
    room.step(3)
    assert hint in room.status("b")["message"]


def test_recursive_is_true_or_false(room: Room) -> None:
    room.drop("b.batch.yaml", "contents: '*.jpg'\nstyles: night.jpg\nrecursive: deep")
    room.step(3)
    assert "b.batch.yaml, line 3: recursive: 'deep'; expected true or false" in room.error("b")
