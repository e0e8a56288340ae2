"""Putting Impasto's plug-in into GIMP 3, and finding out why it is not in the menu.

Knows where GIMP keeps plug-ins and what it silently skips. Runs outside of GIMP: never imports the
plug-in, which knows GIMP's API, nor anything that paints.
"""
