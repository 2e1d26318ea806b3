"""The plan: every question once, in the order in which it is asked."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity.checks.judging.result import not_asked
from pytest_saliency_sanity.checks.plan import Plan, Question
from pytest_saliency_sanity.checks.registry import CHECKS, question_ids
from pytest_saliency_sanity.reports.record import Record


def test_every_question_is_planned_once_for_each_method_and_model() -> None:
    plan = Plan.of(["a", "b"], ["x", "y"])
    by_model = sum(len(check.ids) for check in CHECKS.all().values() if check.by_model)
    of_the_method = sum(len(check.ids) for check in CHECKS.all().values() if not check.by_model)
    assert len(plan) == len(set(plan)) == 2 * (2 * by_model + of_the_method)
    assert not plan.by_name


def test_a_model_is_not_asked_what_it_is_known_to_lack_something_for() -> None:
    asked = ["localization", "repeatability", "contract"]
    plan = Plan.of(["a"], ["x", "y"], asked, lacking={"x": ("scenes",)})
    assert [(each.model, each.check) for each in plan] == [
        ("x", "repeatability"),
        ("y", "localization"),
        ("y", "repeatability"),
        ("", "contract"),
    ]
    assert len(plan) == 4
    assert not plan.asks("localization", "x")
    assert plan.asks("localization", "a model of somebody's")
    assert not plan.asks("localization", "")


def test_questions_come_by_method_then_by_model_and_those_of_the_method_alone_last() -> None:
    plan = Plan.of(["b", "a"], ["y", "x"], ["contract", "repeatability"])
    expected = [
        *(Question("b", model, "repeatability") for model in ("y", "x")),
        Question("b", "", "contract"),
        *(Question("a", model, "repeatability") for model in ("y", "x")),
        Question("a", "", "contract"),
    ]
    assert list(plan) == expected
    assert [(method, model) for method, model, _ in plan.cells()] == [
        *(("b", "y"), ("b", "x"), ("b", "")),
        *(("a", "y"), ("a", "x"), ("a", "")),
    ]
    assert plan.by_name


def test_checks_are_asked_in_the_order_in_which_they_were_named() -> None:
    named = ["symmetry[rescaling]", "label_randomization", "symmetry"]
    ids = [question.id for question in Plan.of(["a"], ["x"], named)]
    assert ids == [
        *("symmetry[rescaling]", "label_randomization", "symmetry[permutation]", "symmetry[input_shift]"),
    ]


def test_what_is_named_twice_is_planned_once() -> None:
    assert list(Plan.of(["a", "a"], ["x", "x"], ["contract", "contract"])) == [Question("a", "", "contract")]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("symetry", r"unknown check 'symetry' \(did you mean 'symmetry'"),
        ("symmetry[scaling]", r"unknown check 'symmetry\[scaling\]' \(did you mean 'symmetry\[rescaling\]'"),
        ("contract[x]", r"unknown check 'contract\[x\]' \(did you mean 'contract'"),
    ],
)
def test_a_check_that_does_not_exist_is_an_error_with_near_matches(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Plan.of(["a"], ["x"], [name])


def test_results_are_sorted_as_they_were_planned_and_strangers_stand_last() -> None:
    plan = Plan.of(["b", "a"], ["y", "x"], ["symmetry", "repeatability"])
    planned = [not_asked(each.id, each.method, each.model, 0, "why") for each in plan]
    strangers = [not_asked("repeatability", "c", "y", 0, "why"), not_asked("symmetry", "d", "y", 0, "why")]
    assert sorted([*strangers[::-1], *planned[::-1]], key=plan.place) == [*planned, *strangers]


def test_records_are_sorted_by_their_questions_and_what_has_none_stands_last() -> None:
    plan = Plan.of(["a"], ["x"], ["symmetry", "repeatability"])
    results = [not_asked(each.id, each.method, each.model, 0, "why") for each in plan]
    records = [Record.of(each) for each in results]
    assert [each.question for each in records] == list(plan.checks)
    turned = records[::-1]
    assert sorted(turned, key=plan.place) == records
    assert plan.place(records[0]) == (0, "a", 0, "x", 0)
    assert plan.place(Question("c", "z", "contract")) == (1, "c", 1, "z", len(plan.checks))


def test_each_cell_has_its_questions() -> None:
    plan = Plan.of(["b", "a"], ["y", "x"], ["contract", "repeatability"])
    assert [question for _, _, questions in plan.cells() for question in questions] == list(plan)
    assert [[question.id for question in questions] for _, _, questions in plan.cells()] == [
        *(["repeatability"], ["repeatability"], ["contract"]),
        *(["repeatability"], ["repeatability"], ["contract"]),
    ]


def test_nothing_is_known_to_be_lacking_unless_it_is_said() -> None:
    assert not Plan.of(["a"], ["x"]).lacking
    assert not Plan(("a",), ("x",), ("contract",)).lacking
    assert not Plan(("a",), ("x",), ("contract",)).by_name


def test_the_ids_of_the_registry_are_all_different() -> None:
    ids = question_ids(CHECKS.all())
    assert len(ids) == len(set(ids)) > len(CHECKS.all())
