"""The page: what it says is what was measured, it needs nothing but itself, and executes nothing of what it shows."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.cascades import CHECK, HOSTILE, NAN, NOTHING, STAGES, cascade, evidence
from support.pages import Element, addresses, parsed
from support.records import contract, record, run, unanswered

from pytest_saliency_sanity.checks.judging.evidence import Evidence
from pytest_saliency_sanity.checks.judging.result import Figure, Finding, Measured, StageVerdict
from pytest_saliency_sanity.drawing import style
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.measuring.profile import TRAINED
from pytest_saliency_sanity.reports.figures import curves
from pytest_saliency_sanity.reports.page.rows import number
from pytest_saliency_sanity.reports.page.write import MOST_CURVES, page, write
from pytest_saliency_sanity.reports.record import Record
from pytest_saliency_sanity.reports.run import Run
from pytest_saliency_sanity.reports.status import STATUSES

ALLOWED = (  # of a page that shows everything
    *("html", "head", "meta", "title", "style", "body", "a", "header", "main", "footer", "section", "h1", "h2", "h3"),
    *("p", "div", "span", "strong", "small", "code", "pre", "br", "ul", "li", "dl", "dt", "dd", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img", "bdi"),
    *("svg", "g", "path", "line", "circle", "defs", "clippath", "rect", "use", "text", "tspan"),
)


def everything() -> Run:
    """Return a run with a question of every status."""
    return run(
        cascade("gradcam"),
        cascade("sobel", verdict="failed", means=(1.0, 1.0, 0.99)),
        cascade("noise", verdict="failed", outcome="xfailed", expected="it is noise"),
        cascade("noise", model="vgg11", outcome="failed", expected="it is noise", reason="[XPASS(strict)] it is noise"),
        cascade("input", verdict="undefined", means=(NAN, NAN, NAN)),
        record("gradcam", verdict="inconclusive", mean=0.45),
        contract(),
        unanswered("sobel", reason="ValueError: no"),
        unanswered("gradcam", check="localization", outcome="skipped", reason="no scenes"),
        problems=("one test was lost",),
        notes=("a note on a method",),
        command="pytest --saliency-method=gradcam --saliency-report=out",
        seconds=12.5,
    )


def cells(shown: Element) -> dict[str, Element]:
    """Return the questions of a page by their place in the run."""
    return {each.one("div", "columns").attributes["id"]: each for each in shown.all("details", "cell")}


def rows(cell: Element) -> list[list[str]]:
    """Return the cells of the table of numbers of a question."""
    found = cell.all("table", "numbers")
    return [
        [each.text for each in row.inside if isinstance(each, Element)]
        for table in found
        for row in table.all("tbody")[0].all("tr")
    ]


def shown_of(number: Mapping[str, Any]) -> tuple[str, str]:
    """Return a mean and its bounds as the page shows them."""
    if number["mean"] is None:
        return "none defined", ""
    return f"{number['mean']:.3f}", f"{number['low']:.3f}, {number['high']:.3f}"


@pytest.fixture(scope="module")
def shown() -> Element:
    return parsed(page(everything()))


def require_self_contained(shown: Element, html: str) -> None:
    """Fail unless a page loads nothing, runs nothing, and its parts are named and found."""
    assert {each.tag for each in shown.all()} <= set(ALLOWED)
    for tag, address in addresses(shown):
        if tag == "a":
            assert address.startswith(("#", "https://"))
        else:
            assert (tag, address.partition(",")[0]) == ("img", "data:image/png;base64") or (
                (tag, address[:1]) == ("use", "#")
            )
    assert not [name for each in shown.all() for name in each.attributes if name.startswith("on")]
    assert "@import" not in html
    assert {each.strip("\"'")[:1] for each in re.findall(r"url\(([^)]*)\)", shown.one("head").text)} <= {"#"}
    policy = shown.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    assert policy.split("; ") == ["default-src 'none'", "img-src data:", "style-src 'unsafe-inline'"]
    ids = [each.attributes["id"] for each in shown.all() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    targets = {address[1:] for _, address in addresses(shown) if address.startswith("#")}
    targets |= {each.attributes["aria-labelledby"] for each in shown.all() if "aria-labelledby" in each.attributes}
    drawn = (each.attributes.get(name, "") for each in shown.all() for name in ("clip-path", "style", "fill"))
    targets |= {name for each in drawn for name in re.findall(r"url\(#([^)]+)\)", each)}
    assert targets <= set(ids)
    assert all(each.attributes["alt"].strip() for each in shown.all("img"))
    assert all(each.attributes["aria-label"].strip() for each in shown.all("svg", "figure"))
    assert shown.one("html").attributes["lang"] == "en"
    assert len(shown.all("h1")) == 1


def test_a_page_needs_nothing_but_itself(shown: Element) -> None:
    require_self_contained(shown, page(everything()))


def test_the_page_of_a_real_run_needs_nothing_but_itself(reported: Path, reported_without_answers: Path) -> None:
    for folder in (reported, reported_without_answers):
        html = (folder / "index.html").read_text(encoding="utf-8")
        require_self_contained(parsed(html), html)
        assert len(html) < 400_000


def test_the_numbers_of_a_real_run_are_those_of_its_records(reported: Path, results: dict[str, Any]) -> None:
    found = cells(parsed((reported / "index.html").read_text(encoding="utf-8")))
    assert len(found) == len(results["results"])
    for place, each in enumerate(results["results"]):
        cell, result = found[f"q{place}"], each["result"]
        deciding = {"mean": result["statistic"], "low": result["interval"][0], "high": result["interval"][1]}
        mean, bounds = shown_of(deciding)
        assert cell.first(kind="value").text.startswith(f"{mean} [{bounds}] at ")
        assert f"{result['threshold']:g}" in cell.text
        assert f"{result['measured']['chance']:.2f} on average" in cell.text
        assert each["command"] in " ".join(pre.text for pre in cell.all("pre"))
        sign = result["curve"][0]["sign"]
        judged = {(stage["stage"], sign): stage for stage in result["stages"]}
        judged |= {(stage["stage"], "absolute"): stage for stage in result["magnitudes"]}
        signed = "with signs" if result["measured"]["has_signs"] else "without signs"
        words = {"signed": signed, "absolute": "by magnitude"}
        expected = {}
        for point in result["curve"]:
            key = point["stage"], f"{point['quantity']}, {words[point['sign']]}"
            expected[key] = [
                *shown_of(point),
                f"{point['images']} x {point['draws']}",
                str(point["undefined"] or 0),
                "",
                "",
            ]
        for (stage, way), verdict in judged.items():
            name = next((key for key in expected if key[0] == stage and key[1].endswith(words[way])), None)
            key = name or (stage, f"{result['quantity']}, {words[way]}")
            side = f"{'above' if verdict['above'] else 'below'} {verdict['threshold']:g}"
            measured = result["measured"]
            own = [*shown_of(verdict), f"{measured['images']} x {measured['draws']}", str(verdict["undefined"])]
            decides = not result["magnitudes"] or way == sign
            expected[key] = [*own, side, verdict["verdict"] + ", does not decide" * (not decides)]
        assert {(row[0], row[1]): row[2:] for row in rows(cell)} == expected


def test_a_person_can_answer_from_the_page_alone(reported: Path, results: dict[str, Any]) -> None:
    # Which methods failed, at which stage, how sure that is, what a random map scores, how to run it again.
    shown = parsed((reported / "index.html").read_text(encoding="utf-8"))
    assert [each.one("bdi").text for each in shown.all("h3")] == ["gradient", "sobel"]  # a control comes last
    failed = [each for each in results["results"] if each["outcome"] == "failed"]
    assert {each["method"] for each in failed} == {"sobel"}
    places = {each["id"]: place for place, each in enumerate(results["results"])}
    for each in failed:
        cell = cells(shown)[f"q{places[each['id']]}"]
        facts = [*zip((dt.text for dt in cell.all("dt")), (dd.text for dd in cell.all("dd")), strict=True)]
        measured = " ".join(text for name, text in facts if name == "measured")
        assert all(f"at {stage['stage']}: {stage['verdict']}" in measured for stage in each["result"]["stages"])
        assert {"rule", "how sure", "for comparison"} <= {name for name, _ in facts}
        assert each["command"] in cell.text
        assert [link.attributes["href"] for link in cell.all("a")] == [
            f"https://github.com/pytest-saliency-sanity/pytest-saliency-sanity/tree/main/docs/checks.md#{each['check']}"
        ]


def test_the_matrix_leads_to_every_question_and_the_worst_method_is_first(shown: Element) -> None:
    table = shown.one("table", "matrix")
    links = {each.attributes["href"].removeprefix("#"): each for each in table.all("a", "mark")}
    assert links.keys() == cells(shown).keys()
    for anchor, link in links.items():
        (status,) = set(link.attributes["class"].split()) - {"mark"}
        assert status in cells(shown)[anchor].first("span", "mark").attributes["class"].split()
        assert link.one(kind="sr").text
    methods = [each.text.partition(" ")[0] for each in table.all("th", scope="rowgroup")]
    # Worst first; then the controls, of which two questions did not pass, and one.
    assert methods == ["noise", "gradcam", "sobel", "input"]
    assert [each.one("bdi").text for each in shown.all("h3")] == methods


def test_all_that_did_not_pass_stands_before_what_did(shown: Element) -> None:
    for section in shown.all("section"):
        statuses = [
            cell.first("span", "mark").attributes["class"].split()[-1] for cell in section.all("details", "cell")
        ]
        places = [STATUSES.index(status) for status in statuses]
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (unanswered(reason="ValueError: no"), ("Ended without a verdict", "ValueError: no")),
        (unanswered(outcome="skipped", reason="no scenes"), ("Not asked", "no scenes")),
        (cascade(outcome="xfailed", verdict="failed", expected="it is noise"), ("as expected", "it is noise")),
        (
            cascade(outcome="failed", expected="it is noise", reason="[XPASS(strict)] it is noise"),
            ("Passed, but the test failed", "It was expected not to pass: it is noise"),
        ),
        (cascade(outcome="failed", reason="the answer changed"), ("Passed, but the test failed", "the answer changed")),
        (cascade(verdict="failed"), ("Failed", "What it means.", "The number.")),
        (contract(), ("a message",)),
    ],
)
def test_a_question_says_what_became_of_it(found: Record, told: tuple[str, ...]) -> None:
    (cell,) = cells(parsed(page(run(found)))).values()
    for text in told:
        assert text in cell.text
    if found.result:
        assert "without a verdict" not in cell.text.lower()


@pytest.mark.parametrize(
    ("mean", "above", "told"),
    [
        (0.4, False, "2.0 half-widths of the interval inside the threshold"),
        (0.6, False, "2.0 half-widths of the interval outside the threshold"),
        (0.6, True, "2.0 half-widths of the interval inside the threshold"),
        (0.4, True, "2.0 half-widths of the interval outside the threshold"),
        (0.5 + 6, True, "more than 100 half-widths of the interval inside the threshold"),
    ],
)
def test_how_sure_a_verdict_is_stands_in_half_widths(mean: float, above: bool, told: str) -> None:
    stage = StageVerdict("conv1", 0.5, "failed", Interval(mean, mean - 0.05, mean + 0.05), 0, 20, above)
    found = cascade()
    assert found.result is not None
    shown = parsed(page(run(replace(found, result=replace(found.result, stages=(stage,))))))
    (cell,) = cells(shown).values()
    facts = dict(zip((dt.text for dt in cell.all("dt")), (dd.text for dd in cell.all("dd")), strict=True))
    assert facts["how sure"] == f"{told}; 10 images x 2 draws, after 2 looks"
    assert facts["rule"].startswith(f"the similarity must stay {'above' if above else 'below'} 0.5, ")


def test_problems_notes_and_circumstances_are_told(shown: Element) -> None:
    assert "one test was lost" in shown.one("header").text
    assert "a note on a method" in shown.one("main").text
    footer = shown.one("footer").text
    for text in (
        "pytest --saliency-method=gradcam --saliency-report=out",
        "2026-01-02T03:04:05Z",
        "torch 2.9.0",
        "seed 0",
    ):
        assert text in footer


def test_a_run_with_a_problem_is_not_called_green() -> None:
    good = parsed(page(run(cascade()))).one("p", "lead").text
    bad = parsed(page(run(cascade(), problems=("lost",)))).one("p", "lead").text
    assert "stands against" in good
    assert "stands against" not in bad


def test_the_pictures_are_maps(shown: Element) -> None:
    strips = shown.all("div", "strip")
    assert len(strips) == 5
    for strip in strips:
        image = strip.one("img")
        content = base64.b64decode(image.attributes["src"].partition(",")[2])
        width, height = Image.open(io.BytesIO(content)).size
        assert (str(width), str(height)) == (image.attributes["width"], image.attributes["height"])
        headings = [each.text for each in strip.all("span")]
        assert headings == ["image", TRAINED, *STAGES]
        side = int(re.findall(r"repeat\(5, (\d+)px\)", strip.attributes["style"])[0])
        assert width == 5 * side + 4 * 2
        assert height == 2 * side + 2
        assert all(each in image.attributes["alt"] for each in headings)


@pytest.mark.parametrize(
    ("found", "count"),
    [
        (Evidence(maps={TRAINED: np.full((2, 4, 4), NAN, "f4"), "conv1": np.full((2, 4, 4), np.inf, "f4")}), 1),
        (Evidence(maps={TRAINED: np.zeros((2, 4, 4), "f4"), "conv1": np.full((2, 4, 4), 3, "f4")}), 1),
        (Evidence(maps={TRAINED: np.ones((1, 1, 30), "f4")}), 1),
        (Evidence(maps={f"layer{n}": np.random.default_rng(n).normal(size=(3, 500, 700)) for n in range(40)}), 1),
        (evidence(images=0), 0),
        (Evidence(), 0),
        (None, 0),
    ],
)
def test_maps_of_any_kind_are_shown(found: Evidence | None, count: int) -> None:
    html = page(run(cascade(evidence=found)))
    assert len(parsed(html).all("img")) == count
    assert len(html) < 200_000
    require_self_contained(parsed(html), html)


def test_a_page_without_records_is_a_page() -> None:
    html = page(run())
    shown = parsed(html)
    require_self_contained(shown, html)
    assert "No question" in shown.text
    assert shown.all("table") == []


def test_without_matplotlib_the_numbers_are_shown_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "find_spec", lambda name: None)
    html = page(everything())
    shown = parsed(html)
    require_self_contained(shown, html)
    assert style.MISSING in shown.one("header").text
    assert shown.all("img") == shown.all("svg", "figure") == []
    assert [row[2] for row in rows(cells(shown)["q0"])] == ["0.900", "0.600", "0.100"] * 2


def test_maps_that_were_kept_nowhere_are_not_said_to_be_in_a_file() -> None:
    without = parsed(page(run(contract()))).one("header").text
    assert "no maps" in without.lower()
    assert "no maps" not in parsed(page(run(cascade()))).one("header").text.lower()


NAN_STAGE = StageVerdict(STAGES[-1], 0.5, "inconclusive", Interval(0.5, NAN, np.inf), 3, 20)


@pytest.mark.parametrize(
    "parts",
    [
        {"stages": (replace(NAN_STAGE, interval=NOTHING, verdict="undefined"),)},
        {"stages": (NAN_STAGE,), "magnitudes": (NAN_STAGE,)},
        {"measured": Measured(0, "signed", chance=NAN, figures=(Figure("mass", NAN), Figure("top", np.inf)))},
        {"curve": ()},
        {"stages": ()},
        {"message": ""},
    ],
)
def test_no_number_that_is_none_stands_in_a_drawing(parts: dict[str, Any]) -> None:
    found = cascade()
    assert found.result is not None
    html = page(run(replace(found, result=replace(found.result, **parts))))
    shown = parsed(html)
    require_self_contained(shown, html)
    for each in shown.all("line") + shown.all("circle") + shown.all("path"):
        assert not re.search(r"\bnan\b|\binf\b", str(each.attributes))
    assert not re.search(r"\bnan\b|\binf\b", shown.one("main").text)


def everywhere(name: str) -> Run:
    """Return a run with a name in every text that a page shows."""
    nasty = cascade(
        name,
        name,
        stages=(name, "b", "c"),
        judged=name,
        check=f"{CHECK.partition('[')[0]}[{name}]",
        expected=name,
        reason=name,
        command=name,
        device=name,
        parameters={name: name},
        versions={name: name},
        message=f"title\n\n{name}\n\nrest",
        quantity=name,
        findings=(Finding(name, name),),
        measured=Measured(0, "signed", True, 10, 2, chance=0.1, figures=(Figure(name, name),)),
    )
    silent = replace(unanswered(name, name, reason=name), id=name)
    mute = replace(contract(name), result=replace(contract(name).result, message=name))  # type: ignore[type-var]
    return run(
        nasty,
        silent,
        mute,
        notes=(name,),
        problems=(name,),
        command=name,
        device=name,
        preset=name,
        law=name,
        started=name,
    )


@pytest.mark.parametrize("name", [*HOSTILE[:4], *(pytest.param(each, marks=pytest.mark.slow) for each in HOSTILE[4:])])
def test_a_name_is_shown_as_text_wherever_it_stands(name: str) -> None:
    html = page(everywhere(name))
    shown = parsed(html)
    require_self_contained(shown, html)
    plain = " ".join(name.replace("\x1b", "\ufffd").split())
    words = shown.text.replace("\x1b", "\ufffd")
    # In the matrix, headings, commands, reasons, notes, problems, parameters, versions, findings, stages, messages.
    assert words.count(plain) > 25
    if "{{" in name:
        assert "49" not in words.replace("0.49", "")


def test_the_structure_of_a_page_does_not_depend_on_names() -> None:
    def structure(element: Element) -> list[Any]:
        inside = [structure(each) for each in element.inside if isinstance(each, Element)]
        return [element.tag, sorted(element.attributes), inside]

    # A bar chart has as many strokes for each name; what is no usual text may need another number of lines.
    def without_drawings(html: str) -> str:
        return re.sub(r'<svg class="figure".*?</svg>', "", html, flags=re.DOTALL)

    harmless = structure(parsed(without_drawings(page(everywhere("harmless")))))
    for name in HOSTILE:
        if "\n" not in name:
            assert structure(parsed(without_drawings(page(everywhere(name))))) == harmless, name


@pytest.mark.slow
def test_five_hundred_questions_are_a_page() -> None:
    one = cascade(stages=tuple(f"layer{n}" for n in range(10)), means=(0.5,) * 10, evidence=None)
    assert one.result is not None
    kept = evidence(tuple(f"layer{n}" for n in range(10)), side=64, images=3)
    many = [
        replace(
            one,
            id=f"{method}/{model}/{variant}",
            method=f"method{method}",
            model=f"model{model}",
            variant=f"v{variant}",
            result=replace(one.result, method=f"method{method}", model=f"model{model}", evidence=kept),
        )
        for method in range(10)
        for model in range(5)
        for variant in range(10)
    ]
    html = page(run(*many))
    shown = parsed(html)
    assert len(cells(shown)) == 500
    # Measured: 6 s of a processor and 4.4 MB, half of it tables. A curve takes 50 ms and 15 kB, so not all are drawn.
    assert len(shown.all("svg", "figure")) == MOST_CURVES + 10
    assert html.count("<code>figures/curve-") == 500 - MOST_CURVES
    assert len(html) < 5e6


def test_the_worst_questions_have_their_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_saliency_sanity.reports.page.write.MOST_CURVES", 1)
    found = run(cascade("gradcam"), cascade("sobel", verdict="failed", means=(1.0, 1.0, 1.0)))
    shown = cells(parsed(page(found)))
    assert [len(shown[anchor].all("svg", "figure")) for anchor in ("q0", "q1")] == [0, 1]
    (file,) = [each.text for each in shown["q0"].all("code")]
    assert file == f"figures/{curves(found)[found.records[0].id].name}.svg"


def test_a_page_is_written_whole_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    # A command may hold bytes of a file name that are no text.
    write(run(cascade("显著性", command="pytest \udcff"), command="pytest \udcff"), path)
    html = path.read_bytes().decode("utf-8")
    assert "显著性" in html
    assert html.count("pytest \\udcff") == 2
    assert [each.name for each in tmp_path.iterdir()] == ["index.html"]


def test_what_is_undefined_is_told_with_how_much_may_be() -> None:
    found = cascade()
    assert found.result is not None
    stages = tuple(replace(stage, undefined=3) for stage in found.result.stages)
    shown = page(run(replace(found, result=replace(found.result, stages=stages))))
    told = [f"3 of {stage.total} at {stage.stage}" for stage in stages]
    assert f"{', '.join(told)}; a verdict needs 20% of all, and 10 images" in shown


def test_a_finding_has_the_sign_of_its_verdict() -> None:
    asked = [record("gradcam", model=each, verdict=each, outcome="xfailed") for each in ("failed", "inconclusive")]
    found = [replace(each, result=replace(each.result, finding=True)) for each in asked if each.result]
    table = parsed(page(run(*found))).one("table", "matrix")
    assert {each.text[0] for each in table.all("a", "finding")} == {"✗", "?"}


def test_a_number_that_rounds_to_nothing_has_no_sign() -> None:
    assert [number(each) for each in (-0.0004, -0.0, 0.0004, -0.0006, 1.0)] == ["0.000"] * 3 + ["-0.001", "1.000"]
