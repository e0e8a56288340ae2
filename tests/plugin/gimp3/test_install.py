"""What the installer writes is what GIMP takes, and GIMP's own notes tell the doctor so."""

import os

from session import Gimp

from hotfolder.cli.gimp.diagnosis import menu_entry
from hotfolder.cli.gimp.profiles import Kind, Profile


def test_the_doctor_reads_in_gimps_notes_that_it_is_in_the_menu(gimp: Gimp) -> None:
    assert gimp.run("answer = True")
    profile = Profile(Kind.NATIVE, "", gimp.profile)
    program = profile.plug_ins / "impasto/impasto.py"
    assert "in its menu" in menu_entry(profile).detail

    # A newer one, which this GIMP has not seen.
    noted = program.stat()
    os.utime(program, (noted.st_atime, noted.st_mtime + 3600))
    try:
        assert "next start" in menu_entry(profile).detail
    finally:
        os.utime(program, (noted.st_atime, noted.st_mtime))
