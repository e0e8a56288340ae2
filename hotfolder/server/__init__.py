"""The server: N >= 1 hot folders, one pool of workers, one thread.

Each folder has its lock and its loop: scan, claim, dispatch, note events, publish, report. The
folders take turns with the workers.
Knows every room but `cli`. Never imports torch, and keeps no state that is not in the folder.
Read first: `server.py`, then `folder_server.py`.
"""
