"""`plan`: what a painting would take, before anything is painted."""

from dataclasses import replace

from hotfolder.cli.app import command
from hotfolder.cli.console import clock_time, print_columns, report
from hotfolder.cli.input_files import check_files
from hotfolder.cli.local_engine import load_network, memory_budget, set_threads
from hotfolder.cli.options import (
    ConfigOption,
    ContentArgument,
    DeviceOption,
    InterpolateOption,
    LabelsOption,
    MaskOption,
    MemoryOption,
    PresetOption,
    RegionOption,
    SecondsOption,
    SetOption,
    SizeOption,
    StyleLabelsOption,
    StylesArgument,
    TextureOption,
    TileOption,
    VariationsOption,
)
from hotfolder.cli.request.masks import MaskFiles
from hotfolder.cli.request.subject import painted
from hotfolder.cli.where import read_config

__all__ = ["plan"]


@command(
    "plan",
    "impasto plan cat.jpg --size 8192",
    "impasto plan cat.jpg --size 4096 --memory 3GB",
    "impasto plan cat.jpg --size 1024 --seconds 60",
    "impasto plan cat.jpg --region sky.png=night --region sea.png=watercolour",
    "impasto plan cat.jpg --variations 6",
    "impasto plan --texture --size 4096x2048 --tile",
    "impasto plan cat.jpg --preset gatys --device cuda:0",
)
def plan(
    content: ContentArgument = None,
    styles: StylesArgument = None,
    preset: PresetOption = None,
    assignments: SetOption = None,
    size: SizeOption = None,
    seconds: SecondsOption = None,
    mask: MaskOption = None,
    regions: RegionOption = None,
    labels: LabelsOption = None,
    style_labels: StyleLabelsOption = None,
    variations: VariationsOption = None,
    interpolate: InterpolateOption = None,
    texture: TextureOption = False,
    tile: TileOption = False,
    memory: MemoryOption = None,
    device: DeviceOption = "auto",
    config: ConfigOption = None,
) -> None:
    """Say how a picture or a texture would be painted: in how many tiles, what memory, how long.

    Nothing is painted, and of styles and masks only the number counts. The time is an estimate from
    a probe of a second.
    """
    from engine.settings import resolve

    read = read_config(config)
    content, styles, asked = painted(
        content,
        styles,
        preset,
        assignments,
        size,
        texture=texture,
        tile=tile,
        styles_needed=False,
        seconds=seconds,
        variations=variations,
        interpolate=interpolate,
    )
    masks = MaskFiles.of(styles, mask, regions, labels, style_labels, styles_needed=False)
    settings = resolve(read.settings, {**asked, **masks.layer})
    check_files([content] if content is not None else [])
    set_threads(read.threads)

    from engine.estimate import plan_painting, timetable_of
    from engine.images.picture import read_picture
    from engine.memory.budget import format_bytes
    from engine.series.members import count_of
    from engine.speed import seconds_a_pixel
    from engine.texture.canvas import texture_canvas

    picture = (
        read_picture(content, max_megapixels=read.max_megapixels)
        if content is not None
        else texture_canvas(settings)
    )
    vgg = load_network(settings, device)
    budget = memory_budget(memory or read.memory, str(vgg.device))
    scales = plan_painting(picture.size, settings, vgg, budget)
    if (timetable := timetable_of(picture.size, settings, vgg, budget, lambda: 0.0)) is not None:
        found = zip(scales, timetable.steps(0, 0, 0.0), strict=True)
        scales = [replace(scale, steps=steps) for scale, steps in found]
    a_pixel = seconds_a_pixel(vgg)
    rows = [("SIZE", "STEPS", "MODE", "TILES", "PAIRS", "PEAK MEMORY", "TIME")]
    for scale in scales:
        planned = scale.plan
        rows.append(
            (
                f"{scale.size[0]} x {scale.size[1]}",
                str(scale.steps),
                planned.mode,
                str(planned.tiles),
                str(planned.history or "-"),
                format_bytes(planned.peak),
                clock_time(scale.seconds(a_pixel)),
            )
        )
    print_columns(rows)
    total = sum(scale.seconds(a_pixel) for scale in scales)
    peak = max(scale.plan.peak for scale in scales)
    most = max(scale.most_held for scale in scales)
    needed = f"needs {format_bytes(peak)} of memory"
    if most > peak:
        needed += f" (may hold up to {format_bytes(most)}, since there is room)"
    limit = "no limit" if budget is None else f"a budget of {format_bytes(budget)}"
    if (count := count_of(settings)) > 1:
        report(f"{count} paintings of {clock_time(total)} each.")
    report(
        f"About {clock_time(count * total)} on {vgg.device} ({vgg.precision}), {needed}; {limit}."
    )
