"""A server that does what a test says, in real time, for a GIMP that cannot tell the difference."""

import glob
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fake_server import FakeServer
from PIL import Image

Script = Callable[["ScriptedServer", str], Iterator[None]]
"""What happens to a job (its name): one move, then a yield, and so on."""

PAUSE = 0.1
"""Seconds between two moves."""


class ScriptedServer(FakeServer):
    """Serves its folder in a thread until closed; each job is treated as `script` says."""

    def __init__(self, root: Path) -> None:
        self.contents: list[bytes] = []
        """The files that were delivered to be painted."""
        self.sidecars: list[dict[str, Any]] = []
        self.pictures: list[dict[str, Image.Image]] = []
        """Those of each job, by their roles: `mask`, `mask1`, `style`, `palette`."""
        self.script: Script = paints
        self._jobs: list[Iterator[None]] = []
        self._writing = threading.Lock()
        self._closed = threading.Event()
        super().__init__(root)
        self._thread = threading.Thread(target=self._serve, name="scripted server")
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def stamp(self) -> str:
        self.now = time.time()
        return super().stamp()

    @property
    def masks(self) -> list[dict[str, Image.Image]]:
        """Those of each job alone."""
        return [
            {role: picture for role, picture in each.items() if role.startswith("mask")}
            for each in self.pictures
        ]

    def content(self) -> Image.Image:
        """The picture that was delivered last."""
        return Image.open(io.BytesIO(self.contents[-1]))

    def publish(self, name: str, picture: Image.Image) -> None:
        """What `finish` does, with a real picture, whole before anybody hears of it."""
        outbox = self.root / "outbox"
        picture.save(outbox / f".{name}.png", icc_profile=picture.info.get("icc_profile"))
        (outbox / f"{name}.result.yaml").write_text("name: x\n")
        (outbox / f".{name}.png").replace(outbox / f"{name}.png")
        result, record = f"outbox/{name}.png", f"outbox/{name}.result.yaml"
        self.post(name, "done", result=result, record=record, fraction=1.0)

    def _write(self, name: str, document: dict[str, Any]) -> None:
        with self._writing:  # the test's thread beats too
            super()._write(name, document)

    def _serve(self) -> None:
        while not self._closed.wait(PAUSE):
            if self.alive:
                self.send_heartbeat()
                self._jobs += [self.script(self, name) for name in self._claimed()]
            self._jobs = [job for job in self._jobs if next(job, self) is not self]

    def _claimed(self) -> Iterator[str]:
        for sidecar in sorted((self.root / "inbox").glob("*.yaml")):
            name = sidecar.stem
            content = self.root / "inbox" / f"{name}.content.png"
            asked = json.loads(sidecar.read_text())
            named = [asked.get("content", ""), asked.get("palette", ""), *asked["styles"]]
            if not all((content.parent / each).exists() for each in named if each.startswith(name)):
                continue
            size = asked.get("texture_size")
            self.contents.append(_plain(*size) if size else content.read_bytes())
            beside = content.parent.glob(f"{glob.escape(name)}.*.png")
            pictures = {path.suffixes[-2][1:]: path for path in beside if path != content}
            self.pictures.append({role: _loaded(path) for role, path in pictures.items()})
            self.sidecars.append(self.claim(name))
            yield name


def _plain(width: int, height: int) -> bytes:
    """What a texture is painted from here: red."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, "PNG")
    return file.getvalue()


def _loaded(path: Path) -> Image.Image:
    """A PNG, with the bits a channel that its file has, which Pillow may not read."""
    with Image.open(path) as picture:
        picture.info["bits"] = path.read_bytes()[24]
        return picture.copy()


def paints(server: ScriptedServer, name: str, *, factor: float = 1) -> Iterator[None]:
    """Turns the colours round: red to green to blue. Transparency and profile stay.

    `factor`: of the painting's sides to the content's.
    """
    server.post(name, "running", step=1, steps=2, scale=1, scales=1, fraction=0.5, eta_seconds=1.0)
    yield
    content = server.content()
    rgba = content.convert("RGBA")
    red, green, blue, alpha = rgba.split()
    painted = Image.merge("RGBA", (blue, red, green, alpha))
    painted = painted.resize((round(content.width * factor), round(content.height * factor)))
    painted = painted if content.mode in ("RGBA", "LA") else painted.convert("RGB")
    painted.info["icc_profile"] = content.info.get("icc_profile")
    server.publish(name, painted)


def fails(server: ScriptedServer, name: str) -> Iterator[None]:
    """As a server says that a job failed."""
    yield
    error = "Impasto could not paint it.\n\nThe paint ran out.\n\nThe files lie in this folder."
    server.post(name, "failed", message="The paint ran out.", error=error)


def is_cancelled(server: ScriptedServer, name: str) -> Iterator[None]:
    """Somebody else cancels it."""
    server.post(name, "running")
    yield
    server.post(name, "cancelled")


def dies(server: ScriptedServer, name: str) -> Iterator[None]:
    """Half-way, without a word."""
    server.post(name, "running", step=1, steps=9, scale=1, scales=1, fraction=0.1)
    yield
    server.die()


def says_nothing(server: ScriptedServer, name: str) -> Iterator[None]:
    """Lives, and never mentions the job."""
    (server.root / "status" / f"{name}.json").unlink()
    yield


def lies_about_the_result(server: ScriptedServer, name: str) -> Iterator[None]:
    """Says done; there is no picture."""
    yield
    server.finish(name)
    (server.root / "outbox" / f"{name}.png").unlink()


def gives_rubbish(server: ScriptedServer, name: str) -> Iterator[None]:
    """Says done; the picture is none."""
    yield
    server.finish(name)


def is_slow(server: ScriptedServer, name: str) -> Iterator[None]:
    """Paints for ever, a step at a time."""
    step = 0
    while True:
        step += 1
        facts = {"scale": 1, "scales": 1, "fraction": 0.01, "eta_seconds": 90.0}
        server.post(name, "running", step=step, steps=9999, **facts)
        yield


def queues(server: ScriptedServer, name: str) -> Iterator[None]:
    """Stays third in the queue."""
    while True:
        server.post(name, "queued", position=3)
        yield
