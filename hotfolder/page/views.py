"""The pages and pictures that are read: nothing here changes anything."""

import contextlib
import os
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse

from hotfolder import folder_access
from hotfolder.errors import HotFolderError
from hotfolder.page.drops import KEPT, REGIONS
from hotfolder.page.fields import GROUPS, MASKS, TEXTURE, form_values, groups
from hotfolder.page.folder.controls import failed_names
from hotfolder.page.folder.gallery import Details, Query
from hotfolder.page.pictures.places import content_of, picture_at
from hotfolder.page.pictures.thumbnails import SIDES
from hotfolder.page.rendering import PARTS, STATIC
from hotfolder.page.safety.guard import visitor_of
from hotfolder.page.site import Site, site_of
from hotfolder.yaml_document import parse_document
from plugin.client.protocol import OUTBOX, PREVIEW_SUFFIX

__all__ = [
    "batch",
    "drop_form",
    "drop_page",
    "events",
    "failed",
    "gallery",
    "icon",
    "job_picture",
    "now",
    "original",
    "painting",
    "preview",
    "recycled",
    "static_file",
    "styles",
    "thumbnail",
]

MAX_ERROR_BYTES = 40_000
MAX_SUMMARY_BYTES = 1 << 18
FAILED_SHOWN = 60
STREAM_TYPE = "text/event-stream"
CHUNK = 1 << 18

_ROWS = [f"region{number}" for number in range(1, REGIONS + 1)]
OTHER_FIELDS = {*KEPT, *_ROWS, *(f"{row}_style" for row in _ROWS), *GROUPS[MASKS]}
"""Of the form's part for masks, regions and palettes."""

Result = TypeVar("Result")

_SHOWN_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
"""Of originals that a browser shows; all others are handed out to be kept."""


async def _in_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    return await anyio.to_thread.run_sync(partial(function, *arguments))


async def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    render = partial(site_of(request).renderer.page, template, path=request.url.path, **values)
    return HTMLResponse(await _in_thread(render), status)


async def now(request: Request) -> Response:
    return await page(request, "now.html")


async def gallery(request: Request) -> Response:
    site = site_of(request)
    given = {
        key: request.query_params.get(key, "").strip()[:200]
        for key in ("q", "style", "setting", "since", "until")
    }
    query = Query(
        given["q"], given["style"], given["setting"], _day(given["since"]), _day(given["until"])
    )
    shelf = await _in_thread(site.gallery.shelf, query, request.query_params.get("after", ""))
    template = "gallery.html"
    if request.headers.get("hx-request") and request.query_params.get("after"):
        template = "parts/shelf.html"
    library = await _in_thread(site.library) if template == "gallery.html" else []
    return await page(
        request, template, shelf=shelf, given=given, library=library, searched=bool(query)
    )


async def painting(request: Request) -> Response:
    details = await _details_of(request, request.path_params["name"])
    return await page(request, "painting.html", details=details)


async def failed(request: Request) -> Response:
    site = site_of(request)
    names = await _in_thread(failed_names, site.reader)
    shown = [(name, await _in_thread(_error_of, site, name)) for name in names[:FAILED_SHOWN]]
    return await page(request, "failed.html", shown=shown, total=len(names))


async def batch(request: Request) -> Response:
    site = site_of(request)
    name = request.path_params["name"]
    snapshot = site.reader.latest
    live = next((each for each in snapshot.batches if each.name == name), None)
    ended = (snapshot.ended or {}).get(name)
    if live is None and (ended is None or not ended.is_batch):
        raise HTTPException(404, f"There is no batch called {name}.")
    summary = await _in_thread(_summary_of, site, ended.record) if ended else {}
    jobs = snapshot.jobs_of(name)
    return await page(
        request,
        "batch.html",
        name=name,
        live=live,
        ended=ended,
        summary=summary,
        jobs=jobs[:500],
        total=len(jobs),
    )


async def drop_form(request: Request) -> Response:
    values: dict[str, str] = {}
    like = None
    if name := request.query_params.get("like"):
        like = await _details_of(request, name)
        if request.query_params.get("settings"):
            values = form_values(like.settings)
    return await drop_page(request, values=values, like=like)


async def drop_page(
    request: Request,
    *,
    values: dict[str, str],
    like: Details | None,
    status: int = 200,
    errors: dict[str, str] | None = None,
    chosen: list[str] | None = None,
    done: list[str] | None = None,
) -> Response:
    """The form, as somebody has filled it in."""
    library = await _in_thread(site_of(request).library)
    if chosen is None:
        chosen = [name for name in (request.query_params.get("style"),) if name]
        if like is None and not chosen and len(library) == 1:
            chosen = [library[0].name]
    kept = _kept(like) if like else {}
    values = {key: value for key, value in values.items() if value}
    return await page(
        request,
        "drop.html",
        status,
        groups=groups(),
        texture=TEXTURE,
        masks=MASKS,
        values=values,
        like=like,
        kept=kept,
        regions=REGIONS,
        others_open=bool(kept or OTHER_FIELDS & {*(errors or ()), *values}),
        errors=errors or {},
        chosen=chosen,
        library=library,
        done=done,
        keep=request.query_params.get("keep", ""),
    )


def _kept(like: Details) -> dict[str, list[str]]:
    """The file names of a painting's other pictures that are all there, by what the form calls
    them."""
    kept = {}
    for field, keys in KEPT.items():
        pictures = [each for key in keys for each in like.others.get(key, ())]
        if pictures and all(place for _, place in pictures):
            kept[field] = [name for name, _ in pictures]
    return kept


