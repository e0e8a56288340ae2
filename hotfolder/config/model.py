"""config.yaml: how the server works, and a layer of settings for every job.

`python -m hotfolder.config.model > config.yaml` writes the annotated defaults; a test keeps the
repository's file equal to them.
"""

import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.errors import Problem, SettingsError
from engine.memory.budget import parse_memory
from engine.settings import PICTURES, misplaced_setting, problems_of, resolve
from hotfolder.config.page_address import parse_page_address
from hotfolder.job_options import Minutes, ResultName

__all__ = ["Config", "Retry", "Watch", "annotated_yaml", "config_problems"]


class _Model(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )


Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Watch(_Model):
    """How new files in the inbox are noticed."""

    polling: bool = False
    """Scan the inbox every `poll_seconds`, without file events: for network shares."""

    poll_seconds: Seconds = 1.0
    """Time between two scans with `polling: true`."""

    rescan_seconds: Seconds = 5.0
    """Time between two scans with `polling: false`, since file events can get lost."""


class Dispatch(_Model):
    """Which workers paint: those of this machine, or those of a cluster (docs/scaling.md)."""

    backend: Literal["local", "ray"] = "local"
    """`local`: a worker on each of `devices`. `ray`: an actor on each GPU of a Ray cluster, or one
    on a node that has none; `pip install 'impasto[ray]'`, here and on each node."""

    address: Annotated[str, Field(min_length=1)] = "auto"
    """Of the Ray cluster: `auto` (the one that this machine is a node of), `HOST:PORT` of its head,
    or `ray://HOST:10001` from outside."""


class Retry(_Model):
    """How often a job is tried again whose worker died."""

    lost: Annotated[int, Field(ge=0, le=100)] = 3
    """How often the job is started again before it fails."""

    backoff: Annotated[float, Field(ge=0, le=3600)] = 5.0
    """Seconds before the job is started again, doubled each time. Other jobs run meanwhile."""


def _memory(text: str) -> str:
    parse_memory(text)
    return text


Command = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=256)]


class Hooks(_Model):
    """Commands that are run when a job is done or has failed."""

    on_done: Command | None = None
    """A program and its arguments, such as [rsync, -a, outbox/, "nas:painted/"], run in the hot
    folder when a job is done. It is not read by a shell. Its environment describes the job:
    IMPASTO_JOB_NAME, IMPASTO_JOB_RESULT and others. null: none."""

    on_failed: Command | None = None
    """The command for a job that has failed."""

    seconds: Seconds = 60.0
    """A command that has run for longer is killed."""


def _address(text: str) -> str:
    if not re.match(r"https?://[^\s/]+", text):
        raise ValueError("an address such as https://example.org/painted")
    return text


class Webhook(_Model):
    """An address that gets a message when a job is done or has failed."""

    url: Annotated[str, AfterValidator(_address)] | None = None
    """Where the job's status is sent, as JSON, by POST. null: nowhere."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 6
    """How often a message is tried, with pauses of 1, 2, 4, ... seconds."""

    seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """How long an attempt may take."""


def _page(text: str) -> str:
    parse_page_address(text)
    return text


Days = Annotated[float, Field(ge=0, le=36_500)] | None
Count = Annotated[int, Field(ge=0, le=10_000_000)] | None


class Retention(_Model):
    """How long finished work is kept. null: for ever. Results in outbox/ are never removed."""

    done_days: Days = None
    """Age in days at which the originals of a finished job are removed from done/."""

    done_count: Count = None
    """How many jobs' originals are kept in done/, the newest."""

    failed_days: Days = None
    """Age in days at which a failed job is removed from failed/, which has the only copy of its
    pictures."""

    failed_count: Count = None
    """How many jobs are kept in failed/, the newest."""

    status_days: Days = None
    """Age in days at which the status of a job that has ended is removed from status/."""

    status_count: Count = None
    """How many statuses of jobs that have ended are kept, the newest."""


