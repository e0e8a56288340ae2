"""What a job asks of the server besides its settings: nothing here changes a pixel."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["JobOptions", "JobOwner", "Minutes"]

Minutes = Annotated[float, Field(gt=0, le=525_600)]


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

    owner: JobOwner | None = None

    def under(self, other: Self) -> Self:
        """These, replaced where `other` sets them."""
        update = {key: getattr(other, key) for key in other.model_fields_set}
        return self.model_copy(update=update)
