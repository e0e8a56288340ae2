"""Sidecars and pictures that nobody would write, thrown at the hot folder.

Each sidecar is dropped beside a pair: afterwards the job is done, has failed in words or waits with
a reason, no message shows a traceback, and every file is somewhere, once. Each picture is decoded:
it is a picture, or is refused in words. The tests throw a few hundred, `python -m benchmarks fuzz`
ten thousand.
"""

import argparse
import io
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.report import log_progress, save
from engine.errors import EngineError
from engine.images.matrix_profile import DISPLAY_P3, SRGB_CURVE, matrix_profile
from engine.images.picture import encode_picture, read_picture
from engine.output import output_of
from engine.settings import Settings, resolve
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.inbox.sidecar import SIDECAR_KEYS
from hotfolder.job import Job
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_server import FolderServer
from hotfolder.workers.dispatcher import DeviceState
from hotfolder.workers.events import Done, Event

__all__ = ["Target", "fuzz_pictures", "fuzz_sidecars", "pictures", "sidecars", "target"]

GIVEN_BACK = resolve({"format": "content", "profile": "content", "metadata": "no_location"})

SECONDS = 30.0
"""More for one example is a hang."""

HOSTILE = (
    b"a: &a [x, x]\nb: [*a, *a]\n",
    b"!!python/object/apply:os.system ['true']\n",
    b"? [a, b]\n: c\n",
    b"[" * 5000,
    b"a:\n" + b" " * 3000 + b"- b\n",
    b"{" * 400 + b"}" * 400,
    b"content: ../../../../etc/passwd\n",
    b"styles: [/etc/passwd]\n",
    b"weights: /etc/passwd\n",
    b"\xff\xfe\x00a\x00:",
    b"a: '" + b"x" * 70_000 + b"'\n",
    b"size: " + b"9" * 4000 + b"\n",
    b"size: 0x" + b"f" * 40 + b"\n",
    b"style_weight: 1e9999\n",
    b"style_weight: .nan\n",
    b"--- a\n--- b\n",
    b"%YAML 9.9\n---\na: b\n",
    b"\xef\xbb\xbfsize: 64\n",
    b'a: "\\ud800"\n',
    b'"\\e[2Jx": 1\n',
    b'"a\\nb": 1\n"a\\nb": 2\n',
    "\u202eabc: 1\n".encode(),
    b"a: |\n\tb\n",
    b"size: 64\r\nsize: 65\r\n",
    b"client: {a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: 1}}}}}}}}}}}}\n",
)

_keys = st.sampled_from([*Settings.model_fields, *SIDECAR_KEYS]) | st.text(max_size=12)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(
        ["auto", "gram", "preview", "../x.jpg", "a.content.jpg", "caffe", "~", "=", "<<"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def _dumped(values: Any) -> bytes:
    text: str = yaml.safe_dump(values, allow_unicode=True)
    return text.encode("utf-8", "surrogatepass")


def _mutated(data: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    """With some stretches replaced: `start` (modulo the length), how many bytes, by what."""
    for start, count, by in cuts:
        at = start % (len(data) + 1)
        data = data[:at] + by + data[at + count :]
    return data


_cuts = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.integers(0, 40), st.binary(max_size=8)), max_size=4
)
_written = st.dictionaries(_keys, _values, max_size=6).map(_dumped)
sidecars = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | _written
    | st.builds(_mutated, _written | st.sampled_from(HOSTILE), _cuts)
    | st.sampled_from(HOSTILE)
)
"""Bytes of a sidecar: noise, text, YAML of known and unknown keys, hostile, and damaged."""


def _described() -> dict[str, Any]:
    """A profile, EXIF with a place, and XMP, as options of Pillow."""
    exif = Image.Exif()
    exif[0x013B], exif[0x0112] = "A. Photographer", 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 10:00:00"
    exif.get_ifd(0x8825)[2] = (48.0, 31.0, 12.0)
    description = b'<rdf:Description xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:City="a"/>'
    space = b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    xmp = b"<rdf:RDF " + space + b">" + description + b"</rdf:RDF>"
    profile = matrix_profile(DISPLAY_P3, SRGB_CURVE)
    return {"exif": exif.tobytes(), "xmp": xmp, "icc_profile": profile}


