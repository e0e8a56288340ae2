"""Masks, regions and palettes in the form, by real requests."""

from pathlib import Path

import pytest
import yaml
from processes import Running, Until
from support_page import Served, finished

from hotfolder.paths import FolderPaths

CONTENT = ("content", ("cat.jpg", b"steps=2"))


def picture(field: str, name: str) -> tuple[str, tuple[str, bytes]]:
    return field, (name, name.encode())


@pytest.fixture(autouse=True)
def library(request: pytest.FixtureRequest) -> None:
    page = "shared_page" if "shared_page" in request.fixturenames else "page"
    folder = request.getfixturevalue(page).folder
    for name in ("night.jpg", "evening.jpg"):
        (folder.styles / name).write_bytes(b"a painting")


def sidecar(folder: FolderPaths) -> dict[str, object]:
    (path,) = folder.inbox.glob("*.yaml")
    document = yaml.safe_load(path.read_text())
    assert isinstance(document, dict)
    return document


def test_a_mask_and_a_palette_come_with_each_picture(folder: FolderPaths, page: Served) -> None:
    files = [CONTENT, picture("content", "dog.png"), picture("mask", "../Sky.PNG")]
    with page.client() as client:
        form = client.get("/drop").text
        assert form.index('name="mask"') < form.index('name="palette"')
        data = {"style": "night.jpg", "palette": "evening.jpg", "colours": "blend"}
        assert client.post("/drop", data=data, files=files).status_code == 200
    for name in ("cat", "dog"):
        document = yaml.safe_load((folder.inbox / f"{name}.yaml").read_text())
        assert (document["mask"], document["palette"]) == (f"{name}.mask.png", "evening.jpg")
        assert document["colours"] == "blend"
        assert (folder.inbox / f"{name}.mask.png").read_bytes() == b"../Sky.PNG"


def test_an_own_picture_is_the_palette(folder: FolderPaths, page: Served) -> None:
    with page.client() as client:
        data = {"style": "night.jpg", "palette": "evening.jpg"}
        files = [CONTENT, picture("palette_file", "dusk.webp")]
        assert client.post("/drop", data=data, files=files).status_code == 200
    assert sidecar(folder)["palette"] == "cat.palette.webp"


def test_each_region_has_its_mask_and_its_style(
    folder: FolderPaths, page: Served, running: Running, until: Until
) -> None:
    running.start()
    files = [
        *(CONTENT, picture("region1_mask", "sky.png"), picture("region3_mask", "sea.png")),
        picture("region3_file", "wave.webp"),
    ]
    with page.client() as client:
        data = {"region1_style": "evening.jpg", "region3_style": "night.jpg"}
        assert client.post("/drop", data=data, files=files).status_code == 200
    until(lambda: running.state("cat") == "done")
    document = yaml.safe_load(next(folder.done.rglob("cat.yaml")).read_text())
    assert document["styles"] == ["evening.jpg", "cat.style2.webp"]
    assert document["regions"] == ["cat.mask1.png", "cat.mask2.png"]
    place = next(folder.done.rglob("cat.yaml")).parent
    assert [(place / f"cat.mask{n}.png").read_bytes() for n in (1, 2)] == [b"sky.png", b"sea.png"]


