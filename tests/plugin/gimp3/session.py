"""A real GIMP, asked to do things: one process for many tests."""

import json
import os
import shutil
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hotfolder.cli.gimp import plug_in
from hotfolder.cli.gimp.plug_in import Facts

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

SCREENSHOTS = ROOT / "build" / "gimp-screenshots"
"""Not for git; continuous integration keeps them."""

PATIENCE = 180.0
"""Seconds, for what takes one on a quiet machine."""

GIMPRC = """\
(config-version "3.0.4")
(show-welcome-dialog no)
(check-updates no)
(color-profile-policy keep)
(metadata-rotation-policy keep)
(save-session-info no)
(restore-session yes)
"""


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true value of `condition`."""
    end = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {patience:g} s for {what}"
        time.sleep(0.03)
    return value


def install(folder: Path) -> None:
    """The plug-in as `impasto install-plugin` puts it there, for the hot folder /share/hot."""
    facts = Facts(Path("/share/hot"), ["/share/impasto"], "test")
    plug_in.install(folder / "plug-ins", facts)
    (folder / "gimprc").write_text(GIMPRC)


class Gimp:
    """GIMP in its root folder, with `share` at /share and `remote.py` running in it.

    Its profile is /share/NAME.
    """

    def __init__(self, share: Path, name: str, *command: str) -> None:
        self.share = share
        self.profile = share / name
        self.log = share / f"{name}.log"
        (self.profile / "remote").mkdir(parents=True)
        install(self.profile)
        for program in ("remote.py", "hands.py", "screen.sh"):
            shutil.copy(HERE / program, share)
        self._number = 0
        self._late: int | None = None
        variables = {"GIMP3_DIRECTORY": f"/share/{name}", "LANG": "C.UTF-8"}
        root = os.environ["IMPASTO_GIMP_ROOT"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    str(HERE / "enter.sh"),
                    root,
                    "env",
                    *(f"{key}={value}" for key, value in variables.items()),
                    *command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "SHARE": str(share)},
                start_new_session=True,
            )
        self.run("answer = Gimp.version()", patience=3 * PATIENCE)

    def start(self, code: str) -> int:
        """Let `code` run in GIMP, after what was started before; `finish` has its answer.

        What was given up goes on in GIMP: until it has ended, nothing else begins, or it would take
        the next test's time as well.
        """
        if self._late is not None:
            late, self._late = self._late, None
            until((self.profile / "remote" / f"{late}.json").exists, "what was given up", PATIENCE)
        number, self._number = self._number, self._number + 1
        draft = self.profile / "remote" / f"{number}.draft"
        draft.write_text(textwrap.dedent(code))
        draft.rename(draft.with_suffix(".py"))
        return number

    def finish(self, number: int, patience: float = PATIENCE) -> Any:
        """What the code left in `answer`."""
        reply = self.profile / "remote" / f"{number}.json"

        def ended() -> bool:
            assert self._process.poll() is None, f"GIMP has ended: {self.words()}"
            return reply.exists()

        try:
            until(ended, "GIMP's answer", patience)
        except AssertionError as error:
            self._late = number
            raise AssertionError(f"{error}\n{self.words()}") from None
        document = json.loads(reply.read_text())
        assert "error" not in document, document["error"]
        return document["answer"]

    def run(self, code: str, patience: float = PATIENCE) -> Any:
        """Let `code` run in GIMP; what it left in `answer`."""
        return self.finish(self.start(code), patience)

    def photograph(self, name: str, folder: Path) -> None:
        """Keep what the screen shows."""
        self.run(f"photograph({name!r})")
        folder.mkdir(parents=True, exist_ok=True)
        (self.share / f"{name}.png").replace(folder / f"{name}.png")

    def words(self) -> str:
        """The end of what GIMP printed."""
        return self.log.read_text(errors="replace")[-4000:]

    def close(self) -> None:
        # The process in the namespace ends with the one that unshared it.
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def console(share: Path) -> Gimp:
    """GIMP without a window, as scripts start it."""
    return Gimp(
        share,
        "console",
        "gimp-console",
        "--no-interface",
        "--quit",
        "--batch-interpreter=python-fu-eval",
        "--batch=exec(open('/share/remote.py').read())",
    )


def window(share: Path, name: str = "window", **variables: str) -> Gimp:
    """GIMP with its window, on a screen of its own, whose size `SCREEN` is WIDTHxHEIGHT."""
    settings = [f"{key}={value}" for key, value in variables.items()]
    session = Gimp(share, name, "env", *settings, "sh", "/share/screen.sh")
    session.run("exec(open('/share/hands.py').read())")
    return session