async def styles(request: Request) -> Response:
    return await page(request, "styles.html", library=await _in_thread(site_of(request).library))


async def recycled(request: Request) -> Response:
    return await page(request, "bin.html", items=await _in_thread(site_of(request).bin.items))


async def events(request: Request) -> Response:
    site = site_of(request)
    visitor = visitor_of(request.scope)
    if not site.streams.has_room(visitor):
        raise HTTPException(503, "Too many pages are open; this one is not kept up to date.")
    wanted = [part for part in PARTS if part in request.query_params.get("parts", "").split(",")]

    async def stream() -> Any:
        with site.streams.one(visitor):
            async with contextlib.aclosing(site.live.stream(wanted)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    yield chunk

    return StreamingResponse(stream(), media_type=STREAM_TYPE, headers={"X-Accel-Buffering": "no"})


async def thumbnail(request: Request) -> Response:
    side = SIDES.get(request.path_params["side"])
    path = picture_at(site_of(request).folder, request.path_params["below"])
    if side is None or path is None:
        raise HTTPException(404)
    return await _thumbnail(request, path, side)


async def job_picture(request: Request) -> Response:
    """The picture that a live job is to paint."""
    site = site_of(request)
    job = site.reader.latest.job(request.path_params["name"])
    if job is None:
        raise HTTPException(404)
    path = await _in_thread(content_of, site.folder, job)
    with contextlib.suppress(HTTPException):
        if path is not None:
            return await _thumbnail(request, path, SIDES["small"])
    return _blank()  # It may just be on its way into the spool.


async def preview(request: Request) -> Response:
    """How far a job is, as the server shows it."""
    site = site_of(request)
    job = site.reader.latest.job(request.path_params["name"])
    if job is None:
        raise HTTPException(404)
    path = site.folder.status / f"{job.name}{PREVIEW_SUFFIX}"
    return await _file(path, "image/jpeg", kept="v" in request.query_params)


async def original(request: Request) -> Response:
    """A result or an original, as it is."""
    path = picture_at(site_of(request).folder, request.path_params["below"])
    if path is None:
        raise HTTPException(404)
    return await _file(path, _SHOWN_TYPES.get(path.suffix.lower()), kept=False)


async def static_file(request: Request) -> Response:
    name = request.path_params["name"]
    if not re.fullmatch(r"[a-z]+(\.min)?\.(css|js|svg)", name) or not (STATIC / name).is_file():
        raise HTTPException(404)
    kept = "public, max-age=31536000, immutable" if "v" in request.query_params else "no-cache"
    return FileResponse(STATIC / name, headers={"Cache-Control": kept})


async def icon(request: Request) -> Response:
    """Where browsers look for it on a page that names none, such as the one without a token."""
    return FileResponse(STATIC / "icon.svg", headers={"Cache-Control": "max-age=86400"})


async def _details_of(request: Request, name: str) -> Details:
    site = site_of(request)
    found = await _in_thread(site.gallery.painting, name)
    if found is None:
        raise HTTPException(404, f"There is no {OUTBOX}/{name}. It may have been taken away.")
    return await _in_thread(site.gallery.details, found)


async def _thumbnail(request: Request, path: Path, side: int) -> Response:
    try:
        made = await site_of(request).thumbnails.of(path, side)
    except OSError:
        raise HTTPException(404) from None
    if made is None:
        return _blank()
    return await _file(made, "image/webp", kept="v" in request.query_params)


def _blank() -> Response:
    """In the place of a picture that cannot be shown."""
    return FileResponse(
        STATIC / "none.svg", media_type="image/svg+xml", headers={"Cache-Control": "no-store"}
    )


async def _file(path: Path, media_type: str | None, *, kept: bool) -> Response:
    """A file of the hot folder or of the cache, no link followed."""
    try:
        file = await _in_thread(folder_access.open_regular, path)
    except OSError:
        raise HTTPException(404) from None
    size = file.seek(0, os.SEEK_END)
    file.seek(0)

    async def chunks() -> Any:
        with file:
            while data := await _in_thread(file.read, CHUNK):
                yield data

    headers = {
        "Content-Length": str(size),
        # Whatever a stranger has put into the folder: nothing in it is run.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=31536000, immutable" if kept else "private, no-cache",
    }
    if media_type is None:
        media_type = "application/octet-stream"
        headers["Content-Disposition"] = "attachment"
    return StreamingResponse(chunks(), media_type=media_type, headers=headers)


def _day(text: str) -> date | None:
    with contextlib.suppress(ValueError):
        return date.fromisoformat(text)
    return None


def _error_of(site: Site, name: str) -> tuple[str, list[str]]:
    """The text of `error.txt` of a failed job, and the pictures beside it."""
    folder = site.folder.failed / name
    text = ""
    with contextlib.suppress(OSError), folder_access.open_regular(folder / "error.txt") as file:
        text = file.read(MAX_ERROR_BYTES).decode("utf-8", errors="replace")
    with contextlib.suppress(OSError):
        pictures = (f"failed/{name}/{file}" for file in sorted(folder_access.names(folder)))
        return text, [p for p in pictures if picture_at(site.folder, p) is not None][:8]
    return text, []


def _summary_of(site: Site, record: str | None) -> Any:
    """The summary of a batch that has ended; empty if it cannot be read."""
    place, _, name = (record or "").partition("/")
    if place != OUTBOX or "/" in name or not name:
        return {}
    path = site.folder.outbox / name
    with contextlib.suppress(OSError, HotFolderError), folder_access.open_regular(path) as file:
        return parse_document(file.read(MAX_SUMMARY_BYTES), name).values
    return {}
