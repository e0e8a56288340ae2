"""`check`: whether a configuration, a sidecar or a batch is right; which configuration holds."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import did_you_mean, report
from hotfolder.cli.options import ConfigOption, hot_option
from hotfolder.cli.where import find_hot_folder, is_hot_folder, read_config
from hotfolder.errors import ConfigError, FolderError, SidecarError
from hotfolder.paths import in_plain_folder, without_links

if TYPE_CHECKING:
    from hotfolder.config.layers import Configuration
    from hotfolder.inbox.candidate import JobCandidate
    from hotfolder.inbox.sidecar import Sidecar

__all__ = ["check"]


class Kind(StrEnum):
    """What a file is taken for."""

    CONFIG = "config"
    SIDECAR = "sidecar"
    BATCH = "batch"


@command(
    "check",
    "impasto check",
    "impasto check config.yaml",
    "impasto check hot/inbox/cat.yaml",
    "impasto check holiday.batch.yaml",
    "impasto check cat.yaml --hot hot --quiet && mv cat.yaml hot/inbox",
)
def check(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A config.yaml, a sidecar or a batch. Without it, the configuration that holds.",
        ),
    ] = None,
    kind: Annotated[
        Kind | None,
        typer.Option(
            "--as", metavar="KIND", help="config, sidecar or batch; else by its name and keys."
        ),
    ] = None,
    hot: Annotated[
        Path | None,
        hot_option(
            "The hot folder that a sidecar is meant for.",
            "Else that in whose inbox it lies; without FILE: the one that commands use.",
        ),
    ] = None,
    config: ConfigOption = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Do not print what it comes to.")
    ] = False,
) -> None:
    """Check a configuration, a sidecar or a batch.

    Prints what is wrong with it, or the values it comes to. Without FILE: the configuration that
    holds here, and where each value comes from.
    """
    import yaml

    root = None if hot is None else find_hot_folder(hot)
    if file is None:
        _check_layers(config, root, quiet=quiet)
        return
    if not file.is_file():
        raise FolderError(f"{file}: no such file.")
    document: Mapping[str, Any]
    match kind or _kind_of(file):
        case Kind.CONFIG:
            document = read_config(file).model_dump()
            report(f"{file} is a good configuration.")
        case Kind.BATCH:
            document = _checked_batch(file, config)
            report(f"{file} is a good batch.")
        case Kind.SIDECAR:
            document = _checked_sidecar(file, config, root)
            report(f"{file} is a good sidecar.")
    if not quiet:
        text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100)
        typer.echo(text.rstrip())


def _check_layers(config: Path | None, hot: Path | None, *, quiet: bool) -> None:
    from hotfolder.config.layers import read_configuration, search_path

    read = read_configuration(config, flags={} if hot is None else {"hot_folder": str(hot)})
    missing = [path for path in read.files if not path.is_file()]
    if read.found:
        report(f"Read, the first over the others: {', '.join(map(str, read.found))}.")
    else:
        report(f"The defaults hold; no configuration is at {' or '.join(map(str, missing))}.")
    if read.found and missing:
        report(f"Looked for, but not there: {', '.join(map(str, missing))}.")
    if read.files != tuple(search_path()):
        report("A file was named, so no other was read.")
    if not quiet:
        typer.echo(_with_origins(read))


def _with_origins(read: "Configuration") -> str:
    """The whole configuration as YAML; behind each value where it comes from."""
    from pydantic import BaseModel

    from engine.settings import resolve

    rows: list[tuple[str, str]] = []

    def add(path: tuple[str, ...], value: Any) -> None:
        indent = "  " * (len(path) - 1)
        if path == ("settings",):
            value = resolve(value)
        if isinstance(value, BaseModel):
            rows.append((f"{indent}{path[-1]}:", ""))
            for key in type(value).model_fields:
                add((*path, key), getattr(value, key))
        else:
            rows.append((f"{indent}{path[-1]}: {_inline(value)}", read.origin(*path)))

    for key in type(read.config).model_fields:
        add((key,), getattr(read.config, key))
    width = min(48, max(len(line) for line, _ in rows))
    return "\n".join(f"{line:<{width}}  # {origin}" if origin else line for line, origin in rows)


def _inline(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, width=4000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _kind_of(file: Path) -> Kind:
    """By its keys; a batch, and a file that has none of either, by its name."""
    from hotfolder.config.model import Config
    from hotfolder.file_names import FileRole, parse
    from hotfolder.inbox.sidecar import SIDECAR_KEYS
    from hotfolder.yaml_document import parse_document

    parsed = parse(file.name)
    if parsed is not None and parsed.role is FileRole.BATCH:
        return Kind.BATCH
    try:
        keys = set(parse_document(file.read_bytes(), str(file)).values)
    except ConfigError:
        keys = set()  # Reading it will report the error.
    if keys & (set(Config.model_fields) - set(SIDECAR_KEYS)):  # `max_minutes` is in both.
        return Kind.CONFIG
    is_config = file.stem == "config" and keys <= set(Config.model_fields)
    return Kind.CONFIG if is_config else Kind.SIDECAR


def _checked_batch(file: Path, config: Path | None) -> Mapping[str, Any]:
    from hotfolder.batches.batch_file import parse_batch

    batch = parse_batch(file.read_bytes(), str(file), read_config(config).settings)
    return {
        **({"contents": list(batch.contents)} if batch.contents is not None else {}),
        "styles": [blend[0] if len(blend) == 1 else list(blend) for blend in batch.styles],
        **({"client": dict(batch.client)} if batch.client else {}),
        **batch.options.model_dump(exclude_defaults=True),
        "settings": [settings.model_dump() for settings in batch.variants.values()],
    }


def _checked_sidecar(file: Path, config: Path | None, hot: Path | None) -> Mapping[str, Any]:
    from hotfolder.inbox.presets import check_preset, is_preset_name
    from hotfolder.inbox.sidecar import read_sidecar

    sidecar = read_sidecar(in_plain_folder(file), str(file))
    base = read_config(config).settings
    is_preset = is_preset_name(file.name)
    if is_preset:
        check_preset(sidecar, base)
    candidate = None if is_preset else _dropped_with(file, base)
    if candidate is not None and candidate.error is not None:
        raise SidecarError(str(candidate.error))
    settings = candidate.settings if candidate is not None else None
    if settings is None:
        settings = sidecar.settings(base, init_file=sidecar.init_file, of_folder=is_preset)
    missing = _missing_pictures(file, sidecar, hot)
    if missing:
        raise SidecarError("\n".join(missing))
    own = {"content": sidecar.content, "styles": [*sidecar.styles], "client": {**sidecar.client}}
    given = {key: value for key, value in own.items() if value}
    return given | sidecar.options.model_dump(exclude_defaults=True) | settings.model_dump()


def _dropped_with(sidecar: Path, base: Mapping[str, Any]) -> "JobCandidate | None":
    """The job of a sidecar that lies in an inbox, as a server would judge it: with the preset of
    its folder, and what lies beside it."""
    from hotfolder.inbox.folder_scanner import ScanOptions
    from hotfolder.inbox.scanner import InboxScanner
    from hotfolder.paths import FolderPaths
    from hotfolder.throttle import in_one_go

    path = in_plain_folder(sidecar)
    above = (each for each in path.parents if each.name == "inbox" and is_hot_folder(each.parent))
    if (inbox := next(above, None)) is None:
        return None
    options = ScanOptions(base, settle_seconds=0.0, wait_seconds=0.0)
    found = in_one_go(InboxScanner(FolderPaths(inbox.parent), lambda: options).steps())
    return next((job for job in found.candidates if path in {f.path for f in job.inputs}), None)


def _missing_pictures(file: Path, sidecar: "Sidecar", hot: Path | None) -> "list[str]":
    """One line for each named picture that is not there, if there is a hot folder to look in."""
    from hotfolder.inbox.style_library import StyleLibrary

    folder = file.absolute().parent
    inbox = folder.parent if folder.parent.name == "inbox" else folder  # or in a folder of it
    if hot is None and inbox.name == "inbox" and is_hot_folder(inbox.parent):
        hot = inbox.parent
    if hot is None:
        return []
    library = StyleLibrary(without_links(hot / "styles"))
    problems = []
    named: list[tuple[tuple[str | int, ...], str | None]]
    named = [(("content",), sidecar.content), (("init_file",), sidecar.init_file)]
    named += [(("mask",), sidecar.mask)]
    several = {"regions": sidecar.regions, "style_regions": sidecar.style_regions}
    named += [((key, at), name) for key, names in several.items() for at, name in enumerate(names)]
    for path, name in named:
        if name is not None and not (folder / name).exists():
            line = sidecar.document.line(path)
            problems.append(f"{file}, line {line}: {path[0]}: {name!r}; not beside the sidecar.")
    in_library: list[tuple[tuple[str | int, ...], str]] = [
        (("styles", index), name) for index, name in enumerate(sidecar.styles)
    ]
    in_library += [(("palette",), sidecar.palette)] if sidecar.palette else []
    for where, name in in_library:
        inside = name.removeprefix("styles/")
        if (folder / name).exists() or library.find(inside) is not None:
            continue
        line = sidecar.document.line(where)
        hint = did_you_mean(inside, library.names())
        problems.append(
            f"{file}, line {line}: {where[0]}: {name!r}; neither beside the sidecar nor in "
            f"{hot / 'styles'}.{hint}"
        )
    return problems
