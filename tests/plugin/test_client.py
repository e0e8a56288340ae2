"""The client against a scripted server, and against the hot folder's own reading of its files."""

import ast
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer

import plugin.client
from engine.errors import ExitCode
from plugin.client import (
    Client,
    ClientError,
    DeliveryError,
    FolderMissing,
    JobCancelled,
    JobFailed,
    NotFinished,
    Request,
    RequestError,
    ResultMissing,
    Server,
    ServerGone,
    Status,
    Ticket,
    TimedOut,
)


def request(cat: Path, **facts: Any) -> Request:
    return Request(**{"content": cat, "styles": ["night.jpg"], **facts})


def in_inbox(client: Client) -> list[str]:
    return sorted(path.name for path in client.inbox.iterdir())


def sidecar_of(client: Client, ticket: Ticket) -> dict[str, Any]:
    return dict(json.loads((client.inbox / f"{ticket.name}.yaml").read_text(encoding="utf-8")))


def test_only_the_standard_library_is_imported() -> None:
    modules = set()
    for path in Path(plugin.client.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 10))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules.add((node.module or "").split(".")[0])
    assert modules
    assert modules <= sys.stdlib_module_names


def test_the_client_works_wherever_it_is_copied_to(server: FakeServer, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    copied = shutil.copytree(Path(plugin.client.__file__).parent, editor / "client")
    program = f"from client import Client; print(Client({str(server.root)!r}).server().state)"
    answer = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[0] = {str(editor)!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert copied.is_dir()
    assert answer.stdout == "idle\n"


def test_every_error_ends_with_a_documented_exit_code() -> None:
    for kind in ClientError.__subclasses__():
        assert kind.exit_code in set(ExitCode)
        assert kind.exit_code != ExitCode.OK


def test_a_request_lies_in_the_inbox_whole(client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))

    assert in_inbox(client) == ["cat.content.png", "cat.yaml"]
    assert (client.inbox / "cat.content.png").read_bytes() == b"the cat's pixels"
    assert sidecar_of(client, ticket) == {
        "content": "cat.content.png",
        "styles": ["night.jpg"],
        "client": {"ticket": ticket.key},
    }


def test_files_and_names_of_styles_mix(client: Client, cat: Path, tmp_path: Path) -> None:
    wave = tmp_path / "wave.jpg"
    wave.write_bytes(b"a wave")
    ticket = client.submit(request(cat, styles=["night.jpg", wave], init=wave))

    assert in_inbox(client) == [
        "cat.content.png",
        "cat.init.jpg",
        "cat.style2.jpg",
        "cat.yaml",
    ]
    sidecar = sidecar_of(client, ticket)
    assert sidecar["styles"] == ["night.jpg", "cat.style2.jpg"]
    assert (sidecar["init"], sidecar["init_file"]) == ("file", "cat.init.jpg")


def test_the_server_reads_what_was_written(client: Client, cat: Path) -> None:
    from hotfolder.sidecar import read_sidecar

    awkward = "café \U0001f600 \u2028 \x85 \x7f"
    settings = {"size": 640, "style_weight": 1e-7, "style_layers": {"relu1_1": 2}}
    ticket = client.submit(request(cat, settings=settings, client={"note": awkward}))

    sidecar = read_sidecar(client.inbox / f"{ticket.name}.yaml", "cat.yaml")
    resolved = sidecar.settings({})
    assert (resolved.size, resolved.style_weight) == (640, 1e-7)
    assert sidecar.client == {"note": awkward, "ticket": ticket.key}
    assert (sidecar.content, sidecar.styles) == ("cat.content.png", ("night.jpg",))


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param("inbox/cat.yaml", id="waiting_to_be_claimed"),
        pytest.param("inbox/CAT.content.jpg", id="another_case"),
        pytest.param("status/cat.json", id="has_a_status"),
        pytest.param("outbox/cat.png", id="painted_before"),
    ],
)
def test_a_taken_name_is_not_used_again(client: Client, cat: Path, taken: str) -> None:
    (client.root / taken).write_text("{}")
    assert client.submit(request(cat)).name == "cat-2"
    assert (client.root / taken).read_text() == "{}"


