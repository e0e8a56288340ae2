"""The page as an ASGI application: which address leads where."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from hotfolder.page import actions, views
from hotfolder.page.site import Site

__all__ = ["application"]

log = logging.getLogger(__name__)

UNFORESEEN = "Something unforeseen went wrong here. The page's log says what."

HOUSEKEEPING_SECONDS = 20.0

ROUTES = [
    Route("/", views.now),
    Route("/gallery", views.gallery),
    Route("/gallery/{name}", views.painting),
    Route("/failed", views.failed),
    Route("/batch/{name}", views.batch),
    Route("/drop", views.drop_form),
    Route("/styles", views.styles),
    Route("/bin", views.recycled),
    Route("/events", views.events),
    Route("/static/{name}", views.static_file),
    Route("/favicon.ico", views.icon),
    Route("/thumb/{side}/{below:path}", views.thumbnail),
    Route("/job/{name}", views.job_picture),
    Route("/preview/{name}", views.preview),
    Route("/original/{below:path}", views.original),
    Route("/do/{verb}", actions.act, methods=["POST"]),
    Route("/drop", actions.drop_pictures, methods=["POST"]),
    Route("/styles", actions.upload_styles, methods=["POST"]),
]


def application(site: Site) -> Starlette:
    """The page of a hot folder; what goes before it is `safety.guard`."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(site.live.run()), asyncio.create_task(_keep_house(site))]
        try:
            yield
        finally:
            site.live.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await site.thumbnails.close()

    async def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        words = error.detail if isinstance(error, HTTPException) else ""
        words = words if status != 404 or words != "Not Found" else "There is nothing here."
        html = site.renderer.page("said.html", words=words or UNFORESEEN, back="/", path="")
        return HTMLResponse(html, status)

    app = Starlette(
        routes=ROUTES, lifespan=lifespan, exception_handlers={HTTPException: refused, 500: refused}
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)
    app.state.site = site
    return app


async def _keep_house(site: Site) -> None:
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        await site.thumbnails.end_when_idle()
