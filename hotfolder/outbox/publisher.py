"""Publishes how a job has ended: the result into outbox/, the originals into done/ or failed/.

Each step can be repeated: names are chosen and noted in the job's `state.json` before they are
used, so that after a crash the same names are used again. The job leaves the spool last.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from hotfolder.atomic_files import publish_all, read_json, write_whole
from hotfolder.config.reload import CurrentConfig
from hotfolder.file_names import free_name_in
from hotfolder.outbox.originals import move_originals, originals_parent
from hotfolder.outbox.result_name import result_name
from hotfolder.paths import FolderPaths
from hotfolder.spool.entry import JobOutcome, SpooledJob
from hotfolder.spool.spool import Spool
from plugin.client.protocol import (
    EXTRA_OUTPUT_SUFFIXES,
    RECORD_SUFFIX,
    RESULT_SUFFIXES,
    JobState,
)

__all__ = ["Publisher", "error_text"]


class Publisher:
    """Publishes the jobs of one hot folder that have ended."""

    def __init__(self, config: CurrentConfig, folder: FolderPaths, spool: Spool) -> None:
        self._config = config
        self._folder = folder
        self._spool = spool

    def publish(self, entry: SpooledJob) -> None:
        """Publish a job that has an outcome, or what a crash has left to do of that. The spool
        still has it afterwards.

        Raises:
            OSError: something cannot be written; call it again later.
        """
        if entry.state is JobState.DONE:
            self._publish_result(entry)
        self._move_originals(entry)

    def result_path(self, entry: SpooledJob) -> Path:
        """The published picture."""
        outcome = _outcome(entry)
        return self._folder.outbox / f"{outcome.published}{Path(outcome.picture or '').suffix}"

    def record_path(self, entry: SpooledJob) -> Path:
        """The published record."""
        return self._folder.outbox / f"{_outcome(entry).published}{RECORD_SUFFIX}"

    def _publish_result(self, entry: SpooledJob) -> None:
        """Put the result into the outbox, the picture last: whoever sees it finds all else."""
        if _outcome(entry).published is None:
            self._choose_result_name(entry)
        while not publish_all(self._deliveries(entry), overwrite=self._config().overwrite):
            # Another program took a name after it had been chosen.
            self._choose_result_name(entry)

    def _choose_result_name(self, entry: SpooledJob) -> None:
        job, outcome = entry.job, _outcome(entry)
        # In the spool two of one name have numbers.
        sources = {step.target: Path(step.source).name for step in entry.moves}
        name = result_name(
            job.options.name or self._config().name,
            job.name,
            sources.get(job.content, job.content) or "texture",
            [sources.get(style, style) for style in job.styles],
            job.settings,
            record=outcome.record,
            finished=outcome.finished,
        )
        if not self._config().overwrite:
            extra = (f".{each}" for each in outcome.extra_outputs)
            ends = (*RESULT_SUFFIXES, RECORD_SUFFIX, *extra)
            name = free_name_in(self._folder.outbox, name, ends)
        self._note(entry, published=name)

    def _deliveries(self, entry: SpooledJob) -> list[tuple[Path, Path]]:
        """From where in the job's folder to where in the outbox, in this order."""
        picture = entry.folder / (_outcome(entry).picture or "")
        return [
            (self._write_record(entry), self.record_path(entry)),
            *(
                (
                    self._write_record_beside(entry, name)
                    if name.endswith(RECORD_SUFFIX)
                    else entry.folder / name,
                    self._folder.outbox / published,
                )
                for name, published in self._extra_outputs(entry).items()
            ),
            (picture, self.result_path(entry)),
        ]

    def _write_record(self, entry: SpooledJob) -> Path:
        """The record, in the job's folder."""
        outcome = _outcome(entry)
        names = self._extra_outputs(entry)
        progression = [names[name] for name in names if f".{name}" in EXTRA_OUTPUT_SUFFIXES]
        series = [published for published in names.values() if published not in progression]
        record = dict(outcome.record)
        if series:
            record["series"] = {**record.get("series", {}), "files": series}
        picture = self.result_path(entry).name
        return self._write_yaml(entry, "record.yaml", picture, progression, record)

    def _write_record_beside(self, entry: SpooledJob, name: str) -> Path:
        """The record `name` of another painting of the job: as the worker wrote it, and the names
        under which the paintings are published."""
        member, names = name.removesuffix(RECORD_SUFFIX), self._extra_outputs(entry)
        pictures = [member + suffix for suffix in RESULT_SUFFIXES if member + suffix in names]
        progression = [member + suffix for suffix in EXTRA_OUTPUT_SUFFIXES]
        return self._write_yaml(
            entry,
            f"{member}.record.yaml",
            names[pictures[0]],
            [names[each] for each in progression if each in names],
            read_json(entry.folder / name),
        )

    def _write_yaml(
        self,
        entry: SpooledJob,
        name: str,
        picture: str,
        progression: list[str],
        record: Mapping[str, Any],
    ) -> Path:
        document = {
            "name": entry.job.name,
            "id": entry.job.id,
            "picture": picture,
            **({"progression": progression} if progression else {}),
            **record,
        }
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
        path = entry.folder / name
        write_whole(path, text.encode())
        return path

    def _extra_outputs(self, entry: SpooledJob) -> dict[str, str]:
        """Published names of what is published beside the result, by the names in the job's
        folder."""
        outcome = _outcome(entry)
        return {name: f"{outcome.published}.{name}" for name in outcome.extra_outputs}

    def _move_originals(self, entry: SpooledJob) -> None:
        """Move the inputs out of the spool. Inputs that were copied still lie where they were, so
        the copies are not kept, unless the job failed: then all that it needs is kept together, but
        for pictures of the style library."""
        if _outcome(entry).folder is None:
            parent = self._originals_parent(entry)
            if parent is None:
                return
            name = free_name_in(parent, entry.job.name)
            self._note(entry, folder=self._folder.relative(parent / name))
        folder = self._folder.absolute(str(_outcome(entry).folder))
        failed, library = entry.state is JobState.FAILED, self._folder.styles
        moves = [
            (entry.inputs / step.target, Path(step.source).name)
            for step in entry.moves
            if not step.shared or (failed and not Path(step.source).is_relative_to(library))
        ]
        move_originals(self._folder, folder, moves)
        if failed:
            write_whole(folder / "error.txt", error_text(entry).encode())

    def _originals_parent(self, entry: SpooledJob) -> Path | None:
        """Where the folder of the originals will be; None if they are not kept."""
        if entry.state is JobState.FAILED:
            return self._folder.failed
        if all(step.shared for step in entry.moves):
            return None  # A job of a batch; the batch has the originals.
        cancelled = entry.state is JobState.CANCELLED
        return originals_parent(
            self._folder, self._config(), _outcome(entry).finished, cancelled=cancelled
        )

    def _note(self, entry: SpooledJob, **facts: Any) -> None:
        self._spool.change(entry, outcome=replace(_outcome(entry), **facts))


def error_text(entry: SpooledJob) -> str:
    """The text of a failed job's `error.txt` and of `error` in its status."""
    name = Path(_outcome(entry).folder or entry.job.name).name
    return (
        f"Impasto could not paint {entry.job.name}.\n\n{_outcome(entry).error}\n\n"
        "The files of the job lie in this folder. Mend what is named above, then "
        f"`impasto retry {name}` tries again (or put them back into inbox/).\n"
    )


def _outcome(entry: SpooledJob) -> JobOutcome:
    assert entry.outcome is not None
    return entry.outcome
