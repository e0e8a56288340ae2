"""Chaos: jobs in every form while servers, workers and file operations fail, all in real processes.

`campaign.py` carries out a plan, `deliveries.py` makes the jobs, `stranger.py` does beside them
what others do to a folder, `witnesses.py` looks on, and `account.py` compares what was dropped with
what is there at the end.
"""
