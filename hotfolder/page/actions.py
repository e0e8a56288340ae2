"""What the page does, all of it by POST, through the files of the hot folder."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hotfolder.errors import HotFolderError
from hotfolder.page.drops import MAX_FILES, add_styles, drop, read_drop
from hotfolder.page.folder import controls
from hotfolder.page.folder.bin import Deleted
from hotfolder.page.folder.gallery import Details
from hotfolder.page.site import Site, site_of
from hotfolder.page.views import drop_page
from plugin.client import ClientError

__all__ = ["act", "drop_pictures", "upload_styles"]

MAX_FIELDS = 200

Result = TypeVar("Result")


class Answer:
    """What was done, in words; with what was deleted, which can be put back."""

    def __init__(self, words: str, deleted: Deleted | None = None) -> None:
        self.words = words
        self.deleted = deleted


def _delete(site: Site, form: FormData) -> Answer:
    deleted = site.bin.delete(_text(form, "name"))
    return Answer(f"{deleted.name} is in the bin.", deleted)


def _restore(site: Site, form: FormData) -> Answer:
    return Answer(f"{site.bin.restore(_text(form, 'stamp'))} is back.")


def _empty_bin(site: Site, form: FormData) -> Answer:
    if _text(form, "sure") != "yes":
        return Answer("Nothing was removed: tick the box first.")
    return Answer(f"{site.bin.empty()} results are gone for good.")


def _retry(site: Site, form: FormData) -> Answer:
    return Answer(controls.retry(site.reader, [_text(form, "name")]))


def _retry_all(site: Site, form: FormData) -> Answer:
    return Answer(controls.retry(site.reader, controls.failed_names(site.reader)))


def _pause(site: Site, form: FormData) -> Answer:
    return Answer(controls.pause(site.reader, _text(form, "reason")))


def _resume(site: Site, form: FormData) -> Answer:
    return Answer(controls.resume(site.reader))


def _cancel_waiting(site: Site, form: FormData) -> Answer:
    return Answer(controls.cancel_waiting(site.reader))


_VERBS: dict[str, Callable[[Site, FormData], Answer]] = {
    "delete": _delete,
    "restore": _restore,
    "empty-bin": _empty_bin,
    "retry": _retry,
    "retry-all": _retry_all,
    "pause": _pause,
    "resume": _resume,
    "cancel-waiting": _cancel_waiting,
}


async def act(request: Request) -> Response:
    """One of the page's buttons."""
    site = site_of(request)
    verb = request.path_params["verb"]
    async with request.form(max_files=0, max_fields=20) as form:
        if verb in controls.JOB_CONTROLS:
            name = _text(form, "name")
            work = partial(controls.control, site.reader, verb, name)
            return await _answered(request, form, lambda: Answer(work()))
        if verb not in _VERBS:
            raise HTTPException(404)
        return await _answered(request, form, partial(_VERBS[verb], site, form))


async def drop_pictures(request: Request) -> Response:
    """The form for new paintings."""
    site = site_of(request)
    async with (
        site.uploads,
        request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS) as form,
    ):
        library = [style.name for style in await _in_thread(site.library)]
        like = await _in_thread(partial(_like, site, _text(form, "like")))

        def deliver() -> tuple[dict[str, str], list[str]]:
            try:
                site.reader.client.check()
            except ClientError as error:
                return {"content": str(error)}, []
            with read_drop(form, site.folder, like, library) as made:
                if made.errors:
                    return made.errors, []
                try:
                    return {}, drop(made, site.reader.client)
                except ClientError as error:
                    return {"content": str(error)}, []

        errors, names = await _in_thread(deliver)
        if names:
            await site.live.look()
        given = {key: value for key, value in form.multi_items() if isinstance(value, str)}
        chosen = [value for value in form.getlist("style") if isinstance(value, str)]
        status = 422 if errors else 200
        values = given if errors else {}
        return await drop_page(
            request,
            values=values,
            like=like,
            errors=errors,
            chosen=chosen,
            done=names,
            status=status,
        )


async def upload_styles(request: Request) -> Response:
    """New pictures of the style library."""
    site = site_of(request)
    async with site.uploads, request.form(max_files=MAX_FILES, max_fields=20) as form:

        def add() -> Answer:
            names = add_styles(form, site.folder)
            return Answer(
                f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} in the library."
            )

        return await _answered(request, form, add)


async def _answered(request: Request, form: FormData, work: Callable[[], Answer]) -> Response:
    """Do it, and say so: as a note for htmx, else by going back to where the button was."""
    site = site_of(request)
    failed = False
    try:
        answer = await _in_thread(work)
    except (HotFolderError, ClientError) as error:
        answer, failed = Answer(str(error)), True
    except OSError as error:
        answer, failed = Answer(f"That could not be done: {error.strerror or error}."), True
    await site.live.look()
    back = _text(form, "back")
    if request.headers.get("hx-request"):
        html = site.renderer.page(
            "parts/note.html",
            words=answer.words,
            failed=failed,
            deleted=answer.deleted,
            back=back,
            reload=bool(not failed and _text(form, "then")),
        )
        return HTMLResponse(html, 422 if failed else 200)
    if failed:
        html = site.renderer.page("said.html", words=answer.words, back=_local(back), path="")
        return HTMLResponse(html, 422)
    return RedirectResponse(_local(back), 303)


def _local(address: str) -> str:
    """An address of this page; its start for any other."""
    parts = urlsplit(address)
    plain = re.fullmatch(r"/[^\s\\]*", address) and not address.startswith("//")
    return address if plain and not parts.netloc and not parts.scheme else "/"


def _like(site: Site, name: str) -> Details | None:
    painting = site.gallery.painting(name) if name else None
    return None if painting is None else site.gallery.details(painting)


def _text(form: FormData, key: str) -> str:
    value = form.get(key, "")
    return value if isinstance(value, str) else ""


def _in_thread(work: Callable[[], Result]) -> Awaitable[Result]:
    return anyio.to_thread.run_sync(work)
