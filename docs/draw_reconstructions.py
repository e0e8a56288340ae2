"""Writes docs/images/reconstruct-*.jpg: the two figures of E. Huang's article, with its layers.

The content out of the 1st, 5th and 9th convolution, and the style out of the first 1 to 5. Takes
some minutes; `make docs` does not run it.
"""

import sys
from pathlib import Path

import skimage

from hotfolder.cli.main import main

IMAGES = Path(__file__).parent / "images"
PHOTOGRAPH = Path(skimage.__file__).parent / "data" / "chelsea.png"
"""A cat, by Stéfan van der Walt, CC0."""

FIGURES = {
    "content": (str(PHOTOGRAPH), "conv1_1,conv3_1,conv4_1"),
    "style": ("night", "conv1_1,conv1_2,conv2_1,conv2_2,conv3_1"),
}


def draw() -> int:
    for kind, (picture, layers) in FIGURES.items():
        output = IMAGES / f"reconstruct-{kind}.jpg"
        options = ["--layers", layers, "--force", "--set", "jpeg_quality=88"]
        if code := main(["reconstruct", kind, picture, *options, "-o", str(output)]):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(draw())
