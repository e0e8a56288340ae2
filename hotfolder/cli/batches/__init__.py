"""What `impasto batch` shows and writes: how it goes, a trial, lists, summaries.

Start reading at `view.py`.
"""
