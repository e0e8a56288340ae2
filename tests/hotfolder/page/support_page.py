"""A real page process on a temporary hot folder, and real requests to it."""

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from PIL import Image

from engine.settings import Settings
from hotfolder.paths import FolderPaths

__all__ = [
    "Served",
    "finished",
    "served",
    "write_server",
    "write_status",
]


class Served:
    """A page that runs, and what it has said."""

    def __init__(
        self, folder: FolderPaths, process: "subprocess.Popen[str]", words: list[str]
    ) -> None:
        self.folder = folder
        self.process = process
        self.words = words
        found = re.search(r"http://[^/]+?:(\d+)/(?:\?token=(\S+))?", "".join(words))
        assert found is not None, words
        self.port = int(found[1])
        self.token = found[2]
        self.address = f"http://127.0.0.1:{self.port}"

    def client(self, **headers: str) -> httpx.Client:
        """A browser's requests from the page itself."""
        own = {"Origin": self.address, "Sec-Fetch-Site": "same-origin"}
        return httpx.Client(base_url=self.address, headers=own | headers, trust_env=False)

    def raw(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, str]:
        """A request whose headers and target nobody corrects: status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def served(
    folder: FolderPaths, *arguments: str, address: str = "127.0.0.1:0", state: Path | None = None
) -> Iterator[Served]:
    """`impasto page`, on a port that is free."""
    program = "import sys; from hotfolder.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-W", "error", "-c", program]
    environment = {**os.environ, "XDG_STATE_HOME": str(state or folder.root.parent / "state")}
    process = subprocess.Popen(
        [*command, "page", "--hot", str(folder.root), "--address", address, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stderr is not None
    words: list[str] = []
    try:
        while not re.search(r"http://\S+:\d+/", "".join(words)):
            line = process.stderr.readline()
            assert line, f"the page has ended: {words}"
            words.append(line)
        yield Served(folder, process, words)
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def write_server(folder: FolderPaths, **changes: Any) -> None:
    """A heartbeat of this moment."""
    from hotfolder.job import now

    document = {
        "protocol": 1,
        "pid": os.getpid(),
        "host": "desk",
        "version": "0.1.0",
        "started": now(),
        "state": "busy",
        "devices": [{"device": "cpu", "state": "busy", "job": "portrait"}],
        "queue": {"waiting": 0, "held": 0, "queued": 1, "running": 1},
        "totals": {"done": 0, "failed": 0, "cancelled": 0},
        "strays": [],
        "paused": None,
        "config_problem": None,
        "problem": None,
        "updated": now(),
    } | changes
    (folder.status / "server.json").write_text(json.dumps(document))


def write_status(folder: FolderPaths, name: str, state: str, **changes: Any) -> None:
    from hotfolder.job import now

    document = {
        "protocol": 1,
        "name": name,
        "source": name,
        "state": state,
        "id": None,
        "message": state,
        "position": None,
        "priority": 5,
        "preset": "standard",
        "size": 192,
        "scale": None,
        "scales": None,
        "step": None,
        "steps": None,
        "fraction": 0.0,
        "losses": None,
        "seconds": None,
        "eta_seconds": None,
        "device": None,
        "attempt": 1,
        "preview": None,
        "result": None,
        "record": None,
        "error": None,
        "folder": None,
        "client": {},
        "dropped": now(),
        "updated": now(),
    } | changes
    partial = folder.status / f".{name}.part"
    partial.write_text(json.dumps(document))
    partial.rename(folder.status / f"{name}.json")


def finished(
    folder: FolderPaths,
    name: str,
    *,
    style: str | list[str] = "night.jpg",
    time: float | None = None,
    originals: bool = False,
    others: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """A result as the server publishes one.

    Args:
        others: pictures of the record besides, by their keys; names, or lists of them.
    """

    def part(given: Any) -> Any:
        if isinstance(given, list):
            return [part(each) for each in given]
        return {"file": given, "size": [48, 32], "sha256": "0"}

    others = {key: part(given) for key, given in (others or {}).items()}
    masks = {key: others.pop(key) for key in ("mask", "regions", "style_regions") if key in others}
    picture = folder.outbox / f"{name}.png"
    Image.new("RGB", (48, 32), (200, 120, 40)).save(picture)
    record = {
        "name": name,
        "picture": picture.name,
        **({} if settings.get("texture") else {"content": part(f"{name}.content.png")}),
        "styles": part(style if isinstance(style, list) else [style]),
        **others,
        **({"masks": masks} if masks else {}),
        "settings": Settings(**settings).model_dump(),
        "size": [48, 32],
        "steps": 220,
        "losses": {"content": 4034024.5, "style": 2357931.25, "tv": 0.0, "total": 6391955.75},
        "seconds": 118.0,
        "device": "cpu",
        "precision": "float32",
    }
    (folder.outbox / f"{name}.result.yaml").write_text(yaml.safe_dump(record, sort_keys=False))
    if time is not None:
        os.utime(picture, (time, time))
    if originals:
        from datetime import datetime

        day = datetime.fromtimestamp(picture.stat().st_mtime).astimezone().date().isoformat()
        kept = folder.done / day / name
        kept.mkdir(parents=True)
        Image.new("RGB", (48, 32), (40, 120, 200)).save(kept / f"{name}.content.png")
    return picture
