"""Having a picture painted by the server of a hot folder: one painting, and the live preview.

Knows the client of the folder protocol and the artist's choices.
Never knows GIMP or GTK: what it needs of an editor is `job.Editor`, so it is tested without GIMP.
Read `job.py` first.
"""
