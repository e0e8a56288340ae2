"""Where the configuration comes from: flag, environment, ./config.yaml, the user's config.yaml.

Every layer is checked by itself, so that an error names its file and line; then the layers are
merged key by key. Where each value comes from is remembered: `impasto check` prints it.
"""

import contextlib
import difflib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.errors import Problem, SettingsError
from engine.settings.presets import PRESETS
from hotfolder.config.model import Config, config_problems
from hotfolder.errors import ConfigError, FolderError
from hotfolder.paths import expand_home
from hotfolder.yaml_document import parse_document

__all__ = ["Configuration", "Layer", "read_configuration", "search_path"]

FILE_NAME = "config.yaml"

PREFIX = "IMPASTO_"
CONFIG_VARIABLE = "IMPASTO_CONFIG"
"""Names the file, as --config does."""

_OTHERS = (CONFIG_VARIABLE, "IMPASTO_JOB_", "IMPASTO_BENCHMARK_")
"""Variables of the same prefix that are no keys: those of hooks and benchmarks."""

KeyPath = tuple[str | int, ...]

PRESET: KeyPath = ("settings", "preset")


@dataclass(frozen=True)
class Layer:
    """The plain values of one source, checked by themselves."""

    name: str
    values: Mapping[str, Any]
    places: Mapping[KeyPath, str]
    """The place of each key: `config.yaml, line 3`, or `IMPASTO_WATCH__POLLING`."""

    def has(self, path: KeyPath) -> bool:
        """Whether the key at `path` is in this layer."""
        found: Any = self.values
        for part in path:
            if not isinstance(found, Mapping) or part not in found:
                return False
            found = found[part]
        return True

    def place(self, path: KeyPath) -> str:
        """The place of the key at `path`, or of the nearest key above it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.name)


@dataclass(frozen=True)
class Configuration:
    """The merged configuration, and the layers it comes from."""

    config: Config
    layers: tuple[Layer, ...]
    """The highest first. Built-in defaults are below them all."""
    files: tuple[Path, ...]
    """The files that were looked for; those that are there were read."""

    def origin(self, *path: str) -> str:
        """Where the value at `path` comes from, for a person."""
        for layer in self.layers:
            if layer.has(path):
                return layer.place(path)
            if path[0] == "settings" and layer.has(PRESET):
                name = layer.values["settings"]["preset"]
                if path[-1] in PRESETS[name]:
                    return f"preset {name}, {layer.place(PRESET)}"
        return "default"

    @property
    def found(self) -> list[Path]:
        return [path for path in self.files if path.is_file()]


def read_configuration(
    path: Path | None = None,
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """All layers, merged. Folders in it are absolute.

    Args:
        path: the one file to read; None for `IMPASTO_CONFIG`'s, else for those of `search_path`.
        flags: the command line's layer, as plain values.
        environment: `os.environ`, if None.

    Raises:
        ConfigError: a file that was asked for is missing, or a file or its folder cannot be read,
            or one line for each problem with the file and its line, or the variable.
    """
    environment = os.environ if environment is None else environment
    try:
        return _read(path, flags or {}, environment)
    except FolderError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        where = error.filename or "the working folder"
        raise ConfigError(f"{where}: cannot be looked at: {error.strerror}.") from None


def _read(
    path: Path | None, flags: Mapping[str, Any], environment: Mapping[str, str]
) -> Configuration:
    if path is None and environment.get(CONFIG_VARIABLE):
        path = expand_home(environment[CONFIG_VARIABLE])
        _refuse_missing(path, f" ({CONFIG_VARIABLE} names it)")
    elif path is not None:
        _refuse_missing(path, "")
    files = search_path() if path is None else [path]
    layers = [
        Layer("the command line", dict(flags), {}),
        _environment_layer(environment),
        *(_file_layer(file) for file in files if path is not None or file.is_file()),
    ]
    values: dict[str, Any] = {}
    for layer in reversed(layers):
        values = _merged(layer.values, values)
    return Configuration(_validated(values, layers), tuple(layers), tuple(files))


def search_path() -> list[Path]:
    """Where a configuration is looked for: the working folder, then the user's."""
    import platformdirs

    return [Path.cwd() / FILE_NAME, Path(platformdirs.user_config_dir("impasto")) / FILE_NAME]


def _refuse_missing(path: Path, source: str) -> None:
    if path.is_file():
        return
    why = "no such file" if not path.exists() else "not a file"
    places = ", ".join(str(place) for place in search_path())
    raise ConfigError(
        f"{path}: {why}{source}. Unless a file is named, these are looked at: {places}. "
        f"`impasto init --hot hot --config {path}` writes one."
    )


