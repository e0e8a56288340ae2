"""From two pictures to the painting and back, by a person in a browser."""

import re
from pathlib import Path

from browsing import Eyes, Studio, looking
from playwright.sync_api import Browser, expect


def test_the_whole_way_from_dropping_two_pictures_to_the_painting(
    eyes: Eyes, studio: Studio
) -> None:
    """With the real engine and weights, at a tiny size."""
    page = eyes.page
    page.goto("/")
    page.get_by_role("banner").get_by_role("link", name="New painting").click()
    page.set_input_files("input[name=content]", studio.photograph)
    page.set_input_files("input[name=style_file]", studio.painting)
    expect(page.locator(".chosen img")).to_have_count(2)
    eyes.keep("drop")
    page.get_by_role("button", name="Paint").click()
    expect(page.locator(".notice.good")).to_contain_text("chelsea is in the inbox")
    page.get_by_role("link", name="See the queue").click()
    card = page.locator("[data-part=latest]").get_by_role("link", name="chelsea")
    expect(card).to_be_visible()  # it comes by itself
    card.click()
    expect(page.get_by_role("heading", name="chelsea", exact=True)).to_be_visible()
    after = page.locator("img.after")
    assert after.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    at = page.locator(".compare").evaluate("it => it.style.getPropertyValue('--at')")
    assert at == "60%"
    eyes.keep("painting")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"\x89PNG"
    assert (studio.folder.outbox / "chelsea.png").is_file()


def test_a_running_job_is_followed_and_cancelled(eyes: Eyes, studio: Studio) -> None:
    name = eyes.drop(studio.photograph, "Night", steps="3000", size="96")
    page = eyes.page
    page.goto("/")
    running = page.locator("article.running", has_text=name)
    expect(running).to_contain_text("of 3000")
    expect(running.locator("polyline")).to_have_count(3)
    expect(running.locator(".stage img")).to_have_attribute("src", re.compile("/preview/"))
    before = running.locator(".counts").inner_text()
    expect(running.locator(".counts")).not_to_have_text(before)
    eyes.keep("now")
    running.get_by_role("button", name=f"Cancel {name}").click()
    expect(page.locator(".toast")).to_contain_text(f"{name} is asked to stop.")
    expect(running).to_have_count(0)
    assert list(studio.folder.done.glob(f"*/{name}/*.content.png"))


def test_a_failed_job_is_retried_when_it_is_mended(eyes: Eyes, studio: Studio) -> None:
    inbox = studio.folder.inbox
    (inbox / "broken.content.png").write_bytes(studio.photograph.read_bytes()[:5000])
    (inbox / "broken.yaml").write_text("styles: [night.jpg]")
    studio.until((studio.folder.failed / "broken" / "error.txt").exists, "broken fails")
    page = eyes.page
    page.goto("/failed")
    item = page.locator(".failures li", has_text="broken")
    expect(item).to_contain_text("broken.content.png")
    (studio.folder.failed / "broken" / "broken.content.png").write_bytes(
        studio.photograph.read_bytes()
    )
    item.get_by_role("button", name="Retry broken").click()
    studio.until((studio.folder.outbox / "broken.png").exists, "broken is painted")
    page.goto("/failed")
    expect(page.get_by_text("Nothing has failed.")).to_be_visible()
    # The pictures of what went back into the queue may have been asked for a moment too late.
    eyes.complaints = [text for text in eyes.complaints if "404" not in text]


def test_two_tabs_show_the_same_and_one_sees_what_the_other_does(
    browser: Browser, eyes: Eyes, studio: Studio
) -> None:
    eyes.page.goto("/")
    with looking(browser, studio.address) as other:
        other.page.goto("/")
        other.page.get_by_role("button", name="Pause").click()
        for each in (eyes, other):
            expect(each.page.locator("[data-part=server]")).to_contain_text("Paused")
            expect(each.page.get_by_role("button", name="Resume")).to_be_visible()
        name = eyes.drop(studio.photograph, "Night")
        expect(other.page.locator(".queue")).to_contain_text(name)
        other.page.get_by_role("button", name=f"Hold {name}", exact=True).click()
        eyes.page.goto("/")
        expect(eyes.page.locator(".queue li", has_text=name)).to_contain_text("Held")
        other.page.get_by_role("button", name=f"Cancel {name}", exact=True).click()
        expect(eyes.page.locator(".queue li", has_text=name)).to_have_count(0)
        other.page.get_by_role("button", name="Resume").click()
        expect(eyes.page.get_by_role("button", name="Pause")).to_be_visible()


def test_it_says_when_it_is_cut_off_and_goes_on_when_the_page_is_back(
    eyes: Eyes, studio: Studio
) -> None:
    page = eyes.page
    page.goto("/")
    expect(page.locator("#connection")).to_be_hidden()
    studio.stop()
    expect(page.locator("#connection")).to_be_visible()
    eyes.keep("cut-off")
    studio.start()
    expect(page.locator("#connection")).to_be_hidden()
    expect(page.locator("[data-part=server]")).to_contain_text("Ready")
    studio.end_page()
    studio.until(studio.answers, "the page comes back")
    (studio.folder.inbox / "IMG_1234.jpg").write_bytes(b"a stray")
    expect(page.locator("[data-part=strays]")).to_contain_text("IMG_1234.jpg")
    (studio.folder.inbox / "IMG_1234.jpg").unlink()


def test_what_is_deleted_comes_back_by_undo(eyes: Eyes, studio: Studio) -> None:
    page = eyes.page
    page.goto("/gallery")
    page.locator(".card a").first.click()
    name = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".toast")).to_contain_text(f"{name} is in the bin.")
    assert not (studio.folder.outbox / f"{name}.png").exists()
    page.get_by_role("button", name="Undo").click()
    studio.until((studio.folder.outbox / f"{name}.png").exists, "it comes back")
