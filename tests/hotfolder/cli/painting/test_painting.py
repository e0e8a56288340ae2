"""Commands that paint, with the real network on tiny pictures."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from processes import read_until_it_paints

from engine.errors import ExitCode
from engine.images.picture import read_settings_text
from hotfolder.cli.main import main
from hotfolder.workers.worker_process import WorkerOptions, worker_command
from plugin.client import Client, Request

TINY = {"size": 48, "scales": 1, "steps": 2, "precision": "float32"}
SHEET = ["painted/contact-sheet.jpg"]
TINY_OPTIONS = [option for key, value in TINY.items() for option in ("--set", f"{key}={value}")]

pytestmark = pytest.mark.usefixtures("somewhere_else")


@pytest.fixture
def served(hot: Path) -> Iterator[Client]:
    """`impasto watch`, stopped as Ctrl-C stops it."""
    command = [sys.executable, "-m", "hotfolder.cli", "watch", str(hot)]
    with (hot / "watch.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield Client(hot)
    finally:
        server.send_signal(signal.SIGINT)
        try:
            code = server.wait(15)
        finally:
            server.kill()
            server.wait()
    log_text = (hot / "watch.log").read_text()
    assert code == ExitCode.INTERRUPTED, log_text
    assert "\x1b" not in log_text


def test_stylise_that_was_interrupted_goes_on_and_ends_with_the_same_pixels(
    photograph: Path, somewhere_else: Path
) -> None:
    Path("config.yaml").write_text("threads: 1\ncheckpoint_seconds: 3600\n")
    arguments = ["stylise", str(photograph), "night", "--size", "48", "--set", "steps=24"]
    arguments += ["--set", "precision=float32"]

    def command(*more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hotfolder.cli", *arguments, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    first = command("-o", "a.png", "--resume")
    read_until_it_paints(first)
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == ExitCode.INTERRUPTED, errors
    assert "The same command goes on from here." in errors
    assert sorted(path.suffix for path in Path("a.png.checkpoints").iterdir()) == [".json", ".pt"]
    assert not Path("a.png").exists()

    second, whole = command("-o", "a.png", "--resume"), command("-o", "b.png")
    _, errors = second.communicate(timeout=120)
    assert second.returncode == ExitCode.OK, errors
    assert "Goes on where it was interrupted: scale 1, step " in errors
    assert not Path("a.png.checkpoints").exists()
    whole.communicate(timeout=120)
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_stylise_paints_and_keeps_the_settings(
    photograph: Path, somewhere_else: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["stylise", str(photograph), "night", "-o", "painted.png", *TINY_OPTIONS]
    assert main(arguments) == ExitCode.OK
    output = capfd.readouterr()
    assert output.out == "painted.png\n"
    assert "chelsea.png: 50%, step 1 of 2, loss" in output.err
    assert "48 x 32 px, 2 steps" in output.err
    assert "\x1b" not in output.err
    with Image.open("painted.png") as image:
        assert image.size == (48, 32)
    assert '"steps": 2' in (read_settings_text("painted.png") or "")

    before = Path("painted.png").read_bytes()
    assert main(arguments) == ExitCode.FILE_ACCESS
    assert "--force" in capfd.readouterr().err
    assert Path("painted.png").read_bytes() == before
    assert main([*arguments, "--force", "--set", "seed=3"]) == ExitCode.OK
    assert '"seed": 3' in (read_settings_text("painted.png") or "")


def test_stylise_takes_the_colours_of_a_palette(photograph: Path, somewhere_else: Path) -> None:
    Image.new("RGB", (20, 20), (200, 120, 40)).save("orange.png")
    command = ["stylise", str(photograph), "night", "-o", "out.png", *TINY_OPTIONS]
    assert main([*command, "--palette", "orange.png"]) == ExitCode.OK
    with Image.open("out.png") as painted:
        pixels = np.asarray(painted.convert("RGB"), float)
    assert np.abs(pixels.mean(axis=(0, 1)) - (200, 120, 40)).max() < 12
    settings = read_settings_text("out.png")
    assert settings is not None
    assert '"colours": "palette"' in settings


def test_a_painting_no_better_than_its_start_is_an_error_and_no_file(
    photograph: Path, somewhere_else: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    leaps = ["--set", "optimiser=adam", "--set", "learning_rate=1000"]
    arguments = ["stylise", str(photograph), "night", "-o", "painted.png", *TINY_OPTIONS, *leaps]
    assert main(arguments) == ExitCode.OTHER
    assert "is no lower than it was at the start" in capfd.readouterr().err
    assert not Path("painted.png").exists()


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "JPEG"), ("a.tif", "TIFF")])
def test_the_suffix_says_how_the_result_is_written(
    photograph: Path, somewhere_else: Path, name: str, kind: str
) -> None:
    assert main(["stylise", str(photograph), "night", "-o", name, *TINY_OPTIONS]) == ExitCode.OK
    with Image.open(name) as image:
        assert (image.format, image.size) == (kind, (48, 32))


def test_stylise_shows_how_the_painting_came_about(
    photograph: Path, somewhere_else: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["stylise", str(photograph), "night", "-o", "a.png", *TINY_OPTIONS]
    assert main([*arguments, "--progression", "2"]) == ExitCode.OK
    names = ["a.png", "a.progression.jpg", "a.progression.webp", "a.losses.png"]
    assert capfd.readouterr().out.splitlines() == names
    assert all(Path(name).is_file() for name in names)

    Path("a.png").unlink()
    assert main([*arguments, "--progression", "2"]) == ExitCode.FILE_ACCESS
    assert "a.progression.jpg is there already" in capfd.readouterr().err
    assert main(arguments) == ExitCode.OK  # without a progression its files are in nobody's way


def test_reconstruct_makes_one_labelled_sheet(
    photograph: Path, somewhere_else: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny = ["-o", "sheet.png", "--size", "48", "--steps", "2"]
    layers = ["--layers", "conv1_1", "conv2_1", "conv3_1"]
    arguments = ["reconstruct", "content", str(photograph), *layers, *tiny]
    assert main(arguments) == ExitCode.OK
    output = capfd.readouterr()
    assert output.out == "sheet.png\n"
    assert "picture 1 of 3, step 1 of 2" in output.err
    assert "3 pictures from conv1_1, conv2_1, conv3_1" in output.err
    with Image.open("sheet.png") as image:
        assert image.width > 3 * 48
        assert image.height > 32
    assert main(arguments) == ExitCode.FILE_ACCESS
    assert "--force" in capfd.readouterr().err

    styles = ["reconstruct", "style", "night", "--layers", "relu1_1,relu2_1", *tiny, "--force"]
    assert main(styles) == ExitCode.OK
    assert "2 pictures from relu1_1, relu2_1" in capfd.readouterr().err


def test_reconstruct_names_the_layer_that_there_is_not_before_it_works(
    photograph: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["reconstruct", "style", str(photograph), "-o", "a.png", "--layers", "conv4_9"]
    assert main(arguments) == ExitCode.CONFIGURATION
    error = capfd.readouterr().err
    assert "layers: 'conv4_9'" in error
    assert "Did you mean 'conv4_" in error
    assert "loading" not in error


def test_run_says_whether_all_succeeded(
    hot: Path, photograph: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    client = Client(hot)
    client.submit(Request(photograph, ["night.jpg"], settings=TINY))
    assert main(["run", "--once", "hot"]) == ExitCode.OK
    assert "1 done, 0 failed, 0 cancelled." in capfd.readouterr().err
    assert (hot / "outbox/chelsea.png").is_file()

    broken = hot.parent / "broken.jpg"
    broken.write_text("not a picture")
    ticket = client.submit(Request(broken, ["night.jpg"], settings=TINY))
    assert main(["run", "--once", "hot"]) == ExitCode.SOME_JOBS_FAILED
    assert client.status(ticket).state == "failed"


def test_submit_follows_a_job_of_a_real_server_to_its_end(
    served: Client, photograph: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["submit", str(photograph), "evening", "--hot", "hot", "--name", "cat"]
    assert main([*arguments, *TINY_OPTIONS]) == ExitCode.OK
    output = capfd.readouterr()
    assert output.out == f"{served.outbox / 'cat.png'}\n"
    assert "cat: " in output.err

    assert main([*arguments, "--set", "size=48", "--set", "steps=100000", "--no-wait"]) == 0
    assert main(["cancel", "cat-2", "--hot", "hot"]) == ExitCode.OK
    assert "cat-2 is cancelled." in capfd.readouterr().err


def test_submit_ends_with_the_jobs_failure(
    served: Client, somewhere_else: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("broken.png").touch()
    assert main(["submit", "broken.png", "night", "--hot", "hot"]) == ExitCode.SOME_JOBS_FAILED
    assert "could not paint broken" in capfd.readouterr().err


def test_a_second_server_is_refused(served: Client, capfd: pytest.CaptureFixture[str]) -> None:
    until = time.monotonic() + 20
    while not served.server().running and time.monotonic() < until:
        time.sleep(0.05)
    assert main(["watch", "hot"]) == ExitCode.FILE_ACCESS
    assert "already served" in capfd.readouterr().err


def test_a_batch_paints_here_sums_up_and_goes_on_where_it_was(
    small_pictures: tuple[Path, Path], somewhere_else: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photos = somewhere_else / "photos"
    photos.mkdir()
    (photos / "cat.jpg").write_bytes(small_pictures[0].read_bytes())
    (photos / "broken.jpg").write_bytes(b"not a picture")
    arguments = ["batch", "photos", "--style", "night", "--style", "evening", *TINY_OPTIONS]
    assert main([*arguments, "--dry-run"]) == ExitCode.OK
    assert capfd.readouterr().out.count("\tpaint\n") == 4
    assert not Path("painted").exists()
    assert main(arguments) == ExitCode.SOME_JOBS_FAILED
    assert capfd.readouterr().out.splitlines() == ["painted/summary.yaml", *SHEET]
    summary = yaml.safe_load(Path("painted/summary.yaml").read_text())
    assert summary["totals"] == {"jobs": 4, "failed": 2, "done": 2}
    assert {failure["name"] for failure in summary["failures"]} == {
        *("broken-night", "broken-evening")
    }
    assert all("not a picture" in failure["reason"] for failure in summary["failures"])
    with Image.open("painted/contact-sheet.jpg") as sheet:
        sheet.load()
    painted = Path("painted/cat-night.png").stat()
    (photos / "broken.jpg").unlink()
    assert main(arguments) == ExitCode.OK
    assert Path("painted/cat-night.png").stat() == painted
    totals = yaml.safe_load(Path("painted/summary.yaml").read_text())["totals"]
    assert totals == {"jobs": 2, "skipped": 2}


def test_a_batch_keeps_the_tree_and_says_what_it_left_out(
    small_pictures: tuple[Path, Path], somewhere_else: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("photos/cat.jpg", "photos/sea [1]/cat.jfif"):
        (somewhere_else / name).parent.mkdir(exist_ok=True)
        (somewhere_else / name).write_bytes(small_pictures[0].read_bytes() + name.encode())
    (somewhere_else / "photos/cat.CR2").write_bytes(b"raw")
    arguments = ["batch", "photos", "-S", "night", *TINY_OPTIONS]
    assert main([*arguments, "--dry-run"]) == ExitCode.OK
    out, err = capfd.readouterr()
    assert (out.count("\tpaint\n"), "photos/sea [1]/ (a folder in a folder" in err) == (1, True)
    arguments += ["--recursive"]
    assert main([*arguments, "--dry-run"]) == ExitCode.OK
    planned = [line.partition("\t")[0] for line in capfd.readouterr().out.splitlines()]
    assert planned == ["cat-night", "sea [1]/cat-night"]
    arguments += ["--name", "{content}_{size}"]
    assert main([*arguments, "--dry-run"]) == ExitCode.OK
    assert "sea [1]/{content}_{size}\tphotos/sea [1]/cat.jfif\t" in capfd.readouterr().out
    assert main(arguments) == ExitCode.OK
    assert "Left out: photos/cat.CR2 (a camera's raw file" in capfd.readouterr().err
    size = TINY["size"]
    results = {f"cat_{size}.png", f"sea [1]/cat_{size}.png"}
    painted = Path("painted")
    assert {path.relative_to(painted).as_posix() for path in painted.rglob("*.png")} == results
    summary = yaml.safe_load((painted / "summary.yaml").read_text())
    assert {job["picture"] for job in summary["jobs"]} == results
    assert [words.partition(" (")[0] for words in summary["left_out"]] == ["photos/cat.CR2"]
    # A second run, from another list and without the tree, paints nothing again.
    again = ["batch", "photos/**/*.j*", "--flat", "-S", "night", *TINY_OPTIONS]
    capfd.readouterr()
    assert main([*arguments, "--dry-run"]) == ExitCode.OK
    assert f"\tdone before: sea [1]/cat_{size}.png\n" in capfd.readouterr().out
    assert main(again) == ExitCode.OK
    totals = yaml.safe_load((painted / "summary.yaml").read_text())["totals"]
    assert totals == {"jobs": 2, "skipped": 2}


def test_a_batch_is_handed_to_a_server_that_runs(
    served: Client, small_pictures: tuple[Path, Path], until: Callable[..., None]
) -> None:
    until(lambda: served.server().running)
    picture, style = map(str, small_pictures)
    arguments = ["batch", picture, "-S", style, "--hot", str(served.root), *TINY_OPTIONS]
    assert main([*arguments, "-o", "elsewhere"]) == ExitCode.OK
    assert {path.name for path in Path("elsewhere").iterdir()} == {
        *("cat-cup.png", "cat-cup.result.yaml", "summary.yaml", "contact-sheet.jpg"),
    }
    assert list(served.outbox.iterdir()) == []


def test_a_batch_shows_one_picture_small_before_it_starts(
    small_pictures: tuple[Path, Path], somewhere_else: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photos = somewhere_else / "photos"
    photos.mkdir()
    for name in ("cat.jpg", "sea.jpg"):
        (photos / name).write_bytes(small_pictures[0].read_bytes() + name.encode())
    code = main(["batch", "photos", "-S", "night", "--size", "128", "--within", "20s", "--here"])
    assert code == ExitCode.OK
    said = capfd.readouterr().err
    assert "2 pictures until" in said
    # Of what the start of the workers, which is counted, has left: half with one worker, all with
    # one for each picture, as a CPU has whose process is not held to one thread.
    ((workers, each),) = re.findall(r"on (\d) devices?: about 0:(\d\d) each", said)
    assert 1 <= int(each) <= 10 * int(workers)
    with Image.open("painted/preview.jpg") as preview:
        assert max(preview.size) == 64
    promised = re.search(
        r"painted/preview.jpg shows it. At 128 x \d+ px each gets about (\d+)", said
    )
    assert promised is not None
    for name in ("cat", "sea"):
        record = yaml.safe_load(Path(f"painted/{name}-night.result.yaml").read_text())
        assert record["schedule"]["seconds"] < 20
    assert not list(Path("painted").glob("*-preview*"))


def test_only_a_batch_of_several_pictures_asks_its_workers_for_many(
    small_pictures: tuple[Path, Path], somewhere_else: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def seen(options: WorkerOptions) -> list[str]:
        asked.append(options.many)
        return worker_command(options)

    monkeypatch.setattr("hotfolder.server.server.worker_command", seen)
    for name in ("cat.jpg", "sea.jpg"):
        Path(name).write_bytes(small_pictures[0].read_bytes() + name.encode())
    arguments = ["batch", "cat.jpg", "sea.jpg", "-S", "night", *TINY_OPTIONS, "--here"]
    Path("config.yaml").write_text("workers_per_device: 2\n")
    assert main(arguments) == ExitCode.OK
    next(Path("painted").glob("sea*.png")).unlink()
    assert main(arguments) == ExitCode.OK
    assert asked == [True, False]


def test_a_picture_that_cannot_be_painted_costs_the_preview_alone(
    served: Client,
    small_pictures: tuple[Path, Path],
    until: Callable[..., None],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    until(lambda: served.server().running)
    (tmp_path / "a-broken.jpg").write_bytes(b"not a picture")
    (tmp_path / "cat.jpg").write_bytes(small_pictures[0].read_bytes())
    pictures = [str(tmp_path / name) for name in ("a-broken.jpg", "cat.jpg")]
    arguments = ["batch", *pictures, "-S", str(small_pictures[1]), "--hot", str(served.root)]
    code = main([*arguments, "--size", "64", "--within", "8s", "-o", "elsewhere"])
    assert code == ExitCode.SOME_JOBS_FAILED
    assert "No preview: " in capfd.readouterr().err
    assert Path("elsewhere/cat-cup.png").exists()
