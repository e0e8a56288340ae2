"""What the page does, by real requests: the files of the protocol, which a real server obeys."""

import shutil
from pathlib import Path

import pytest
import yaml
from processes import Running, Until
from support_page import Served, finished, write_server, write_status

from hotfolder.paths import FolderPaths

JPEG = ("content", ("Mein Kätzchen.jpg", b"steps=2"))


@pytest.fixture
def library(folder: FolderPaths) -> None:
    for name in ("night.jpg", "evening.jpg"):
        (folder.styles / name).write_bytes(b"a painting")


def sidecars(folder: FolderPaths) -> dict[str, dict[str, object]]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in folder.inbox.glob("*.yaml")}


def test_the_form_drops_a_job_that_the_server_paints(
    folder: FolderPaths, page: Served, running: Running, library: None, until: Until
) -> None:
    running.start()
    with page.client() as client:
        done = client.post(
            "/drop",
            data={"style": "night.jpg", "size": "640", "priority": "7", "strength": "60"},
            files=[JPEG],
        )
        assert done.status_code == 200
        assert "<strong>Mein Kätzchen</strong> is in the inbox" in done.text
    until(lambda: running.state("Mein Kätzchen") == "done")
    assert (folder.outbox / "Mein Kätzchen.png").is_file()
    sidecar = yaml.safe_load(next(folder.done.rglob("Mein Kätzchen.yaml")).read_text())
    assert (sidecar["size"], sidecar["strength"], sidecar["styles"]) == (640, 60, ["night.jpg"])
    assert running.status("Mein Kätzchen")["size"] == 640
    assert running.status("Mein Kätzchen")["priority"] == 7
    assert running.status("Mein Kätzchen")["client"]["from"] == "page"


def test_many_pictures_and_a_style_of_ones_own_become_a_job_each(
    folder: FolderPaths, page: Served
) -> None:
    files = [("content", (f"{n}.png", n.encode())) for n in ("one", "two", "one")]
    with page.client() as client:
        done = client.post("/drop", files=[*files, ("style_file", ("wave.webp", b"a wave"))])
        assert done.status_code == 200
    assert set(sidecars(folder)) == {"one", "two", "one-2"}
    assert (folder.inbox / "two.content.png").read_bytes() == b"two"
    for name in ("one", "two", "one-2"):
        assert (folder.inbox / f"{name}.style.webp").read_bytes() == b"a wave"


@pytest.mark.parametrize(
    ("given", "stem"),
    [
        pytest.param("../../../etc/passwd.png", "passwd", id="a_path"),
        pytest.param("..\\..\\secret.jpg", "secret", id="a_path_of_windows"),
        pytest.param(".hidden.png", "hidden", id="hidden"),
        pytest.param("CON.png", "CON-job", id="a_device"),
        pytest.param("cat.style.jpg", "cat", id="a_part_of_another_job"),
        pytest.param("server.png", "server-job", id="a_reserved_name"),
        pytest.param("a" * 300 + ".png", "a" * 150, id="too_long"),
        pytest.param("cat.batch.png", "cat-batch", id="a_batch"),
    ],
)
def test_the_name_of_an_upload_is_made_safe(shared_page: Served, given: str, stem: str) -> None:
    folder = shared_page.folder
    (folder.styles / "night.jpg").write_bytes(b"a painting")
    shutil.rmtree(folder.inbox)
    folder.inbox.mkdir()
    with shared_page.client() as client:
        done = client.post(
            "/drop", data={"style": "night.jpg"}, files=[("content", (given, b"picture"))]
        )
        assert done.status_code == 200
    assert [path.name for path in folder.inbox.glob("*.content.*")] == [
        f"{stem}.content{Path(given).suffix}"
    ]
    outside = {path.name for path in folder.root.parent.iterdir()}
    assert outside <= {"hot", "state"}


@pytest.mark.parametrize(
    ("values", "files", "words"),
    [
        ({"size": "7"}, [JPEG], "e-size"),
        ({"strength": "200"}, [JPEG], "e-strength"),
        ({"style_layers": "{relu9_9: 1}"}, [JPEG], "e-style_layers"),
        ({"weights": "/etc/passwd.pth"}, [JPEG], "e-weights"),
        ({"bits": "16", "format": "jpeg"}, [JPEG], "e-bits"),
        ({"priority": "12"}, [JPEG], "e-priority"),
        ({"content_layers": "!!python/object:os.system {}"}, [JPEG], "e-content_layers"),
        ({"style": "../secret.jpg"}, [JPEG], "e-style"),
        ({"style": ""}, [JPEG], "e-style"),
        ({}, [], "e-content"),
        ({}, [("content", ("virus.exe", b"MZ"))], "e-content"),
        ({}, [("content", ("empty.jpg", b""))], "e-content"),
    ],
)
def test_what_the_server_would_refuse_is_refused_at_its_field_and_nothing_is_dropped(
    shared_page: Served,
    values: dict[str, str],
    files: list[tuple[str, tuple[str, bytes]]],
    words: str,
) -> None:
    folder = shared_page.folder
    (folder.styles / "night.jpg").write_bytes(b"a painting")
    before = set(folder.inbox.iterdir())
    with shared_page.client() as client:
        parts = files or [("content", ("", b""))]
        done = client.post("/drop", data={"style": "night.jpg"} | values, files=parts)
    assert done.status_code == 422
    assert f'id="{words}"' in done.text
    assert set(folder.inbox.iterdir()) == before


