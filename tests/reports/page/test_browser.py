"""The page in a browser, narrow and wide, light and dark: nothing is missing, and nothing of a name is executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest
from support.cascades import HOSTILE, cascade
from support.records import contract, run, unanswered

from pytest_saliency_sanity.reports.page.write import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")
CHROMIUM = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

SIZES = [(360, 740), (1600, 900)]
SCHEMES = ["light", "dark"]
# Whatever sticks out of the page at the right; what scrolls by itself may be wider.
TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && !each.closest(".scroll, .sr, pre, svg, .skip");
}).map(each => `${each.tagName}.${each.className}: ${each.textContent.trim().slice(0, 60)}`)"""
# The contrast of a text with what is behind it (WCAG 2.2, 1.4.3), the least of all that can be seen.
CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].map(each => each / 255); };
    const luminance = color => color.slice(0, 3)
        .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = each => { for (; each; each = each.parentElement) {
        const color = rgba(getComputedStyle(each).backgroundColor); if (color[3] > 0.5) return color; }
        return [1, 1, 1]; };
    const found = [];
    for (const each of document.querySelectorAll("body *")) {
        const own = [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!own || !each.getClientRects().length || each.closest(".sr")) continue;
        const drawn = each.closest("svg") !== null;
        const ink = luminance(rgba(getComputedStyle(each)[drawn ? "fill" : "color"]));
        const paper = luminance(behind(drawn ? each.closest("svg").parentElement : each));
        const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        found.push([ratio, `${each.tagName} ${each.getAttribute("class")}: ${each.textContent.trim().slice(0, 40)}`]);
    }
    return found.sort((one, other) => one[0] - other[0])[0];
}"""

# Where the words of a heading stand, from the left.
LETTERS = """where => {
    const found = {}, texts = document.createTreeWalker(document.querySelector(where), NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode())
        for (const word of text.data.matchAll(/[^ ]+/g)) {
            const range = document.createRange();
            range.setStart(text, word.index); range.setEnd(text, word.index + word[0].length);
            found[word[0]] = range.getBoundingClientRect().left;
        }
    return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Seen:
    """A page in a browser, and what it said and asked for while it was opened."""

    def __init__(self, browser: Browser, file: Path, width: int, height: int, scheme: Any) -> None:
        self.said: list[str] = []
        self.asked_for: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self.asked_for.append(request.url))
        self.page.goto(file.as_uri())
        self.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    def _dismiss(self, dialog: Any) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()


@pytest.fixture(
    params=[(*size, scheme) for size in SIZES for scheme in SCHEMES], ids=lambda each: f"{each[0]}-{each[2]}"
)
def seen(request: pytest.FixtureRequest, browser: Browser, reported: Path) -> Iterator[Seen]:
    """The page of a real run, unfolded."""
    found = Seen(browser, reported / "index.html", *request.param)
    yield found
    found.page.close()


def require_whole(seen: Seen) -> None:
    """Fail if a page complained, loaded anything else, or is wider than its window."""
    assert seen.said == []
    assert [url for url in seen.asked_for if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in seen.asked_for if url.startswith("file:")]) == 1
    width, inside = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= inside, seen.page.evaluate(TOO_WIDE)
    assert seen.page.evaluate(TOO_WIDE) == []


def test_the_page_of_a_real_run_fits_its_window_and_says_nothing_to_the_console(seen: Seen) -> None:
    require_whole(seen)


def test_every_picture_is_shown(seen: Seen) -> None:
    images = seen.page.evaluate("[...document.images].map(each => [each.complete, each.naturalWidth])")
    assert len(images) == 6
    assert all(complete and width for complete, width in images)
    drawings = seen.page.evaluate(
        "[...document.querySelectorAll('svg.figure')].map(each => each.getBoundingClientRect().width)"
    )
    assert len(drawings) == 2 + 3
    assert min(drawings) > 250


def test_every_text_can_be_read_on_its_ground(seen: Seen) -> None:
    ratio, where = seen.page.evaluate(CONTRAST)
    assert ratio >= 4.5, where


def test_the_page_follows_the_colour_scheme(browser: Browser, reported: Path) -> None:
    grounds = []
    for scheme in SCHEMES:
        seen = Seen(browser, reported / "index.html", 800, 600, scheme)
        grounds.append(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        seen.page.close()
    assert grounds == ["rgb(255, 255, 255)", "rgb(23, 23, 27)"]


def test_the_matrix_leads_to_a_question_by_keyboard_alone(browser: Browser, reported: Path) -> None:
    seen = Seen(browser, reported / "index.html", 1600, 900, "light")
    page = seen.page
    page.reload()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#methods"
    mark = page.locator(".matrix a.mark").first
    mark.focus()
    page.keyboard.press("Enter")
    anchor = mark.get_attribute("href")
    assert page.evaluate("location.hash") == anchor
    unfolded = "anchor => document.querySelector(anchor).closest('details').open"
    assert page.evaluate(unfolded, anchor) is True
    # What passed is folded once more; who goes there sees it, too.
    passed = page.locator(".matrix a.passed").last
    question = page.locator(str(passed.get_attribute("href")))
    assert not question.is_visible()
    passed.focus()
    page.keyboard.press("Enter")
    assert question.is_visible()
    page.close()


def test_names_are_those_that_a_screen_reader_says(browser: Browser, reported: Path) -> None:
    page = Seen(browser, reported / "index.html", 1600, 900, "light").page
    mark = page.get_by_role("link", name="label_randomization: failed")
    assert mark.count() == 1
    assert page.get_by_role("region", name="matrix of verdicts").count() == 1
    assert page.get_by_role("img", name="similarity of sobel on alexnet by stage").count() == 1
    assert page.get_by_role("img", name="Maps of sobel").count() == 3
    page.close()


def test_a_name_turns_round_nothing_but_itself(browser: Browser, tmp_path: Path) -> None:
    # U+202E has all that follows it written from the right, up to the end of its element.
    file = tmp_path / "index.html"
    write(run(cascade("\u202eabc", "\u202eabc", verdict="failed")), file)
    page = Seen(browser, file, 1600, 900, "light").page
    places = page.evaluate(LETTERS, "h3")
    assert places[":"] < places["1"] < places["did"] < places["pass"]
    page.close()


@pytest.mark.parametrize("width", [size[0] for size in SIZES])
def test_hostile_and_long_names_neither_run_nor_widen_the_page(browser: Browser, tmp_path: Path, width: int) -> None:
    names = [*HOSTILE, "x" * 300, "a.package.of.many.modules:AMethodWithAVeryLongName?n_steps=1000&baseline=0.5"]
    found = [
        record
        for name in names
        for record in (
            cascade(name, name, stages=(name, "b", "c"), reason=name, command=name, expected=name, judged=name),
            unanswered(name, name, reason=name * 3),
            contract(name),
        )
    ]
    file = tmp_path / "index.html"
    write(run(*found, notes=(*names,), problems=(*names,), command="\n".join(names)), file)
    seen = Seen(browser, file, width, 800, "light")
    require_whole(seen)
    # Text is in the page as it was, also to what reads the page.
    text = " ".join(seen.page.evaluate("document.body.textContent").replace("\x1b", "\ufffd").split())
    for name in names:
        assert " ".join(name.replace("\x1b", "\ufffd").split()) in text
    seen.page.close()
