"""Runs inside GIMP, as a batch command: does what the tests ask, a file at a time.

`N.py` in the profile's folder `remote` is executed; what it leaves in `answer` goes to `N.json`.
"""

import json
import pathlib
import time
import traceback

import gi

gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio

NONINTERACTIVE = Gimp.RunMode.NONINTERACTIVE


def file_of(path):
    return Gio.File.new_for_path(str(path))


def load(path):
    return Gimp.file_load(NONINTERACTIVE, file_of(path))


def call(name, image=None, drawables=None, **arguments):
    """A procedure's status, and its message if it failed, else its first result."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", NONINTERACTIVE)
    if image is not None:
        config.set_property("image", image)
        chosen = drawables if drawables is not None else image.get_layers()[:1]
        config.set_core_object_array("drawables", chosen)
    for key, value in arguments.items():
        config.set_property(key.replace("_", "-"), value)
    values = procedure.run(config)
    status = values.index(0).value_nick
    return status, values.index(1) if values.length() > 1 else None


def facts(layer):
    """What a test wants to know of a layer, as plain values."""
    _, x, y = layer.get_offsets()
    parasite = layer.get_parasite("impasto-settings")
    mask = layer.get_mask()
    return {
        "name": layer.get_name(),
        "size": [layer.get_width(), layer.get_height()],
        "offsets": [x, y],
        "alpha": layer.has_alpha(),
        "mask": mask is not None,
        "settings": json.loads(bytes(parasite.get_data())) if parasite else None,
    }


def pixels(drawable, points):
    """The drawable's colours in sRGB, 0 to 1: red, green, blue, alpha."""
    linear = [drawable.get_pixel(*point).get_rgba() for point in points]
    return [[*map(encoded, (each.red, each.green, each.blue)), each.alpha] for each in linear]


def image_type(image, alpha):
    types = {
        (Gimp.ImageBaseType.RGB, False): Gimp.ImageType.RGB_IMAGE,
        (Gimp.ImageBaseType.RGB, True): Gimp.ImageType.RGBA_IMAGE,
        (Gimp.ImageBaseType.GRAY, False): Gimp.ImageType.GRAY_IMAGE,
        (Gimp.ImageBaseType.GRAY, True): Gimp.ImageType.GRAYA_IMAGE,
    }
    return types[image.get_base_type(), bool(alpha)]


def fill(layer, css, rectangle=None):
    """Fill the layer, or x, y, width, height of it, with a colour; None: make it transparent."""
    image = layer.get_image()
    saved = Gimp.Selection.save(image)
    _, left, top = layer.get_offsets()
    x, y, width, height = rectangle or (0, 0, layer.get_width(), layer.get_height())
    image.select_rectangle(Gimp.ChannelOps.REPLACE, left + x, top + y, width, height)
    if css is None:
        layer.edit_clear()
    else:
        Gimp.context_set_foreground(Gegl.Color.new(css))
        layer.edit_fill(Gimp.FillType.FOREGROUND)
    image.select_item(Gimp.ChannelOps.REPLACE, saved)
    image.remove_channel(saved)


def red_and_blue(base="RGB", precision="U8_NON_LINEAR", alpha=False):
    """An image of 96 x 64 px, the left half red, the right half blue, in its one layer."""
    image = Gimp.Image.new_with_precision(
        96, 64, getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision)
    )
    kind = image_type(image, alpha)
    layer = Gimp.Layer.new(image, "photo", 96, 64, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    fill(layer, "red")
    fill(layer, "blue", (48, 0, 48, 64))
    return image, layer


def channel(image, name, x, y, width, height, soft=0):
    """A saved selection, with an edge of so many pixels."""
    image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, width, height)
    if soft:
        Gimp.Selection.feather(image, soft)
    saved = Gimp.Selection.save(image)
    saved.set_name(name)
    Gimp.Selection.none(image)
    return saved


def encoded(light):
    """sRGB's value for an amount of light."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def serve(folder):
    number = 0
    while True:
        path = folder / f"{number}.py"
        if not path.exists():
            time.sleep(0.02)
            continue
        code = path.read_text()
        if code == "quit":
            return
        # One for all: what a request leaves, the next can use.
        globals()["answer"] = None
        try:
            exec(compile(code, str(path), "exec"), globals())
            reply = json.dumps({"answer": globals()["answer"]})
        except BaseException:
            reply = json.dumps({"error": traceback.format_exc()})
        draft = folder / f"{number}.part"
        draft.write_text(reply)
        draft.rename(folder / f"{number}.json")
        number += 1


serve(pathlib.Path(Gimp.directory()) / "remote")
