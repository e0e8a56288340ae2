"""The dialog of Filters > Artistic > Neural Style (Impasto)..., and its widgets.

Knows GTK, GIMP's screen and what the artist can choose; has previews painted by `painting`.
Never knows the folder protocol's files, nor how a layer is exported or inserted (`images`).
Needs a screen, so a procedure imports it only when it asks the artist. Read `window.py` first.
"""
