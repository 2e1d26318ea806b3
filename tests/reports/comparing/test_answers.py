"""What counts as a change between two runs."""

from __future__ import annotations

from typing import Any

import pytest
from support.records import contract, record, unanswered

from pytest_saliency_sanity.checks.judging.result import CheckResult, Measured, not_asked
from pytest_saliency_sanity.reports.comparing.answers import Answer, is_changed, is_worse, name_of, named
from pytest_saliency_sanity.reports.record import Record


def answer(**parts: Any) -> Answer:
    return Answer.of_record(record(**parts))


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"mean": 0.3}, {"mean": 0.3}, False),
        ({"mean": 0.3}, {"mean": 0.49}, False),  # each interval reaches 0.1 to both sides
        ({"mean": 0.3}, {"mean": 0.51}, True),
        ({"mean": 0.51}, {"mean": 0.3}, True),
        ({"mean": 0.3, "half_width": 0.0}, {"mean": 0.35}, False),
        ({"mean": 1.0, "half_width": 0.0}, {"mean": 0.9999, "half_width": 0.0}, False),
        ({"mean": 1.0, "half_width": 0.0}, {"mean": 0.998, "half_width": 0.0}, True),
        ({"verdict": "inconclusive", "mean": 0.45}, {"mean": 0.39}, False),
        ({"verdict": "inconclusive", "mean": 0.45}, {"mean": 0.2}, True),
        ({"verdict": "failed"}, {"verdict": "passed"}, True),  # as under another threshold
        ({"verdict": "passed"}, {"verdict": "failed"}, True),
    ],
)
def test_an_answer_changed_if_the_intervals_share_no_value_or_the_verdict_flipped(
    before: dict[str, Any], after: dict[str, Any], changed: bool
) -> None:
    assert is_changed(answer(**before), answer(**after)) is changed


def test_without_a_number_the_verdict_decides() -> None:
    nan = float("nan")
    undefined = answer(verdict="undefined", mean=nan)
    assert not is_changed(undefined, answer(verdict="undefined", mean=nan))
    assert is_changed(undefined, answer())
    assert is_changed(answer(), undefined)
    passed, failed = Answer.of_record(contract()), Answer.of_record(contract(verdict="failed"))
    assert is_changed(passed, failed)
    assert not is_changed(failed, failed)


def test_a_test_that_breaks_or_is_skipped_is_an_answer_too() -> None:
    broken, skipped = Answer.of_record(unanswered()), Answer.of_record(unanswered(outcome="skipped", reason="no twin"))
    assert (broken.verdict, broken.why) == ("no verdict", "ValueError: no")
    assert (skipped.verdict, skipped.why) == ("not asked", "no twin")
    asked = Record.of(not_asked("label_randomization", "gradcam", "alexnet", 0, "no twin"))
    assert Answer.of_record(asked) == skipped
    assert is_worse(answer(verdict="failed"), broken)
    assert is_worse(answer(), skipped)


def test_the_text_has_the_number_the_stage_and_the_threshold() -> None:
    assert answer().text == "passed        0.300 [0.200, 0.400] at stage, must stay below 0.5"
    assert Answer.of_record(contract()).text == "passed"
    assert answer(verdict="undefined", mean=float("nan")).text == (
        "undefined     none defined at stage, must stay below 0.5"
    )
    assert Answer.of_record(unanswered()).text == "no verdict    ValueError: no"


def test_a_question_put_to_the_method_alone_has_no_model() -> None:
    assert Answer.of_record(contract()).key == ("gradcam", "", "contract")
    # A check that nobody registered, as a project's own, may be put to any model.
    other = CheckResult("other", "gradcam", "net", "passed", "", Measured(0))
    assert Answer.of(other).key == ("gradcam", "net", "other")


def test_questions_are_named_and_many_are_counted() -> None:
    assert name_of("it", "net", "symmetry[rescaling]") == "it on net: symmetry[rescaling]"
    assert name_of("it", "", "contract") == "it: contract"
    assert named([("it", "net", check) for check in "abcde"]) == "it on net: a; it on net: b; it on net: c and 2 more"
