"""No batch waits for ever without a reason that a person sees: every state of one, what it shows,
and what ends it."""

from pathlib import Path
from typing import Any

import pytest
from status_rows import REFUSED, Act, Patch, Row, drops, refuse
from support import FakeDispatcher, Room, fails, paints

from hotfolder import folder_access
from hotfolder.batches.publishing import BatchPublisher
from hotfolder.spool import claims

BATCH = "contents: [a.jpg, b.jpg]\nstyles: wave.jpg\n"


def batch(*pictures: str, capacity: int = 1, script: Any = paints, steps: int = 4) -> Act:
    def arrange(room: Room, patch: Patch) -> None:
        patch.setattr(BatchPublisher, "_sheet_is_made", lambda *_: True)
        room.dispatcher = FakeDispatcher(script, capacity=capacity)
        (room.folder.styles / "wave.jpg").write_bytes(b"x")
        for name in pictures:
            room.drop(name)
        room.drop("cat.batch.yaml", BATCH)
        room.step(steps)

    return arrange


def held_batch(room: Room, patch: Patch) -> None:
    room.drop("cat.hold", "")
    batch("a.jpg", "b.jpg")(room, patch)


def unmade(room: Room, patch: Patch) -> None:
    batch("a.jpg", "b.jpg", capacity=0)(room, patch)


def workers_come(room: Room, _: Patch) -> None:
    room.dispatcher.capacity = 1


def unpublished_batch(room: Room, patch: Patch) -> None:
    room.folder.outbox.rename(room.folder.root / "away")
    room.folder.outbox.write_bytes(b"in the way")
    batch("a.jpg", "b.jpg", script=fails, steps=8)(room, patch)


def outbox_is_back(room: Room, _: Patch) -> None:
    room.folder.outbox.unlink()
    (room.folder.root / "away").rename(room.folder.outbox)


def half_claimed_batch(room: Room, patch: Patch) -> None:
    real = claims.move

    def move(source: Path, target: Path, *seen: Any) -> None:
        if source.name == "b.jpg" or target.parent == room.folder.inbox:
            raise REFUSED
        real(source, target, *seen)

    patch.setattr(claims, "move", move)
    batch("a.jpg", "b.jpg")(room, patch)


def heal_batch(room: Room, patch: Patch) -> None:
    patch.undo()
    patch.setattr(BatchPublisher, "_sheet_is_made", lambda *_: True)


BATCHES = {
    "waiting_lacks": Row("waiting", "lacks", batch("a.jpg"), drops("b.jpg")),
    "waiting_half_claimed": Row(
        "waiting", "taken out of the inbox in part", half_claimed_batch, heal_batch
    ),
    "held_lacks": Row("held", "lacks", batch("a.jpg", steps=40), drops("b.jpg")),
    "held_by_a_person": Row(
        "held", "`impasto release cat` lets it go on", held_batch, drops("cat.release")
    ),
    "running": Row("running", "batch: nothing of 2", unmade, workers_come),
    "running_cancelled": Row(
        "running", "batch: nothing of 2", unmade, drops("cat.cancel"), "cancelled"
    ),
    "running_not_published": Row(
        "running", "the summary cannot be published", unpublished_batch, outbox_is_back, "failed"
    ),
}


@pytest.mark.parametrize("row", BATCHES.values(), ids=BATCHES)
def test_every_state_of_a_batch_says_what_it_waits_for_and_that_ends_it(
    room: Room, monkeypatch: Patch, row: Row
) -> None:
    row.arrange(room, monkeypatch)
    status = room.status("cat")
    assert (status["state"], row.message in status["message"]) == (row.state, True), status
    room.step(3)
    assert (room.status("cat")["state"], bool(room.status("cat")["message"])) == (row.state, True)
    row.leave(room, monkeypatch)
    room.step(row.steps)
    assert room.status("cat")["state"] == row.end, room.status("cat")
    room.daemon._batches.close()


def test_a_job_that_cannot_be_taken_up_holds_up_a_batch_with_a_reason(
    room: Room, monkeypatch: Patch
) -> None:
    """It may be the job of one of the batch's pictures, which must not be painted twice."""
    room.dispatcher.capacity = 0
    room.drop_pair("dog")
    room.step(3)
    (broken,) = room.folder.spool.iterdir()
    room.restart()
    real = claims.read_json

    def document(path: Path) -> Any:
        return refuse() if path.parent.name == broken.name else real(path)

    monkeypatch.setattr(claims, "read_json", document)
    batch("a.jpg", "b.jpg")(room, monkeypatch)
    assert "the next paintings wait for a job" in room.status("cat")["message"]
    assert "Read-only file system" in room.status("cat")["message"]
    heal_batch(room, monkeypatch)
    room.step(30)
    assert room.status("cat")["state"] == "done"
    assert room.status("dog")["state"] == "done"
    assert folder_access.names(room.folder.spool) == []
