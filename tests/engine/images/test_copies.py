"""How much memory large pictures take on their way in and out: measured, in a process of its own.

A full-size copy is as large as the samples in the file: a byte a channel, or two. What Pillow
decodes takes four bytes a pixel, of RGB too.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = '''
import json, sys
from pathlib import Path
import numpy as np
from PIL import Image
from engine.images.picture import Picture, read_picture, write_picture

folder = Path(sys.argv[1])
WIDTH, HEIGHT = 4000, 3000


def kilobytes(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1])


def copies(work, channels, source=0, width=1):
    """At most at a time, what is there already (`source`, bytes) included; a channel has `width`
    bytes."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now
    before = kilobytes("VmRSS")
    result = work()
    held = (kilobytes("VmHWM") - before) * 1024 + source
    return held / (WIDTH * HEIGHT * channels * width)


def picture(width, height, alpha):
    tile = np.random.default_rng(0).integers(0, 256, (500, 500, 3), dtype=np.uint8)
    cover = np.tile(np.linspace(0, 1, 500, dtype=np.float32), (500, 1))
    count = (height // 500, width // 500)
    return Picture(np.tile(tile, (*count, 1)), np.tile(cover, count) if alpha else None)


found = {}
for alpha in (False, True):
    channels = 4 if alpha else 3
    large, small = picture(WIDTH, HEIGHT, alpha), picture(500, 500, alpha)
    source = large.samples.nbytes + (large.alpha.nbytes if alpha else 0)
    for format in ("png", "jpeg", "tiff"):
        path = folder / f"{alpha}.{format}"
        write_picture(small, path, format=format)  # what libraries load at their first use
        read_picture(path)
        name = f"{format} with alpha" if alpha else format
        found[f"write {name}"] = copies(
            lambda: write_picture(large, path, format=format), channels, source
        )
        found[f"read {name}"] = copies(lambda: read_picture(path), channels)
with Image.open(folder / "False.jpeg") as image:
    turned = Image.Exif()
    turned[0x112] = 6
    image.save(folder / "turned.jpeg", exif=turned)
    image.convert("CMYK").save(folder / "cmyk.jpeg")
for name in ("turned.jpeg", "cmyk.jpeg"):
    found[f"read {name}"] = copies(lambda: read_picture(folder / name), 3)
for format in ("png", "tiff"):
    path = folder / f"deep.{format}"
    large, small = picture(WIDTH, HEIGHT, False), picture(500, 500, False)
    deep = Picture(large.samples * np.uint16(257))
    del large
    write_picture(Picture(small.samples * np.uint16(257)), path, format=format, bits=16)
    read_picture(path)
    found[f"write deep {format}"] = copies(
        lambda: write_picture(deep, path, format=format, bits=16), 3, deep.samples.nbytes, 2
    )
    del deep
    found[f"read deep {format}"] = copies(lambda: read_picture(path), 3, 0, 2)
large = picture(WIDTH, HEIGHT, False)
found["thumbnail"] = copies(lambda: large.thumbnail(512), 3, large.samples.nbytes)
print(json.dumps(found))
'''


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")
def test_there_are_never_more_than_three_copies_of_a_large_picture(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    found = json.loads(answer.stdout)
    assert len(found) == 19
    assert {what: count for what, count in found.items() if count > 3} == {}
    assert min(found.values()) > 0.9, "measured at all"
