"""A painting's way through a scripted server, for an editor that is none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from choices import Choices, Refusal, StyledRegion
from client import Client, JobCancelled, JobFailed, Status
from fake_server import FakeServer
from log import logger, message_for, open_log
from messages import explain
from painting.job import (
    Exported,
    JobHeld,
    NoServer,
    Painted,
    ServerSilent,
    clock_time,
    paint,
    progress_text,
)


class FakeEditor:
    """Exports a file of one byte, says what size it is, and keeps what it is shown."""

    def __init__(self, size: tuple[int, int] = (96, 64), masks: int = 0) -> None:
        self.size = size
        self.masks = masks
        self.shown: list[tuple[float | None, str]] = []

    def export(self, folder: Path) -> Exported:
        content = folder / "content.png"
        content.write_bytes(b"x")
        masks = [folder / f"{number}.png" for number in range(self.masks)]
        for mask in masks:
            mask.write_bytes(b"x")
        return Exported(content, *self.size, *masks[:1], regions=masks[1:])

    def progress(self, fraction: float | None, text: str) -> None:
        self.shown.append((fraction, text))


@pytest.fixture
def server(tmp_path: Path) -> FakeServer:
    server = FakeServer(tmp_path / "hot")
    (server.root / "styles" / "night.jpg").write_bytes(b"a painting")
    return server


@pytest.fixture
def painted(server: FakeServer, tmp_path: Path) -> Callable[..., Painted]:
    def run(editor: FakeEditor | None = None, *, style: str = "night") -> Painted:
        choices = Choices(style=style, hot_folder=str(server.root))
        client = Client(server.root, clock=server.clock, sleep=server.sleep)
        return paint(editor or FakeEditor(), choices, tmp_path, name="cat", client=client)

    return run


def test_the_editor_is_shown_each_stage(
    server: FakeServer, painted: Callable[..., Painted]
) -> None:
    running = {"scale": 2, "scales": 3, "step": 7, "steps": 220, "fraction": 0.25}
    server.moves = [
        lambda: server.claim("cat"),
        lambda: server.post("cat", "running", **running, eta_seconds=75.0),
        lambda: server.finish("cat"),
    ]
    editor = FakeEditor()
    result = painted(editor)
    assert result.picture == server.root / "outbox" / "cat.png"
    assert editor.shown == [
        (None, "Exporting the layer"),
        (None, "Sent; the server will look at it in a moment"),
        (None, "In the queue, at place 1"),
        (0.25, "Painting: size 2 of 3, step 7 of 220, 1:15 left"),
    ]


def test_the_job_is_urgent_and_must_be_heard_from(
    server: FakeServer, painted: Callable[..., Painted]
) -> None:
    sidecars = []
    server.moves = [
        lambda: sidecars.append(server.claim("cat")),
        lambda: server.finish("cat"),
    ]
    painted()
    assert sidecars[0]["styles"] == ["night.jpg"]
    assert sidecars[0]["priority"] > 5
    assert sidecars[0]["owner"] == {"heartbeat": True}


def test_the_masks_go_with_the_job_each_with_its_style(server: FakeServer, tmp_path: Path) -> None:
    wave = tmp_path / "wave.png"
    wave.write_bytes(b"a wave")
    sidecars, delivered = [], []

    def claim() -> None:
        delivered.extend(path.name for path in (server.root / "inbox").iterdir())
        sidecars.append(server.claim("cat"))

    server.moves = [claim, lambda: server.finish("cat")]
    choices = Choices(
        hot_folder=str(server.root),
        regions=(
            StyledRegion("channel", "sky", 7, "night"),
            StyledRegion("mask", "sea", 9, str(wave)),
        ),
    )
    client = Client(server.root, clock=server.clock, sleep=server.sleep)
    paint(FakeEditor(masks=3), choices, tmp_path, name="cat", client=client)
    assert sidecars[0]["mask"] == "cat.mask.png"
    assert sidecars[0]["regions"] == ["cat.mask1.png", "cat.mask2.png"]
    assert sidecars[0]["styles"] == ["night.jpg", "cat.style2.png"]
    assert {"cat.mask.png", "cat.mask1.png", "cat.mask2.png", "cat.style2.png"} <= {*delivered}


def test_a_palette_goes_with_the_job_where_its_colours_are_used(
    server: FakeServer, tmp_path: Path
) -> None:
    sunset = tmp_path / "sunset.png"
    sunset.write_bytes(b"a sunset")
    for colours, palette, sent in (
        ("palette", str(sunset), "cat.palette.png"),
        ("palette", "night", "night.jpg"),
        ("content", str(sunset), None),
    ):
        sidecars: list[dict[str, object]] = []
        server.moves = [
            lambda sidecars=sidecars: sidecars.append(server.claim("cat")),  # type: ignore[misc]
            lambda: server.finish("cat"),
        ]
        choices = Choices("night", hot_folder=str(server.root), colours=colours, palette=palette)
        client = Client(server.root, clock=server.clock, sleep=server.sleep)
        paint(FakeEditor(), choices, tmp_path, name="cat", client=client)
        assert sidecars[0]["colours"] == colours
        assert sidecars[0].get("palette") == sent
        for path in (*server.root.glob("outbox/*"), *server.root.glob("status/cat*")):
            path.unlink()


def test_a_texture_goes_without_a_picture(server: FakeServer, tmp_path: Path) -> None:
    sidecars: list[dict[str, object]] = []
    server.moves = [
        lambda: sidecars.append(server.claim("night-texture")),
        lambda: server.finish("night-texture"),
    ]
    choices = Choices("night", texture=True, width=96, height=48, hot_folder=str(server.root))
    editor = FakeEditor()
    editor.export = lambda _folder: Exported(None, 96, 48, deep=True)  # type: ignore[method-assign]
    client = Client(server.root, clock=server.clock, sleep=server.sleep)
    paint(editor, choices, tmp_path, name="night-texture", client=client)
    assert sidecars[0]["texture"] is True
    assert (sidecars[0]["texture_size"], sidecars[0]["bits"]) == ([96, 48], 16)
    assert "content" not in sidecars[0]
    assert (None, "Exporting the layer") not in editor.shown


def test_nothing_is_sent_where_nobody_would_paint_it(
    server: FakeServer, painted: Callable[..., Painted]
) -> None:
    server.send_heartbeat(paused="by Ann: the card is needed")
    with pytest.raises(NoServer, match="is paused"):
        painted()
    server.send_heartbeat(state="stopped")
    with pytest.raises(NoServer, match="No server works"):
        painted()
    assert list((server.root / "inbox").iterdir()) == []


def test_an_unknown_style_is_told_with_those_that_there_are(
    server: FakeServer, painted: Callable[..., Painted]
) -> None:
    with pytest.raises(Refusal, match=r"has no moon .*It has: night\.jpg"):
        painted(style="moon")


def test_a_server_whose_clock_is_behind_paints(
    server: FakeServer, painted: Callable[..., Painted]
) -> None:
    server.clock_error = -25
    server.send_heartbeat()
    moves = [lambda: server.claim("cat"), lambda: server.finish("cat")]
    server.moves = [lambda: None] * 5 + moves
    assert painted().name == "cat"


@pytest.mark.parametrize("size", [(20, 20), (800, 8)])
def test_too_few_pixels_are_refused(
    server: FakeServer, painted: Callable[..., Painted], size: tuple[int, int]
) -> None:
    with pytest.raises(Refusal, match="are too few"):
        painted(FakeEditor(size))
    assert list((server.root / "inbox").iterdir()) == []


def test_a_server_that_dies_is_told_and_its_job_cancelled(
    server: FakeServer, painted: Callable[..., Painted]
) -> None:
    server.moves = [lambda: server.claim("cat"), server.die]
    with pytest.raises(NoServer, match="went away before"):
        painted()
    assert (server.root / "inbox" / "cat.cancel").exists()


def test_a_server_that_never_speaks_of_the_job_is_not_waited_for(
    server: FakeServer, painted: Callable[..., Painted]
) -> None:
    with pytest.raises(ServerSilent, match="has said nothing of the painting for 90 s"):
        painted()


def test_a_server_that_falls_silent_while_it_paints_is_not_waited_for(
    server: FakeServer, painted: Callable[..., Painted]
) -> None:
    server.moves = [lambda: server.claim("cat"), lambda: server.post("cat", "running")]
    with pytest.raises(ServerSilent):
        painted()


def test_a_long_queue_is_waited_for(server: FakeServer, painted: Callable[..., Painted]) -> None:
    server.moves = [
        lambda: server.claim("cat"),
        *[lambda: None] * 1000,
        lambda: server.finish("cat"),
    ]
    assert painted().name == "cat"


@pytest.mark.parametrize(
    ("state", "facts", "error", "words"),
    [
        (
            "failed",
            {"message": "The paint ran out.", "error": "...\n\nThe files lie in this folder."},
            JobFailed,
            "The server says: The paint ran out.",
        ),
        ("cancelled", {}, JobCancelled, "Somebody has cancelled the painting."),
        (
            "held",
            {"message": "held: somebody holds it; `impasto release cat` lets it go on"},
            JobHeld,
            "Somebody holds the painting back, so it is not made.",
        ),
    ],
)
def test_other_ends_are_told(
    server: FakeServer,
    painted: Callable[..., Painted],
    state: str,
    facts: dict[str, str],
    error: type[Exception],
    words: str,
) -> None:
    server.moves = [lambda: server.claim("cat"), lambda: server.post("cat", state, **facts)]
    with pytest.raises(error) as raised:
        painted()
    assert explain(raised.value) == words


def test_what_is_said_of_a_job_is_one_line() -> None:
    assert progress_text(Status("cat", "running")) == "Painting: the server gets ready"
    single = Status("cat", "running", scale=1, scales=1, step=3, steps=50)
    assert progress_text(single) == "Painting: step 3 of 50"
    waiting = Status("cat", "waiting", "waits for its style")
    assert progress_text(waiting) == "The server says: waits for its style"
    assert [clock_time(seconds) for seconds in (0.4, 65, 3600)] == ["0:00", "1:05", "1:00:00"]


def test_what_nobody_expected_goes_to_a_log_that_stays_small(tmp_path: Path) -> None:
    log = open_log(tmp_path / "impasto")
    try:
        for _ in range(6000):
            message = message_for(ValueError("a surprise" * 20), log)
        assert str(log) in message
        assert "ValueError" in message
        kept = sorted(path.name for path in log.parent.iterdir())
        assert kept == ["impasto.log", "impasto.log.1", "impasto.log.2", "impasto.log.3"]
        assert max(path.stat().st_size for path in log.parent.iterdir()) <= 256 * 1024
        assert message_for(Refusal("in words"), log) == "in words"
        full = OSError(28, "No space left on device", "/hot/inbox")
        assert "(inbox: No space left on device)" in message_for(full, log)
    finally:
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