def _file_layer(path: Path) -> Layer:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from None
    document = parse_document(data, str(path))
    places = {key: f"{path}, line {line}" for key, line in document.lines.items()}
    base = path.absolute().parent
    layer = Layer(str(path), _anchored(document.values, base, places, str(path)), places)
    _validated(layer.values, [layer])
    return layer


def _environment_layer(environment: Mapping[str, str]) -> Layer:
    """`IMPASTO_SETTLE_SECONDS=2`, `IMPASTO_WATCH__POLLING=true`, `IMPASTO_SETTINGS__SIZE=768`.

    Values are YAML. An empty variable counts as unset. A variable that is nearly a key is refused;
    others of this prefix may belong to another program.
    """
    values: dict[str, Any] = {}
    places: dict[KeyPath, str] = {}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable.startswith(_OTHERS):
            continue
        if not environment[variable]:
            continue
        path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        if path[0] not in Config.model_fields:
            _refuse_misspelt(variable, path[0])
            continue
        *above, last = path
        value = parse_document(f"{last}: {environment[variable]}".encode(), variable).values
        inside = values
        for part in above:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise ConfigError(f"{variable}: another variable gives all of {part}.")
        inside |= value
        places[path] = variable
    values = _anchored(values, Path.cwd(), places, "the environment")
    layer = Layer("the environment", values, places)
    _validated(layer.values, [layer])
    return layer


def _refuse_misspelt(variable: str, key: str) -> None:
    nearest = difflib.get_close_matches(key, Config.model_fields, n=1, cutoff=0.8)
    if nearest:
        meant = PREFIX + nearest[0].upper()
        raise ConfigError(f"{variable}: no such key. Did you mean {meant}?")


def _validated(values: Mapping[str, Any], layers: Sequence[Layer]) -> Config:
    """The configuration of these values; an error names the place in the layer that has the key."""
    try:
        return Config.model_validate(_absolute(values))
    except ValidationError as error:
        problems = config_problems(error, values)
    except SettingsError as error:
        problems = [replace(each, path=("settings", *each.path)) for each in error.problems]
    raise ConfigError("\n".join(_lines(problems, layers)))


def _lines(problems: Iterable[Problem], layers: Sequence[Layer]) -> Iterator[str]:
    """In the order of the keys' places."""
    places = {path: (i, n) for i, a in enumerate(layers) for n, path in enumerate(a.places)}
    last = (len(layers), 0)
    for problem in sorted(problems, key=lambda p: places.get(p.path, last)):
        layer = next((layer for layer in layers if layer.has(problem.path)), layers[0])
        yield f"{layer.place(problem.path)}: {problem}"


def _anchored(
    values: Mapping[str, Any], base: Path, places: Mapping[KeyPath, str], source: str
) -> dict[str, Any]:
    """Paths are relative to the folder of the file that names them; here they become absolute.

    Raises:
        ConfigError: one of them can be no path; `places` and `source` say where it stands.
    """

    def at(place: Any, *key: str | int) -> Any:
        if not isinstance(place, str) or not place:
            return place  # The model refuses it, in words of its own.
        try:
            if "\0" in place:
                raise FolderError(f"{place!r}: a path with a null character in it.")
            return str((base / expand_home(place)).absolute())
        except FolderError as error:
            where = places.get(key) or places.get(key[:1]) or source
            raise ConfigError(f"{where}: {key[0]}: {error}") from None

    anchored = dict(values)
    for key in ("hot_folder", "log_file"):
        if key in values:
            anchored[key] = at(values[key], key)
    if isinstance(folders := values.get("hot_folders"), list):
        anchored["hot_folders"] = [at(each, "hot_folders", i) for i, each in enumerate(folders)]
    return anchored


def _absolute(values: Mapping[str, Any]) -> dict[str, Any]:
    default = Config.model_fields["hot_folder"].default
    with contextlib.suppress(FolderError):  # Without a home folder `--hot` names another.
        default = str(expand_home(default))
    return {"hot_folder": default, **_anchored(values, Path.cwd(), {}, "")}


def _merged(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """One layer over another. Sections (`watch:`, `settings:`) are merged key by key."""
    merged = dict(lower)
    for key, value in upper.items():
        below = lower.get(key)
        if not (isinstance(value, Mapping) and isinstance(below, Mapping)):
            merged[key] = value
        elif key == "settings":
            merged[key] = _merged_settings(value, below)
        else:
            merged[key] = {**below, **value}
    return merged


def _merged_settings(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """As `resolve` would: a preset named above outranks the keys below."""
    if "preset" not in upper:
        return {**lower, **upper}
    below = {**PRESETS[lower.get("preset", "standard")], **lower}
    return {**below, **PRESETS[upper["preset"]], **upper}
