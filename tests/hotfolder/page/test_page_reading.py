"""What the page shows of a hot folder, by real requests: all of it without JavaScript."""

import os
import time
from datetime import datetime

import yaml
from PIL import Image
from support_page import Served, finished, write_server, write_status

from hotfolder.paths import FolderPaths

LOSSES = {"content": 4034024.5, "style": 2357931.25, "tv": 0.0, "total": 6391955.75}


def test_the_server_its_devices_and_its_disk(folder: FolderPaths, page: Served) -> None:
    with page.client() as client:
        assert "No server runs" in client.get("/").text
        write_server(
            folder, state="idle", devices=[{"device": "cuda:0", "state": "idle"}], queue={}
        )
        time.sleep(3.1)  # it looks every three seconds while nobody watches
        html = client.get("/").text
        assert "Ready" in html
        assert "cuda:0" in html
        assert " GB" in html or " MB" in html


def test_the_queue_in_its_order_and_why_something_waits(folder: FolderPaths, page: Served) -> None:
    write_server(folder)
    for place, name in ((2, "zebra"), (1, "yak"), (3, "ape")):
        write_status(folder, name, "queued", position=place, id=f"2026-{place}")
    write_status(folder, "bridge", "waiting", message="lacks a style picture (bridge.style.jpg)")
    write_status(folder, "garden", "held", message="held: somebody holds it")
    with page.client() as client:
        client.post("/do/nothing")
        client.post("/do/resume")  # looks at once
        html = client.get("/").text
    order = [html.index(f"<strong>{name}</strong>") for name in ("yak", "zebra", "ape")]
    assert order == sorted(order)
    assert "lacks a style picture (bridge.style.jpg)" in html
    assert "held: somebody holds it" in html
    assert html.index("<strong>ape</strong>") < html.index("<strong>garden</strong>")


def test_the_running_job_with_its_step_its_time_and_its_curve(
    folder: FolderPaths, page: Served
) -> None:
    write_server(folder)
    with page.client() as client:
        for step in (10, 20, 30):
            losses = {kind: value / step for kind, value in LOSSES.items()}
            write_status(
                *(folder, "portrait", "running"),
                **{"id": "20261125-1", "step": step, "steps": 60, "fraction": step / 60},
                **{"losses": losses, "eta_seconds": 125.0, "device": "cpu", "scales": 1},
                preview="status/portrait.preview.jpg",
            )
            client.post("/do/resume")
        Image.new("RGB", (64, 48)).save(folder.status / "portrait.preview.jpg")
        client.post("/do/resume")
        html = client.get("/").text
        assert "step 30 of 60" in html
        assert "about 2 min to go" in html
        assert html.count("<polyline") == 3
        assert 'aria-label="Losses so far: total 213 000, style 78 600, content 134 000"' in html
        source = html.partition('src="/preview/portrait?v=')[2].partition('"')[0]
        picture = client.get(f"/preview/portrait?v={source}")
        assert picture.content == (folder.status / "portrait.preview.jpg").read_bytes()
        assert "immutable" in picture.headers["cache-control"]


def test_strays_with_their_reasons(folder: FolderPaths, page: Served) -> None:
    write_server(folder, strays=["IMG_1234.jpg (a picture that no job names)", "and 6 more"])
    with page.client() as client:
        client.post("/do/resume")
        html = client.get("/").text
    assert "<strong>IMG_1234.jpg</strong>" in html
    assert "a picture that no job names" in html
    assert "<strong>and 6 more</strong>" in html


def test_a_batch_its_jobs_and_its_contact_sheet(folder: FolderPaths, page: Served) -> None:
    write_server(folder)
    batch = {"batch": "holiday"}
    write_status(folder, "holiday", "running", message="batch: 1 done of 2", fraction=0.5)
    write_status(folder, "holiday-pier-night", "running", id="2026-1", client=batch)
    write_status(
        *(folder, "holiday-sea-night", "done"),
        **{"id": "2026-0", "client": batch, "result": "outbox/holiday-sea-night.png"},
    )
    with page.client() as client:
        client.post("/do/resume")
        assert "batch: 1 done of 2" in client.get("/").text
        html = client.get("/batch/holiday").text
        assert "holiday-pier-night" in html
        assert 'href="/gallery/holiday-sea-night"' in html
        Image.new("RGB", (64, 48)).save(folder.outbox / "holiday.contact-sheet.jpg")
        summary = {"seconds": 190.0, "totals": {"jobs": 2, "done": 2}}
        (folder.outbox / "holiday.summary.yaml").write_text(yaml.safe_dump(summary))
        write_status(
            *(folder, "holiday", "done"),
            **{"message": "batch: 2 done of 2", "fraction": 1.0},
            **{"result": "outbox/holiday.contact-sheet.jpg"},
            record="outbox/holiday.summary.yaml",
        )
        client.post("/do/resume")
        html = client.get("/batch/holiday").text
        assert "after 3 min" in html
        assert "/thumb/large/outbox/holiday.contact-sheet.jpg" in html
        assert client.get("/batch/nothing").status_code == 404


