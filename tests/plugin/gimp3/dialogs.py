"""What tests of the window share: opening the dialog, and reading what it says."""

import json
from typing import Any

from session import Gimp, until

OPEN = """
for _ in range(3):
    press("Neural Style (Impasto)...", "menu item")
    dialog = wait_for(lambda: find({title!r}, "dialog"))
    if dialog:
        break
    key("Escape")  # on a busy machine a program may not reach the screen reader's bus in time
assert dialog, "no dialog"
wait_for(lambda: find({paint!r}, within=dialog))
"""


def open_dialog(screen: Gimp, title: str = "Neural Style (Impasto)", paint: str = "Paint") -> None:
    """Choose it in the menu; it is `dialog` then."""
    screen.run(OPEN.format(title=title, paint=paint))


def remember(screen: Gimp, **choices: Any) -> None:
    """Let the dialog open with these choices, as those of the last run."""
    folder = screen.profile / "impasto"
    folder.mkdir(exist_ok=True)
    (folder / "choices.json").write_text(json.dumps({"choices": choices}))


def remembered(screen: Gimp) -> dict[str, Any]:
    document = json.loads((screen.profile / "impasto" / "choices.json").read_text())
    return dict(document["choices"])


def words(screen: Gimp, window: str = "dialog") -> list[str]:
    """Whatever is written in the dialog."""
    return list(screen.run(f"answer = texts({window})"))


def wait_for_words(screen: Gimp, part: str, window: str = "dialog") -> str:
    """The text in the dialog that has `part` in it, once it is there."""

    def found() -> str | None:
        return next((text for text in words(screen, window) if part in text), None)

    return str(until(found, f"{part!r} in the dialog"))


def layers(screen: Gimp) -> list[str]:
    return list(screen.run("answer = [each.get_name() for each in image.get_layers()]"))
