"""A hot folder with its server and its page, and a person who looks at it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
from playwright.sync_api import Browser, ConsoleMessage, Page

from hotfolder.paths import FolderPaths

PATIENCE = 60.0
"""Seconds, on a machine with a lot to do."""

CONFIG = """\
settle_seconds: 0.2
threads: 1
settings: {size: 64, scales: 1, steps: 4}
"""

SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push([
    entry.value, ...entry.sources.map(({node, previousRect, currentRect}) =>
      `${node?.className || node?.nodeName}: ${previousRect.y} -> ${currentRect.y}`)]);
}).observe({type: "layout-shift", buffered: true});
"""
"""Notes how far things have jumped, as browsers measure it (cumulative layout shift)."""


class Studio:
    """`impasto watch --page` on a hot folder with two styles."""

    def __init__(self, place: Path, photograph: Path, painting: Path) -> None:
        self.photograph = photograph
        self.painting = painting
        self.folder = FolderPaths(place / "hot")
        self._config = place / "config.yaml"
        self._config.write_text(CONFIG)
        self._log = place / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"
        self._server: subprocess.Popen[bytes] | None = None
        self._impasto("init", "--hot", str(self.folder.root)).wait(60)

    def start(self) -> None:
        self._server = self._impasto(
            *("watch", "--hot", str(self.folder.root), "--config", str(self._config)),
            *("--device", "cpu", "--page", f"127.0.0.1:{self.port}"),
        )
        self.until(self.answers, "the page answers")

    def stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGTERM)
            self._server.wait(60)
            self._server = None

    def end_page(self) -> None:
        """Kill the page's process; the server starts another."""
        assert self._server is not None
        for child in psutil.Process(self._server.pid).children():
            if "hotfolder.page" in child.cmdline():
                child.kill()

    def answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.address, trust_env=False).status_code == 200
        return False

    def until(self, condition: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {self._log.read_text()[-2000:]}"
            time.sleep(0.1)

    def _impasto(self, *arguments: str) -> "subprocess.Popen[bytes]":
        program = "import sys; from hotfolder.cli.main import main; sys.exit(main())"
        with self._log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=log)


class Eyes:
    """A window of the browser."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        *,
        width: int = 1280,
        height: int = 860,
        dark: bool = False,
        script: bool = True,
    ) -> None:
        self._context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        self._context.set_default_timeout(PATIENCE * 1000)
        self._context.add_init_script(SHIFTS)
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("dialog", lambda dialog: dialog.accept())

    def close(self, *, quietly: bool = False) -> None:
        self._context.close()
        assert quietly or not self.complaints, self.complaints

    def keep(self, name: str) -> None:
        """A screenshot, if somebody wants to look at it."""
        if place := os.environ.get("IMPASTO_SCREENSHOTS"):
            self.page.screenshot(path=f"{place}/{name}.png")

    def shifts(self) -> list[list[Any]]:
        """Each jump: how far, and what moved from where to where."""
        found: list[list[Any]] = self.page.evaluate("window.shifts")
        return found

    def drop(self, content: Path, style: str, **settings: str) -> str:
        """Fill in the form; the job's name."""
        self.page.goto("/drop")
        self.page.set_input_files("input[name=content]", content)
        self.page.get_by_label(style, exact=True).check()
        self.page.get_by_text("The work", exact=True).click()
        for name, value in settings.items():
            self.page.fill(f"[name={name}]", value)
        self.page.get_by_role("button", name="Paint").click()
        words = self.page.locator(".notice.good").inner_text()
        name = re.match(r"(\S+) is in the inbox", words)
        assert name is not None, words
        return name[1]

    def _note(self, message: ConsoleMessage) -> None:
        # A page that is not there while its server restarts is what the test is about; and a job
        # may end between the news of it and the request for its picture.
        expected = "ERR_" in message.text or re.search("/(job|preview)/", message.location["url"])
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(message.text)


@contextlib.contextmanager
def looking(browser: Browser, address: str, **how: Any) -> Iterator[Eyes]:
    """Another window."""
    eyes = Eyes(browser, address, **how)
    try:
        yield eyes
    finally:
        eyes.close()
