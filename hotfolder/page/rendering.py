"""HTML from templates: what they can call, and the parts of a page that are sent as events."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine import __version__
from hotfolder.limits import MAX_MESSAGE, shortened
from hotfolder.near_misses import split_reason
from hotfolder.page.folder import curve
from hotfolder.page.folder.gallery import Gallery
from hotfolder.page.folder.snapshot import FolderReader, Snapshot
from hotfolder.page.folder.words import bytes_in_words, duration, moment, number, time_to_go
from plugin.client import Status
from plugin.client.protocol import parse_time

__all__ = ["PARTS", "STATIC", "Renderer"]

STATIC = Path(__file__).with_name("static")

PARTS = ("server", "now", "queue", "batches", "strays", "latest")
"""The parts of a page that change by themselves: templates `parts/NAME.html`."""

QUEUE_SHOWN = 50
"""Jobs of the queue that are listed; of the others the number."""

STATES = {
    "running": "Painting",
    "queued": "In the queue",
    "held": "Held",
    "waiting": "Waiting",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


class Renderer:
    """The templates of one hot folder's page."""

    def __init__(
        self,
        reader: FolderReader,
        gallery: Gallery,
        *,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._reader = reader
        self._now = now or (lambda: datetime.now().astimezone())
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "duration": duration,
            "bytes": bytes_in_words,
            "number": number,
            "moment": self._moment,
            "to_go": self._to_go,
            "segment": lambda text: quote(str(text), safe=""),
            "path": lambda text: quote(str(text), safe="/"),
            "query": lambda values: urlencode({k: v for k, v in values.items() if v}),
            "short": lambda text: shortened(str(text), MAX_MESSAGE),
            "split_reason": split_reason,
        }
        self._environment.globals |= {
            "version": __version__,
            "folder_name": reader.folder.root.name,
            "folder_path": str(reader.folder.root),
            "static": static_address,
            "STATES": STATES,
            "QUEUE_SHOWN": QUEUE_SHOWN,
            "CURVE": curve,
            "latest_paintings": gallery.latest,
        }

        # All of them now: an upgrade may replace the files of a page that runs.
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def page(self, template: str, **values: Any) -> str:
        """A whole page, or a fragment."""
        snapshot = self._reader.latest
        return self._environment.get_template(template).render(
            snap=snapshot, curves=self._reader.curves, **values
        )

    def parts(self) -> Mapping[str, Callable[[Snapshot], str]]:
        """What makes the HTML of each part."""
        return {part: functools.partial(self._part, part) for part in PARTS}

    def _part(self, part: str, snapshot: Snapshot) -> str:
        template = self._environment.get_template(f"parts/{part}.html")
        return template.render(snap=snapshot, curves=self._reader.curves)

    def _to_go(self, batch: Status) -> float | None:
        return time_to_go(batch.fraction, parse_time(batch.dropped), self._now())

    def _moment(self, time: datetime | str | None) -> str:
        """A time, or the text of one, as people write it."""
        parsed = parse_time(time) if isinstance(time, str) else time
        return "" if parsed is None else moment(parsed.astimezone(), self._now())


@functools.cache
def static_address(name: str) -> str:
    """The address of a file of the package; it changes with the file, so that it can be kept."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
