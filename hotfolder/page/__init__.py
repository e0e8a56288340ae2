"""The page: watch the hot folder, and work with it, in a browser.

A process of its own, which the server neither imports nor needs. Knows: what the folder shows of
itself (docs/protocol.md), HTTP and HTML. Never knows: the server's memory, tensors; it decodes no
picture, a child process does. It keeps nothing but thumbnails, so it may end at any time.
Start reading at `app.py`; `safety` is what every request passes first, `folder` reads and writes
the hot folder.
"""
