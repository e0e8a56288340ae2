"""A batch against a real daemon, stepped whenever the batch would sleep; nothing is computed."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image
from support import LOSSES, Room, fails, paints_a_series, starts_only

from engine.settings import resolve
from hotfolder.batches.client_run import BatchRun
from hotfolder.batches.expansion import MAX_ACTIVE, expand
from hotfolder.batches.finished_work import FinishedWork
from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.batches.results.contact_sheet import contact_sheet
from hotfolder.job import Job
from hotfolder.workers.events import Done, Event, Started
from plugin.client import Client, ServerGone

VERSION = "0.1.0"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def paints(job: Job) -> Iterator[Event]:
    """With a record as workers write it."""
    inputs = Path(job.folder) / "inputs"
    yield Started(job.id, "fake")
    result = Path(job.folder) / "result.png"
    result.write_bytes(f"{job.content} {job.id}".encode())
    record = {
        "content": {"sha256": sha256(inputs / job.content)},
        "styles": [{"sha256": sha256(inputs / style)} for style in job.styles],
        "versions": {"impasto": VERSION},
        "losses": LOSSES,
    }
    yield Done(job.id, str(result), record)


def paints_all_but_dogs(job: Job) -> Iterator[Event]:
    yield from fails(job) if job.name.startswith("dog") else paints(job)


class Bench:
    """A batch of two pictures and two styles in a room."""

    def __init__(self, room: Room, tmp_path: Path) -> None:
        self.room = room
        self.out = tmp_path / "out"
        self.out.mkdir(exist_ok=True)
        self.files = []
        for name in ("cat.jpg", "dog.jpg", "night.jpg", "wave.jpg"):
            self.files.append(tmp_path / name)
            self.files[-1].write_bytes(name.encode())
        cat, dog, night, wave = self.files
        self.items = list(expand([cat, dog], [(night,), (wave,)], {"1": resolve({"size": 64})}))

    def run(self, **keywords: object) -> BatchRun:
        self.room.daemon.step()
        client = Client(self.room.folder.root)
        keywords.setdefault("sleep", lambda seconds: self.room.step())
        return BatchRun(client, self.items, FinishedWork(self.out, VERSION), **keywords)  # type: ignore

    def done_before(self, version: str = VERSION) -> list[Path | None]:
        finished = FinishedWork(self.out, version)
        return [finished.picture_of(item) for item in self.items]

    def finished(self) -> BatchRun:
        run = self.run()
        list(run.steps())
        return run

    def painted(self) -> int:
        return len(self.room.dispatcher.submitted)


@pytest.fixture
def bench(room: Room, tmp_path: Path) -> Bench:
    room.dispatcher.script = paints
    return Bench(room, tmp_path)


def states(run: BatchRun) -> dict[str, int]:
    return dict(Counter(each.state for each in run.items))


def test_every_result_is_fetched_with_its_record(bench: Bench) -> None:
    run = bench.finished()
    assert states(run) == {"done": 4}
    names = {"cat-night", "cat-wave", "dog-night", "dog-wave"}
    assert {path.name for path in bench.out.iterdir()} == {
        *(f"{name}.png" for name in names),
        *(f"{name}.result.yaml" for name in names),
    }
    record = yaml.safe_load((bench.out / "cat-wave.result.yaml").read_text())
    assert (record["name"], record["picture"]) == ("cat-wave", "cat-wave.png")
    assert list(bench.room.folder.outbox.iterdir()) == []


def test_a_series_is_fetched_whole_under_the_names_of_the_batch(bench: Bench) -> None:
    def script(job: Job) -> Iterator[Event]:
        *_, done = paints(job)
        assert isinstance(done, Done)
        for event in paints_a_series(job):
            ours = isinstance(event, Done)
            yield replace(event, record={**event.record, **done.record}) if ours else event

    (bench.out / "cat-night.png").write_bytes(b"precious")
    bench.room.dispatcher.script = script
    assert states(bench.finished()) == {"done": 4}
    record = yaml.safe_load((bench.out / "cat-night-2.result.yaml").read_text())
    beside = ("result.yaml", "losses.png", "png")
    assert record["series"]["files"] == [
        *(f"cat-night-2.variation2.{each}" for each in beside),
        "cat-night-2.variations.jpg",
    ]
    second = yaml.safe_load((bench.out / record["series"]["files"][0]).read_text())
    assert second["picture"] == "cat-night-2.variation2.png"
    assert (bench.out / second["picture"]).read_text() == "variation2.png of cat-night"
    assert list(bench.room.folder.outbox.iterdir()) == []
    assert states(bench.finished()) == {"skipped": 4}


def test_what_is_done_is_recognised_and_not_painted_again(bench: Bench) -> None:
    bench.finished()
    run = bench.finished()
    assert states(run) == {"skipped": 4}
    assert bench.painted() == 4
    assert None not in bench.done_before()
    assert bench.done_before("another version") == [None] * 4


def test_a_changed_picture_is_painted_and_replaces_nothing(bench: Bench) -> None:
    bench.finished()
    before = (bench.out / "cat-night.png").read_bytes()
    bench.files[0].write_bytes(b"another cat")
    run = bench.finished()
    assert states(run) == {"skipped": 2, "done": 2}
    assert (bench.out / "cat-night.png").read_bytes() == before
    assert (bench.out / "cat-night-2.png").exists()
    assert states(bench.finished()) == {"skipped": 4}


def test_a_failure_has_its_reason_and_the_others_go_on(bench: Bench) -> None:
    bench.room.dispatcher.script = paints_all_but_dogs
    run = bench.finished()
    assert states(run) == {"done": 2, "failed": 2}
    reasons = {each.item.name: each.reason for each in run.items if each.state == "failed"}
    assert reasons["dog-night"].endswith("not a picture")
    bench.room.dispatcher.script = paints
    assert states(bench.finished()) == {"skipped": 2, "done": 2}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("a word", id="a_word"),
        pytest.param("- a\n- list\n", id="a_list"),
        pytest.param("[" * 100_000, id="nested_deeply"),
        pytest.param("content: 5\n", id="another_mapping"),
        pytest.param("\x00", id="no_yaml"),
        pytest.param(
            "content: {sha256: a}\nstyles: []\nversions: {impasto: '1'}\nprogression: [../x.jpg]\n",
            id="a_path_that_leads_elsewhere",
        ),
    ],
)
def test_a_result_with_another_record_fails_alone_and_stays_where_it_is(
    bench: Bench, text: str
) -> None:
    def step(_: float) -> None:
        bench.room.step()
        record = bench.room.folder.outbox / "cat-night.result.yaml"
        if record.exists():
            record.write_text(text)

    run = bench.run(sleep=step)
    list(run.steps())
    assert states(run) == {"failed": 1, "done": 3}
    (reason,) = [each.reason for each in run.items if each.state == "failed"]
    assert "cat-night.result.yaml: not the record of a painting" in reason
    assert (bench.room.folder.outbox / "cat-night.png").exists()


def test_a_picture_that_is_gone_fails_alone(bench: Bench) -> None:
    bench.files[1].unlink()
    run = bench.finished()
    assert states(run) == {"done": 2, "failed": 2}
    assert all("No such file" in each.reason for each in run.items if each.state == "failed")


def test_a_killed_batch_goes_on_with_what_is_under_way(bench: Bench) -> None:
    bench.room.dispatcher.script = starts_only
    steps = bench.run().steps()
    for _ in range(10):
        next(steps)
    steps.close()  # As after a SIGKILL: nothing was cancelled, nothing was noted.
    bench.room.restart(paints)
    assert states(bench.finished()) == {"done": 4}
    assert bench.painted() == 4


def test_a_result_that_was_not_fetched_is_not_painted_again(bench: Bench) -> None:
    steps = bench.run().steps()
    next(steps)
    for _ in range(3):
        next(steps)
    steps.close()
    bench.room.step(8)
    assert len(list(bench.room.folder.outbox.glob("*.png"))) == 4
    assert states(bench.finished()) == {"done": 4}
    assert bench.painted() == 4


def test_what_has_not_ended_is_pending_in_the_summary_of_a_run_that_is_stopped(
    bench: Bench,
) -> None:
    bench.room.dispatcher.script = starts_only
    run = bench.run()
    steps = run.steps()
    for _ in range(10):
        next(steps)
    steps.close()
    assert "running" in states(run)
    assert {each.end["state"] for each in run.items} == {"pending"}


def test_the_server_holds_few_jobs_at_once(bench: Bench) -> None:
    bench.items = list(expand(bench.files[:1], [(bench.files[2],)] * 20, {"1": resolve()}))
    most = 0
    run = bench.run()
    for _ in run.steps():
        folder = bench.room.folder
        most = max(most, len(list(folder.spool.iterdir())) + len(list(folder.inbox.glob("*.yaml"))))
    assert states(run) == {"done": 20}
    assert most <= MAX_ACTIVE


def test_a_server_that_stays_away_ends_the_run(bench: Bench) -> None:
    run = bench.run(sleep=lambda seconds: bench.room.clock.advance(30), clock=bench.room.clock)
    bench.room.daemon._shut_down()
    with pytest.raises(ServerGone, match="Run the batch again"):
        list(run.steps())


def test_the_contact_sheet_has_a_cell_for_each_and_survives_what_is_no_picture(
    tmp_path: Path,
) -> None:
    red, broken = tmp_path / "red.png", tmp_path / "broken.png"
    Image.new("RGB", (300, 200), "red").save(red)
    broken.write_bytes(b"no picture")
    sheet = tmp_path / "sheet.jpg"
    sheet.write_bytes(contact_sheet([(red, "red"), (broken, "broken"), (None, "failed")], 2))
    with Image.open(sheet) as image:
        assert image.size == (8 + 2 * 308, image.height)
        colours = [image.getpixel((x, y)) for x, y in ((150, 100), (460, 100), (150, 340))]
    reds = [isinstance(c, tuple) and c[0] > 240 and c[1] < 20 for c in colours]
    assert reds == [True, False, False]


def test_results_keep_the_tree_of_the_folders(bench: Bench, tmp_path: Path) -> None:
    contents = {tmp_path / "a/cat.jpg": "", tmp_path / "a/sea/cat.jpg": "sea"}
    for path in contents:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(str(path).encode())
    night = bench.files[2]
    variants = {"1": resolve({"size": 64})}
    bench.items = list(expand(list(contents), [(night,)], variants, folders=contents))
    run = bench.finished()
    results = {"cat-night.png", "sea/cat-night.png"}
    assert {each.end["picture"] for each in run.items} == results
    assert {p.relative_to(bench.out).as_posix() for p in bench.out.rglob("*.png")} == results
    assert len(list(bench.out.rglob("cat-night.result.yaml"))) == 2
    # A second run finds both, also if it would put them elsewhere.
    finished = FinishedWork(bench.out, VERSION, contents.values())
    flat = list(expand(list(contents), [(night,)], variants))
    assert [finished.picture_of(item) for item in flat] == [
        bench.out / "cat-night.png",
        bench.out / "sea/cat-night.png",
    ]
    assert [item.result for item in flat] == ["cat-night", "cat-night-2"]


def test_results_are_called_as_the_pattern_says(bench: Bench) -> None:
    run = bench.run(name="{style}_{content}")
    list(run.steps())
    results = {"night_cat.png", "night_dog.png", "wave_cat.png", "wave_dog.png"}
    assert {each.end["picture"] for each in run.items} == results
    assert bench.done_before() == [bench.out / run.items[n].end["picture"] for n in range(4)]


def test_masks_and_palettes_go_with_their_items_and_count_as_their_work(bench: Bench) -> None:
    def paints_with_others(job: Job) -> Iterator[Event]:
        inputs = Path(job.folder) / "inputs"
        for event in paints(job):
            if isinstance(event, Done):
                hashes = [{"sha256": sha256(inputs / mask)} for mask in job.masks]
                masks = {"mask": hashes[0], "regions": hashes[1:], "notes": ["a note"]}
                palette = {"sha256": sha256(inputs / str(job.palette))}
                event.record.update({"masks": masks, "palette": palette})
            yield event

    bench.room.dispatcher.script = paints_with_others
    cat, _, night, wave = bench.files
    names = ("cat.mask.png", "cat.mask1.png", "cat.mask2.png", "sunset.png")
    mask, one, two, sunset = (cat.with_name(name) for name in names)
    for path in (mask, one, two, sunset):
        path.write_bytes(path.name.encode())
    settings = resolve({"size": 64, "palette": "sunset.png"})
    bench.items = list(
        expand(
            [cat],
            [(night, wave)],
            {"1": settings},
            others={"1": OtherPictures(palette=sunset)},
            beside={cat: OtherPictures(mask=mask, regions=(one, two))},
        )
    )
    assert states(bench.finished()) == {"done": 1}
    (job,) = bench.room.dispatcher.submitted
    assert (job.settings.mask, job.settings.colours) == ("cat-night+wave.mask.png", "palette")
    given = [job.palette, *job.masks]
    contents = [(Path(job.folder) / "inputs" / str(name)).name for name in given]
    assert contents == [
        f"cat-night+wave.{end}.png" for end in ("palette", "mask", "mask1", "mask2")
    ]
    assert states(bench.finished()) == {"skipped": 1}
    for path in (mask, two, sunset):
        path.write_bytes(b"another")
        assert states(bench.finished()) == {"done": 1}
        assert states(bench.finished()) == {"skipped": 1}
