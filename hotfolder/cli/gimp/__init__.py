"""Putting the plug-in into GIMP 3, and finding out why it is not in the menu.

Finds GIMP's profiles (Debian's, Flatpak's, Snap's), copies the plug-in there, diagnoses.
Knows where GIMP 3 keeps what. Never imports GIMP's API: the plug-in itself is `plugin/gimp`.
Read first: `plug_in.py`.
"""
