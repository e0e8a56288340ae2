"""How log lines name the job that they are about: `[ID NAME]`, or `[NAME]` while it has no id."""

from dataclasses import dataclass

__all__ = ["JobTag"]


@dataclass(frozen=True)
class JobTag:
    """The first argument of a log call whose message begins with `%s `.

    The formatter for programs takes name and id from here: a name may hold brackets and words like
    those of a message, so that they cannot be told from the text.
    """

    name: str
    id: str | None = None

    def __str__(self) -> str:
        return f"[{self.id} {self.name}]" if self.id else f"[{self.name}]"
