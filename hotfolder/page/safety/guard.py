"""The first to see a request: lets through what comes from the page itself and its visitors.

- Host: a name of this machine, or an IP address. Anything else is a stranger's name that leads
  here (DNS rebinding).
- Origin: what changes something comes from this page, not from another site in the same browser.
- Token: where more than this machine can reach the page, a cookie that the link has set.
- Sizes and rates: bodies are counted as they come, whatever their headers promise.

What is left: over plain HTTP whoever can listen on the network sees the token; on loopback every
user of this machine is let in.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hotfolder.config.page_address import PageAddress
from hotfolder.page.safety.rates import RateLimit
from hotfolder.page.safety.token import Token

__all__ = ["MAX_FORM_BYTES", "SECURITY_HEADERS", "BodyTooLargeError", "Guard", "visitor_of"]

MAX_FORM_BYTES = 64 * 1024
"""Of a request that carries no files."""

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:(?P<port>\d{1,5}))?")

_ENTRY = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Impasto</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="0;url=/">
<p>You are let in. <a href="/">Go on to the page.</a></p></html>"""

_NO_TOKEN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Impasto</title>
<meta name="viewport" content="width=device-width"><h1>This page needs its link</h1>
<p>Open the link that was shown when the page was first started, or put its token in here.
<code>impasto page --new-token</code> makes another, on the machine that serves the page and with
the same <code>--hot</code> and <code>--address</code>.</p>
<form method="get" action="/"><label>Token <input name="token" type="password" required
autocomplete="off"></label> <button>Go in</button></form></html>"""


class BodyTooLargeError(HTTPException):
    """The body of a request is larger than it may be."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"That is too large: at most {most:,} bytes are taken.")


class Guard:
    """ASGI middleware; what is refused never reaches `app`."""

    def __init__(
        self,
        app: ASGIApp,
        address: PageAddress,
        *,
        token: Token | None,
        max_upload: int,
        hosts: Iterable[str] = (),
        reads: RateLimit | None = None,
        writes: RateLimit | None = None,
    ) -> None:
        """
        Args:
            hosts: names besides this machine's own under which the page may be reached.
            max_upload: bytes of a request that carries files.
        """
        self._app = app
        self._address = address
        self._token = token
        self._max_upload = max_upload
        own = socket.gethostname().lower()
        self._hosts = {"localhost", address.host.lower(), *(name.lower() for name in hosts)}
        if not address.is_loopback:
            self._hosts |= {own, f"{own.partition('.')[0]}.local", socket.getfqdn().lower()}
        self._reads = reads or RateLimit(200, 2000)
        self._writes = writes or RateLimit(5, 60)
        self._guesses = RateLimit(0.2, 10)
        """Tokens that were wrong."""

    @property
    def cookie(self) -> str:
        """Cookies know no ports: each page has a name of its own."""
        return f"impasto-{self._address.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # No WebSocket is spoken here.
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        refusal = self._refusal(request)
        guarded = _with_headers(send)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        is_upload = request.headers.get("content-type", "").startswith("multipart/form-data")
        most = self._max_upload if is_upload else MAX_FORM_BYTES
        await self._app(scope, _counted(receive, most), guarded)

    def _refusal(self, request: Request) -> Response | None:
        """The answer to what is not let through."""
        headers, visitor = request.headers, visitor_of(request.scope)
        reads_only = request.method in ("GET", "HEAD")
        if not self._is_own_host(headers.get("host", "")):
            return _refuse(421, "This page is not served under that name (Host).")
        if wait := (self._reads if reads_only else self._writes).take(visitor):
            answer = _refuse(429, "Too many requests; try again in a moment.")
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        if request.method not in ("GET", "HEAD", "POST"):
            return _refuse(405, "Only GET, HEAD and POST.")
        if not self._comes_from_here(headers, reads_only):
            return _refuse(403, "This request comes from another site (Origin).")
        if (refusal := self._token_refusal(request, visitor)) is not None:
            return refusal
        length = headers.get("content-length", "0")
        most = self._max_upload
        if not length.isdecimal() or int(length) > most:
            return _refuse(413, BodyTooLargeError(most).detail)
        return None

    def _is_own_host(self, header: str) -> bool:
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        name, port = match["name"].lower().rstrip("."), int(match["port"] or 80)
        if name in self._hosts and name not in ("localhost", self._address.host.lower()):
            return True  # Perhaps a proxy's, with a port of its own.
        if port != self._address.port:
            return False
        if name in self._hosts:
            return True
        try:
            ip = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return ip.is_loopback or not self._address.is_loopback

    def _comes_from_here(self, headers: Headers, reads_only: bool) -> bool:
        site = headers.get("sec-fetch-site")
        if reads_only:
            # Another site may link here, and no more: no picture, script or stream of ours is its.
            navigates = headers.get("sec-fetch-mode") == "navigate"
            return site in (None, "same-origin", "none") or navigates
        origin = headers.get("origin")
        if origin is None:
            return site == "same-origin"
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc.lower() == headers["host"].lower()

    def _token_refusal(self, request: Request, visitor: str) -> Response | None:
        if self._token is None:
            return None
        if self._guesses.is_spent(visitor):
            return _refuse(429, "Too many wrong tokens; try again in a minute.")
        given = request.query_params.get("token")
        secret = given if given is not None else _cookie(request.headers, self.cookie)
        if secret and self._token.fits(secret):
            if given is None:
                return None
            # Not a redirect: after a link on another site it would not carry the new cookie.
            answer = HTMLResponse(_ENTRY)
            answer.set_cookie(
                self.cookie, secret, max_age=31_536_000, httponly=True, samesite="strict"
            )
            answer.headers["Cache-Control"] = "no-store"
            return answer
        if secret:
            self._guesses.take(visitor)
        return HTMLResponse(_NO_TOKEN, 401, {"Cache-Control": "no-store"})


def visitor_of(scope: Scope) -> str:
    """Whose rates count: the address that the connection comes from."""
    return scope["client"][0] if scope.get("client") else "local"


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _refuse(status: int, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", status, {"Connection": "close"})


def _counted(receive: Receive, most: int) -> Receive:
    taken = 0

    async def receive_counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise BodyTooLargeError(most)
        return message

    return receive_counted


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
