"""The style pictures that come with Impasto, and the programs that paint them, one a technique.

The pictures, and `tags.yaml` of them, are copied into the style library of a new hot folder.
Knows Pillow, numpy and scipy. Never is imported by the server: `make styles` runs it.
Read first: `generate.py`, `canvas.py`.
"""