def _tiff(kind: str, *shape: int, **options: Any) -> bytes:
    file = io.BytesIO()
    values = np.random.default_rng(0).integers(0, 2**16, shape) / 65535
    values = values * np.iinfo(kind).max if kind[0] == "u" else values
    tifffile.imwrite(file, values.astype(kind), **({"photometric": "rgb"} | options))
    return file.getvalue()


def _heic(bits: int) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).bytes(40 * 40 * 3 * (1 if bits == 8 else 2))
    mode = "RGB" if bits == 8 else "RGB;16"
    pillow_heif.from_bytes(mode=mode, size=(40, 40), data=noise).save(file, quality=60)
    return file.getvalue()


def _encoded(kind: str, mode: str, size: tuple[int, int], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(file, kind, **options)
    return file.getvalue()


def _whole_pictures() -> list[bytes]:
    return [
        _encoded("JPEG", "RGB", (48, 40)),
        _encoded("JPEG", "CMYK", (40, 40), progressive=True),
        _encoded("PNG", "RGBA", (40, 48)),
        _encoded("PNG", "P", (40, 40)),
        _encoded("WEBP", "RGB", (40, 40)),
        _encoded("TIFF", "RGB", (40, 40)),
        _encoded("TIFF", "L", (40, 40), compression="tiff_lzw"),
        _encoded("JPEG", "L", (40, 40), **_described()),
        _encoded("WEBP", "RGBA", (40, 40), lossless=True, **_described()),
        _encoded("AVIF", "RGBA", (40, 40), **_described()),
        _encoded("PNG", "LA", (40, 40), exif=_described()["exif"]),
        bytes(imagecodecs.png_encode(np.full((40, 40, 4), 12345, np.uint16))),
        bytes(imagecodecs.avif_encode(np.full((40, 40, 3), 600, np.uint16), bitspersample=10)),
        _tiff("u2", 40, 40, 3, compression="zlib", predictor=True),
        _tiff("u2", 3, 40, 40, planarconfig="separate", tile=(16, 16)),
        _tiff("u1", 40, 40, 4, compression="lzw", extrasamples=["assocalpha"]),
        _tiff("u1", 40, 40, 3, compression="jpeg"),
        _tiff("u1", 40, 40, 3, photometric="cielab"),
        _tiff("f4", 40, 40, photometric="miniswhite", compression="zstd"),
        _heic(8),
        _heic(10),
    ]


pictures = st.builds(_mutated, st.sampled_from(_whole_pictures()), _cuts) | st.builds(
    lambda data, end: data[: end % len(data)],
    st.sampled_from(_whole_pictures()),
    st.integers(0, 1 << 20),
)
"""Bytes of a picture: small ones of every format, damaged here and there, or cut off."""


class _Paints:
    """A dispatcher that has painted at once."""

    capacity = 1
    problem = ""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def submit(self, job: Job) -> None:
        result = Path(job.folder) / "result.png"
        result.write_bytes(b"painted")
        self._events.append(Done(job.id, str(result), {}))

    def poll(self, timeout: float) -> Iterator[Event]:
        events, self._events = self._events, []
        return iter(events)

    def cancel(self, job_id: str) -> None: ...
    def checkpoint(self) -> None: ...
    def close(self, *, drain: bool) -> None: ...
    def devices(self) -> list[DeviceState]:
        return [DeviceState("none", "idle", None)]


class Target:
    """A daemon whose time is turned by hand."""

    def __init__(self, folder: FolderPaths) -> None:
        self.folder = folder
        self.count = 0
        self._now = 0.0
        config = Config.model_validate({"watch": {"polling": True}, "wait_seconds": 5.0})
        daemon = FolderServer(ConfigWatch(config), folder, _Paints(), clock=lambda: self._now)
        self._steps = daemon.steps()
        next(self._steps)

    def close(self) -> None:
        self._steps.close()

    def throw_sidecar(self, data: bytes) -> None:
        """Drop it beside a pair, and see what becomes of it."""
        self.count += 1
        name, inbox = f"job{self.count}", self.folder.inbox
        names = [f"{name}.yaml", f"{name}.content.jpg", f"{name}.style.jpg"]
        (inbox / names[0]).write_bytes(data)
        for each in names[1:]:
            (inbox / each).write_bytes(each.encode())
        started = time.monotonic()
        for _ in range(12):
            self._now += 2.0
            next(self._steps)
            if not any(inbox.iterdir()) and not any(self.folder.spool.iterdir()):
                break
        assert time.monotonic() - started < SECONDS, "a hang"
        self._check(name, names)

    def _check(self, name: str, names: list[str]) -> None:
        status = (self.folder.status / f"{name}.json").read_text()
        assert "Traceback" not in status
        assert json.loads(status)["message"].isprintable(), status
        assert "unforeseen" not in status, status
        assert '"state": "queued"' not in status
        assert '"state": "running"' not in status
        for each in names:
            found = list(self.folder.root.rglob(each))
            assert len(found) == 1, (each, found)
            found[0].unlink()
        for error in self.folder.failed.glob(f"{name}*/error.txt"):
            assert "Traceback" not in error.read_text()
        for place in (self.folder.inbox, self.folder.outbox, self.folder.spool):
            for left in place.glob(f"*{name}*"):
                left.unlink()
        # What stayed would make every example slower than the one before.
        for status_file in self.folder.status.glob(f"{name}.*"):
            status_file.unlink()
        for ended in (*self.folder.failed.glob(f"{name}*"), *self.folder.done.glob(f"*/{name}*")):
            shutil.rmtree(ended)


def throw_picture(path: Path, data: bytes) -> None:
    """Decode it: a picture, which can be given back in its own format, or a refusal in words."""
    path.write_bytes(data)
    started = time.monotonic()
    refusal = ""
    try:
        picture = read_picture(path, max_megapixels=4.0)
        assert picture.width * picture.height <= 4_000_000
        encode_picture(picture, output_of(GIVEN_BACK, picture, picture.size).encoding)
    except EngineError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith(f"{path}: "), refusal
    assert "Traceback" not in refusal
    assert time.monotonic() - started < SECONDS, "a hang"


@contextmanager
def target() -> Iterator[Target]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        folder = FolderPaths(Path(place) / "hot")
        folder.create()
        with closing(Target(folder)) as thrown_at:
            yield thrown_at


def fuzz_sidecars(count: int, chosen: int) -> None:
    with target() as thrown_at:
        _fuzz(sidecars, thrown_at.throw_sidecar, count, chosen)


def fuzz_pictures(count: int, chosen: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        _fuzz(pictures, lambda data: throw_picture(Path(place) / "a.jpg", data), count, chosen)


def _fuzz(
    examples: st.SearchStrategy[bytes], throw: Callable[[bytes], None], count: int, chosen: int
) -> None:
    @seed(chosen)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(examples)
    def one(data: bytes) -> None:
        throw(data)

    one()


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="of sidecars, and of pictures")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args(arguments)
    log_progress(f"seed {options.seed}")
    logging.getLogger("hotfolder").setLevel(logging.CRITICAL)
    started = time.monotonic()
    fuzz_sidecars(options.count, options.seed)
    fuzz_pictures(options.count, options.seed)
    seconds = time.monotonic() - started
    save(
        "fuzz",
        f"{options.count} sidecars and {options.count} pictures, seed {options.seed}: "
        f"no traceback, no lost file, no hang ({seconds:.0f} s).",
    )
