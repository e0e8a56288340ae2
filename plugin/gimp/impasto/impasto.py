#!/usr/bin/env python3
"""Impasto in GIMP 3: neural style transfer by the server of a hot folder (docs/gimp.md).

GIMP runs this file to ask what it offers, and again for each use. What the procedures do is in
`procedures.py`.
"""

import sys
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
import procedures
from gi.repository import Gimp
from i18n import CATALOGUES, DOMAIN


class Impasto(Gimp.PlugIn):
    """The plug-in, as GIMP sees it."""

    def do_set_i18n(self, name: str) -> tuple[bool, str, str]:
        """The domain of the texts, and the folder beside this file that has their catalogues."""
        return True, DOMAIN, CATALOGUES.name

    def do_query_procedures(self) -> list[str]:
        return list(procedures.OFFERED)

    def do_create_procedure(self, name: str) -> Any:
        return procedures.OFFERED[name](self, name)


if __name__ == "__main__":
    Gimp.main(Impasto.__gtype__, sys.argv)
