"""The server: N >= 1 hot folders, one pool of workers, one thread.

Each folder has its lock and its loop (scan, claim, hand out, note events, publish, report); the
folders take turns with the workers.
Knows every room below. Never imports torch, and keeps nothing that the folder itself does not tell.
Read first: `folder_server.py`.
"""
