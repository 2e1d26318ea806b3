"""``figures/``: names that are safe on every system, the same bytes twice, and every control where it belongs."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from support.cascades import CHECK, HOSTILE, NAN, STAGES, cascade, evidence
from support.records import contract, record, run, unanswered

from pytest_saliency_sanity.checks.judging.evidence import Evidence
from pytest_saliency_sanity.drawing import style
from pytest_saliency_sanity.drawing.maps import GAP
from pytest_saliency_sanity.foundation.ids import with_variant
from pytest_saliency_sanity.reports.figures import (
    SIDE,
    bars,
    curve_text,
    curves,
    file_name,
    has_curve,
    points_by_stage,
    write,
)
from pytest_saliency_sanity.reports.run import Run

pytest.importorskip("matplotlib")

PLAIN = re.compile(r"[A-Za-z0-9._=-]+")
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """Return the texts of an SVG file, in order."""
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("gradcam", "alexnet", "label_randomization"), "gradcam-alexnet-label_randomization"),
        (("gradcam", "alexnet", "symmetry[rescaling]"), "gradcam-alexnet-symmetry--rescaling"),
        (("captum:Saliency", "alexnet", "contract"), "captum.Saliency-alexnet-contract"),
        (("gradcam", "", "contract"), "gradcam-contract"),
    ],
)
def test_usual_names_are_readable(parts: tuple[str, ...], expected: str) -> None:
    assert file_name(*parts) == expected


@pytest.mark.parametrize(
    "name", [*HOSTILE, "x" * 300, "..", ".hidden", "-rf", "CON", "", "a/../../b", "a\0b", "\udcff"]
)
def test_a_file_name_is_plain_short_and_stays_in_its_folder(name: str) -> None:
    found = f"maps-{file_name(name, name, name)}.png"
    assert PLAIN.fullmatch(found)
    assert len(found) < 150
    assert (Path("/out") / found).resolve().parent == Path("/out").resolve()
    assert not found.endswith(("..png", " .png"))


def test_different_names_have_different_files() -> None:
    names = [
        *HOSTILE,
        *("captum:Saliency", "captum.Saliency", "captum Saliency", "captum_Saliency", "captum-Saliency"),
        *("a", "a_", "_a", "a.", ".a", "a-", "-a", "a:", "a[b]", "a_b_", "a_b", "a.b", "a:b", "a]b[", "A"),
        *("x" * 300, "x" * 301, "a?n=1", "a?n=1.0", "\u00e9", "e\u0301", "e"),
    ]
    assert len(names) == len(set(names))
    keys = [(one, other, CHECK) for one in names for other in names]
    assert len({file_name(*key) for key in keys}) == len(keys)


@pytest.fixture(scope="module")
def several() -> Run:
    return run(
        cascade("gradcam"),
        cascade("sobel", verdict="failed", means=(1.0, 1.0, 0.99)),
        cascade("noise", model="vgg11"),
        cascade("input", means=(NAN, NAN, NAN), verdict="undefined"),
        record("gradcam"),
        record("sobel", verdict="failed", mean=0.9),
        record("gradcam", check="class_sensitivity", verdict="undefined", mean=NAN),
        contract(),
        unanswered(),
    )


def test_there_is_a_curve_of_each_cascade_and_a_chart_of_each_number(several: Run) -> None:
    assert set(curves(several)) == {each.id for each in several.records if each.question == CHECK}
    assert set(bars(several)) == {CHECK, "label_randomization", "class_sensitivity"}


@pytest.mark.parametrize(
    ("stages", "expected"),
    [(("a",), False), (("a", "b"), False), (("a", "b", "c"), True), (("a", "b", "c", "d"), True)],
)
def test_a_curve_needs_three_points(stages: tuple[str, ...], expected: bool) -> None:
    assert has_curve(cascade(stages=stages, means=(0.5,) * len(stages))) is expected
    assert not has_curve(contract())
    assert not has_curve(unanswered())


def test_the_points_of_a_curve_are_those_that_were_judged_and_those_by_magnitude() -> None:
    found = cascade(means=(0.9, 0.6, 0.1))
    assert {stage: point.sign for stage, point in points_by_stage(found).items()} == dict.fromkeys(STAGES, "signed")
    by_magnitude = points_by_stage(found, judged=False)
    assert {stage: point.sign for stage, point in by_magnitude.items()} == dict.fromkeys(STAGES, "absolute")
    assert points_by_stage(contract()) == {}


def test_a_curve_shows_the_controls_of_the_same_question_only(several: Run) -> None:
    found = curves(several)
    of = {each.method: set(texts(found[each.id].svg)) for each in several.records if each.question == CHECK}
    # Sobel and the input are controls; noise was put to another network, where there is none to compare it with.
    assert "sobel" in of["gradcam"]
    assert "ignores the network" not in of["gradcam"]
    assert {"sobel", "input"} & of["noise"] == set()
    assert "ignores the network" in of["noise"]
    assert "sobel" not in of["sobel"]


def test_a_curve_says_its_stages_and_that_one_is_undefined(several: Run) -> None:
    shown = {each.method: curves(several)[each.id] for each in several.records if each.question == CHECK}
    assert set(STAGES) <= set(texts(shown["gradcam"].svg))
    assert texts(shown["input"].svg).count("none defined") == 3


def test_the_words_of_a_curve_have_its_numbers(several: Run) -> None:
    text = curve_text(several.records[0])
    assert text == curves(several)[several.records[0].id].text
    for word in ("gradcam", "alexnet", CHECK, "fc 0.90", "conv2 0.60", "conv1 0.10"):
        assert word in text
    assert curve_text(several.records[3]).count("undefined") == 3


def test_a_chart_has_every_method_and_network(several: Run) -> None:
    figure = bars(several)[CHECK]
    shown = texts(figure.svg)
    for name in ("gradcam on alexnet", "sobel on alexnet", "noise on vgg11", "input on alexnet"):
        assert name in shown
        assert name in figure.text
    assert shown.count("none defined") == 1
    assert "gradcam on alexnet 0.10" in figure.text
    assert "input on alexnet undefined" in figure.text


def test_figures_are_drawn_once_for_all_reports(several: Run) -> None:
    assert curves(several) is curves(several)
    assert bars(several) is bars(several)


def test_the_files_are_those_that_are_told_and_are_what_they_say(several: Run, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    paths = write(several, folder)
    assert sorted(paths) == sorted(folder.iterdir())
    assert len(paths) == len({path.name.lower() for path in paths})
    kinds = [path.name.partition("-")[0] + path.suffix for path in paths]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        **{"curve.svg": 4, "curve.png": 4, "bars.svg": 3, "bars.png": 3},
        "maps.png": 4,
    }
    for path in paths:
        if path.suffix == ".svg":
            assert ElementTree.fromstring(path.read_text(encoding="utf-8")).tag == f"{SVG}svg"
        else:
            Image.open(path).verify()


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    written = [write(run(cascade(), record()), tmp_path / name) for name in ("one", "other")]
    for one, other in zip(*written, strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


def test_the_figures_of_a_real_run_show_its_numbers(reported: Path, results: dict[str, Any]) -> None:
    folder = reported / "figures"
    for each in results["results"]:
        name = file_name(each["method"], each["model"], with_variant(each["check"], each["variant"]))
        maps = np.asarray(Image.open(folder / f"maps-{name}.png"))
        with np.load(reported / "maps.npz") as file:
            place = results["results"].index(each)
            columns = len([key for key in file.files if key.startswith(f"{place}/maps/")])
        assert maps.shape == (3 * SIDE + 2 * GAP, (columns + 1) * SIDE + columns * GAP, 3)
        curve = folder / f"curve-{name}.svg"
        assert curve.exists() == (each["check"] == "cascading_randomization")
        if curve.exists():
            assert {point["stage"] for point in each["result"]["curve"]} <= set(texts(curve.read_text()))


@pytest.mark.parametrize("name", [*HOSTILE[:4], *(pytest.param(each, marks=pytest.mark.slow) for each in HOSTILE[4:])])
def test_hostile_names_are_drawn_as_text(name: str, tmp_path: Path) -> None:
    found = cascade(name, name, stages=(name, "b", "c"), quantity=name)
    paths = write(run(found, cascade("sobel", name, stages=(name, "b", "c"))), tmp_path / "figures")
    assert len(paths) == len(set(paths)) == 8
    assert {path.parent for path in paths} == {tmp_path / "figures"}
    for path in paths:
        assert PLAIN.fullmatch(path.name)
        if path.suffix == ".svg":
            shown = " ".join(texts(path.read_text(encoding="utf-8")))
            assert " ".join(name.replace("\x1b", "\ufffd").split()) in " ".join(shown.split())


@pytest.mark.parametrize(
    "maps",
    [
        {"a": np.full((1, 4, 4), NAN)},
        {"a": np.zeros((2, 4, 4)), "b": np.full((2, 4, 4), 3.0)},
        {"a": np.ones((1, 1, 30))},
        {"a": np.random.default_rng(0).normal(size=(3, 600, 400))},
    ],
)
def test_maps_of_any_kind_are_drawn(maps: dict[str, np.ndarray], tmp_path: Path) -> None:
    paths = write(run(cascade(evidence=Evidence(maps=maps))), tmp_path / "figures")
    (picture,) = [path for path in paths if path.name.startswith("maps-")]
    assert Image.open(io.BytesIO(picture.read_bytes())).size[1] % (SIDE + GAP) == SIDE


@pytest.mark.parametrize("found", [None, Evidence(), Evidence(maps={"a": np.zeros((0, 4, 4))}), evidence(images=0)])
def test_without_maps_there_is_no_picture_of_them(found: Evidence | None, tmp_path: Path) -> None:
    assert not [path for path in write(run(cascade(evidence=found)), tmp_path / "figures") if "maps-" in path.name]


def test_without_matplotlib_nothing_is_written(several: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "find_spec", lambda name: None)
    assert write(run(cascade()), tmp_path / "figures") == []
    assert not (tmp_path / "figures").exists()
    assert curves(run(cascade())) == bars(run(cascade())) == {}
