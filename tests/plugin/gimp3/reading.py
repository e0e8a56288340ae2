"""Runs inside GIMP, after `remote.py`: a layer in every situation, there and back again.

The plug-in's own modules read it. `copied_wrongly` looks at what they are about to send;
`returned_wrongly` inserts what was sent, as of a server that returns its input.
"""

# ruff: noqa: F821  (the names that `remote.py` has left)

import itertools
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(Gimp.directory(), "plug-ins", "impasto")))

from images.layers import offsets
from images.placement import Placement
from images.region import Region

NONE = Gegl.AbyssPolicy.NONE
REPLACE = Gimp.ChannelOps.REPLACE
NORMAL = Gimp.LayerMode.NORMAL
SELECTED = (20, 10, 30, 20)


def build(lock, mask, group, offset, selection, floating, visible, precision, profile):
    """The image, and the drawable that is to be painted. It is 60 x 40: orange, then blue-green,
    with 10 transparent columns at the left; a mask, where there is one, hides the 20 at the right.
    """
    image = Gimp.Image.new_with_precision(
        96, 64, Gimp.ImageBaseType.RGB, getattr(Gimp.Precision, precision)
    )
    if profile:
        image.set_color_profile(getattr(Gimp.ColorProfile, f"new_rgb_{profile}")())
    parent = None
    if group != "none":
        parent = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(parent, None, 0)
    layer = Gimp.Layer.new(image, "photo", 60, 40, image_type(image, True), 40, NORMAL)
    image.insert_layer(layer, parent, 0)
    write(layer, pattern())
    if mask != "none":
        made = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(made)
        fill(made, "black", (40, 0, 20, 40))
        layer.set_apply_mask(mask != "disabled")
        layer.set_show_mask(mask == "shown")
        layer.set_edit_mask(mask == "edited")
    layer.set_offsets(*offset)
    layer.set_visible(visible)
    target = layer
    if floating != "none":
        layer.set_edit_mask(False)
        Gimp.Selection.none(image)
        other = Gimp.Image.new(60, 40, Gimp.ImageBaseType.RGB)
        source = Gimp.Layer.new(other, "x", 60, 40, Gimp.ImageType.RGBA_IMAGE, 100, NORMAL)
        other.insert_layer(source, None, 0)
        write(source, pattern())
        Gimp.edit_copy([source])
        other.delete()
        (pasted,) = Gimp.edit_paste(layer, True)
        assert pasted.is_floating_sel()
        if floating == "itself":
            target = pasted
            pasted.set_offsets(*offset)
    if selection:
        image.select_rectangle(REPLACE, *SELECTED)
    if lock != "none":
        getattr(target, f"set_lock_{lock}")(True)
    if group == "locked":
        parent.set_lock_position(True)
        parent.set_lock_content(True)
    return image, target


def pattern():
    """60 x 40 pixels: red, green, blue, alpha; encoded, from 0 to 1."""
    row = [(0.0, 0.0, 0.0, 0.0)] * 10 + [(0.8, 0.4, 0.2, 1.0)] * 20 + [(0.1, 0.6, 0.5, 1.0)] * 30
    return row * 40


def write(layer, pixels):
    """Put values into a layer as its image's profile encodes them."""
    buffer = layer.get_buffer()
    whole = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    flat = struct.pack(f"{len(pixels) * 4}f", *itertools.chain.from_iterable(pixels))
    buffer.set(whole, "R'G'B'A float", flat)
    buffer.flush()
    layer.update(0, 0, layer.get_width(), layer.get_height())


def read(layer, x, y, width, height):
    """Those pixels, with the colours of what is transparent left out."""
    whole = Gegl.Rectangle.new(x, y, width, height)
    flat = layer.get_buffer().get(whole, 1.0, "R'G'B'A float", NONE)
    return [
        flat_pixel if flat_pixel[3] else (0.0, 0.0, 0.0, 0.0)
        for flat_pixel in struct.iter_unpack("4f", flat)
    ]


def there_and_back(image, target):
    """The painting that a server makes which returns what it is sent."""
    region = Region(image, [target], selection_only=True)
    placement = Placement(region)
    with tempfile.TemporaryDirectory() as folder:
        picture = pathlib.Path(folder, "content.png")
        region.export(picture)
        mask, _ = region.export_masks(pathlib.Path(folder))
        sent = load(mask) if mask else None
        painted, reason = placement.insert(picture, "painted", "{}")
    return painted, reason, sent


