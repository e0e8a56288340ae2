"""Runs inside GIMP with its window, after `remote.py`: eyes and hands for the tests.

Widgets are found by what they say of themselves to a screen reader.
"""

import subprocess
import time

import gi

gi.require_version("Atspi", "2.0")
gi.require_version("Gimp", "3.0")
from gi.repository import Atspi, Gimp, Gio, GLib

Atspi.init()


def windows():
    """Every window of every program on the screen."""
    # New ones are told of by signals, which nothing else would read here.
    while GLib.MainContext.default().iteration(False):
        pass
    desktop = Atspi.get_desktop(0)
    programs = [desktop.get_child_at_index(at) for at in range(desktop.get_child_count())]
    return [each for program in programs if program for each in children(program)]


def children(widget):
    """None of a widget that is gone: a program can end between two questions."""
    try:
        found = [widget.get_child_at_index(at) for at in range(min(widget.get_child_count(), 200))]
    except GLib.Error:
        return []
    return [each for each in found if each]


def role_of(widget):
    """Empty if it is gone."""
    try:
        return widget.get_role_name()
    except GLib.Error:
        return ""


def find(name, role=None, within=None):
    """The first widget shown that has this name (and role), or None.

    Looks only where it may be: GIMP's window has 1,500 widgets, half of them in its menus, and each
    look at one is a question to another process.
    """
    waiting = windows() if within is None else [within]
    while waiting:
        widget = waiting.pop(0)
        try:
            states = widget.get_state_set()
            if not states.contains(Atspi.StateType.VISIBLE):
                continue
            its_role = widget.get_role_name()
            if widget.get_name() == name and role in (None, its_role):
                return widget
            if role in WINDOWS or (its_role == "menu bar" and role not in (None, *MENUS)):
                continue
            if role in MENUS and its_role in ("menu bar", *MENUS):
                waiting[:0] = children(widget)
            else:
                waiting += children(widget)
        except GLib.Error:
            continue  # gone since
    return None


WINDOWS = ("dialog", "alert", "frame")
MENUS = ("menu", "menu item")


def wait_for(look, seconds=60):
    """The first true value of `look()`."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.1)


def press(name, role=None, within=None):
    """Press a button, a menu entry, a box to tick."""
    widget = wait_for(lambda: find(name, role, within))
    assert widget, f"there is no {role or 'widget'} {name!r} on the screen"
    widget.get_action_iface().do_action(0)


def texts(within):
    """Whatever is written in a window."""
    found, waiting = [], [within]
    while waiting:
        widget = waiting.pop(0)
        try:
            if widget.get_state_set().contains(Atspi.StateType.VISIBLE):
                if widget.get_name():
                    found.append(widget.get_name())
                waiting += children(widget)
        except GLib.Error:
            continue  # gone since
    return found


def photograph(name):
    """A picture of the screen."""
    subprocess.run(["import", "-window", "root", f"/share/{name}.png"], check=True)


def key(*names):
    """Press keys, as xdotool calls them."""
    subprocess.run(["xdotool", "key", *names], check=True)


def click(widget):
    """Click on the middle of a widget."""
    box = widget.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    x, y = box.x + box.width // 2, box.y + box.height // 2
    subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "1"], check=True)


def put_away():
    """Close what a test left open."""
    close_dialogs()
    for _ in range(3):
        key("Escape")  # a menu, and those that it opened: they keep keys and clicks to themselves
    while displays:
        displays.pop().delete()


def close_dialogs():
    for _ in range(5):
        dialogs = [each for each in windows() if role_of(each) in ("dialog", "alert")]
        if not dialogs:
            break
        for each in dialogs:
            button = next(filter(None, (find(name, within=each) for name in CLOSING)), None)
            try:
                button.get_action_iface().do_action(0) if button else key("Escape")
            except GLib.Error:
                continue  # it closed by itself
        wait_for(lambda: not find_dialog(), 5)


displays = []

CLOSING = ("Cancel", "Close", "OK")


def find_dialog():
    return next((each for each in windows() if role_of(each) in ("dialog", "alert")), None)


def show(path):
    """Open a picture in a window; the image."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    image.clean_all()
    displays.append(Gimp.Display.new(image))
    return image


def focus_image():
    """Let keys go to GIMP's main window."""
    focus("GIMP$")


def focus_dialog():
    """Let keys go to the plug-in's dialog."""
    focus("Neural Style")


def focus(title):
    names = ["xdotool", "search", "--onlyvisible", "--name", title]
    # For a moment after a dialog has gone there may be none.
    found = wait_for(lambda: subprocess.run(names, capture_output=True, text=True).stdout.split())
    assert found, f"there is no window {title!r} on the screen"
    subprocess.run(["xdotool", "windowactivate", "--sync", found[0]], check=True)
