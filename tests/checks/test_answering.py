"""From a question to its answer: a question without an answer is an error, a need without a supplier has a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from support.subjects import subject

from pytest_saliency_sanity import Check, CheckResult, check_method, gradient
from pytest_saliency_sanity.checks.answering import answer, gather_needs, unsupplied
from pytest_saliency_sanity.checks.judging.result import Measured, not_asked
from pytest_saliency_sanity.checks.plan import Question
from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.foundation.errors import UnsuppliedNeedError
from pytest_saliency_sanity.foundation.registry import Source

Give = Callable[..., Check]
ASKED = Question("it", "alexnet", "mine", "one")


@pytest.fixture
def give() -> Iterator[Give]:
    """Register a check for this test: what it answers, and what else it says of itself."""
    before = CHECKS.give([])

    def register(answered: object, **parts: object) -> Check:
        def ask(*_: object) -> object:
            return answered() if callable(answered) else answered

        mine = Check(name="mine", question="?", source="me", ask=ask, variants=("one", "two"), **parts)  # type: ignore[arg-type]
        CHECKS.give([Source(mine, "here")])
        return mine

    yield register
    CHECKS.give(before)


def result(check: str = "mine[one]") -> CheckResult:
    return CheckResult(check, "it", "alexnet", "passed", "a message", Measured(0))


@pytest.mark.parametrize("answered", [None, "passed", True, [result()]])
def test_what_is_not_a_result_is_an_error(give: Give, answered: object) -> None:
    give(answered)
    with pytest.raises(TypeError, match=r"the check mine\[one\] returned .*, which is not a CheckResult"):
        answer(ASKED, subject(gradient), {})


@pytest.mark.parametrize("other", ["mine[two]", "mine", "repeatability"])
def test_the_result_of_another_question_is_an_error(give: Give, other: str) -> None:
    give(result(other))
    with pytest.raises(TypeError, match=r"the check mine\[one\] returned a result of"):
        answer(ASKED, subject(gradient), {})


def test_check_method_has_an_answer_to_every_question_or_raises(give: Give) -> None:
    give(None)
    with pytest.raises(TypeError, match="which is not a CheckResult"):
        check_method("gradient", models=["alexnet"], checks=["mine"], images=10)


def test_the_answer_says_what_was_judged_and_whether_it_decides(give: Give) -> None:
    give(result(), findings=("one",), quantity="loudness")
    found = answer(ASKED, subject(gradient), {})
    assert (found.quantity, found.finding) == ("loudness", True)


def test_a_small_network_is_measured_in_one_thread_and_the_number_is_put_back(give: Give) -> None:
    seen = []

    def ask() -> CheckResult:
        seen.append(torch.get_num_threads())
        return result()

    give(ask)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        answer(ASKED, subject(gradient), {})
        assert seen == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_needs_are_gathered_by_name() -> None:
    check = CHECKS.all()["label_randomization"]
    assert gather_needs(check, "net", {"memorized_model": "twin"}.get) == {"memorized_model": "twin"}


@pytest.mark.parametrize("name", [name for name, check in CHECKS.all().items() if check.needs])
def test_a_need_that_nobody_supplies_has_a_reason_and_a_remedy(name: str) -> None:
    check = CHECKS.all()[name]
    (need,) = check.needs
    with pytest.raises(
        UnsuppliedNeedError, match=f"like net.*: to run this check, override the fixture saliency_{need}"
    ):
        gather_needs(check, "net", lambda need: None)


def test_a_need_that_no_check_is_known_to_have_is_named() -> None:
    assert unsupplied("paintings", "net").startswith(
        "no paintings of net: to run this check, override the fixture saliency_paintings"
    )


def test_a_question_that_can_not_be_put_has_a_result_that_says_so() -> None:
    module = "support.networks:half_precision"
    needy = [name for name, check in CHECKS.all().items() if check.needs]
    found = check_method("gradient", models=["resnet"], checks=needy, images=10, explain=False)
    assert [each.not_asked for each in found] == [""] * len(needy)
    with pytest.raises(ValueError, match=r"no network like support\.networks:half_precision that memorised"):
        check_method("gradient", models=[module], checks=["label_randomization"])
    left_out = not_asked("label_randomization", "gradient", module, 0, unsupplied("memorized_model", module))
    assert left_out.verdict == "undefined"