def test_paint_again_takes_the_settings_the_picture_and_the_style_of_a_painting(
    folder: FolderPaths, page: Served, library: None
) -> None:
    finished(folder, "cat", originals=True, size=640, strength=60.0)
    with page.client() as client:
        form = client.get("/drop", params={"like": "cat", "settings": "yes"}).text
        assert 'name="size" value="640"' in form
        assert 'name="strength" type="number" inputmode="decimal" value="60"' in form
        values = {"like": "cat", "same_content": "yes", "same_styles": "yes", "size": "640"}
        assert client.post("/drop", data=values, files={"x": ("", b"")}).status_code == 200
    (name,) = sidecars(folder)
    assert sidecars(folder)[name]["styles"] == ["night.jpg"]
    original = next(folder.done.rglob("cat.content.png"))
    assert (folder.inbox / f"{name}.content.png").read_bytes() == original.read_bytes()


def test_an_original_that_became_a_link_is_not_followed(
    folder: FolderPaths, page: Served, library: None
) -> None:
    finished(folder, "cat", originals=True)
    secret = folder.root.parent / "secret.png"
    secret.write_bytes(b"a secret")
    original = next(folder.done.rglob("cat.content.png"))
    original.unlink()
    original.symlink_to(secret)
    with page.client() as client:
        values = {"like": "cat", "same_content": "yes", "style": "night.jpg"}
        done = client.post("/drop", data=values, files={"x": ("", b"")})
    assert done.status_code == 422
    assert not list(folder.inbox.iterdir())


def test_hold_release_priority_and_cancel_are_obeyed_by_the_server(
    folder: FolderPaths, page: Served, running: Running, until: Until
) -> None:
    running.start()
    running.drop("first", "steps=2000 pause=0.01")
    until(lambda: running.state("first") == "running")
    for name in ("cat", "dog"):
        running.drop(name, "steps=2")
        until(lambda name=name: running.state(name) == "queued")
    with page.client() as client:

        def press(verb: str, name: str) -> None:
            client.post("/do/resume")  # looks at the folder now
            answer = client.post(f"/do/{verb}", data={"name": name, "back": "/"})
            assert (answer.status_code, answer.headers.get("location")) == (303, "/")

        press("hold", "cat")
        until(lambda: running.state("cat") == "held")
        press("release", "cat")
        until(lambda: running.state("cat") == "queued")
        press("sooner", "dog")
        until(lambda: running.status("dog")["priority"] == 6)
        until(lambda: running.status("dog")["position"] == 1)
        press("later", "dog")
        until(lambda: running.status("dog")["priority"] == 5)
        press("cancel", "first")
        until(lambda: running.state("first") == "cancelled")
    until(lambda: running.state("dog") == "done")


def test_all_that_wait_are_cancelled_and_what_runs_goes_on(
    folder: FolderPaths, page: Served
) -> None:
    write_server(folder)
    write_status(folder, "portrait", "running", id="2026-1", fraction=0.2)
    for name, state in (("cat", "queued"), ("dog", "held"), ("cow", "waiting"), ("emu", "done")):
        write_status(folder, name, state)
    with page.client() as client:
        client.post("/do/resume")
        client.post("/do/cancel-waiting")
    assert {path.name for path in folder.inbox.iterdir()} == {
        *("cat.cancel", "dog.cancel", "cow.cancel")
    }


def test_failed_jobs_are_retried_one_or_all(
    folder: FolderPaths, page: Served, running: Running, until: Until
) -> None:
    running.start()
    for name in ("cat", "dog", "cow"):
        running.drop(name, "refuse")
    until(lambda: all(running.state(name) == "failed" for name in ("cat", "dog", "cow")))
    for name in ("cat", "dog", "cow"):
        (folder.failed / name / f"{name}.content.jpg").write_text("steps=2")
    with page.client(**{"HX-Request": "true"}) as client:
        assert "cat is tried again." in client.post("/do/retry", data={"name": "cat"}).text
        until(lambda: running.state("cat") == "done")
        assert "2 jobs are tried again." in client.post("/do/retry-all").text
    until(lambda: all(running.state(name) == "done" for name in ("dog", "cow")))


def test_pause_and_resume(
    folder: FolderPaths, page: Served, running: Running, until: Until
) -> None:
    running.start()
    with page.client() as client:
        client.post("/do/pause", data={"reason": "the fan\nis loud"})
        assert "the fan is loud" in (folder.private / "paused").read_text()
        running.drop("cat", "steps=2")
        until(lambda: running.state("cat") == "queued")
        client.post("/do/resume")
        assert not (folder.private / "paused").exists()
        until(lambda: running.state("cat") == "done")


