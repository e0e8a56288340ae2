"""How a job ends, and what readers are told: results, originals, status files, retention.

Publishes a result whole and under a free name, puts the originals away, keeps `status/` true,
removes what has outlived its retention.
Knows jobs in the spool. Never decides which job is next, nor talks to workers.
Read first: `publisher.py`.
"""
