"""The leaderboard: it says what the kept answers say, ranks nothing, has no dead link, and can be filtered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import leaderboard
import pytest
from answers import NETWORKS
from documents import DOCS
from known_answers import STRIPS, Cell
from known_methods import METHODS
from leaderboard import (
    KEPT,
    PAGE,
    cells_kept,
    curve_of,
    day_of,
    group_of,
    methods_of,
    page_of,
    status_of,
    versions,
    without_maps,
)
from PIL import Image
from strips import SIDE

from pytest_saliency_sanity.checks.judging.evidence import Point
from pytest_saliency_sanity.checks.judging.result import CheckResult, Measured, StageVerdict
from pytest_saliency_sanity.checks.registry import CHECKS, check_of, question_ids
from pytest_saliency_sanity.measuring.interval import Interval

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZES = [(360, 740), (1600, 900)]
QUESTIONS = question_ids(CHECKS.all())
TEXT = PAGE.read_text(encoding="utf-8")
AGAIN = "python benchmarks/leaderboard.py"


class Html(HTMLParser):
    """A page: what links can lead to, its links, and the words of each row of its first table, which may omit ends."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str]] = []
        self.tags: Counter[str] = Counter()
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.ids += [given[name] for name in given if name == "id"]
        self.links += [given[name] for name in given if name == "href"]
        self.images += [given] * (tag == "img")
        if self.tags["table"] == 1 and tag == "tr":
            self.rows.append([])
        elif self.tags["table"] == 1 and tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and self.tags["table"] == 1:
            self.rows[-1][-1] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self.tags["table"] += tag == "table"  # what follows the first table is none of its cells


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return cells_kept(KEPT)


@pytest.fixture(scope="module")
def html() -> Html:
    return Html(TEXT)


def test_the_page_is_what_the_kept_answers_make(cells: list[Cell]) -> None:
    assert page_of(cells, day_of(KEPT)) == TEXT, f"write it anew: {AGAIN}"
    assert f"Measured on {day_of(KEPT)} with {versions()}." in (DOCS / "leaderboard.md").read_text(encoding="utf-8")


def test_every_answer_is_a_cell_with_its_verdict_in_words(cells: list[Cell], html: Html) -> None:
    heading, *rows = html.rows[: 1 + len(METHODS) * len(NETWORKS)]
    assert heading == ["method", "network", *QUESTIONS]
    found = {
        (method, network, question): words
        for method, network, *verdicts in rows
        for question, words in zip(QUESTIONS, verdicts, strict=True)
        if words
    }
    expected = {}
    for cell in cells:
        spec, network, question, *_ = cell.answer.task
        result = cell.answer.result
        words = f"{status_of(cell).mark} {'refused' if result.not_asked else result.verdict}"
        words += "a finding" * (result.finding and result.verdict != "passed" and not result.not_asked)
        for each in (network,) if check_of(question).by_model else NETWORKS:
            expected[spec, each, question] = words
    assert found == expected
    assert {spec for spec, *_ in found} == set(METHODS)


def test_no_two_verdicts_have_the_same_mark() -> None:
    assert len({each.mark for each in leaderboard.STATUSES.values()}) == len(leaderboard.STATUSES)


def test_methods_stand_in_the_order_of_the_alphabet_and_the_page_says_why(cells: list[Cell]) -> None:
    order = [method.spec for method in methods_of(cells)]
    assert order == [method.spec for method in methods_of(cells[::-1])]
    groups = [(library, list(specs)) for library, specs in groupby(order, group_of)]
    assert [library for library, _ in groups] == sorted(dict(groups), key=lambda each: (each == "controls", each))
    assert all(specs == sorted(specs, key=str.casefold) for _, specs in groups)
    said = TEXT[: TEXT.index("<table")]
    assert said.index("Do not rank methods by this page.") < said.index("arXiv:2409.16756") < said.index("Measured on")
    assert "in the order of the alphabet within their library, not by a score" in said


