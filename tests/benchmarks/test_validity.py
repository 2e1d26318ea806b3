"""The error rates are counted as they say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from answers import OTHER, Answer, Task, ask
from known_methods import must_fail
from validity import (
    MUST_FAIL,
    MUST_PASS,
    by_question,
    coverage,
    covering,
    false_alarms,
    missed_alarms,
    share,
    tasks_under,
)

from pytest_saliency_sanity.checks.judging.result import CheckResult
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.methods.registry import CONTROLS, REFERENCE

QUESTION = "repeatability"
NETWORKS = ("alexnet", "vgg11", "resnet")
SEEDS = range(20)


@pytest.fixture(scope="module")
def passed() -> CheckResult:
    (answer,) = ask([Task("gradient", "alexnet", QUESTION, images=OTHER)])
    return answer.result


def answers(result: CheckResult, specs: tuple[str, ...]) -> list[Answer]:
    return [
        Answer(Task(spec, network, QUESTION, seed, images=OTHER), result)
        for seed in SEEDS
        for spec in specs
        for network in NETWORKS
    ]


def test_every_reference_method_and_every_control_is_asked() -> None:
    assert set(REFERENCE) <= set(MUST_PASS)
    assert set(CONTROLS) <= set(MUST_FAIL)
    for spec in MUST_FAIL:
        assert any(must_fail(spec, question) for question in (QUESTION, "class_sensitivity", "bias_detection"))


def test_a_slow_method_has_fewer_seeds_on_one_network_only() -> None:
    tasks = tasks_under(30)
    seeds = {
        (spec, network): {task.seed for task in tasks if (task.spec, task.network) == (spec, network)}
        for spec in ("smoothgrad", "gradient")
        for network in NETWORKS
    }
    assert {len(each) for each in seeds.values()} == {25, 30}
    assert [at for at, each in seeds.items() if len(each) == 25] == [("smoothgrad", "resnet")]
    assert "contract" not in {task.question for task in tasks}


def test_red_questions_and_red_runs_are_false_alarms(passed: CheckResult) -> None:
    found = answers(passed, MUST_PASS)
    for row in (0, 1):  # two questions of one run
        assert (found[row].task.spec, found[row].task.seed) == (MUST_PASS[0], 0)
        found[row] = found[row]._replace(result=replace(passed, verdict="inconclusive"))
    found[2] = found[2]._replace(result=replace(passed, verdict="failed", finding=True))  # decides nothing
    rows = list(false_alarms(found))[2:]
    assert rows[0].startswith(f"| `{MUST_PASS[0]}` | 59 | 2 | 3.4 % (0.41 to 12) | 20 | 1 | `{QUESTION}` on alexnet")
    assert rows[1].startswith(f"| `{MUST_PASS[1]}` | 60 | 0 | 0 % (0 to 6) | 20 | 0 |")
    assert rows[-1].startswith(f"| all | {59 + 60 * (len(MUST_PASS) - 1)} | 2 |")


def test_a_run_without_a_red_question_is_a_missed_alarm(passed: CheckResult) -> None:
    red = replace(passed, verdict="failed")
    found = answers(red, MUST_FAIL)
    for row in (0, 1, 2):
        assert (found[row].task.spec, found[row].task.seed) == (MUST_FAIL[0], 0)
        found[row] = found[row]._replace(result=passed)
    first, second, *_, every = list(missed_alarms(found))[2:]
    assert first == f"| `{MUST_FAIL[0]}` | 20 | 1 | 5 % (0.13 to 25) | 60 | 3 | 5 % (1 to 14) |"
    assert second.startswith(f"| `{MUST_FAIL[1]}` | 20 | 0 |")
    assert every.startswith(f"| all | {20 * len(MUST_FAIL)} | 1 |")


def test_a_finding_does_not_make_a_control_red(passed: CheckResult) -> None:
    found = answers(replace(passed, verdict="failed", finding=True), MUST_FAIL)
    assert list(missed_alarms(found))[2].startswith(f"| `{MUST_FAIL[0]}` | 20 | 20 | 100 %")


def test_questions_that_miss_a_control_are_named(passed: CheckResult) -> None:
    found = answers(replace(passed, verdict="failed"), ("uniform_noise",))
    found[0] = found[0]._replace(result=passed)
    rows = list(by_question(found))[2:]
    assert rows == [
        f"| `{QUESTION}` | `uniform_noise` | alexnet | 20 | 19 | 0 | 1 |",
        "| the 2 others | | | 40 | 40 | 0 | 0 |",
    ]


def test_an_interval_covers_if_the_mean_of_all_means_is_in_it() -> None:
    intervals = [Interval(0.5, 0.4, 0.6), Interval(0.7, 0.65, 0.75), Interval(0.6, 0.59, 0.61)]
    assert covering(intervals) == [True, False, True]


def test_coverage_counts_stages_with_enough_seeds(passed: CheckResult) -> None:
    (stage,) = passed.stages
    wide, wrong = (
        replace(passed, stages=(replace(stage, interval=Interval(*bounds)),))
        for bounds in ((0.5, 0.4, 0.6), (0.9, 0.8, 1.0))
    )
    found = answers(wide, ("gradient",))
    found[0] = found[0]._replace(result=wrong)
    found += answers(wrong, ("smoothgrad",))[:9]  # too few seeds
    rows = list(coverage(found))[2:]
    assert rows[0] == f"| {QUESTION} | 3 | 60 | 59 | {share(59, 60)} | 0.95 |"


def test_shares_have_exact_intervals() -> None:
    assert share(0, 100) == "0 % (0 to 3.6)"
    assert share(1, 2) == "50 % (1.3 to 99)"
