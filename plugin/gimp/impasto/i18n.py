"""The language of the interface: GIMP's own, where `translations` has a catalogue for it."""

import gettext
from pathlib import Path

__all__ = ["CATALOGUES", "DOMAIN", "_"]

DOMAIN = "impasto"

CATALOGUES = Path(__file__).resolve().parent / "translations"
"""`LANGUAGE/LC_MESSAGES/impasto.mo`, compiled by `impasto install-plugin` from LANGUAGE.po."""

_ = gettext.translation(DOMAIN, CATALOGUES, fallback=True).gettext
"""The text in the language that GIMP has set for its plug-ins; else as it is, in English."""
