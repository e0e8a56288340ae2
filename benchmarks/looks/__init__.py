"""Looks: how good a picture is by a loss that nobody optimised, and contact sheets to judge by eye.

Knows the network, the losses and pictures; never what a painting took in seconds or memory.
Read `neutral.py` first: every other score is in its terms.
"""