def test_answers_of_another_day_are_not_dated_by_this_one(tmp_path: Path) -> None:
    other = tmp_path / "known-answers.jsonl.gz"
    other.write_bytes(KEPT.read_bytes() + b"\0")
    with pytest.raises(
        ValueError, match=r"set MEASURED to the day on which the answers were measured, and to '[0-9a-f]{16}'"
    ):
        day_of(other)


def test_every_link_leads_somewhere(html: Html) -> None:
    assert [name for name, count in Counter(html.ids).items() if count > 1] == []
    assert [link for link in html.links if link[0] == "#" and link[1:] not in html.ids] == []
    outside = {link for link in html.links if link[0] != "#"}
    assert {link for link in outside if link.startswith("http")} == {"https://arxiv.org/abs/2409.16756"}
    files = {link for link in outside if not link.startswith("http")}
    assert len(files) > len(QUESTIONS)
    for link in files:
        file, _, name = link.partition("#")
        target = PAGE.parent / file
        assert target.exists(), link
        assert not name or name in headings(target), link
    assert len([link for link in html.links if re.fullmatch(r"#\d+-\d+", link)]) > 3000


def headings(page: Path) -> set[str]:
    """Return the names that links to the headings of a page have, on a forge and in the site."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_page_is_small_and_needs_nothing_but_its_maps(html: Html) -> None:
    assert PAGE.stat().st_size < 1_500_000
    assert not {"script", "link", "iframe"} & set(html.tags)
    assert "url(" not in TEXT
    maps = set(STRIPS.iterdir())
    assert {PAGE.parent / image["src"] for image in html.images} == maps
    assert sum(file.stat().st_size for file in maps) < 6_000_000


def test_every_answer_that_kept_maps_shows_them(cells: list[Cell], html: Html) -> None:
    strips = [cell.answer.strip for cell in cells if cell.answer.strip]
    assert len(html.images) == len(strips)
    by_group: dict[tuple[str, str], set[bool]] = {}
    for cell in cells:
        spec, network, *_ = cell.answer.task
        if network and status_of(cell).name != "refused":
            by_group.setdefault((spec, network), set()).add(cell.answer.strip is not None)
    assert all(len(each) == 1 for each in by_group.values())  # all questions, or none
    lacking = {spec for (spec, _), (has_maps,) in by_group.items() if not has_maps}
    assert {name.split(" on ")[0] for name in without_maps(methods_of(cells))} == lacking
    assert len(lacking) < len(METHODS) / 3
    assert all(f"{name}" in TEXT for name in without_maps(methods_of(cells)))
    # Each row of a file is that of one answer.
    rows = Counter((strip.file, strip.row) for strip in strips)
    assert set(rows.values()) == {1}
    sizes = {}
    for file in STRIPS.iterdir():
        with Image.open(file) as opened:
            sizes[file.name] = opened.size
    for image in html.images:
        width, top = (int(number) for number in re.findall(r"(\d+)px", image["style"]))
        across, down = sizes[Path(image["src"]).name]
        assert (Path(image["src"]).name, top // SIDE) in rows
        assert width <= across
        assert top + SIDE <= down
        assert image["loading"] == "lazy"
        assert image["alt"].startswith("maps: ")


def test_every_cascade_that_was_measured_has_a_curve(cells: list[Cell]) -> None:
    having = {cell.answer.task.question for cell in cells if curve_of(cell.answer.result, 0.0)}
    assert having == {question for question in QUESTIONS if question.startswith("cascading")}


def test_a_curve_goes_through_the_means_and_shows_intervals_and_thresholds() -> None:
    means = {"last": 0.5, "middle": float("nan"), "first": 0.0, "input": 1.0}
    points = [Point(stage, "similarity", "signed", Interval(mean, mean, mean + 0.25)) for stage, mean in means.items()]
    by_magnitude = Point("last", "similarity", "absolute", Interval(1.0, 1.0, 1.0))
    stage = StageVerdict("first", 1.0, "passed", Interval(0.0, 0.0, 0.25), 0, 1)
    result = CheckResult("cascading_randomization[top_down]", "m", "n", "passed", "", Measured(0, "signed"))
    result = replace(result, stages=(stage,), curve=(*points, by_magnitude))
    thresholds, line, intervals = curve_of(result, -1.0)
    assert thresholds == "M94,4h10"  # at the third of four stages, at the top
    assert line == "M4,12L99,20L146,4"  # nothing where nothing is defined; 0 is half-way between -1 and 1
    assert intervals.split("M")[2] == "99,16V20"
    assert curve_of(replace(result, curve=tuple(points[:2])), 0.0) == ()


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(params=SIZES, ids=lambda size: str(size[0]))
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """The page in a window, without scripts of its own; what it complains about fails the test."""
    width, height = request.param
    found = browser.new_page(viewport={"width": width, "height": height})
    said: list[str] = []
    found.on("console", lambda message: said.append(message.text))
    found.goto(PAGE.as_uri())
    yield found
    found.close()
    assert said == []


def rows_shown(page: Page) -> list[str]:
    """The method and network of each row that can be seen."""
    return [
        str(each)
        for each in page.evaluate(
            "[...document.querySelectorAll('#matrix tbody tr')].filter(row => row.getClientRects().length)"
            ".map(row => row.cells[0].innerText + ' ' + row.cells[1].innerText)"
        )
    ]


def choose(page: Page, group: str, name: str) -> None:
    page.locator("fieldset", has=page.locator("legend", has_text=group)).get_by_label(name, exact=True).check()


def test_it_is_as_wide_as_its_window(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    width, inside = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= inside
    sticking_out = (
        "[...document.querySelectorAll('body *')]"
        ".filter(each => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.scroll'))"
        ".map(each => each.outerHTML.slice(0, 80))"
    )
    assert page.evaluate(sticking_out) == []


def test_it_can_be_filtered_by_library_network_check_and_verdict(page: Page, cells: list[Cell]) -> None:
    tasks = [(*cell.answer.task[:3], status_of(cell).name) for cell in cells]
    everything = rows_shown(page)
    assert len(everything) == len(METHODS) * len(NETWORKS)
    choose(page, "verdict", "failed")
    assert len(rows_shown(page)) == len(
        {
            (spec, each)
            for spec, network, _, name in tasks
            if name == "failed"
            for each in ([network] if network else NETWORKS)
        }
    )
    choose(page, "check", "class_sensitivity")
    failed = {
        f"{spec} {network}"
        for spec, network, question, name in tasks
        if (question, name) == ("class_sensitivity", "failed")
    }
    assert set(rows_shown(page)) == failed
    choose(page, "network", "vgg11")
    choose(page, "library", "zennit")
    left = rows_shown(page)
    assert left
    assert set(left) == {row for row in failed if row.endswith("vgg11") and row.startswith("zennit:")}
    columns = page.evaluate(
        "[...document.querySelectorAll('#matrix thead th')].filter(each => each.getClientRects().length)"
        ".map(each => each.innerText.replace(/\\s/g, ''))"
    )
    assert columns == ["method", "network", "class_sensitivity"]
    page.get_by_role("button", name="Show all").click()
    assert rows_shown(page) == everything


def test_a_verdict_leads_to_its_numbers(page: Page) -> None:
    link = page.locator("#matrix td.f a").first
    target = page.locator(f"[id='{str(link.get_attribute('href'))[1:]}']")
    assert not target.is_visible()
    link.focus()
    page.keyboard.press("Enter")
    assert target.is_visible()
    assert "failed" in target.inner_text()
    image = target.locator("img").first
    image.scroll_into_view_if_needed()
    page.wait_for_function("each => each.complete && each.naturalWidth", arg=image.element_handle())