def test_a_deleted_result_is_in_the_bin_and_comes_back(folder: FolderPaths, page: Served) -> None:
    picture = finished(folder, "cat")
    (folder.outbox / "cat.losses.png").write_bytes(b"losses")
    there = {path.name: path.read_bytes() for path in folder.outbox.iterdir()}
    with page.client(**{"HX-Request": "true"}) as client:
        note = client.post("/do/delete", data={"name": "cat"}).text
        assert "cat is in the bin." in note
        assert not [path for path in folder.outbox.iterdir() if path.name != ".bin"]
        stamp = note.partition('name="stamp" value="')[2].partition('"')[0]
        assert client.get(f"/thumb/small/bin/{stamp}/cat.png").status_code == 200
        assert "cat" in client.get("/bin").text
        finished(folder, "cat")  # Its name is taken by now.
        refused = client.post("/do/restore", data={"stamp": stamp})
        assert refused.status_code == 422
        assert "stays in the bin" in refused.text
        for path in (picture, folder.outbox / "cat.result.yaml"):
            path.unlink()
        assert "cat is back." in client.post("/do/restore", data={"stamp": stamp}).text
    found = {path.name: path.read_bytes() for path in folder.outbox.iterdir() if path.is_file()}
    assert found == there


def test_a_result_that_somebody_has_renamed_to_capitals_comes_back_from_the_bin(
    folder: FolderPaths, page: Served
) -> None:
    picture = finished(folder, "portrait")
    picture = picture.rename(picture.with_suffix(".PNG"))
    with page.client() as client:
        assert "/thumb/small/outbox/portrait.PNG" in client.get("/gallery").text
        client.post("/do/delete", data={"name": "portrait"})
        (stamp,) = (folder.outbox / ".bin").iterdir()
        assert "portrait" in client.get("/bin").text
        client.post("/do/restore", data={"stamp": stamp.name})
    assert picture.is_file()


def test_the_bin_is_emptied_only_by_who_is_sure(folder: FolderPaths, page: Served) -> None:
    finished(folder, "cat")
    with page.client() as client:
        client.post("/do/delete", data={"name": "cat"})
        client.post("/do/empty-bin")
        assert list((folder.outbox / ".bin").rglob("cat.png"))
        client.post("/do/empty-bin", data={"sure": "yes"})
        assert not list((folder.outbox / ".bin").iterdir())


@pytest.mark.parametrize("stamp", ["..", "../..", "", "20260101-000000-0000000g", "x/../.."])
def test_nothing_but_what_the_bin_has_is_put_back(shared_page: Served, stamp: str) -> None:
    with shared_page.client() as client:
        assert client.post("/do/restore", data={"stamp": stamp}).status_code == 422


def test_what_is_no_job_is_refused_in_words(shared_page: Served) -> None:
    with shared_page.client(**{"HX-Request": "true"}) as client:
        for verb in ("cancel", "hold", "release", "sooner", "retry", "delete"):
            answer = client.post(f"/do/{verb}", data={"name": "../../nobody"})
            assert answer.status_code == 422
            assert "nobody" in answer.text
    assert not list(shared_page.folder.root.parent.glob("nobody*"))


def test_a_style_is_added_to_the_library_and_replaces_none(
    folder: FolderPaths, page: Served, library: None
) -> None:
    wave = {"style_file": ("../Wave.JPG", b"a wave")}
    with page.client(**{"HX-Request": "true"}) as client:
        assert "Wave.jpg is in the library." in client.post("/styles", files=wave).text
        taken = client.post("/styles", files={"style_file": ("night.jpg", b"another")})
        assert taken.status_code == 422
        assert "has a night.jpg already" in taken.text
        refused = client.post("/styles", files={"style_file": ("x.svg", b"<svg/>")})
        assert refused.status_code == 422
    assert (folder.styles / "Wave.jpg").read_bytes() == b"a wave"
    assert (folder.styles / "night.jpg").read_bytes() == b"a painting"
    assert not (folder.styles / "x.svg").exists()


@pytest.mark.parametrize(
    ("back", "location"),
    [
        ("/failed", "/failed"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_the_way_back_stays_on_the_page(shared_page: Served, back: str, location: str) -> None:
    with shared_page.client() as client:
        answer = client.post("/do/resume", data={"back": back})
    assert answer.headers["location"] == location


def test_a_hot_folder_that_cannot_be_written_to_is_said_and_the_page_lives(
    folder: FolderPaths, page: Served, library: None
) -> None:
    shutil.rmtree(folder.inbox)
    with page.client() as client:
        done = client.post("/drop", data={"style": "night.jpg"}, files=[JPEG])
        assert done.status_code == 422
        assert "is not a hot folder" in done.text
        assert client.get("/").status_code == 200
