"""What in the inbox, or in a folder of it, belongs to no job, in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hotfolder.file_names import FileRole, key_of, shown
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.presets import PresetFolder
from hotfolder.near_misses import NearNames, why_unrecognised
from plugin.client.protocol import PRESET

__all__ = ["unrecognised"]

MAX_NEAR = 300
"""Sidecars of a folder that may be meant as its preset."""


def unrecognised(
    files: Sequence[InboxFile],
    uses: Mapping[Path, int],
    foreign: Mapping[Path, str],
    folder: str,
    folders: Sequence[str],
    presets: PresetFolder,
) -> tuple[str, ...]:
    """
    Args:
        files: those of one folder.
        uses: by how many jobs each is needed.
        foreign: files of other programs that are called like sidecars, in words.
        folder: its name below the inbox; empty for the inbox itself.
        folders: those in it.
        presets: its preset.
    """
    own = None if presets.is_inherited else presets.preset
    named = {key_of(name) for name in own.sidecar.pictures()} if own else set()
    left = [
        file
        for file in files
        if not file.parsed.job and file.path not in uses and file.key not in named
    ]
    lines: list[str] = []
    if folder and not presets.is_recursive:
        why = "; ".join(["a folder in a folder", *filter(None, [presets.problem.rstrip(".")])])
        lines += [f"{shown(f'{folder}/{name}')}/ ({why})" for name in folders]
    pictures = [file for file in left if file.parsed.role is FileRole.PICTURE]
    if folder and not presets.is_active and pictures:
        why = f"no preset.yaml, so its pictures are no jobs: {len(pictures)}{_nearly(files)}"
        lines.insert(0, f"{shown(folder)}/ ({why})")
        left = [file for file in left if file.parsed.role is not FileRole.PICTURE]
    for file in left:
        why = foreign.get(file.path) or why_unrecognised(file.name, in_folder=bool(folder))
        if file.parsed.role is FileRole.PICTURE and presets.is_active:
            why = "no job can have this name"
        lines.append(f"{file.label} ({why})")
    return tuple(lines)


def _nearly(files: Sequence[InboxFile]) -> str:
    """The file that is nearly called as a preset."""
    sidecars = [file.name for file in files if file.parsed.role is FileRole.SIDECAR]
    near = NearNames(sidecars[:MAX_NEAR]).nearest(PRESET)
    return f"; {shown(near)} is nearly called so" if near is not None else ""
