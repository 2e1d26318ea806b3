"""The tables of known answers: nothing is left out silently, and what disagrees with the literature is explained."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase

import known_answers
import pytest
from answers import SURE, Answer, Task, ask
from known_answers import agreement, cell_of, left_out, shown, tables
from known_methods import EXPLAINED, METHODS, Explained, must_fail

from pytest_saliency_sanity.checks.judging.result import CheckResult
from pytest_saliency_sanity.checks.registry import CHECKS, question_ids
from pytest_saliency_sanity.methods.registry import CONTROLS

QUESTIONS = question_ids(CHECKS.all())
TASK = Task("sobel", "alexnet", "repeatability", images=SURE)


@pytest.fixture(scope="module")
def result() -> CheckResult:
    (answer,) = ask([TASK])
    return answer.result


def test_the_methods_are_many_and_of_many_libraries() -> None:
    methods = [spec for spec in METHODS if spec not in CONTROLS]
    assert len(methods) >= 60
    assert len({known_answers.library_of(spec)[0] for spec in METHODS if known_answers.library_of(spec)}) >= 6


def test_what_is_said_is_said_of_questions_that_exist() -> None:
    assert {question for said in METHODS.values() for question in said} <= set(QUESTIONS)
    for explained in EXPLAINED:
        assert {question.partition("[")[0] for question in explained.questions} <= set(CHECKS.all())
        for pattern in explained.methods:
            assert any(fnmatchcase(spec, pattern) for spec in METHODS), pattern


def test_what_must_fail_where_a_check_is_registered_must_fail_here() -> None:
    for name, check in CHECKS.all().items():
        for variant, methods in check.must_fail.items():
            question = f"{name}[{variant}]" if variant else name
            for spec in methods:
                assert must_fail(spec, question), (spec, question)


def test_what_explains_a_cell_is_asked_for_network_and_variant() -> None:
    explained = Explained("a", "", "", ("torchcam:*",), ("symmetry[rescaling]", "null_region"), ("vgg11",))
    assert explained.covers("torchcam:GradCAMpp", "vgg11", "symmetry[rescaling]")
    assert explained.covers("torchcam:GradCAMpp", "vgg11", "null_region")
    assert not explained.covers("torchcam:GradCAMpp", "alexnet", "null_region")
    assert not explained.covers("torchcam:GradCAMpp", "vgg11", "symmetry[permutation]")
    assert not explained.covers("grad_cam:GradCAM", "vgg11", "null_region")


@pytest.mark.parametrize(
    ("spec", "verdict", "reasons", "kind"),
    [
        ("gradient", "passed", "", "right"),
        ("uniform_noise", "failed", "", "right"),
        ("gradient", "failed", "", "wrong"),
        ("gradient", "inconclusive", "", "wrong"),
        ("uniform_noise", "inconclusive", "", "wrong"),
        ("uniform_noise", "passed", "", "wrong"),
        ("gradient", "failed", "a", "explained"),
        ("gradient", "passed", "a", "right"),
    ],
)
def test_a_cell_is_right_explained_or_wrong(
    spec: str, verdict: str, reasons: str, kind: str, result: CheckResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tuple(Explained(key, "It is so.", "Measured.", ("*",), ("repeatability",)) for key in reasons)
    monkeypatch.setattr(known_answers, "EXPLAINED", found)
    cell = cell_of(Answer(TASK._replace(spec=spec), replace(result, verdict=verdict)))  # type: ignore[arg-type]
    assert cell.kind == kind
    assert ("WRONG" in shown(cell)) == (kind == "wrong")
    assert ("(a)" in shown(cell)) == (kind == "explained")
    table = "\n".join(agreement([cell], {}))
    counts = {each: int(each == kind) for each in ("right", "explained", "refused", "wrong")}
    assert f"| all | 1 | {' | '.join(map(str, counts.values()))} |" in table
    assert ("**wrong**: " + spec in table) == (kind == "wrong")


def test_a_refusal_is_shown_in_the_librarys_words(result: CheckResult) -> None:
    refused = replace(result, verdict="undefined", not_asked="it takes no ReLU")
    cell = cell_of(Answer(TASK._replace(spec="captum:LRP"), refused))
    assert (cell.kind, shown(cell)) == ("refused", "refused")
    assert "- `captum:LRP` on alexnet: it takes no ReLU" in "\n".join(agreement([cell], {}))


def test_a_cell_says_how_much_it_rests_on(result: CheckResult) -> None:
    cell = cell_of(Answer(TASK, replace(result, measured=replace(result.measured, images=10, draws=4))))
    assert ", 10 x 4" in shown(cell)


@pytest.mark.parametrize(
    ("versions", "why"),
    [
        (("captum-of-nobody", "0.9.0"), "captum-of-nobody is not installed: pip install captum-of-nobody==0.9.0"),
        (("pytest", "0.1"), r"pytest is [\d.]+, measured is 0.1"),
    ],
)
def test_a_library_that_is_missing_or_of_another_version_is_left_out_and_named(
    versions: tuple[str, str], why: str, result: CheckResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_answers, "VERSIONS", {"captum": versions})
    missing = left_out({"gradient": {}, "captum:Saliency": {}})
    assert list(missing) == ["captum:Saliency"]
    assert re.fullmatch(why, missing["captum:Saliency"])
    cell = cell_of(Answer(TASK._replace(spec="gradient"), result))
    assert f"- Not measured: `captum:Saliency`: {missing['captum:Saliency']}." in "\n".join(agreement([cell], missing))
    rows = [line for line in "\n".join(tables([cell], missing)).splitlines() if "captum:Saliency" in line]
    assert len(rows) == len([question for question in QUESTIONS if question != "contract"])
    assert all(f"not measured: {missing['captum:Saliency']}" in row for row in rows)


def test_the_projects_own_methods_need_no_library() -> None:
    assert not left_out({"gradient": {}, "methods:rise": {}, "sobel": {}})
