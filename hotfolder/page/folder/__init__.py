"""The hot folder as the page shows it, read anew from the files, and what the page does to it.

Knows: status files, outbox, failed and done folders, control files. Never knows: HTTP, HTML.
Start reading at `snapshot.py` (what lives) and `gallery.py` (what is finished).
"""
