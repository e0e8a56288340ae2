"""What the page of one hot folder holds while it is served. Nothing of it outlives the process."""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request

from hotfolder.page.folder.bin import Bin
from hotfolder.page.folder.gallery import Gallery
from hotfolder.page.folder.snapshot import FolderReader
from hotfolder.page.live import Live
from hotfolder.page.pictures.thumbnails import Thumbnails
from hotfolder.page.rendering import Renderer
from hotfolder.page.safety.rates import OpenStreams
from hotfolder.paths import FolderPaths
from plugin.client import FolderMissing, Style

__all__ = ["Site", "new_site", "site_of"]

MAX_STREAMS = 500
MAX_STREAMS_EACH = 300
"""Open pages, of all visitors and of one address."""

MAX_UPLOADS = 3


@dataclass(frozen=True)
class Site:
    folder: FolderPaths
    reader: FolderReader
    gallery: Gallery
    bin: Bin
    thumbnails: Thumbnails
    renderer: Renderer
    live: Live
    streams: OpenStreams
    uploads: asyncio.Semaphore
    """Requests with files that are taken at once."""

    def library(self) -> list[Style]:
        """The styles that there are."""
        try:
            return self.reader.client.styles()
        except FolderMissing:
            return []


def new_site(folder: FolderPaths) -> Site:
    """The page of a hot folder, before anybody has looked at it."""
    reader = FolderReader(folder)
    gallery = Gallery(folder)
    renderer = Renderer(reader, gallery)
    return Site(
        folder,
        reader,
        gallery,
        Bin(folder, gallery),
        Thumbnails(folder.root),
        renderer,
        Live(reader, renderer.parts()),
        OpenStreams(MAX_STREAMS, MAX_STREAMS_EACH),
        asyncio.Semaphore(MAX_UPLOADS),
    )


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site