def returned_wrongly(**situation):
    """What is wrong with the painting of such a server; empty if all is right."""
    image, target = build(**situation)
    sent = None
    try:
        original = expected(target, situation)
        place = expected_place(target, situation)
        painted, reason, sent = there_and_back(image, target)
        if reason or painted.get_image() != image:
            return f"in an image of its own: {reason}"
        left, top = offsets(painted)
        if [left, top, painted.get_width(), painted.get_height()] != place:
            return f"at {left, top}, not {place}"
        problem = difference(painted, original, offsets(target), place, situation)
        mask = painted.get_mask()
        if bool(mask) != situation["selection"]:
            return "it has a mask" if mask else "it has no mask"
        if bool(sent) != situation["selection"]:
            return "a mask is sent" if sent else "no mask is sent"
        for (x, y), value in {(21, 11): 1, (49, 29): 1, (19, 11): 0, (21, 31): 0}.items():
            is_inside = left <= x < left + place[2] and top <= y < top + place[3]
            if mask and is_inside and mask.get_pixel(x - left, y - top).get_rgba().red != value:
                return f"the mask at {x}, {y} is not {value}"
        # More is painted around it: what lies further off than that is not.
        for (x, y), value in {(21, 11): 1, (49, 29): 1, (16, 11): 0, (21, 34): 0}.items():
            is_inside = left <= x < left + place[2] and top <= y < top + place[3]
            if not sent or not is_inside:
                continue
            found = pixels(picture_of(sent), [(x - left, y - top)])[0][0]
            if round(found, 3) != value:
                return f"the mask that is sent is not {value} at {x}, {y}"
        return problem
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        for each in (image, sent):
            if each is not None:
                each.delete()


def picture_of(image):
    return image.get_layers()[0]


def copied_wrongly(**situation):
    """What is wrong with the pixels that are about to be sent; empty if all is right."""
    image, target = build(**situation)
    copy = None
    try:
        region = Region(image, [target], selection_only=True)
        copy = region.flattened_copy()
        place = expected_place(target, situation)
        if [copy.get_width(), copy.get_height()] != place[2:]:
            return f"{copy.get_width()} x {copy.get_height()}, not {place}"
        original = expected(target, situation)
        return difference(copy.get_layers()[0], original, offsets(target), place, situation)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        for each in (copy, image):
            if each is not None:
                each.delete()


def reduced_wrongly(precision, profile, mask, grey):
    """What is wrong with the small copy of a layer that is 240 x 160; empty if all is right."""
    image, layer = build("none", mask, "none", (13, -9), False, "none", True, precision, profile)
    try:
        layer.scale(240, 160, False)
        if grey:
            image.convert_grayscale()
        # The middles of its three parts.
        points = {(20, 80): (4, 20), (80, 80): (20, 20), (200, 80): (50, 20)}
        original = pixels(layer, points)
        with tempfile.TemporaryDirectory() as folder:
            picture = pathlib.Path(folder, "small.png")
            size = Region(image, [layer], selection_only=True).export(picture, 60)
            small = load(picture)
        found = pixels(small.get_layers()[0], points.values())
        deep = small.get_precision() == Gimp.Precision.U16_NON_LINEAR
        small.delete()
        if size != (60, 40) or deep != (precision != "U8_NON_LINEAR"):
            return f"{size}, deep: {deep}"
        if mask == "applied":
            original[2][3] = 0
        # 8 bits of a linear profile have wide steps in what is dark.
        most = 0.03 if (precision, profile) == ("U8_NON_LINEAR", "srgb_linear") else 0.006
        for seen, right in zip(found, original, strict=True):
            # Of what is transparent the colour does not matter.
            if abs(seen[3] - right[3]) > 0.01 or (right[3] and difference_of(seen, right) > most):
                return f"{seen}, not {right}"
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        image.delete()


def difference_of(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def expected(target, situation):
    """The pixels of the whole layer, its mask applied if it has one that is not disabled."""
    pixels = read(target, 0, 0, 60, 40)
    if situation["mask"] in ("applied", "shown", "edited") and situation["floating"] != "itself":
        pixels = [
            pixel if at % 60 < 40 else (0.0, 0.0, 0.0, 0.0) for at, pixel in enumerate(pixels)
        ]
    return pixels


def expected_place(target, situation):
    """Left, top, width and height in the image: the layer, or 16 pixels around the selection."""
    left, top = offsets(target)
    if not situation["selection"]:
        return [left, top, 60, 40]
    x, y, width, height = SELECTED
    corner = max(left, x - 16), max(top, y - 16)
    end = min(left + 60, x + width + 16), min(top + 40, y + height + 16)
    return [*corner, end[0] - corner[0], end[1] - corner[1]]


def difference(layer, original, origin, place, situation):
    """Where the layer is not as the part of the original at `place`; empty if it is."""
    # In steps of the picture that is sent: the dark ones of Adobe RGB are wider than sRGB's.
    tolerance = 1.5 / 255 if situation["precision"] == "U8_NON_LINEAR" else 10 / 65535
    found = iter(read(layer, 0, 0, *place[2:]))
    for y in range(place[1] - origin[1], place[1] - origin[1] + place[3]):
        for x in range(place[0] - origin[0], place[0] - origin[0] + place[2]):
            seen, right = next(found), original[y * 60 + x]
            if max(abs(a - b) for a, b in zip(seen, right, strict=True)) > tolerance:
                return f"{seen} at {x}, {y}, not {right}"
    return ""


def failures(look, situations):
    """The situations in which `look` finds something wrong, with what it says."""
    looked = [(situation, look(**situation)) for situation in situations]
    return [[situation, problem] for situation, problem in looked if problem]


def product(**dimensions):
    """Every situation of these dimensions."""
    return [
        dict(zip(dimensions, values, strict=True))
        for values in itertools.product(*dimensions.values())
    ]
