"""Notifications that a job has ended: hooks, a webhook, the desktop.

Each kind has a bounded queue and a thread of its own, so that none delays the server's loop.
Knows the last status of a job. Never knows the queue, and no failure here reaches a job.
Read first: `job_notifier.py`.
"""
