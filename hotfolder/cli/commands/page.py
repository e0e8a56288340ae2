"""`page`: the hot folder in a browser."""

from typing import Annotated

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import report
from hotfolder.cli.options import ConfigOption, HotOption
from hotfolder.cli.where import find_hot_folder, read_config
from hotfolder.config.page_address import DEFAULT_ADDRESS, PageAddress, parse_page_address
from hotfolder.errors import InputError

__all__ = ["page", "page_address"]


@command(
    "page",
    "impasto page --hot hot",
    "impasto page --hot hot --address 0.0.0.0:8321",
    "impasto page --hot hot --address 0.0.0.0:8321 --new-token",
)
def page(
    hot: HotOption = None,
    config: ConfigOption = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST:PORT",
            help=f"Where it is served. Else `page` of config.yaml, {DEFAULT_ADDRESS}.",
        ),
    ] = None,
    new_token: Annotated[
        bool,
        typer.Option("--new-token", help="Only make a new link for others; the old one is void."),
    ] = False,
    host_name: Annotated[
        list[str] | None,
        typer.Option("--host-name", metavar="NAME", help="A further name of it; may be repeated."),
    ] = None,
) -> None:
    """Show the hot folder in a browser, and work with it there.

    Also a folder that another machine serves. `watch --page` serves both at once.
    """
    from hotfolder.page.serving import new_link, serve_page
    from hotfolder.paths import FolderPaths

    place = page_address(address or read_config(config).page or DEFAULT_ADDRESS)
    root = find_hot_folder(hot, config)
    if not new_token:
        serve_page(FolderPaths(root), place, hosts=host_name or (), say=report)
    elif place.is_loopback:
        raise InputError(f"{place} needs no token: only this machine reaches it.")
    else:
        new_link(FolderPaths(root), place, report)


def page_address(text: str) -> PageAddress:
    """
    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return parse_page_address(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text}: expected {error}.") from None