def test_of_two_clients_with_one_name_the_slower_takes_the_next(
    client: Client, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    def overtaken(source: Path, target: Path) -> None:
        # The faster one is done between this one's look and its delivery.
        if Path(target).name == "cat.yaml" and not Path(target).exists():
            Path(target).write_text("the faster one's")
        real_link(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    ticket = client.submit(request(cat))

    assert ticket.name == "cat-2"
    assert in_inbox(client) == ["cat-2.content.png", "cat-2.yaml", "cat.yaml"]
    assert sidecar_of(client, ticket)["content"] == "cat-2.content.png"


def test_a_clash_in_the_middle_takes_the_delivered_part_back(
    client: Client, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    def overtaken(source: Path, target: Path) -> None:
        if Path(target).name == "cat.content.png":
            Path(target).write_text("somebody's")
        real_link(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    client.submit(request(cat))

    assert in_inbox(client) == ["cat-2.content.png", "cat-2.yaml", "cat.content.png"]
    assert (client.inbox / "cat.content.png").read_text() == "somebody's"
    assert (client.inbox / "cat-2.content.png").read_bytes() == b"the cat's pixels"


def test_without_hard_links_a_request_arrives_as_well(
    client: Client, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert client.submit(request(cat)).name == "cat"
    assert in_inbox(client) == ["cat.content.png", "cat.yaml"]
    (client.root / "inbox/cat.yaml").rename(client.root / "inbox/cat.other")
    assert client.submit(request(cat)).name == "cat-2"


def test_nothing_is_left_behind_when_the_disk_is_full(
    client: Client, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(DeliveryError, match="No space left on device"):
        client.submit(request(cat))
    assert in_inbox(client) == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        pytest.param({"styles": []}, "at least one style", id="no_style"),
        pytest.param({"styles": [Path("nowhere.jpg")]}, "nowhere.jpg: no such", id="style_missing"),
        pytest.param({"content": Path(__file__)}, "not a picture", id="not_a_picture"),
        pytest.param({"client": {"note": "x" * 3000}}, "at most 2048", id="too_much_to_echo"),
        pytest.param({"settings": {"size": float("nan")}}, "cannot be written", id="nan"),
    ],
)
def test_a_hopeless_request_is_refused_before_anything_is_delivered(
    client: Client, cat: Path, facts: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        client.submit(request(cat, **facts))
    assert in_inbox(client) == []


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("../../etc/cat", "-..-etc-cat"),
        ("server", "server-job"),
        ("two\nlines", "two-lines"),
        ("cat.style2", "cat"),
        ("", "cat"),
        ("é" * 300, "é" * 100),
    ],
)
def test_awkward_names_become_usable(client: Client, cat: Path, wanted: str, name: str) -> None:
    assert client.submit(request(cat, name=wanted)).name == name


def test_a_folder_that_is_none_is_named(tmp_path: Path, cat: Path) -> None:
    with pytest.raises(FolderMissing, match=r"impasto init .*nowhere"):
        Client(tmp_path / "nowhere").submit(request(cat))


def test_a_job_is_followed_to_its_end(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    losses = {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}
    server.moves = [
        lambda: server.claim("cat"),
        lambda: server.post("cat", "running", fraction=0.5, losses=losses, a_later_key=1),
        lambda: None,
        lambda: server.finish("cat"),
    ]
    seen = list(client.watch(ticket))

    assert [status.state for status in seen] == ["delivered", "queued", "running", "done"]
    assert seen[2].losses == losses
    assert client.result(ticket).picture.read_bytes() == b"a picture"


def test_a_ticket_finds_its_job_under_another_name(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.post("cat", "running", client={"ticket": "somebody else's"})
    server.claim("cat", as_name="cat-2")

    assert client.status(ticket).name == "cat-2"
    server.finish("cat-2")
    assert client.result(ticket).picture == server.root / "outbox/cat-2.png"


def test_a_ticket_kept_by_another_process_still_finds_its_job(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat", as_name="cat-7")
    assert Client(server.root).status(Ticket(ticket.name, ticket.key)).name == "cat-7"


def test_a_dead_server_is_noticed(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    server.moves = [lambda: server.claim("cat"), server.die]
    before = server.now
    with pytest.raises(ServerGone, match=r"cat is queued and stays there; `impasto watch"):
        list(client.watch(ticket))
    assert 10 <= server.now - before < 22


def test_of_a_job_with_a_heartbeat_it_is_not_said_that_it_would_be_painted_anyhow(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat, heartbeat=True))
    server.moves = [lambda: server.claim("cat"), server.die]
    with pytest.raises(
        ServerGone, match=r"paints it while its client sends heartbeats, else cancels it"
    ):
        list(client.watch(ticket))


def test_a_server_that_comes_back_in_time_is_waited_for(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))

    def restart() -> None:
        server.alive = True
        server.claim("cat")

    server.moves = [server.die, *[lambda: None] * 60, restart, lambda: server.finish("cat")]
    assert list(client.watch(ticket))[-1].state == "done"


def test_a_server_whose_clock_is_wrong_is_not_taken_for_dead(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.clock_error = -3 * 86_400
    claim, finish = lambda: server.claim("cat"), lambda: server.finish("cat")
    server.moves = [*[lambda: None] * 100, claim, finish]
    server.send_heartbeat()
    assert not client.server().running
    assert list(client.watch(ticket))[-1].state == "done"


def test_patience_has_an_end(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    with pytest.raises(TimedOut, match="delivered after 3 s"):
        list(client.watch(ticket, timeout=3))


@pytest.mark.parametrize(
    ("age", "state", "running"),
    [
        (0, "idle", True),
        (9, "busy", True),
        (11, "busy", False),
        (0, "stopped", False),
        (0, "stopping", False),
    ],
)
def test_the_heartbeat_tells_whether_somebody_serves(
    server: FakeServer, client: Client, age: float, state: str, running: bool
) -> None:
    server.send_heartbeat(state=state)
    server.now += age
    assert client.server().running is running


def test_no_heartbeat_is_no_server(server: FakeServer, client: Client) -> None:
    (server.root / "status/server.json").unlink()
    assert not client.server().running


def test_cancelling_asks_under_the_name_that_the_server_gave(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat", as_name="cat-2")
    client.cancel(ticket)
    assert in_inbox(client) == ["cat-2.cancel"]

    server.post("cat-2", "cancelled")
    with pytest.raises(JobCancelled, match="cat-2 was cancelled"):
        client.result(ticket)


def test_a_failed_job_says_why(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    with pytest.raises(NotFinished, match="cat is queued"):
        client.result(ticket)
    server.post("cat", "failed", error="cat.jpg is truncated.\n", folder="failed/cat")
    with pytest.raises(JobFailed, match=r"^cat.jpg is truncated\.$") as raised:
        client.result(ticket)
    assert raised.value.status.folder == "failed/cat"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"state": 7, "client": 3, "fraction": "x"}'])
def test_a_damaged_status_is_survived(client: Client, cat: Path, text: str) -> None:
    ticket = client.submit(request(cat))
    (client.root / "status/cat.json").write_text(text)
    assert client.status(ticket).state == "delivered"
    assert all(isinstance(status.fraction, float) for status in client.jobs())


@pytest.mark.parametrize(
    "facts",
    [
        {"position": "first", "losses": {"total": "none"}, "eta_seconds": "soon"},
        {"fraction": float("nan"), "attempt": True, "message": ["a", "list"], "step": 1.5},
    ],
)
def test_what_is_of_the_wrong_type_is_left_out(
    server: FakeServer, client: Client, facts: dict[str, Any]
) -> None:
    server.post("cat", "running", device="cpu", **facts)
    assert client.job("cat") == Status("cat", "running", device="cpu", updated=server.stamp())


def test_a_damaged_heartbeat_is_no_server(server: FakeServer, client: Client) -> None:
    server.send_heartbeat(updated=["today"], devices=["cpu", 3], queue={"queued": "many"})
    assert client.server() == Server(running=False, state="idle", pid=os.getpid(), host="here")


@pytest.mark.parametrize(
    ("facts", "age", "summary"),
    [
        ({"devices": [{"device": "cuda:0"}]}, 0, "Ready (cuda:0)."),
        ({"state": "busy", "queue": {"running": 1, "queued": 3}}, 0, "Busy: 1 being painted, 3 in"),
        ({"state": "starting"}, 0, "Starting."),
        ({"state": "busy", "queue": {"running": 1}, "paused": "me"}, 0, "Paused (me)."),
        ({}, 60, "Not running since "),
    ],
)
def test_the_server_in_one_line(
    server: FakeServer, client: Client, facts: dict[str, Any], age: float, summary: str
) -> None:
    server.send_heartbeat(**facts)
    server.now += age
    assert client.server().summary.startswith(summary)


def test_a_result_that_was_taken_away_is_no_success(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    server.finish("cat")
    client.result(ticket).picture.unlink()
    with pytest.raises(ResultMissing, match=r"outbox/cat\.png is no longer in .*Paint it again"):
        client.result(ticket)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret.png", "outbox\\..\\x.png", ""])
def test_a_status_that_points_out_of_the_folder_is_not_followed(
    server: FakeServer, client: Client, path: str
) -> None:
    server.post("cat", "done", result=path, record=path, preview=path)
    status = client.status("cat")
    assert client.preview_of(status) is None
    with pytest.raises(ResultMissing):
        client.result_of(status)


def test_a_server_that_never_looks_is_not_waited_for_without_end(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    with pytest.raises(TimedOut, match="runs, but has not looked at cat for 300 s"):
        list(client.watch(ticket, interval=5))


def test_drafts_of_a_killed_client_are_removed_by_the_next(client: Client, cat: Path) -> None:
    abandoned, recent = (client.inbox / f".client-{n}.part" for n in "12")
    for path, age in ((abandoned, 7200), (recent, 60)):
        path.touch()
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    client.submit(request(cat))
    assert in_inbox(client) == [".client-2.part", "cat.content.png", "cat.yaml"]


def test_a_starting_server_leaves_the_drafts_of_clients_alone(client: Client) -> None:
    from hotfolder.files import remove_leftovers

    draft = client.inbox / ".client-1.part"
    draft.touch()
    remove_leftovers(client.inbox)
    assert draft.exists()


def test_a_heartbeat_is_sent_while_the_job_is_watched(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat, heartbeat=True))
    assert in_inbox(client) == ["cat.content.png", "cat.heartbeat", "cat.yaml"]
    assert sidecar_of(client, ticket)["owner"] == {"heartbeat": True}
    heart = client.inbox / "cat.heartbeat"
    beats = 0

    def look() -> None:
        nonlocal beats
        beats += heart.stat().st_mtime > 1
        os.utime(heart, (1, 1))

    # The server has it under another name; the heartbeat keeps the drop's.
    server.post("cat-2", "running", client={"ticket": ticket.key})
    server.moves = [*[look] * 42, lambda: server.finish("cat-2")]
    list(client.watch(ticket, interval=0.5))
    # 21 s at one beat in 2 s.
    assert 10 <= beats <= 12


def test_a_heart_stops_at_the_jobs_end_only(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat, heartbeat=True))
    heart = client.inbox / "cat.heartbeat"
    heart.unlink()
    assert client.send_heartbeat(ticket)
    assert heart.exists()

    server.claim("cat")
    server.finish("cat")
    assert not client.send_heartbeat(ticket)
    assert not heart.exists()


def test_a_job_without_a_heartbeat_has_none(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    assert "owner" not in sidecar_of(client, ticket)
    server.moves = [lambda: server.claim("cat"), lambda: server.finish("cat")]
    list(client.watch(ticket))
    assert in_inbox(client) == []


def test_of_a_discarded_job_nothing_is_left(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    with pytest.raises(NotFinished, match="cat is queued; cancel it first"):
        client.discard(ticket)
    originals = server.root / "done/2026-11-24/cat"
    originals.mkdir(parents=True)
    (originals / "cat.content.png").touch()
    (server.root / "status/cat.preview.jpg").touch()
    (server.root / "outbox/cat.losses.png").touch()
    (server.root / "outbox/cat-2.png").touch()
    server.finish("cat")
    server.post("cat", "done", folder="done/2026-11-24/cat")
    client.discard(ticket)

    left = [path.relative_to(server.root).as_posix() for path in server.root.rglob("*.*")]
    assert sorted(left) == ["outbox/cat-2.png", "status/server.json"]
    client.discard(ticket)


@pytest.mark.parametrize("folder", ["done", "styles", "done/..", "..", "/", "inbox/cat", "done/x"])
def test_discarding_removes_no_folder_but_a_jobs_own(
    server: FakeServer, client: Client, cat: Path, folder: str
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    (server.root / "inbox/cat").mkdir()
    (server.root / "done/x").mkdir()
    server.post("cat", "cancelled", folder=folder, result="styles/night.jpg", record="inbox")
    (server.root / "styles/night.jpg").touch()
    client.discard(ticket)
    for name in ("done/x", "styles/night.jpg", "inbox/cat", "outbox", "status/server.json"):
        assert (server.root / name).exists()


def test_a_drop_that_nobody_serves_can_be_taken_back(client: Client, cat: Path) -> None:
    for name in ("cat.2.content.png", "cat.note"):
        (client.inbox / name).touch()
    ticket = client.submit(request(cat, name="dog", styles=[cat], heartbeat=True))
    other = client.submit(request(cat, name="bird"))
    (client.inbox / "dog.2.content.png").touch()
    client.discard(ticket)
    client.discard(Ticket(other.name, "another client's"))
    assert in_inbox(client) == [
        *("bird.content.png", "bird.yaml", "cat.2.content.png", "cat.note", "dog.2.content.png"),
    ]