class Config(_Model):
    """The configuration of one server. Its defaults are the lowest layer."""

    hot_folder: Annotated[str, Field(min_length=1)] = "~/Impasto"
    """The hot folder of commands without `--hot`. Relative to the folder of this file."""

    hot_folders: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    """Hot folders that `impasto watch` without `--hot` serves together: their jobs take turns with
    the same workers. Relative to the folder of this file."""

    devices: Literal["auto"] | Annotated[list[str], Field(min_length=1, max_length=64)] = "auto"
    """Where jobs are painted, with a worker on each: `auto` (every CUDA device, else `mps`, else
    `cpu`) or a list such as [cuda:0, cuda:1]."""

    dispatch: Dispatch = Dispatch()
    """Which workers paint: those of this machine, or those of a cluster (docs/scaling.md)."""

    workers_per_device: Literal["auto"] | Annotated[int, Field(ge=1, le=16)] | None = None
    """Workers on each device, which paint a job each at the same time and share its memory, and a
    CPU's threads. `auto`: as many as it takes to fill the device with small paintings, by the
    multiprocessors or cores and by the memory; 1 on Apple's GPU. null: 1, but `auto` on a CPU for
    an `impasto batch` that paints by itself."""

    cuda_graphs: bool = True
    """Capture the steps of a painting once on a CUDA device, and replay them: the same pixels, and
    small paintings are not slowed down by the launching of their operations. What cannot be
    captured is computed step by step, and the record says so."""

    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """CPU threads of each worker. null: torch's choice, divided among the workers of a CPU."""

    page: Annotated[str, AfterValidator(_page)] | None = None
    """Where `impasto watch` also serves a page for browsers, such as 127.0.0.1:8321. An address
    that other machines can reach needs the link that is shown once, at its first start. Of several
    hot folders the first has this port, the others the next ones. null: nowhere."""

    settle_seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    """A file is complete when its size and modification time have not changed for this long."""

    wait_seconds: Annotated[float, Field(ge=0, le=31_536_000)] = 60.0
    """A job that has lacked something (a picture, a style) for this long is held. Its status says
    what it lacks; when that arrives, the job starts."""

    watch: Watch = Watch()
    """How new files in the inbox are noticed."""

    status_seconds: Annotated[float, Field(ge=0.2, le=5)] = 1.0
    """Time between two heartbeats in status/server.json."""

    overwrite: bool = False
    """Replace a result of the same name in outbox/. false: the new one is called NAME-2."""

    name: ResultName | None = None
    """What results are called whose sidecar, preset or batch says nothing else: text with `{name}`
    (the job's), `{content}`, `{style}`, `{preset}`, `{size}`, `{strength}`, `{seed}` and `{date}`,
    such as "{content}-{style}-{size}". null: as the job."""

    originals: Literal["archive", "keep", "delete"] = "archive"
    """What happens to the inputs of a finished job: `archive` moves them to done/DATE/NAME/, `keep`
    to .impasto/kept/NAME/; `delete` removes them."""

    retry: Retry = Retry()
    """How often a job is tried again whose worker died."""

    max_minutes: Minutes | None = None
    """A job that has run for longer, all attempts together, fails. A sidecar can give its job
    another `max_minutes`. null: no limit."""

    stall_minutes: Annotated[float, Field(ge=0, le=525_600)] = 60.0
    """A worker that has made no progress for so long hangs: it is ended, and its job is tried again
    as after any other end of a worker (`retry`). Every layer of every tile counts as progress, so
    no painting that goes on is ended. 0: never."""

    claim_limit: Annotated[int, Field(ge=1, le=100_000)] = 100
    """How many of the next jobs are moved from the inbox into the queue on disk. The others wait in
    the inbox, in the same order."""

    client_timeout: Seconds = 30.0
    """A job whose sidecar names an `owner` is cancelled when that client has been gone for this
    long."""

    max_megapixels: Annotated[float, Field(gt=0, le=2000)] = 200.0
    """Larger input pictures are refused before they are decoded."""

    memory: Annotated[str, AfterValidator(_memory)] = "auto"
    """The most memory that a worker uses, such as 6GB; on a GPU, of the GPU's. `auto`: what is free
    when a job begins, within the limits of control groups, less a tenth. Large paintings are
    computed in tiles to fit; `impasto plan` shows how."""

    style_cache_megabytes: Annotated[int, Field(ge=0, le=1_000_000)] = 256
    """Memory on each device for the statistics of the last styles, so that a style that many jobs
    use is computed once. 0: none. The results are the same, to the pixel."""

    checkpoint_seconds: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    """Time between two checkpoints of a painting, from which it goes on after a crash. Large ones
    are written less often: they take at most 4 % of the time. 0: only when the server stops."""

    hooks: Hooks = Hooks()
    """Commands that are run when a job is done or has failed."""

    webhook: Webhook = Webhook()
    """An address that gets a message when a job is done or has failed."""

    notify: bool = False
    """Show a desktop notification when a job is done or has failed."""

    retention: Retention = Retention()
    """How long finished work is kept. null: for ever. Results in outbox/ are never removed."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are logged: debug, info, warning or error."""

    log_format: Literal["text", "json"] = "text"
    """`text`: lines for people; `json`: an object a line, for programs."""

    log_file: Annotated[str, Field(min_length=1)] | None = None
    """Log into this file, too. Relative to the folder of config.yaml. null: to stderr only."""

    log_file_megabytes: Annotated[float, Field(gt=0, le=100_000)] = 10.0
    """A larger log file is renamed to log_file.1, and a new one begun."""

    log_files: Annotated[int, Field(ge=2, le=1000)] = 5
    """How many log files are kept, the current one included."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of every job whose sidecar does not change them. docs/settings.md explains them."""

    @field_validator("settings", mode="after")
    @classmethod
    def _resolvable(cls, layer: dict[str, Any]) -> dict[str, Any]:
        named = [key for key in PICTURES if layer.get(key) is not None]
        if named:
            expected = "no picture here: one comes with its job, or with a preset folder"
            raise SettingsError([Problem((key,), repr(layer[key])[:80], expected) for key in named])
        if named := [key for key in ("texture", "texture_size") if layer.get(key)]:
            expected = "no such key here: the sidecar of a job without a content has it"
            raise SettingsError([Problem((key,), repr(layer[key])[:80], expected) for key in named])
        resolve(layer)  # A SettingsError passes through pydantic as it is.
        return layer


