"""GIMP's images: what is painted of them, and how a painting becomes a layer or an image.

Knows GIMP's procedures for images, layers, masks and picture files.
Never knows the server, the hot folder or a widget.
Read `region.py` first (out), then `placement.py` (back); `layers.py` has the single operations.
"""
