"""What is left of a batch, whoever paints it: a list for a farm, the summary, the contact sheet."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from engine.errors import ExitCode
from hotfolder.atomic_files import write_whole
from hotfolder.batches.expansion import Item
from hotfolder.batches.farm import ends_of, task_lines
from hotfolder.batches.finished_work import FinishedWork
from hotfolder.batches.results.summary import SHEET, SUMMARY, Ends, columns_of, summary_text
from hotfolder.cli.console import report
from hotfolder.cli.styles import OWN_STYLES
from hotfolder.job import now
from hotfolder.paths import in_plain_folder, without_links

if TYPE_CHECKING:
    from hotfolder.config.model import Config

__all__ = ["collect_results", "report_ends", "write_list", "write_summary"]

SHOWN = 10
"""Of the failures, and of the missing, those that are listed at the end."""

EVERYWHERE = ("max_megapixels", "memory", "threads", "checkpoint_seconds")
"""Keys of the configuration that the tasks of a farm are given besides their settings."""


def write_list(
    file: Path, items: Sequence[Item], finished: FinishedWork, config: "Config"
) -> ExitCode:
    """`--list`: a command line for each item that is not done."""
    options = config.model_dump(include=set(EVERYWHERE))
    lines = list(
        task_lines(items, finished, options=options, name=config.name, own_styles=OWN_STYLES)
    )
    text = "".join(f"{line}\n" for line in lines)
    if str(file) == "-":
        sys.stdout.write(text)
    else:
        write_whole(in_plain_folder(file), text.encode())
        typer.echo(file)
    done = len(items) - len(lines)
    report(f"{len(lines)} to paint, {done} done before. `--collect` says what has come of them.")
    return ExitCode.OK


def collect_results(
    items: Sequence[Item], finished: FinishedWork, name: str | None, left_out: Sequence[str]
) -> ExitCode:
    """`--collect`: the summary and the sheet of what is there."""
    ends = ends_of(items, finished, name)
    write_summary(ends, finished.out, left_out=left_out)
    tally = Counter(end["state"] for _, end in ends)
    report(f"{', '.join(f'{count} {state}' for state, count in sorted(tally.items()))}.")
    missing = [item.name for item, end in ends if end["state"] == "pending"]
    for line in [f"  {each}: not painted yet" for each in missing[:SHOWN]]:
        report(line)
    if len(missing) > SHOWN:
        report(f"  and {len(missing) - SHOWN} more, which {SUMMARY} names")
    code = report_ends(ends, finished.out)
    return ExitCode.SOME_JOBS_FAILED if missing else code


def write_summary(
    ends: Ends, out: Path, *, started: str | None = None, left_out: Sequence[str] = ()
) -> None:
    """Write the summary, and the contact sheet if there is a picture."""
    finished = now()
    text = summary_text(ends, started=started or finished, finished=finished, left_out=left_out)
    plain = without_links(out)
    write_whole(plain / SUMMARY, text.encode())
    if any(end.get("picture") for _, end in ends):
        from hotfolder.batches.results.contact_sheet import contact_sheet

        cells = [
            (in_plain_folder(out / end["picture"]) if end.get("picture") else None, item.name)
            for item, end in ends
        ]
        sheet = contact_sheet(cells, columns_of([item for item, _ in ends]))
        write_whole(plain / SHEET, sheet)


def report_ends(ends: Ends, out: Path) -> ExitCode:
    """Say what failed, and where the summary and the sheet are."""
    failed = [(item, end) for item, end in ends if end["state"] == "failed"]
    for item, end in failed[:SHOWN]:
        report(f"  {item.name}: {end['reason']}")
    if (more := len(failed) - SHOWN) > 0:
        report(f"  and {more} more, which {SUMMARY} names")
    typer.echo(out / SUMMARY)
    if (sheet := out / SHEET).exists():
        typer.echo(sheet)
    bad = any(end["state"] in ("failed", "cancelled") for _, end in ends)
    return ExitCode.SOME_JOBS_FAILED if bad else ExitCode.OK
