"""The plug-in in a real GIMP 3 with a large picture: for how long its dialog stands still, how long
sending and inserting take, and in how much memory.

GIMP is that of the tests (`make test-gimp` puts it up: Linux, root). The server paints nothing: it
returns its input, or a small picture, so that every second is the plug-in's or GIMP's.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import skimage

from benchmarks.machine import provenance
from benchmarks.report import log_progress, save

TESTS = Path(__file__).parents[2] / "tests" / "plugin"
PHOTOGRAPH = Path(skimage.__file__).parent / "data" / "chelsea.png"

PATIENCE = 900.0
"""Seconds for one step."""

SMALL = 1024
"""Longest side of the small painting, in pixels."""

SHOW = """
Atspi.set_timeout(120_000, 120_000)
source = load("/share/photo.png")
image = Gimp.Image.new_with_precision(
    {width}, {height}, Gimp.ImageBaseType.RGB, Gimp.Precision.{precision})
image.undo_disable()
layer = Gimp.Layer.new_from_drawable(source.get_layers()[0], image)
image.insert_layer(layer, None, 0)
layer.scale({width}, {height}, False)
# Grain, as in any photograph: without it the picture would be packed and sent too fast.
layer.merge_filter(Gimp.DrawableFilter.new(layer, "gegl:noise-rgb", ""))
source.delete()
image.select_rectangle(
    Gimp.ChannelOps.REPLACE, {width} // 4, {height} // 4, {width} // 2, {height} // 2)
image.undo_enable()
image.clean_all()
displays.append(Gimp.Display.new(image))
Gimp.displays_flush()
time.sleep(3)
"""

HANDS = """
def stalls(name, role, change):
    "The longest time in which the dialog answers nothing, in the three seconds of a change."
    widget = find(name, role, dialog)
    place = dialog.get_component_iface()
    longest, begun = 0.0, time.monotonic()
    asked = begun
    change(widget)
    while asked < begun + 3:
        longest = max(longest, time.monotonic() - asked)
        time.sleep(0.005)
        asked = time.monotonic()
        place.get_extents(Atspi.CoordType.SCREEN)
    return longest

def put(value):
    return lambda widget: widget.get_value_iface().set_current_value(value)

def select(at):
    return lambda widget: widget.get_selection_iface().select_child(at)

def press_it(widget):
    widget.get_action_iface().do_action(0)
"""

DIALS = {
    "Strength": ("slider", "put(40)"),
    "Strokes": ("slider", "put(1)"),
    "As the layer": ("check box", "press_it"),
    "Size": ("spin button", "put(2048)"),
    "As long as it takes": ("check box", "press_it"),
    "Time": ("spin button", "put(90)"),
    "Seed": ("spin button", "put(7)"),
    "Preset": ("combo box", "select(2)"),
    "Output": ("combo box", "select(1)"),
    "Colours": ("combo box", "select(1)"),
    "Only the selection": ("check box", "press_it"),
}
"""Each widget's role, and what is done to it."""

CHOSEN = {
    "strength": 40.0,
    "style_scale": 2.0,
    "size": 2048,
    "seconds": 90,
    "seed": 7,
    "preset": "gatys",
    "output": "image",
    "colours": "content",
    "selection_only": False,
}
"""What the dialog has to remember after that."""


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gimp", description=__doc__)
    parser.add_argument("--megapixels", type=float, default=100)
    parser.add_argument("--precision", default="U8_NON_LINEAR", help="as Gimp.Precision calls it")
    options = parser.parse_args(arguments)
    sys.path[:0] = [str(TESTS), str(TESTS / "gimp3")]
    os.environ.setdefault("IMPASTO_GIMP_ROOT", _provisioned())

    height = round((options.megapixels * 1e6 / 1.5) ** 0.5)
    width = round(1.5 * height)
    with tempfile.TemporaryDirectory() as folder:
        lines = _measured(Path(folder), width, height, options.precision)
    heading = f"An image of {width} x {height} px, {options.precision}. {provenance()}"
    save("gimp", "\n".join([heading, "", "| what | seconds | |", "|---|---|---|", *lines]))


def _provisioned() -> str:
    command = [str(TESTS / "gimp3" / "provision.sh")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout.strip() or f"{command[0]} failed.")
    return done.stdout.strip().splitlines()[-1]


def _measured(folder: Path, width: int, height: int, precision: str) -> list[str]:
    from scripted import ScriptedServer
    from session import window

    shutil.copy(PHOTOGRAPH, folder / "photo.png")
    server = ScriptedServer(folder / "scripted")
    shutil.copy(PHOTOGRAPH, server.root / "styles" / "sun.png")
    gimp = window(folder)
    try:
        _remember(gimp)
        gimp.run(HANDS)
        log_progress("making the image")
        gimp.run(SHOW.format(width=width, height=height, precision=precision), PATIENCE)
        return [
            *_dialog(gimp),
            *_paintings(gimp, server),
        ]
    finally:
        gimp.close()
        server.close()


def _remember(gimp: Any, **choices: Any) -> None:
    from dialogs import remember

    remember(gimp, hot_folder="/share/scripted", style="sun.png", **choices)


def _dialog(gimp: Any) -> list[str]:
    log_progress("opening the dialog")
    opening = gimp.run(
        """
        begun = time.monotonic()
        press("Neural Style (Impasto)...", "menu item")
        dialog = wait_for(lambda: find("Neural Style (Impasto)", "dialog"), 600)
        dialog.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
        answer = time.monotonic() - begun
        # The preview of the beginning has been sent.
        time.sleep(5)
        """,
        PATIENCE,
    )
    lines = [f"| from the menu to the dialog | {opening:.2f} | |"]
    for name, (role, change) in DIALS.items():
        log_progress(name)
        longest = gimp.run(f"answer = stalls({name!r}, {role!r}, {change})", PATIENCE)
        lines.append(f"| the dialog stands still for a change of *{name}* | {longest:.2f} | |")
    gimp.run("press('Cancel', 'button', dialog); wait_for(lambda: not find_dialog())")
    _check_remembered(gimp)
    return lines


def _check_remembered(gimp: Any) -> None:
    from dialogs import remembered
    from session import until

    def wrong() -> dict[str, Any]:
        now = remembered(gimp)
        return {name: now[name] for name, value in CHOSEN.items() if now[name] != value}

    until(lambda: not wrong(), f"{CHOSEN}, not {wrong()}")


def _paintings(gimp: Any, server: Any) -> list[str]:
    lines = []
    for name, choices, painting in (
        ("as large as the layer", {"size": 0}, None),
        (f"{SMALL} px", {"size": SMALL}, PHOTOGRAPH),
    ):
        for what, selection in ("the layer", False), ("half of its sides, selected", True):
            log_progress(f"painting: {name}, {what}")
            figures = _painting(gimp, server, painting, selection_only=selection, **choices)
            lines += [f"| {what}, painted {name}: {step} | {text} |" for step, text in figures]
            log_progress("\n".join(lines[-3:]))
    return lines


def _painting(
    gimp: Any, server: Any, painting: Path | None, **choices: Any
) -> Iterator[tuple[str, str]]:
    """The steps of one painting: seconds, and megabytes at most."""
    times: dict[str, float] = {}

    def returns(server: Any, name: str) -> Iterator[None]:
        yield
        if not name.startswith("preview"):
            times["sent"] = time.monotonic()
            target = server.root / "outbox" / f"{name}.png"
            target.write_bytes(painting.read_bytes() if painting else server.contents[-1])
            target.with_suffix(".result.yaml").write_text("name: x\n")
            result = {"result": f"outbox/{name}.png", "record": f"outbox/{name}.result.yaml"}
            times["painted"] = time.monotonic()
            server.post(name, "done", fraction=1.0, **result)

    server.script = returns
    server.contents.clear()
    _remember(gimp, **choices)
    gimp.run(
        """
        press("Neural Style (Impasto)...", "menu item")
        dialog = wait_for(lambda: find("Neural Style (Impasto)", "dialog"), 600)
        press("Preview", "check box", dialog)
        time.sleep(1)
        image.clean_all()
        before = len(image.get_layers())
        """,
        PATIENCE,
    )
    with Memory() as memory:
        spent, begun = _processor_seconds(), time.monotonic()
        gimp.run("press('Paint', 'button', dialog)")
        gimp.run(
            """
            wait_for(lambda: len(image.get_layers()) > before, 900)
            wait_for(lambda: not find("Cancel", "button"), 900)
            """,
            PATIENCE,
        )
        ended = time.monotonic()
    spent = _processor_seconds() - spent
    gimp.run("image.remove_layer(image.get_layers()[0])", PATIENCE)
    yield "sent after", f"{times['sent'] - begun:.1f} |"
    yield "inserted after its end", f"{ended - times['painted']:.1f} | {memory}"
    yield "both, in seconds of a processor", f"{spent:.1f} |"


def _processor_seconds() -> float:
    """Of GIMP, and of its plug-ins that have ended."""
    return sum(
        sum(process.info["cpu_times"][:4])
        for process in psutil.process_iter(["cmdline", "cpu_times"])
        if (process.info["cmdline"] or [""])[0] == "gimp" and process.info["cpu_times"]
    )


class Memory:
    """The most that GIMP and the plug-in hold, by looking ten times a second."""

    def __init__(self) -> None:
        self.peaks = {"GIMP": 0, "the plug-in": 0}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def __str__(self) -> str:
        return ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in self.peaks.items())

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            for process in psutil.process_iter(["name", "cmdline", "memory_info"]):
                command = process.info["cmdline"] or [""]
                name = "the plug-in" if "impasto/impasto.py" in " ".join(command) else ""
                name = name or ("GIMP" if command[0] == "gimp" else "")
                if name and process.info["memory_info"]:
                    self.peaks[name] = max(self.peaks[name], process.info["memory_info"].rss)
