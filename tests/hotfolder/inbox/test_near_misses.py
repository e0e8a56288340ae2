"""What is nearly right is named: the file that is nearly the one that is missing, and why a file
belongs to no job."""

import pytest
from support import Room

from hotfolder.near_misses import split_reason


def message(room: Room, name: str, *files: str, sidecar: str = "") -> str:
    for file in files:
        room.drop(file)
    if sidecar:
        room.drop(f"{name}.yaml", sidecar)
    for style in ("night.jpg", "evening.jpg"):
        (room.folder.styles / style).write_bytes(b"x")
    room.step(3)
    room.step(2, seconds=100)
    written = [room.status(path.stem) for path in room.folder.status.glob("[!s]*.json")]
    (status,) = [status for status in written if status["source"] == name]
    assert status["state"] in ("held", "failed")
    return str(status["message"])


@pytest.mark.parametrize(
    ("missing", "near"),
    [
        pytest.param("x.content.jpg", "x.content (1).jpg", id="downloaded_twice"),
        pytest.param("x.content.jpg", "x.content - Copy.jpg", id="copied_in_windows"),
        pytest.param("x.content.jpg", "x.content copy 2.jpg", id="copied_in_macos"),
        pytest.param("x.content.jpg", "x.content.jpg.jpg", id="suffix_twice"),
        pytest.param("x.content.jpg", "X.content.jpg", id="another_case"),
        pytest.param("x.content.jpg", "x.content.gif", id="another_format"),
        pytest.param("x.content.jpg", "x.content.jpg.txt", id="another_ending"),
    ],
)
def test_a_missing_picture_is_told_of_with_the_file_that_is_nearly_it(
    room: Room, missing: str, near: str
) -> None:
    told = message(room, "x", "x.style.jpg", near, "y.content.jpg")
    assert told == f"held: lacks a content picture ({missing}); {near} is nearly called so"


def test_what_is_not_nearly_the_missing_picture_is_not_named(room: Room) -> None:
    told = message(room, "x", "x.style.jpg", "y.content.jpg", "xx.content.jpg")
    assert told == "held: lacks a content picture (x.content.jpg)"


@pytest.mark.parametrize(
    ("sidecar", "hint"),
    [
        pytest.param(
            "content: x.jpg\nstyles: [night]", "Did you mean 'night.jpg'?", id="no_suffix"
        ),
        pytest.param(
            "content: \u201cx.jpg\u201d\nstyles: [night.jpg]",
            "Did you mean 'x.jpg'?",
            id="curly_quotes",
        ),
        pytest.param("content: x.jpeg\nstyles: [night.jpg]", "Did you mean 'x.jpg'?", id="suffix"),
        pytest.param("content: X.jpg\nstyles: [night.jpg]", "Did you mean 'x.jpg'?", id="case"),
        pytest.param("content: x.jpg\nstyles: [nihgt.jpg]", "Did you mean 'night.jpg'?", id="typo"),
        pytest.param(
            "content: x.jpg\nstyles: night.jpg, evening.jpg",
            "several are a list: [night.jpg, evening.jpg]",
            id="comma",
        ),
        pytest.param(
            "content: x.jpg\nstyles: night, evening",
            "several are a list: [night, evening]",
            id="comma_without_suffixes",
        ),
    ],
)
def test_a_name_that_is_nearly_a_pictures_is_told_of_with_that(
    room: Room, sidecar: str, hint: str
) -> None:
    assert hint in message(room, "x", "x.jpg", sidecar=sidecar)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("IMG_0001.HEIC", "a picture that no job names"),
        ("web.jfif", "a picture that no job names"),
        ("IMG_0001.CR2", "a camera's raw file, which Impasto does not read"),
        ("logo.gif", "a picture which Impasto does not read; save it as PNG, TIFF or JPEG"),
        ("cat.psd", "an editor's file, which Impasto does not read"),
        ("cat.jpg.xmp", "another program's notes on a picture"),
        ("photos.zip", "an archive; unpack it"),
        ("IMG_0001.MOV", "a film, not a picture"),
        ("trip.batch.yaml.txt", "called trip.batch.yaml it would count"),
        ("cat.priority.txt", "called cat.priority it would count"),
        ("preset.yaml.txt", "called preset.yaml it would count"),
        ("cat.style.jpg.yaml", "settings are in the sidecar of the job, or of its content"),
        ("notes.txt", "neither a picture nor a sidecar"),
        ("README", "neither a picture nor a sidecar"),
        ("docker-compose.yml", "a file of Docker Compose, not a sidecar of Impasto's"),
        ("web: test (1).yml", "a file of Docker Compose, not a sidecar of Impasto's"),
    ],
)
def test_a_file_that_belongs_to_no_job_is_named_with_its_reason(
    room: Room, name: str, reason: str
) -> None:
    room.drop(name, "services: {web: {image: nginx}}" if name.endswith(".yml") else b"x")
    room.step(3)
    room.step(2, seconds=100)
    (stray,) = room.status("server")["strays"]
    assert stray.startswith(f"{name} ({reason}")
    assert (room.folder.inbox / name).exists()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("raw (2).cr2 (a raw file)", ("raw (2).cr2", "a raw file")),
        ("oil/ (3; preset (1).yaml is near)", ("oil/", "3; preset (1).yaml is near")),
        ("and 6 more", ("and 6 more", "")),
        ("cat (1)", ("cat", "1")),
        ("cat(1)", ("cat(1)", "")),
        ("cat) (why)", ("cat)", "why")),
        ("(", ("(", "")),
        ("", ("", "")),
    ],
)
def test_a_name_and_its_reason_may_both_have_brackets(words: str, parts: tuple[str, str]) -> None:
    assert split_reason(words) == parts


def test_a_misspelt_key_makes_no_file_another_programs(room: Room) -> None:
    for text in ("siez: 64", "services: {}\nsize: 64", "naem: x"):
        room.drop_pair("cat", text)
        room.step(4)
        assert room.status("cat")["state"] == "failed"
        assert "unknown key" in room.error(room.status("cat")["folder"].rpartition("/")[2])


def test_a_sidecar_called_after_its_picture_needs_not_name_it(room: Room) -> None:
    (room.folder.styles / "night.jpg").write_bytes(b"x")
    room.drop("cat.jpg")
    room.drop("cat.jpg.yaml", "styles: [night.jpg]\nsize: 320")
    room.step(4)
    assert (room.status("cat")["state"], room.status("cat")["size"]) == ("done", 320)
    assert room.record("cat")["picture"] == "cat.png"
    assert list(room.folder.inbox.iterdir()) == []


def test_a_job_of_a_name_like_a_pictures_keeps_its_sidecar(room: Room) -> None:
    room.drop_pair("cat.jpg", "size: 320")
    room.step(4)
    assert (room.status("cat.jpg")["state"], room.status("cat.jpg")["size"]) == ("done", 320)
    assert len(room.dispatcher.submitted) == 1
