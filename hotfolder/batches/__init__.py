"""Batches: many contents in many styles, from the command line or from `NAME.batch.yaml`.

Expands a batch to items, claims its files, hands its items to the spool as jobs a few at a time,
and publishes one summary and one contact sheet.
Knows the inbox, the spool and the outbox. Never knows workers, nor how a job is painted.
Read first: `coordinator.py` (a batch file in the inbox) or `client_run.py` (`impasto batch`).
"""
