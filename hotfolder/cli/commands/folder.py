"""`init`, `watch`, `run`: making a hot folder and serving it."""

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotfolder.cli.app import command
from hotfolder.cli.commands.page import page_address
from hotfolder.cli.console import by_reason, report
from hotfolder.cli.options import ConfigOption, DevicesOption, HotOption, HotsOption, hot_option
from hotfolder.cli.styles import fill_style_library
from hotfolder.cli.where import find_hot_folder, find_hot_folders, new_hot_folder, read_config
from hotfolder.config.page_address import DEFAULT_ADDRESS
from hotfolder.job_tag import JobTag

if TYPE_CHECKING:
    from hotfolder.cli.progress import ProgressView
    from hotfolder.config.model import Config

__all__ = ["init", "run", "watch"]

LogLevelOption = Annotated[
    str | None,
    typer.Option(
        "--log-level",
        metavar="LEVEL",
        help="The least to log: debug, info, warning or error.",
    ),
]
LogFormatOption = Annotated[
    str | None,
    typer.Option("--log-format", metavar="FORMAT", help="text, or json: an object a line."),
]
LogFileOption = Annotated[
    Path | None, typer.Option("--log-file", metavar="FILE", help="Log into this file, too.")
]

PageOption = Annotated[
    str | None,
    typer.Option(
        "--page",
        metavar="HOST:PORT",
        help=f"Serve a page for browsers, such as {DEFAULT_ADDRESS}. Else `page` of config.yaml.",
    ),
]

WaitOption = Annotated[
    bool,
    typer.Option("--wait", help="Wait for a hot folder that is not there yet, as on a late mount."),
]


@command("init", "impasto init --hot hot", "impasto init --hot hot --config config.yaml")
def init(
    hot: Annotated[Path | None, hot_option("The hot folder to make.")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="FILE", help="Write an annotated configuration here, too."
        ),
    ] = None,
) -> None:
    """Make a hot folder, with the paintings that come with Impasto in its style library.

    What is there already stays as it is.
    """
    from hotfolder.paths import FolderPaths

    hot = new_hot_folder(hot)
    folder = FolderPaths(hot)
    folder.create()
    fill_style_library(folder.styles)
    if config is not None:
        _write_config(config, folder.root)
    report(
        f"{folder.root} is ready.\n"
        f"  Serve it:   impasto watch --hot {hot}\n"
        f"  Paint:      copy NAME.content.jpg and NAME.style.jpg into {hot}/inbox,\n"
        f"              or: impasto submit PICTURE night --hot {hot}\n"
        f"  Results:    {hot}/outbox"
    )


@command(
    "watch",
    "impasto watch --hot hot",
    "impasto watch --hot hot --device cuda:0 --device cuda:1",
    "impasto watch --hot family --hot work",
    "impasto watch --hot hot --page 127.0.0.1:8321",
)
def watch(
    hots: HotsOption = None,
    config: ConfigOption = None,
    wait: WaitOption = False,
    device: DevicesOption = None,
    page: PageOption = None,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
) -> int:
    """Serve the hot folder, or several with the same workers: paint what is dropped there.

    Ctrl-C stops it; what was being painted is taken up again at the next start.
    """
    from hotfolder.config.page_address import PageAddress
    from hotfolder.page.process import PageProcess, page_command

    flags = _flags(device, log_level, log_format, log_file)
    roots = find_hot_folders(hots, config, wait=wait)
    place = page or read_config(config, **flags).page
    with contextlib.ExitStack() as pages:
        if place is not None:
            first = page_address(place)
            for number, root in enumerate(roots):
                address = PageAddress(first.host, first.port + number if first.port else 0)
                pages.enter_context(PageProcess(page_command(root, address)))
        return _serve(roots, config, flags, once=False, wait=wait)


@command("run", "impasto run --hot hot", "impasto run --hot hot || echo 'some jobs failed'")
def run(
    hot: HotOption = None,
    once: Annotated[
        bool, typer.Option("--once/--forever", help="End when nothing is left to do.")
    ] = True,
    config: ConfigOption = None,
    device: DevicesOption = None,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
) -> int:
    """Paint what is in the hot folder, then end.

    Exit code 10 if some of it failed or waits for something.
    """
    flags = _flags(device, log_level, log_format, log_file)
    return _serve([find_hot_folder(hot, config)], config, flags, once=once)


def _write_config(path: Path, root: Path) -> None:
    from hotfolder.config.model import annotated_yaml
    from hotfolder.errors import ConfigError

    text = annotated_yaml(hot_folder=str(root))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} is there already; it is left as it is.") from None


def _flags(
    device: list[str] | None, level: str | None, kind: str | None, file: Path | None
) -> dict[str, Any]:
    """The command line's layer of the configuration."""
    flags: dict[str, Any] = {"devices": device or None, "log_level": level, "log_format": kind}
    return flags | {"log_file": None if file is None else str(file.absolute())}


def _serve(
    roots: list[Path],
    config: Path | None,
    flags: dict[str, Any],
    *,
    once: bool,
    wait: bool = False,
) -> int:
    from hotfolder.cli.progress import Point, ProgressView
    from hotfolder.config.layers import read_configuration
    from hotfolder.config.reload import ConfigWatch
    from hotfolder.outbox.strays import listed
    from hotfolder.server.server import Server
    from plugin.client import Status

    def load() -> "Config":
        return read_config(config, **flags)

    read = load()
    log = logging.getLogger("hotfolder")
    waits: dict[str, str] = {}

    with ProgressView(plain=read.log_format == "json") as view:
        _log_to(view, read)

        def show(document: Any) -> None:
            known = {k: v for k, v in document.items() if k in Status.__dataclass_fields__}
            status = Status(**known)
            if status.state == "running":
                if view.live:
                    view.update(status.name, Point.of(status, status.message))
            else:
                view.end(status.name)
            known_already = status.message in ("arriving", waits.get(status.name))
            if status.state in ("waiting", "held") and not known_already:
                level = logging.WARNING if status.state == "held" else logging.INFO
                verb = "" if status.state == "held" else "waits: "
                log.log(level, "%s %s%s", JobTag(status.name), verb, status.message)
                waits[status.name] = status.message

        watch = ConfigWatch(read, load, read_configuration(config).files)
        ended = Server(watch, roots, once=once, wait=wait, on_event=show).run()
    left = f", {ended.waiting} left" if ended.waiting else ""
    report(f"{ended.done} done, {ended.failed} failed, {ended.cancelled} cancelled{left}.")
    if ended.strays:
        report(f"In the inbox, but part of no job: {by_reason(listed(ended.strays))}.")
    return int(ended.exit_code)


def _log_to(view: "ProgressView", config: "Config") -> None:
    """Log lines on stderr, above the bars if there are any."""
    from hotfolder.config.logs import TextFormatter, configure, formatter

    handler: logging.Handler
    if view.live:
        from rich.logging import RichHandler

        handler = RichHandler(
            console=view.console, show_path=False, markup=False, log_time_format="%H:%M:%S"
        )
        handler.setFormatter(TextFormatter("%(message)s"))
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(formatter(config.log_format))
    configure(config, handler)
