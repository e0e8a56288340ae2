"""The queue on disk: claimed jobs, one folder each.

Claims candidates out of the inbox by rename, writes every step of a job's life before it counts,
restores the queue after a crash, watches the free space.
Knows the states of a job. Never knows workers, nor how a result is published.
Read first: `spool.py`, then `claims.py`, which batches use too.
"""
