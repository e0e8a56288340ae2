"""Where a picture is painted, and in which style where: masks, label pictures, regions.

Knows: pictures of masks and labels, covers (how much of each pixel is meant), what is wrong with
them in words.
Never knows: features and losses, files, optimisers.
Start reading at `areas.py`.
"""
