"""What lies in the inbox, and which files make a job.

Lists folders, waits until files are stable, reads sidecars and presets, and assembles files to job
candidates: claim, wait, hold or refuse, with the reason.
Knows names, files and sidecars. Never moves a file and never opens a picture.
Read first: `folder_scanner.py`.
"""