@pytest.mark.parametrize(
    ("values", "files", "field", "words"),
    [
        ({"region1_style": "night.jpg"}, [], "region1", "Choose the mask of this region."),
        ({}, [picture("region2_mask", "sky.png")], "region2", "Choose the style of this region."),
        (
            {"style": "night.jpg", "region1_style": "night.jpg"},
            [picture("region1_mask", "sky.png")],
            "style",
            "Each region has a style of its own",
        ),
        ({"style": "night.jpg"}, [picture("mask", "sky.psd")], "mask", "no picture that Impasto"),
        ({"style": "night.jpg"}, [("mask", ("sky.png", b""))], "mask", "sky.png is empty."),
        ({"style": "night.jpg", "palette": "no.jpg"}, [], "palette", "no style no.jpg"),
        ({"style": "night.jpg", "colours": "palette"}, [], "palette", "expected a picture"),
        (
            {"style": "night.jpg", "style_statistic": "histogram"},
            [picture("mask", "sky.png")],
            "style_statistic",
            "with a mask or regions",
        ),
        (
            {"style": "night.jpg", "palette": "evening.jpg", "colour_method": "luminance"},
            [],
            "colour_method",
            "with a palette",
        ),
        (
            {"style": "night.jpg", "palette": "evening.jpg", "colours": "content"},
            [],
            "colours",
            "expected palette or blend",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_dropped(
    shared_page: Served,
    values: dict[str, str],
    files: list[tuple[str, tuple[str, bytes]]],
    field: str,
    words: str,
) -> None:
    with shared_page.client() as client:
        done = client.post("/drop", data=values, files=[CONTENT, *files])
    assert done.status_code == 422
    error = done.text.partition(f'id="e-{field}">')[2].partition("</p>")[0]
    assert words in error
    assert not list(shared_page.folder.inbox.iterdir())


def test_what_was_chosen_stays_chosen_while_something_needs_another_look(
    shared_page: Served,
) -> None:
    data = {"region2_style": "night.jpg", "palette": "evening.jpg"}
    with shared_page.client() as client:
        form = client.post("/drop", data=data, files=[CONTENT]).text
    part = form.partition('<details class="panel others" open>')[2].partition("</details>")[0]
    for name, value in data.items():
        select = part.partition(f'<select name="{name}"')[2].partition("</select>")[0]
        assert f'<option value="{value}" selected>' in select
        assert select.count("selected") == 1


def done_with(folder: FolderPaths, name: str, *files: str) -> Path:
    """Put originals to those of a painting."""
    place = next(folder.done.rglob(f"{name}.content.png")).parent
    for file in files:
        (place / file).write_bytes(file.encode())
    return place


def test_paint_again_takes_over_all_the_pictures_of_a_painting(
    folder: FolderPaths, page: Served
) -> None:
    regions = ["cat.mask1.png", "cat.mask2.png"]
    others = {"mask": "cat.mask.png", "regions": regions, "init": "cat.init.png"}
    finished(
        folder,
        "cat",
        style=["night.jpg", "cat.style2.png"],
        originals=True,
        others={**others, "palette": "evening.jpg"},
        mask="cat.mask.png",
        regions=regions,
        palette="evening.jpg",
        colours="palette",
        init="file",
        init_file="cat.init.png",
    )
    done_with(folder, "cat", "cat.mask.png", *regions, "cat.init.png", "cat.style2.png")
    with page.client() as client:
        assert (
            "<dt>Regions</dt><dd>cat.mask1.png, cat.mask2.png</dd>"
            in client.get("/gallery/cat").text
        )
        form = client.get("/drop", params={"like": "cat", "settings": "yes"}).text
        for key in ("content", "styles", "mask", "regions", "palette", "init"):
            assert f'name="same_{key}" value="yes" checked' in form
        assert "not here any more" not in form
        other = client.get("/drop", params={"like": "cat", "keep": "styles"}).text
        assert "same_mask" not in other
        keys = ("content", "styles", "mask", "regions", "palette", "init")
        data = {"like": "cat", **{f"same_{key}": "yes" for key in keys}}
        assert client.post("/drop", data=data, files={"x": ("", b"")}).status_code == 200
    document = sidecar(folder)
    (path,) = folder.inbox.glob("*.yaml")
    name = path.stem
    assert document["styles"] == ["night.jpg", f"{name}.style2.png"]
    assert (document["palette"], document["init"]) == ("evening.jpg", "file")
    assert document["regions"] == [f"{name}.mask1.png", f"{name}.mask2.png"]
    copies = {end: (folder.inbox / f"{name}.{end}.png").read_bytes() for end in ("mask", "init")}
    assert copies == {"mask": b"cat.mask.png", "init": b"cat.init.png"}
    assert (folder.inbox / f"{name}.mask2.png").read_bytes() == b"cat.mask2.png"


def test_label_pictures_are_taken_over_together(folder: FolderPaths, page: Served) -> None:
    labels = {"regions": ["cat.labels.png"], "style_regions": ["cat.labels1.png"]}
    finished(folder, "cat", originals=True, others=labels, **labels)
    done_with(folder, "cat", "cat.labels.png", "cat.labels1.png")
    data = {"like": "cat", "same_content": "yes", "same_styles": "yes", "same_regions": "yes"}
    with page.client() as client:
        assert client.post("/drop", data=data, files={"x": ("", b"")}).status_code == 200
    document = sidecar(folder)
    (path,) = folder.inbox.glob("*.yaml")
    assert document["regions"] == [f"{path.stem}.labels.png"]
    assert document["style_regions"] == [f"{path.stem}.labels1.png"]


def test_a_new_mask_takes_the_place_of_the_old_one(folder: FolderPaths, page: Served) -> None:
    finished(folder, "cat", originals=True, others={"mask": "cat.mask.png"}, mask="cat.mask.png")
    done_with(folder, "cat", "cat.mask.png")
    data = {"like": "cat", "same_content": "yes", "same_styles": "yes", "same_mask": "yes"}
    with page.client() as client:
        files = [picture("mask", "new.png")]
        assert client.post("/drop", data=data, files=files).status_code == 200
    (mask,) = folder.inbox.glob("*.mask.png")
    assert mask.read_bytes() == b"new.png"


def test_regions_that_are_kept_need_their_styles(folder: FolderPaths, page: Served) -> None:
    regions = ["cat.mask1.png", "cat.mask2.png"]
    finished(folder, "cat", originals=True, others={"regions": regions}, regions=regions)
    done_with(folder, "cat", *regions)
    data = {"like": "cat", "same_content": "yes", "same_regions": "yes", "style": "night.jpg"}
    with page.client() as client:
        done = client.post("/drop", data=data, files={"x": ("", b"")})
    assert done.status_code == 422
    assert "2 masks: expected one for each style, of which there is 1" in done.text
    assert not list(folder.inbox.iterdir())


def test_the_originals_of_a_batch_are_taken_over_for_each_of_its_paintings(
    folder: FolderPaths, page: Served
) -> None:
    finished(folder, "trip-cat-night", originals=True, others={"mask": "cat.mask.png"})
    finished(folder, "trip", originals=True)  # A job, not the batch of the same beginning.
    place = done_with(folder, "trip-cat-night", "cat.mask.png", "trip.batch.yaml")
    place.rename(place.with_name("trip-2"))
    with page.client() as client:
        assert "same_mask" not in client.get("/drop", params={"like": "trip-cat-night"}).text
        place.with_name("trip").rename(place.with_name("other"))
        place.with_name("trip-2").rename(place.with_name("trip"))
        data = {"like": "trip-cat-night", "same_content": "yes", "same_styles": "yes"}
        done = client.post("/drop", data={**data, "same_mask": "yes"}, files={"x": ("", b"")})
        assert done.status_code == 200
    (mask,) = folder.inbox.glob("*.mask.png")
    assert mask.read_bytes() == b"cat.mask.png"


def test_what_is_gone_is_named_and_cannot_be_taken_over(folder: FolderPaths, page: Served) -> None:
    others = {"mask": "sky.png", "palette": "dusk.jpg"}
    finished(folder, "sea", originals=True, others=others, mask="sky.png", palette="dusk.jpg")
    finished(folder, "cat", originals=True)
    with page.client() as client:
        plain, masked = (
            client.get("/drop", params={"like": name, "settings": "yes"}).text
            for name in ("cat", "sea")
        )
        data = {"like": "sea", "same_content": "yes", "same_styles": "yes", "same_mask": "yes"}
        done = client.post("/drop", data=data, files={"x": ("", b"")})
    assert "not here any more" not in plain
    words = "sea was painted with dusk.jpg, sky.png besides, which are not here any more."
    assert words in masked
    assert "same_mask" not in masked
    assert done.status_code == 422
    assert "sky.png is not here any more." in done.text


def test_a_mask_that_became_a_link_is_not_followed(folder: FolderPaths, page: Served) -> None:
    finished(folder, "cat", originals=True, others={"mask": "cat.mask.png"}, mask="cat.mask.png")
    secret = folder.root.parent / "secret.png"
    secret.write_bytes(b"a secret")
    (done_with(folder, "cat") / "cat.mask.png").symlink_to(secret)
    data = {"like": "cat", "same_content": "yes", "same_styles": "yes", "same_mask": "yes"}
    with page.client() as client:
        done = client.post("/drop", data=data, files={"x": ("", b"")})
    assert done.status_code == 422
    assert 'id="e-mask"' in done.text
    assert not list(folder.inbox.iterdir())
