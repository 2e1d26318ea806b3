"""The difference of two runs, in words, as Markdown and as a figure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support.records import contract, record, run, unanswered

from pytest_saliency_sanity.reports.comparing import files as comparison
from pytest_saliency_sanity.reports.comparing.difference import Difference, compare, lines
from pytest_saliency_sanity.reports.run import Run
from pytest_saliency_sanity.reports.text.columns import WIDTH, columns

A, B = "before.json", "after.json"
HOSTILE = "my.module:fn?x='<b>|`$\\frac{a}$ ~~é'"
SVG = "{http://www.w3.org/2000/svg}"


def difference(a: Run, b: Run) -> Difference:
    return compare(a, b, (A, B))


def text(a: Run, b: Run) -> list[str]:
    return list(lines(difference(a, b)))


def test_two_runs_with_the_same_answers_do_not_differ() -> None:
    found = run(record(), contract())
    assert difference(found, found).changed == ()
    assert text(found, found) == [
        "A  before.json, of 2026-01-02T03:04:05Z",
        "B  after.json, of 2026-01-02T03:04:05Z",
        "versions: the same",
        "settings: the same",
        "",
        "2 questions: 2 the same",
        "0 of 1 numbers that count as the same moved",
    ]


def test_what_changed_is_told_worst_first() -> None:
    a = run(
        record("better", verdict="failed", mean=0.9),
        record("number", mean=0.1, half_width=0.01),
        record("same"),
        record("gone"),
        record("worse"),
        record("broken"),
        unanswered("mended"),
    )
    b = run(
        record("better"),
        record("new"),
        record("number", mean=0.2, half_width=0.01),
        record("same", mean=0.31),
        record("worse", verdict="failed", mean=0.8),
        unanswered("broken"),
        record("mended"),
    )
    found = difference(a, b)
    assert [(pair.key[0], pair.kind) for pair in found.pairs] == [
        ("broken", "lost"),
        ("worse", "worse"),
        ("number", "other"),
        ("better", "better"),
        ("mended", "found"),
        ("gone", "gone"),
        ("new", "new"),
        ("same", "same"),
    ]
    assert text(a, b)[4:] == [
        "",
        "broken on alexnet: label_randomization: no longer answered",
        "  A  passed        0.300 [0.200, 0.400] at stage, must stay below 0.5",
        "  B  no verdict    ValueError: no",
        "",
        "worse on alexnet: label_randomization: a worse verdict",
        "  A  passed        0.300 [0.200, 0.400] at stage, must stay below 0.5",
        "  B  failed        0.800 [0.700, 0.900] at stage, must stay below 0.5",
        "",
        "number on alexnet: label_randomization: another number",
        "  A  passed        0.100 [0.090, 0.110] at stage, must stay below 0.5",
        "  B  passed        0.200 [0.190, 0.210] at stage, must stay below 0.5",
        "",
        "better on alexnet: label_randomization: a better verdict",
        "  A  failed        0.900 [0.800, 1.000] at stage, must stay below 0.5",
        "  B  passed        0.300 [0.200, 0.400] at stage, must stay below 0.5",
        "",
        "mended on alexnet: label_randomization: answered now",
        "  A  no verdict    for the reason above",
        "  B  passed        0.300 [0.200, 0.400] at stage, must stay below 0.5",
        "",
        "gone on alexnet: label_randomization: only in A",
        "  A  passed        0.300 [0.200, 0.400] at stage, must stay below 0.5",
        "",
        "new on alexnet: label_randomization: only in B",
        "  B  passed        0.300 [0.200, 0.400] at stage, must stay below 0.5",
        "",
        "moved, but the intervals have values in common; the furthest first:",
        "   0.300 ->  0.310  same on alexnet: label_randomization",
        "",
        "8 questions: 1 no longer answered, 1 a worse verdict, 1 another number, 1 a",
        "  better verdict, 1 answered now, 1 only in A, 1 only in B, 1 the same",
        "1 of 1 numbers that count as the same moved",
    ]


def test_versions_and_settings_that_differ_are_told() -> None:
    a = run(record(versions={"torch": "2.9", "captum": "0.8"}))
    b = run(record(versions={"torch": "2.9", "captum": "0.9", "zennit": "1.0"}), seed=1, images=None)
    assert text(a, b)[2:4] == [
        "versions: captum 0.8 -> 0.9, zennit none -> 1.0",
        "settings: images 10 -> as needed, seed 0 -> 1",
    ]


def test_the_text_fits_a_terminal_whatever_the_names_are() -> None:
    names = ["torchcam:SmoothGradCAMpp?num_samples=4&std=0.3", "схема " * 20, "two\nlines\x1b[31m", HOSTILE]
    a = run(*(record(name) for name in names), *(unanswered(name, "vgg11", reason="no " * 50) for name in names))
    b = run(*(record(name, verdict="failed", mean=0.9) for name in names))
    found = text(a, b)
    assert max(map(columns, found)) <= WIDTH
    assert all(line.isprintable() for line in found)
    many = run(*(record(str(number)) for number in range(30)))
    moved = run(*(record(str(number), mean=0.31 + number / 1000) for number in range(30)))
    assert text(many, moved)[16] == "  and 20 more, by 0.029 at most"


def written(folder: Path, a: Run, b: Run, *, drawn: bool = True) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    paths = comparison.write(difference(a, b), folder, drawn=drawn)
    return {path.name: path.read_text() for path in paths if path.suffix != ".png"}


def test_a_page_and_a_figure_show_what_moved(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    a = run(record("worse"), record("moved"), record("same"), contract("it"))
    b = run(
        record("worse", verdict="failed", mean=0.8),
        record("moved", mean=0.32),
        record("same"),
        contract("it", "failed"),
    )
    found = written(tmp_path, a, b)
    assert set(found) == {"comparison.md", "comparison.svg"}
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")
    drawn = {each.text for each in ET.fromstring(found["comparison.svg"]).iter(f"{SVG}text")}
    assert {"worse on alexnet: label_randomization", "moved on alexnet: label_randomization"} <= drawn
    assert {"A: before.json", "B: after.json", "threshold"} <= drawn
    assert not any("same" in (each or "") or "contract" in (each or "") for each in drawn)
    assert "| worse | alexnet | label\\_randomization | passed 0.300" in found["comparison.md"]
    assert "| it |  | contract | passed | failed | a worse verdict |" in found["comparison.md"]
    assert "| moved on alexnet: label\\_randomization | 0.300" in found["comparison.md"]
    assert found["comparison.md"].endswith("(comparison.svg)\n")
    assert written(tmp_path / "again", a, b) == found


def test_a_number_that_one_run_lacks_is_drawn_alone_and_its_reason_is_told(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = written(tmp_path, run(unanswered(), unanswered(model="vgg11")), run(record(), record(model="vgg11")))
    drawn = [each.text for each in ET.fromstring(found["comparison.svg"]).iter(f"{SVG}text")]
    assert drawn.count("none") == 2
    assert found["comparison.md"].count("ValueError: no") == 1


def test_what_did_not_move_is_not_drawn(tmp_path: Path) -> None:
    same = run(record())
    assert set(written(tmp_path, same, same)) == {"comparison.md"}
    assert "comparison.svg" not in (tmp_path / "comparison.md").read_text()


def test_without_matplotlib_there_is_the_page_alone(tmp_path: Path) -> None:
    found = written(tmp_path, run(record()), run(record(mean=0.9)), drawn=False)
    assert set(found) == {"comparison.md"}
    assert ".svg" not in found["comparison.md"]


def test_hostile_and_long_names_are_shown_as_they_are(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    names = [HOSTILE, "long." * 40 + "a", "long." * 40 + "b"]
    found = written(
        tmp_path, run(*map(record, names)), run(*(record(each, verdict="failed", mean=0.9) for each in names))
    )
    drawn = [each.text or "" for each in ET.fromstring(found["comparison.svg"]).iter(f"{SVG}text")]
    assert f"{HOSTILE} on alexnet: label_randomization" in drawn
    assert sum("long." in each for each in drawn) == 2
    row = next(line for line in found["comparison.md"].splitlines() if "my.module" in line)
    assert "<b>" not in row
    assert row.replace("\\|", "").count("|") == 7
