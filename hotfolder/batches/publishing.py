"""How a batch ends: contact sheet and summary into the outbox, the originals to where they stay.

Each step can be repeated: names are chosen and noted in the batch's `state.json` before they are
used, so that after a crash the same names are used again.
"""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from hotfolder.atomic_files import publish_all, write_whole
from hotfolder.batches.results.summary import SHEET, SUMMARY, columns_of, summary_text
from hotfolder.batches.store import Batch
from hotfolder.config.model import Config
from hotfolder.file_names import free_name_in
from hotfolder.folder_access import exists, open_regular
from hotfolder.job import now
from hotfolder.job_tag import JobTag
from hotfolder.outbox.originals import move_originals, originals_parent
from hotfolder.paths import FolderPaths
from hotfolder.platforms import system
from hotfolder.workers.worker_process import child_environment

__all__ = ["BatchPublisher"]

log = logging.getLogger(__name__)

SHEET_SECONDS = 600.0
"""The contact sheet is given up after that; the summary comes without it."""


class BatchPublisher:
    """Publishes the ends of batches of one hot folder."""

    def __init__(self, folder: FolderPaths, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._sheets: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        """Processes that make contact sheets, by the batch's name, and until when they may."""

    def publish(self, batch: Batch, config: Config) -> dict[str, str | None] | None:
        """Publish a batch all of whose items have ended; call it again until all is published.

        Returns:
            `result`, `record` and `folder` for the status; None while the contact sheet is made.

        Raises:
            OSError: something cannot be written; call it again later.
        """
        if not self._sheet_is_made(batch):
            return None
        if "finished" not in batch.state:
            batch.note(finished=now())
        finished = str(batch.state["finished"])
        text = summary_text(
            [
                # An item has no end if the batch was cancelled before it had its turn.
                (item, batch.ends.get(number, {"state": "cancelled"}))
                for number, item in enumerate(batch.plan.items)
            ],
            started=str(batch.state.get("started", finished)),
            finished=finished,
            left_out=batch.plan.left_out,
        )
        write_whole(batch.folder / SUMMARY, text.encode())
        files = [each for each in (SHEET, SUMMARY) if exists(batch.folder / each)]
        targets = self._place(batch, files, config)
        self._put_away_originals(batch, config)
        return {
            "result": targets.get(SHEET),
            "record": targets[SUMMARY],
            "folder": batch.state["folder"],
        }

    def close(self) -> None:
        """End the processes that make contact sheets."""
        for process, _ in self._sheets.values():
            process.kill()
            process.wait()
        self._sheets.clear()

    def _sheet_is_made(self, batch: Batch) -> bool:
        """Have a child make the contact sheet; True when it has, or when there will be none."""
        name = batch.plan.name
        if name not in self._sheets:
            pictures = [self._picture(end) for end in batch.ends.values()]
            if exists(batch.folder / SHEET) or not any(pictures):
                return True
            self._sheets[name] = (self._start_sheet(batch), self._clock() + SHEET_SECONDS)
        process, until = self._sheets[name]
        if process.poll() is None and self._clock() < until:
            return False
        if process.poll() != 0:
            log.error("%s no contact sheet could be made (%s)", JobTag(name), process.poll())
            process.kill()
        process.wait()
        del self._sheets[name]
        return True

    def _start_sheet(self, batch: Batch) -> "subprocess.Popen[bytes]":
        items = batch.plan.items
        cells = [
            (self._picture(batch.ends.get(number, {})), item.name)
            for number, item in enumerate(items)
        ]
        path = batch.folder / "cells.json"
        write_whole(path, json.dumps(cells).encode(), durable=False)
        command = [sys.executable, "-P", "-m", "hotfolder.batches.results.contact_sheet"]
        with open_regular(path) as stdin:
            return subprocess.Popen(
                [*command, str(batch.folder / SHEET), str(columns_of(items))],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=child_environment(),
                start_new_session=True,
                creationflags=system.background_flags,
            )

    def _picture(self, end: Mapping[str, Any]) -> str | None:
        return str(self._folder.absolute(end["picture"])) if end.get("picture") else None

    def _place(self, batch: Batch, files: list[str], config: Config) -> dict[str, str]:
        """Publish `files`, the summary last. Returns their paths below the hot folder."""
        outbox, name = self._folder.outbox, batch.plan.name
        while True:
            if batch.state.get("published") is None:
                free = free_name_in(outbox, name, [f".{each}" for each in (SHEET, SUMMARY)])
                batch.note(published=name if config.overwrite else free)
            targets = {each: outbox / f"{batch.state['published']}.{each}" for each in files}
            deliveries = [(batch.folder / each, target) for each, target in targets.items()]
            if publish_all(deliveries, overwrite=config.overwrite):
                return {each: self._folder.relative(target) for each, target in targets.items()}
            batch.note(published=None)  # Another program took a name after it had been chosen.

    def _put_away_originals(self, batch: Batch, config: Config) -> None:
        if "folder" not in batch.state:
            batch.note(folder=self._originals_folder(batch, config))
        if batch.state["folder"] is None:
            return  # They go with the batch's folder.
        moves = [
            (batch.inputs / each.target, each.target) for each in batch.moves if not each.shared
        ]
        move_originals(self._folder, self._folder.absolute(batch.state["folder"]), moves)

    def _originals_folder(self, batch: Batch, config: Config) -> str | None:
        finished = str(batch.state["finished"])
        parent = originals_parent(self._folder, config, finished, cancelled=batch.cancelled)
        if parent is None:
            return None
        return self._folder.relative(parent / free_name_in(parent, batch.plan.name))