def test_a_painting_with_before_after_and_every_setting_of_its_record(
    folder: FolderPaths, page: Served
) -> None:
    finished(folder, "cat", originals=True, size=640, strength=60.0)
    day = datetime.now().astimezone().date().isoformat()
    with page.client() as client:
        html = client.get("/gallery/cat").text
        assert f"/thumb/large/done/{day}/cat/cat.content.png" in html
        for key, value in (("size", "640"), ("strength", "60.0"), ("clamp", "yes")):
            assert f"<dt>{key}</dt><dd>{value}</dd>" in html.replace("\n", "")
        assert "48 × 32 px" in html
        before = client.get(f"/thumb/large/done/{day}/cat/cat.content.png")
        assert before.headers["content-type"] == "image/webp"


def test_a_result_without_its_record_or_with_a_broken_one_is_shown_as_it_is(
    folder: FolderPaths, page: Served
) -> None:
    finished(folder, "cat")
    (folder.outbox / "cat.result.yaml").write_text("a: [")
    Image.new("RGB", (32, 32)).save(folder.outbox / "notes.png")
    with page.client() as client:
        html = client.get("/gallery").text
        assert "notes" not in html  # no result: it has no record
        assert "Its record cannot be read." in client.get("/gallery/cat").text


def test_the_gallery_is_searched_by_name_style_setting_and_date(
    folder: FolderPaths, page: Served
) -> None:
    old = datetime(2026, 3, 9, 12).timestamp()
    finished(folder, "harbour", time=old, size=640)
    finished(folder, "heron", style="evening.jpg", size=1024)
    finished(folder, "cat", strength=30.0)

    def found(**query: str) -> set[str]:
        html = client.get("/gallery", params=query).text
        return {name for name in ("harbour", "heron", "cat") if f'"/gallery/{name}"' in html}

    with page.client() as client:
        assert found() == {"harbour", "heron", "cat"}
        assert found(q="HARB") == {"harbour"}
        assert found(q="her h") == {"heron"}
        assert found(style="evening.jpg") == {"heron"}
        assert found(setting="size=640") == {"harbour"}
        assert found(setting="size: 64") == set()
        assert found(setting="strength = 30.0") == {"cat"}
        assert found(since="2026-03-09", until="2026-03-09") == {"harbour"}
        assert found(until="2026-03-08") == set()
        assert found(q="h", style="evening.jpg", setting="size=1024") == {"heron"}
        assert found(setting="size=.*") == set()
        assert found(since="no day") == {"harbour", "heron", "cat"}


def test_the_gallery_goes_on_behind_the_last_one_that_was_shown(
    folder: FolderPaths, page: Served
) -> None:
    for number in range(100):
        name = f"cat-{number:03}"
        finished(folder, name, time=1_700_000_000 + number)
    seen: list[str] = []
    with page.client(**{"HX-Request": "true"}) as client:
        target = "/gallery"
        while target:
            html = client.get(target).text
            seen += [part.partition('"')[0] for part in html.split('<a href="/gallery/')[1:]]
            finished(folder, f"new-{len(seen)}")  # What comes meanwhile shifts nothing.
            target = html.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert [name for name in seen if name.startswith("cat")] == [
        f"cat-{number:03}" for number in reversed(range(100))
    ]


def test_failures_with_their_reason_and_their_pictures(folder: FolderPaths, page: Served) -> None:
    failed = folder.failed / "castle"
    failed.mkdir()
    (failed / "error.txt").write_text("castle.yaml, line 3: style_wieght: unknown key")
    Image.new("RGB", (32, 32)).save(failed / "castle.content.png")
    with page.client() as client:
        html = client.get("/failed").text
    assert "castle.yaml, line 3: style_wieght: unknown key" in html
    assert "/thumb/small/failed/castle/castle.content.png" in html


def test_news_come_as_events_and_only_what_has_changed(folder: FolderPaths, page: Served) -> None:
    write_server(folder)
    write_status(folder, "portrait", "running", id="2026-1", step=1, steps=9, fraction=0.1)
    with page.client() as client, client.stream("GET", "/events?parts=now,queue,nothing") as news:
        assert news.headers["content-type"].startswith("text/event-stream")
        lines = news.iter_lines()
        first = {next(line for line in lines if line.startswith("event: ")) for _ in range(2)}
        assert first == {"event: now", "event: queue"}
        write_status(folder, "portrait", "running", id="2026-1", step=5, steps=9, fraction=0.5)
        line = next(line for line in lines if "step 5 of 9" in line)
        assert line.startswith("data: ")


def test_ten_thousand_that_have_ended_are_listed_and_not_read(folder: FolderPaths) -> None:
    """Of the paintings, only the records that are looked at; of the statuses, what has changed."""
    from hotfolder import folder_access
    from hotfolder.page.folder.gallery import Gallery, Query

    picture = finished(folder, "original", time=1_600_000_000)
    record = folder.outbox / "original.result.yaml"
    for number in range(10_000):
        os.link(picture, folder.outbox / f"cat-{number:05}.png")
        os.link(record, folder.outbox / f"cat-{number:05}.result.yaml")
    opened: list[str] = []
    plain = folder_access.open_regular

    def counted(path: object) -> object:
        opened.append(str(path))
        return plain(path)  # type: ignore[arg-type]

    folder_access.open_regular = counted  # type: ignore[assignment]
    try:
        gallery = Gallery(folder)
        shelf = gallery.shelf(Query(text="cat-00"))
        assert len(shelf.paintings) == 48
        assert shelf.total == 10_001
        assert opened == []
        details = gallery.details(shelf.paintings[0])
        assert len(opened) == 1
        assert details.settings["preset"] == "standard"
    finally:
        folder_access.open_regular = plain
