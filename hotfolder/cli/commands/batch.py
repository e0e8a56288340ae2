"""`batch`: many pictures, many styles, nobody watching."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import __version__
from engine.errors import Problem
from hotfolder.cli.app import command
from hotfolder.cli.batches.serving import OWN_FOLDER, server_of, serving, workers_of
from hotfolder.cli.console import by_reason, clock_time, report
from hotfolder.cli.input_files import check_files
from hotfolder.cli.options import (
    ConfigOption,
    DevicesOption,
    MaskOption,
    PaletteOption,
    SecondsOption,
    SetOption,
    SizeOption,
    StrengthOption,
    TextureOption,
    TileOption,
    hot_option,
)
from hotfolder.cli.request.subject import asked_of
from hotfolder.cli.styles import OWN_STYLES, find_style
from hotfolder.cli.where import read_config
from hotfolder.errors import ExitCode, FolderError
from hotfolder.paths import expand_home

if TYPE_CHECKING:
    from hotfolder.batches.contents import Contents
    from hotfolder.batches.deadline import Deadline
    from hotfolder.batches.expansion import Item
    from hotfolder.batches.finished_work import FinishedWork
    from hotfolder.batches.other_pictures import OtherPictures
    from plugin.client import Client

__all__ = ["batch"]


@command(
    "batch",
    "impasto batch photos --style night --style evening --out painted",
    "impasto batch 'photos/*.jpg' cat.png -S wave.jpg --preset preview --dry-run",
    "impasto batch photos -S night -p preview -p standard || echo 'some failed'",
    "impasto batch photos -S night --finish-by 08:00",
    "impasto batch photos -S night --list tasks.txt && parallel < tasks.txt",
    "impasto batch photos -S night --collect",
    "impasto batch --texture styles 'scans/*.jpg' mosaic --size 1024 --tile",
)
def batch(
    contents: Annotated[
        list[str] | None,
        typer.Argument(metavar="CONTENTS...", help="Pictures, folders of them, or patterns."),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(
            "--style",
            "-S",
            metavar="STYLE",
            help="A painting: a file, or a name of the style library; may be repeated. A+B blends.",
        ),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", "-p", help="A named recipe; with several, each is painted."),
    ] = None,
    assignments: SetOption = None,
    size: SizeOption = None,
    strength: StrengthOption = None,
    seconds: SecondsOption = None,
    palette: PaletteOption = None,
    mask: MaskOption = None,
    texture: TextureOption = False,
    tile: TileOption = False,
    within: Annotated[
        str | None,
        typer.Option(
            "--within", metavar="TIME", help="Divide so much time over the pictures: 6h, 1h30m."
        ),
    ] = None,
    finish_by: Annotated[
        str | None,
        typer.Option(
            "--finish-by", metavar="TIME", help="The same, until 08:00, or a date and a time."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the results go.")
    ] = Path("painted"),
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="What results are called: '{content}-{style}-{size}'."
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look into the folders in folders.")
    ] = False,
    flat: Annotated[
        bool,
        typer.Option(
            "--flat", help="All results into DIR itself, not into folders as the contents."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be painted.")
    ] = False,
    task_list: Annotated[
        Path | None,
        typer.Option(
            "--list",
            metavar="FILE",
            help="Write a command line for each picture, for the queue of a farm; - is stdout.",
        ),
    ] = None,
    collect: Annotated[
        bool,
        typer.Option("--collect", help="Only the summary of what is in DIR, and what is missing."),
    ] = False,
    hot: Annotated[Path | None, hot_option("Hand the work to this hot folder's server.")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Paint here, even if a server runs.")
    ] = False,
    config: ConfigOption = None,
    device: DevicesOption = None,
) -> int:
    """Paint every picture in every style.

    A server that runs is used; else it is painted here. What DIR has already is not painted again:
    stop it, change the lists, and run it again as you like. Exit code 10 if some failed. With
    --list others paint it, one command line a picture (docs/farm.md). cat.mask.png beside cat.jpg
    says where it is painted, cat.mask1.png and cat.mask2.png where in each style of A+B,
    cat.labels.png in which of its labels, cat.palette.png in whose colours (docs/batches.md). With
    --texture CONTENTS are styles, or names of the style library, each painted alone.
    """
    from hotfolder.batches.contents import find_contents
    from hotfolder.batches.expansion import expand, variants_of
    from hotfolder.batches.finished_work import FinishedWork
    from hotfolder.outbox.strays import listed

    read = read_config(config, devices=device or None, name=name)
    farm = task_list is not None or collect
    client = server_of(hot, config, here=here) if not farm or hot is not None else None
    libraries = [*([client.root / "styles"] if client else []), OWN_STYLES]
    blends = [tuple(_styles_of(given, libraries)) for given in style or ()]
    presets: list[str | None] = [*preset] if preset else [None]
    common = _common_pictures(palette, mask, libraries)
    layers = [
        {
            **asked_of(
                name,
                assignments,
                size,
                texture=texture,
                tile=tile,
                strength=strength,
                seconds=seconds,
            ),
            **common.layer(),
        }
        for name in presets
    ]
    deadline = _deadline_of(within, finish_by)
    if texture:
        found, alone = _styles_to_paint(contents or [], libraries, recursive=recursive, but=out)
        blends = [*alone, *blends]
    else:
        found = find_contents(contents or [], recursive=recursive, but=out)
        found.check_beside(blends)
    if not blends or not (texture or found.pictures):
        what = "a style, such as `night`" if texture else "CONTENTS, and a --style for them"
        raise typer.BadParameter(f"name {what}.")
    folders = {} if flat else found.pictures
    variants = variants_of(layers, read.settings)
    items = list(
        expand(
            None if texture else list(found.pictures),
            blends,
            variants,
            folders=folders,
            others=dict.fromkeys(variants, common),
            beside={} if texture else found.others(),
            labels={} if texture else found.labels(blends),
        )
    )
    version = (client.server().version if client else None) or __version__
    finished = FinishedWork(out, version, found.pictures.values())
    if found.left_out:
        report(f"Left out: {by_reason(listed(found.left_out))}.")
    if dry_run:
        return _print_plan(items, finished, read.name)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{out}: cannot be made: {error.strerror}.") from None
    if farm:
        from hotfolder.cli.batches.ends import collect_results, write_list

        if deadline is not None:
            raise typer.BadParameter("a farm's devices are not known: give each --seconds.")
        if task_list is not None:
            return write_list(task_list, items, finished, read)
        return collect_results(items, finished, read.name, found.left_out)
    left = sum(not finished.picture_of(item) for item in items)
    with serving(client, read, out, left=left) as (served, check):
        code = _run(items, served, finished, check, found.left_out, read.name, deadline)
    if client is None and code != ExitCode.OK:
        report(f"The log is in {out / OWN_FOLDER / 'batch.log'}.")
    if client is None and code == ExitCode.OK:
        shutil.rmtree(out / OWN_FOLDER, ignore_errors=True)
    return code


def _run(
    items: "list[Item]",
    client: "Client",
    finished: "FinishedWork",
    check: Callable[[], None] | None,
    left_out: Sequence[str],
    name: str | None,
    deadline: "Deadline | None",
) -> ExitCode:
    from hotfolder.batches.client_run import BatchRun
    from hotfolder.cli.batches.ends import report_ends, write_summary
    from hotfolder.cli.batches.view import BatchView, counts
    from hotfolder.job import now

    run = BatchRun(client, items, finished, name=name, deadline=deadline, check_server=check)
    started, clock = now(), time.monotonic()
    if deadline is not None:
        _announce(items, finished, client, deadline, run.check_server)
    try:
        with BatchView(run.items) as view:
            for progress in run.steps():
                view.update(progress)
    except KeyboardInterrupt:
        if check is None:  # Somebody else's server would go on with them.
            run.cancel()
        report("\nStopped. The same command goes on from here.")
        raise
    finally:
        ends = [(each.item, each.end) for each in run.items]
        write_summary(ends, finished.out, started=started, left_out=left_out)
    tally = Counter(progress.state for progress in run.items)
    report(f"{', '.join(counts(tally))} in {clock_time(time.monotonic() - clock)}.")
    return report_ends(ends, finished.out)


def _deadline_of(within: str | None, finish_by: str | None) -> "Deadline | None":
    """
    Raises:
        typer.BadParameter: no such time, or both.
    """
    from hotfolder.batches.deadline import Deadline, deadline_of

    problems: list[Problem] = []
    given = {"within": within, "finish_by": finish_by}
    moment = deadline_of(given, datetime.now().astimezone(), problems)
    for problem in problems:
        option = f"--{problem.key.replace('_', '-')}"
        raise typer.BadParameter(
            f"{problem.given}; expected {problem.expected}.", param_hint=option
        )
    return Deadline(moment) if moment else None


def _announce(
    items: "list[Item]",
    finished: "FinishedWork",
    client: "Client",
    deadline: "Deadline",
    check: Callable[[], None],
) -> None:
    """Say what each picture gets of the time, and paint one small to show how it will look."""
    from hotfolder.cli.batches.trial import paint_trial
    from plugin.client import ClientError

    left = [item for item in items if finished.picture_of(item) is None]
    if not left:
        return
    workers = workers_of(client, check)
    share = deadline.seconds(len(left), workers, datetime.now().astimezone())
    report(
        f"{len(left)} pictures until {deadline.moment:%d.%m. %H:%M} on "
        f"{workers or 1} device{'s' if workers > 1 else ''}: about {clock_time(share)} each. "
        "One is painted small first, to see how they will look."
    )
    try:
        trial = paint_trial(client, left[0], share, finished.out, check)
    except (ClientError, OSError) as error:
        report(f"No preview: {error}")
        return
    width, height = trial.size
    steps = " + ".join(map(str, trial.steps))
    report(f"{trial.picture} shows it. At {width} x {height} px each gets about {steps} steps.")


def _styles_of(given: str, libraries: list[Path]) -> list[Path]:
    """One style, or those of a blend: `wave.jpg+night`."""
    if expand_home(given).is_file() or "+" not in given:
        return [find_style(given, libraries)]
    return [find_style(part.strip(), libraries) for part in given.split("+")]


def _styles_to_paint(
    words: Sequence[str], libraries: list[Path], *, recursive: bool, but: Path
) -> "tuple[Contents, list[tuple[Path, ...]]]":
    """The styles of textures: pictures, folders of them and patterns, and names of the library.

    Raises:
        InputError: one of the words means no picture.
    """
    from hotfolder.batches.contents import Contents, find_contents
    from hotfolder.batches.patterns import is_pattern

    plain = [word for word in words if expand_home(word).exists() or is_pattern(word)]
    found = find_contents(plain, recursive=recursive, but=but) if plain else Contents()
    named = [tuple(_styles_of(word, libraries)) for word in words if word not in plain]
    return found, [*((path,) for path in found.pictures), *named]


def _common_pictures(
    palette: str | None, mask: Path | None, libraries: list[Path]
) -> "OtherPictures":
    """Those of all contents.

    Raises:
        InputError: one is not there.
    """
    from hotfolder.batches.other_pictures import OtherPictures

    check_files([mask] if mask is not None else [])
    file = find_style(palette, libraries) if palette is not None else None
    return OtherPictures(palette=file, mask=mask)


def _print_plan(items: "list[Item]", finished: "FinishedWork", name: str | None) -> int:
    done = 0
    for item in items:
        picture = finished.picture_of(item)
        done += picture is not None
        what = (
            f"done before: {picture.relative_to(finished.out).as_posix()}" if picture else "paint"
        )
        result = (Path(item.folder) / (name or item.result)).as_posix()
        facts = (result, str(item.content or "texture"), "+".join(map(str, item.styles)))
        typer.echo(
            "\t".join(
                (
                    *facts,
                    f"{item.settings.preset} {item.settings.size} px{item.others.in_words()}",
                    what,
                )
            )
        )
    report(
        f"{len(items) - done} to paint, {done} done before, into {finished.out}. "
        "Nothing was painted."
    )
    return ExitCode.OK
