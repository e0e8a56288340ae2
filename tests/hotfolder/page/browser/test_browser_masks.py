"""A person who paints a part of a picture, and then two regions of it."""

import shutil
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from browsing import Eyes, Studio, looking
from PIL import Image
from playwright.sync_api import Browser, expect


@pytest.fixture
def halves(tmp_path: Path) -> list[Path]:
    """Masks of the left and of the right."""
    paths = []
    for name, box in (("left", (0, 0, 32, 64)), ("right", (32, 0, 64, 64))):
        mask = Image.new("L", (64, 64))
        mask.paste(255, box)
        mask.save(path := tmp_path / f"{name}.png")
        paths.append(path)
    return paths


def test_two_regions_and_a_palette_are_painted_and_taken_over_for_the_next_one(
    eyes: Eyes, studio: Studio, halves: list[Path], tmp_path: Path
) -> None:
    page = eyes.page
    page.goto("/drop")
    page.set_input_files(
        "input[name=content]", shutil.copy(studio.photograph, tmp_path / "two.png")
    )
    page.get_by_text("Masks, regions, palette").press("Enter")
    expect(page.get_by_role("group", name="Region 3")).to_be_hidden()
    for number, (mask, style) in enumerate(zip(halves, ("Night", "Evening"), strict=True), 1):
        row = page.get_by_role("group", name=f"Region {number}")
        row.get_by_label(f"Mask of region {number}").set_input_files(mask)
        row.get_by_label("Its style").select_option(style)
    expect(page.get_by_role("group", name="Region 3")).to_be_visible()
    expect(page.locator(".region .chosen img")).to_have_count(2)
    page.get_by_label("Whose colours").select_option("Night")
    eyes.keep("regions")
    page.get_by_role("button", name="Paint").click()
    expect(page.locator(".notice.good")).to_contain_text("is in the inbox")
    name = page.locator(".notice.good strong").inner_text()
    record = studio.folder.outbox / f"{name}.result.yaml"
    studio.until((studio.folder.outbox / f"{name}.png").exists, "the regions are painted")
    made = yaml.safe_load(record.read_text())
    assert [len(made["masks"]["regions"]), made["palette"]["file"]] == [2, "night.jpg"]

    page.goto(f"/gallery/{name}")
    page.get_by_role("link", name="Paint again with these settings").click()
    expect(page.get_by_label(f"The regions of {name}")).to_be_checked()
    expect(page.get_by_label(f"The palette of {name}")).to_be_checked()
    eyes.keep("regions-again")
    page.get_by_role("button", name="Paint").click()
    again = page.locator(".notice.good strong").inner_text()
    studio.until((studio.folder.outbox / f"{again}.png").exists, "they are painted again")
    first, second = (studio.folder.outbox / f"{each}.png" for each in (name, again))
    with Image.open(first) as one, Image.open(second) as other:
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
@pytest.mark.parametrize(
    ("width", "dark"), [(360, False), (1280, True), (1280, False)], ids=["phone", "dark", "light"]
)
def test_the_masks_of_the_form_are_for_everybody(
    browser: Browser, studio: Studio, halves: list[Path], width: int, dark: bool, script: bool
) -> None:
    """With an error, too: a mask without its style."""
    with looking(browser, studio.address, width=width, dark=dark, script=script) as eyes:
        page = eyes.page
        page.goto("/drop")
        page.get_by_text("Masks, regions, palette").click()
        page.set_input_files("input[name=region1_mask]", halves[0])
        page.set_input_files("input[name=content]", studio.photograph)
        page.get_by_role("button", name="Paint").click()
        error = page.locator("#e-region1")
        expect(error).to_have_text("Choose the style of this region.")
        expect(page.get_by_label("Mask of region 1")).to_have_attribute("aria-invalid", "true")
        wide = "document.documentElement.scrollWidth"
        if script:
            assert page.evaluate(wide) <= width
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        error.scroll_into_view_if_needed()
        eyes.keep(f"masks-{width}-{'dark' if dark else 'light'}-{'script' if script else 'plain'}")
        eyes.complaints = [text for text in eyes.complaints if "422" not in text]
