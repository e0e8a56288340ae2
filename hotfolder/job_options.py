"""What a job asks of the server besides its settings: nothing here changes a pixel."""

from string import Formatter
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from plugin.client.protocol import PRESET, RESERVED_NAMES, fold_name, portable_name

__all__ = ["NAME_FIELDS", "JobOptions", "JobOwner", "Minutes", "ResultName"]

Minutes = Annotated[float, Field(gt=0, le=525_600)]

NAME_FIELDS = ("name", "content", "style", "preset", "size", "strength", "seed", "date")
"""What may stand in braces in the name of a result."""

MAX_NAME_TEXT = 100
"""Bytes of the text around the fields: it must leave room for what comes into them."""


def _result_name(text: str) -> str:
    fields = ", ".join(f"{{{field}}}" for field in NAME_FIELDS)
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:  # Such as a brace that is not closed.
        raise ValueError(f"text with fields such as {{content}} ({error})") from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in NAME_FIELDS or spec or conversion):
            raise ValueError(f"no fields but {fields}")
    around = "".join(part[0] for part in parts)
    if len(around.encode(errors="replace")) > MAX_NAME_TEXT:
        raise ValueError(f"at most {MAX_NAME_TEXT} bytes of text beside the fields")
    name = "".join(part[0] + ("x" if part[1] else "") for part in parts)
    if name.startswith((".", "~", " ")) or not name.isprintable() or portable_name(name) != name:
        raise ValueError(
            'a name that a file can have on every system: no slash, none of \\ : * ? " < > |, and '
            "not hidden"
        )
    if fold_name(name) in {*RESERVED_NAMES, PRESET}:
        raise ValueError(f"another name: {name} is the server's own")
    return text


ResultName = Annotated[str, AfterValidator(_result_name)]


class _Model(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )


class JobOwner(_Model):
    """Whom the job is for. It is cancelled when nobody is there any more to take the result."""

    pid: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """The client's process. Counts only on the server's own `host`."""

    host: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """The client's host name, as its system tells it."""

    heartbeat: bool = False
    """Whether the client touches `inbox/NAME.heartbeat` every 2 s."""


class JobOptions(_Model):
    """The keys of a sidecar that are neither pictures nor settings."""

    priority: Annotated[int, Field(ge=0, le=9)] = 5
    """Higher comes first; among equals the older."""

    max_minutes: Minutes | None = None
    """The job fails when it has run for longer."""

    name: ResultName | None = None
    """What the result is called, such as `{content}-{style}-{size}`; else as the job."""

    owner: JobOwner | None = None

    def under(self, other: Self) -> Self:
        """These, replaced where `other` sets them."""
        update = {key: getattr(other, key) for key in other.model_fields_set}
        return self.model_copy(update=update)
