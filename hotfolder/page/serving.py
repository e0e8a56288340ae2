"""Serves the page of one hot folder: the address, the link with the token, and the end in order."""

import ipaddress
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence

import uvicorn

from hotfolder.config.page_address import PageAddress
from hotfolder.errors import FolderError
from hotfolder.page.app import application
from hotfolder.page.safety.guard import Guard
from hotfolder.page.safety.token import Token, token_file
from hotfolder.page.site import new_site
from hotfolder.paths import FolderPaths

__all__ = ["MAX_UPLOAD", "new_link", "serve_page"]

log = logging.getLogger(__name__)

MAX_UPLOAD = 1 << 30
"""Bytes of one request that carries pictures."""

MAX_CONNECTIONS = 1000

CLOSING_SECONDS = 3
"""For requests that are under way when the page ends."""


def serve_page(
    folder: FolderPaths,
    address: PageAddress,
    *,
    hosts: Sequence[str] = (),
    say: Callable[[str], None],
    with_parent: bool = False,
) -> None:
    """Serve it until a signal to stop, or, `with_parent`, until standard input ends.

    Args:
        hosts: names besides the machine's own under which the page may be reached.
        say: tells a person.

    Raises:
        FolderError: the address cannot be had, or the token cannot be kept.
    """
    listening = _bound(address)
    address = PageAddress(address.host, listening.getsockname()[1])
    token = _token(folder, address, say)
    guard = Guard(
        application(new_site(folder)), address, token=token, max_upload=MAX_UPLOAD, hosts=hosts
    )
    config = uvicorn.Config(
        guard,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=CLOSING_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    server = uvicorn.Server(config)
    if with_parent:
        threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    server.run(sockets=[listening])


def new_link(folder: FolderPaths, address: PageAddress, say: Callable[[str], None]) -> None:
    """Make another token; the one before is void at once, also for a page that runs.

    Raises:
        FolderError: it cannot be kept.
    """
    file = token_file(folder.root)
    try:
        secret = Token.new(file)
    except OSError as error:
        raise FolderError(f"{file}: the token cannot be kept: {error.strerror}.") from None
    say(
        f"The page of {folder.root}, for whoever has this link (it is shown once):\n"
        f"  http://{_reachable(address)}/?token={secret}\n"
        "Other machines can reach it. What it shows and takes goes over the network unencrypted: "
        "in a network that you do not trust, put a proxy with TLS before it."
    )


def _bound(address: PageAddress) -> socket.socket:
    """
    Raises:
        FolderError: in words.
    """
    try:
        infos = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, place = infos[0]
        listening = socket.socket(family, kind, protocol)
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(512)
    except OSError as error:
        raise FolderError(
            f"The page cannot be served at {address}: {error.strerror or error}. "
            "Another program may have that port: choose another one."
        ) from None
    return listening


def _token(folder: FolderPaths, address: PageAddress, say: Callable[[str], None]) -> Token | None:
    """The token that the address needs, if it does; tells what a person has to know."""
    if address.is_loopback:
        say(f"The page of {folder.root}: http://{address}/")
        return None
    token = Token(token_file(folder.root))
    if not token.is_there():
        new_link(folder, address, say)
    else:
        say(
            f"The page of {folder.root}: http://{_reachable(address)}/, for whoever has its link "
            f"(`impasto page --hot {folder.root} --address {address} --new-token` makes another)."
        )
    return token


def _reachable(address: PageAddress) -> str:
    """The address as others write it: this machine's name for all of its addresses."""
    try:
        anything = ipaddress.ip_address(address.host).is_unspecified
    except ValueError:
        anything = False
    return str(PageAddress(socket.gethostname(), address.port) if anything else address)


def _end_with_parent(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True
