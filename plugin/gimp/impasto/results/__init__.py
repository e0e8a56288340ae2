"""Importing finished results of the hot folder's outbox, whoever had them painted.

Knows the client's list of results, and `images` to insert or open them; `dialog.py` lets the artist
choose and needs a screen.
Never submits a job. Read `outbox.py` first.
"""
