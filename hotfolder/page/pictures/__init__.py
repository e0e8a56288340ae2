"""Pictures of the hot folder for a browser: which file an address means, and small copies.

Knows: paths below a hot folder, a cache of thumbnails, the child process that makes them. Only that
child, `thumbnail_process.py`, decodes pictures. Start reading at `places.py`.
"""
