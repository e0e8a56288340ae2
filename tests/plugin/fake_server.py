"""A server that does what docs/protocol.md says, a move at a time, and paints nothing."""

import glob
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class FakeServer:
    """Its clock is the test's: `now` moves only in `sleep`, which the client is given as its own.

    Each sleep also makes the next of the planned moves.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 1_800_000_000.0
        self.moves: list[Any] = []
        self.alive = True
        self.clock_error = 0.0
        for name in ("inbox", "styles", "outbox", "failed", "done", "status"):
            (root / name).mkdir(parents=True)
        self.send_heartbeat()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.moves:
            self.moves.pop(0)()
        if self.alive:
            self.send_heartbeat()

    def stamp(self) -> str:
        return datetime.fromtimestamp(self.now + self.clock_error, UTC).isoformat(
            timespec="milliseconds"
        )

    def send_heartbeat(self, **facts: Any) -> None:
        heartbeat = {"protocol": 1, "pid": os.getpid(), "host": "here", "state": "idle"}
        self._write("server", heartbeat | {"updated": self.stamp()} | facts)

    def die(self) -> None:
        self.alive = False

    def claim(self, name: str, as_name: str | None = None) -> dict[str, Any]:
        """Take a drop out of the inbox; its sidecar comes back."""
        sidecar = json.loads((self.root / "inbox" / f"{name}.yaml").read_text())
        for path in (self.root / "inbox").glob(f"{glob.escape(name)}.*"):
            path.unlink(missing_ok=True)
        self.post(as_name or name, "queued", client=sidecar["client"], position=1)
        return dict(sidecar)

    def post(self, name: str, state: str, **facts: Any) -> None:
        path = self.root / "status" / f"{name}.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        self._write(name, {**before, "state": state, "updated": self.stamp(), **facts})

    def finish(self, name: str) -> None:
        (self.root / "outbox" / f"{name}.result.yaml").write_text("name: x\n")
        (self.root / "outbox" / f"{name}.png").write_bytes(b"a picture")
        result, record = f"outbox/{name}.png", f"outbox/{name}.result.yaml"
        self.post(name, "done", result=result, record=record, fraction=1.0)

    def _write(self, name: str, document: dict[str, Any]) -> None:
        path = self.root / "status" / f"{name}.json"
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps(document))
        draft.replace(path)
