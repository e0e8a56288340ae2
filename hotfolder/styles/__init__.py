"""The style pictures that come with Impasto, and the program that paints them.

`night.jpg` and `evening.jpg` are copied into the style library of a new hot folder.
Knows Pillow and numpy. Never is imported by the server: `make styles` runs it.
Read first: `generate.py`.
"""