def annotated_yaml(**values: Any) -> str:
    """The whole file: every key with its description. `values` replace top-level defaults."""
    lines = [
        "# Impasto's configuration. Every key is here, with its default; delete what you do not",
        "# change. The command line comes first, then the environment (IMPASTO_OVERWRITE,",
        "# IMPASTO_WATCH__POLLING, ...), then config.yaml in the working folder, then the one in",
        "# your configuration folder; --config FILE replaces both files. `impasto check` shows",
        "# where each value comes from.",
    ]
    return "\n".join([*lines, *_annotated(Config(**values), "")]) + "\n"


EXPECTED = {
    "devices": "`auto` or a list of devices such as [cpu] or [cuda:0, cuda:1]",
    "workers_per_device": "`auto`, a whole number from 1 to 16, or null",
    "threads": "a whole number from 1 to 1024, or null",
    "memory": "`auto` or an amount such as 6GB or 512MiB",
}
"""Keys of which pydantic would name each of the types."""


def config_problems(error: ValidationError, values: Mapping[str, Any]) -> list[Problem]:
    """pydantic's errors; those of one value of `EXPECTED` as one, and those of settings outside
    `settings` with the place where these belong."""
    refused = {details["loc"][0] for details in error.errors()}
    return [
        *(
            (problem.given == "unknown key" and misplaced_setting(problem.path)) or problem
            for problem in problems_of(error, Config)
            if problem.path[0] not in EXPECTED
        ),
        *(
            Problem((key,), repr(values[key])[:80], expected)
            for key, expected in EXPECTED.items()
            if key in refused
        ),
    ]


def _annotated(model: BaseModel, indent: str) -> Iterator[str]:
    prefix = f"{indent}# "
    for name, info in type(model).model_fields.items():
        if not indent:
            yield ""
        text = " ".join((info.description or "").split())
        yield from textwrap.wrap(text, 98, initial_indent=prefix, subsequent_indent=prefix)
        value = getattr(model, name)
        if name == "settings":
            value = resolve(value)
        if isinstance(value, BaseModel):
            yield f"{indent}{name}:"
            yield from _annotated(value, f"{indent}  ")
        elif isinstance(value, dict | list):
            inline = yaml.safe_dump(value, default_flow_style=True, width=4000, sort_keys=False)
            yield f"{indent}{name}: {inline.strip()}"
        else:
            yield indent + yaml.safe_dump({name: value}, default_flow_style=False).strip()


if __name__ == "__main__":
    sys.stdout.write(annotated_yaml())
