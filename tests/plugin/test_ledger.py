"""The ledger: what was planned, what ran, what it told, and what keeps a run from being green."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from support.records import record, with_evidence

from pytest_saliency_sanity.checks.judging.result import CheckResult
from pytest_saliency_sanity.foundation.shards import Shard
from pytest_saliency_sanity.plugin.account import attach, tell, tell_result
from pytest_saliency_sanity.plugin.ledger import ONLY_SHOWN, Ledger
from pytest_saliency_sanity.plugin.names import PACKAGED
from pytest_saliency_sanity.plugin.settings import Settings
from pytest_saliency_sanity.reports.glances import Glance, Sample

Code = pytest.ExitCode
ID = "saliency-sanity::gradcam-alexnet::test_label_randomization"
OTHER = "saliency-sanity::gradcam-alexnet::test_cascading_randomization[top_down]"
QUESTION = ("gradcam", "alexnet", "label_randomization", "")
RESULT = record().result
LOST = "{} collected tests never reported, the first is {}"
UNANSWERED = "{} packaged tests passed without an answer, the first is {}"
ONE_QUESTION = Settings(("gradcam",), ("alexnet",), ("label_randomization",))


def ledger(settings: Settings = ONE_QUESTION, planned: Sequence[str] = (ID,), own: Sequence[str] = ()) -> Ledger:
    """Return a ledger of packaged tests, and of tests of the project's own, that were collected in this process."""
    kept = Ledger(settings, "pytest --saliency-method=gradcam")
    items = [SimpleNamespace(nodeid=each, keywords=[PACKAGED]) for each in planned]
    items += [SimpleNamespace(nodeid=each, keywords=[]) for each in own]
    kept.pytest_collection_finish(session(items=items))
    return kept


def session(status: int = Code.OK, options: Sequence[str] = (), **parts: Any) -> Any:
    config = SimpleNamespace(getoption=lambda name, default: name in options or default)
    return SimpleNamespace(**{"config": config, "exitstatus": status, "shouldstop": "", "shouldfail": "", **parts})


def report(
    node_id: str = ID,
    outcome: Any = "passed",
    when: Any = "call",
    *,
    packaged: bool = True,
    saliency: bool = True,
    result: CheckResult | None = None,
    seconds: float = 0.0,
    **facts: Any,
) -> pytest.TestReport:
    """Return the report of a test that told facts."""
    item: Any = SimpleNamespace(stash=pytest.Stash())
    if facts or result:
        tell(item, **facts)
    if result:
        tell_result(item, result, evidence=True)
    keywords: dict[str, Any] = {PACKAGED: True} if packaged else {}
    keywords |= {"saliency": True} if saliency else {}
    made = pytest.TestReport(node_id, ("f", 0, "t"), keywords, outcome, None, when, duration=seconds)
    attach(item, made)
    return made


def answered(node_id: str = ID, **parts: Any) -> pytest.TestReport:
    """Return the report of a packaged test that gave an answer."""
    return report(node_id, **{"question": QUESTION, "about": QUESTION[:2], "result": RESULT, **parts})


def ended(kept: Ledger, *reports: pytest.TestReport, **how: Any) -> tuple[int, list[str]]:
    """End a run after some reports; return its exit code and why it is not green."""
    for each in reports:
        kept.pytest_runtest_logreport(each)
    end = session(**how)
    kept.pytest_sessionfinish(end)
    return end.exitstatus, kept.problems


def test_a_run_that_answered_all_that_it_planned_is_green() -> None:
    assert ended(ledger(), answered()) == (Code.OK, [])


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_a_successful_setup_or_teardown_is_no_test_that_ran(when: str) -> None:
    lost = LOST.format(1, ID)
    assert lost in ended(ledger(), report(when=when))[1]
    for outcome in ("failed", "skipped"):
        assert lost not in ended(ledger(), report(outcome=outcome, when=when))[1]


def test_of_lost_tests_the_first_is_named() -> None:
    kept = ledger(planned=(ID, OTHER, f"{OTHER}2"), own=("test_z.py::test_own",))
    assert ended(kept, answered(OTHER)) == (Code.TESTS_FAILED, [LOST.format(3, f"{OTHER}2")])


def test_what_a_worker_collected_must_report_as_well() -> None:
    kept = ledger(planned=())
    kept.pytest_xdist_node_collection_finished([ID, OTHER])
    assert ended(kept, answered()) == (Code.TESTS_FAILED, [LOST.format(1, OTHER)])


def test_a_test_that_passed_must_have_answered() -> None:
    told: dict[str, Any] = {"question": QUESTION, "about": QUESTION[:2]}
    assert ended(ledger(), report(**told)) == (Code.TESTS_FAILED, [UNANSWERED.format(1, ID)])
    assert ended(ledger(), report()) == (Code.TESTS_FAILED, [UNANSWERED.format(1, ID)])
    failed = report(outcome="failed", **told)
    assert ended(ledger(), failed, status=Code.TESTS_FAILED) == (Code.TESTS_FAILED, [])
    kept = ledger(planned=(ID, OTHER))
    assert ended(kept, report(**told), report(OTHER, **told))[1] == [UNANSWERED.format(2, OTHER)]


def test_only_a_packaged_test_must_have_answered() -> None:
    assert ended(ledger(planned=(), own=(ID,)), report(packaged=False)) == (Code.OK, [])
    # Those of a worker are known by their reports.
    kept = ledger(planned=())
    kept.pytest_xdist_node_collection_finished([ID])
    assert ended(kept, report()) == (Code.TESTS_FAILED, [UNANSWERED.format(1, ID)])


def test_a_method_must_have_been_put_to_a_test() -> None:
    code, (problem,) = ended(
        ledger(planned=(), own=("test_own.py::test_it",)),
        report("test_own.py::test_it", saliency=False, packaged=False),
    )
    assert code == Code.TESTS_FAILED
    assert problem.startswith("a saliency method was given, but no test was put to it")
    # Without a method, that is as it should be.
    assert ended(ledger(Settings(), (), ("a",)), report("a", saliency=False, packaged=False)) == (Code.OK, [])


def test_a_method_all_of_whose_tests_were_skipped_is_named() -> None:
    skipped: dict[str, Any] = {"outcome": "skipped", "when": "setup", "question": QUESTION}
    kept = ledger(planned=(ID, OTHER, "own"))
    problem = "no test was put to gradcam: all of them were skipped"
    assert ended(
        kept, report(about=("gradcam", "alexnet"), **skipped), report(OTHER, about=("gradcam", "vgg11"), **skipped),
        answered("own", about=("sobel", "alexnet")),
    ) == (Code.TESTS_FAILED, [problem])  # fmt: skip
    kept = ledger(planned=(ID, OTHER))
    assert ended(kept, report(about=("gradcam", "alexnet"), **skipped), answered(OTHER)) == (Code.OK, [])


@pytest.mark.parametrize("status", [Code.TESTS_FAILED, Code.NO_TESTS_COLLECTED])
def test_a_run_that_is_red_stays_as_it_is_and_says_what_else_is_wrong(status: Code) -> None:
    assert ended(ledger(), status=status)[0] == status
    assert LOST.format(1, ID) in ended(ledger(), status=status)[1]


@pytest.mark.parametrize(
    "how",
    [
        {"status": Code.INTERNAL_ERROR},
        {"shouldstop": "stopping after 1 failures", "status": Code.TESTS_FAILED},
        {"shouldfail": "stopping after 1 failures", "status": Code.TESTS_FAILED},
    ],
)
def test_of_a_run_that_ended_early_no_test_is_lost(how: dict[str, Any]) -> None:
    assert ended(ledger(), **how) == (how["status"], [])


def test_of_an_interrupted_run_nothing_is_missing_if_all_had_run() -> None:
    assert ended(ledger(), answered(), status=Code.INTERRUPTED) == (Code.INTERRUPTED, [])


def test_an_interrupted_run_says_how_far_it_came() -> None:
    settings = replace(ONE_QUESTION, checks=("label_randomization", "cascading_randomization[top_down]"))
    kept = ledger(settings, (ID, OTHER), ("test_own.py::test_it",))
    reports = answered(), report("test_own.py::test_it", packaged=False)
    assert ended(kept, *reports, status=Code.INTERRUPTED) == (
        Code.INTERRUPTED,
        ["interrupted: 1 of 2 packaged tests ran"],
    )
    kept = ledger(Settings(), (), ("a", "b", "c"))
    reports = report("a", packaged=False), report("b", packaged=False)
    assert ended(kept, *reports, status=Code.INTERRUPTED)[1] == ["interrupted: 2 of 3 tests ran"]
    kept = ledger(Settings(), (), ("a",))
    assert ended(kept, report("a", packaged=False), status=Code.INTERRUPTED)[1] == []


@pytest.mark.parametrize("option", ONLY_SHOWN)
def test_a_run_that_only_shows_something_asks_nothing(option: str) -> None:
    assert ended(ledger(), options=[option]) == (Code.OK, [])


def test_after_a_usage_error_nothing_is_missing() -> None:
    assert ended(ledger(), status=Code.USAGE_ERROR) == (Code.USAGE_ERROR, [])


def test_a_run_that_has_nothing_to_do_with_saliency_is_left_alone() -> None:
    kept = ledger(Settings(), (), ("a", "b"))
    assert not kept.concerned
    assert ended(kept, report("a", packaged=False, saliency=False)) == (Code.OK, [])
    # Unless a worker lost what could be a packaged test.
    for node_id, problems in ((ID, [LOST.format(1, ID)]), ("test_a.py::test_a", []), ("b::not_test_contract", [])):
        kept = ledger(Settings(), ())
        kept.pytest_xdist_node_collection_finished([node_id])
        assert ended(kept)[1] == problems
        kept = ledger(Settings(), ())
        kept.pytest_xdist_node_collection_finished([node_id])
        assert ended(kept, report(node_id, packaged=False, saliency=False))[1] == []


def test_what_concerns_saliency_is_a_method_a_packaged_test_or_one_of_ones_own() -> None:
    assert ledger(ONE_QUESTION, ()).concerned
    assert ledger(Settings(), (ID,)).concerned
    kept = ledger(Settings(), ())
    kept.pytest_runtest_logreport(report("a", packaged=False))
    assert kept.concerned


def test_a_run_has_what_its_tests_told() -> None:
    kept = ledger(planned=(ID,), own=("test_own.py::test_it", "test_own.py::test_unrelated"))
    evidence = with_evidence(record(), 0.25).result
    facts: dict[str, Any] = {
        "reason": "why",
        "command": "pytest it",
        "parameters": {"n": 1},
        "device": "cpu",
        "versions": {"torch": "2"},
    }
    for each in (
        report(when="setup", seconds=1.00001),
        answered(result=evidence, seconds=2.00002, **facts),
        report(when="teardown", seconds=0.5),
        report("test_own.py::test_it", "failed", packaged=False, about=("mine", "alexnet")),
        report("test_own.py::test_unrelated", packaged=False, saliency=False),
    ):
        kept.pytest_runtest_logreport(each)
    kept.notes.append("a note")
    kept.problems.append("a problem")
    kept.written.append("a file")
    run = kept.run()
    (found,) = run.records
    assert (found.id, found.method, found.model, found.check, found.variant) == (ID, *QUESTION)
    assert (found.outcome, found.seconds) == ("passed", 3.5)
    assert {name: getattr(found, name) for name in facts} == facts
    assert found.result == evidence
    assert found.result is not None
    assert found.result.evidence is not None
    assert (found.result.evidence.values["signed"]["stage"] == 0.25).all()
    assert (run.planned, run.ran, run.own) == (1, 1, 1)
    assert run.outcomes == {"passed": 1, "failed": 1}
    assert (run.notes, run.problems, run.written) == (("a note",), ("a problem",), ("a file",))
    assert run.command == "pytest --saliency-method=gradcam"
    assert run.started == kept.started.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert kept.started.tzinfo is UTC
    assert abs((datetime.now(UTC) - kept.started).total_seconds()) < 60
    assert 0 <= run.seconds < 60
    assert run.plan == kept.settings.plan
    assert (run.preset, run.tier, run.device, run.images, run.seed) == ("embedded", "gate", "auto", None, 0)


def test_a_run_has_the_settings() -> None:
    given: dict[str, Any] = {
        "tier": "full",
        "device": "cpu",
        "images": 12,
        "seed": 5,
        "sign": "absolute",
        "law": "permute",
    }
    run = ledger(replace(ONE_QUESTION, preset_name="paper", confidence=0.9, **given)).run()
    assert {name: getattr(run, name) for name in given} == given
    assert (run.preset, run.confidence) == ("paper", 0.9)


def test_records_and_notes_are_in_the_order_of_the_plan() -> None:
    settings = Settings(("sobel", "gradcam"), ("vgg11", "alexnet"))
    kept = ledger(settings, ())
    for place, (method, model) in enumerate([("gradcam", "alexnet"), ("sobel", "alexnet"), ("sobel", "vgg11")]):
        glance = Glance(method, model, f"layer{place}", Sample((1, 2), ((1.0, 0.5),)), {})
        result = record(method, model).result
        told: dict[str, Any] = {"question": (method, model, "label_randomization", ""), "about": (method, model)}
        kept.pytest_runtest_logreport(report(f"{place}", result=result, glance=glance.as_record(), **told))
    run = kept.run()
    assert [each.key[:2] for each in run.records] == [("sobel", "vgg11"), ("sobel", "alexnet"), ("gradcam", "alexnet")]
    assert list(kept.glances) == [("gradcam", "alexnet"), ("sobel", "alexnet"), ("sobel", "vgg11")]
    assert run.notes[:3] == (
        "sobel looks at the layer layer2 of vgg11",
        "sobel looks at the layer layer1 of alexnet",
        "gradcam looks at the layer layer0 of alexnet",
    )
    assert "gradcam" in run.notes[3]  # draws what sobel draws


def test_habits_are_noted_by_method() -> None:
    kept = ledger()
    habits = {"larger": "", "kept": 0, "printed": 500}
    for _ in range(2):
        kept.pytest_runtest_logreport(report(about=("mine", "alexnet"), habits=habits))
    assert kept.run().notes == ("mine printed 1,000 characters, of which the first of each question are kept",)


def test_an_expected_failure_is_told_as_such() -> None:
    expected = answered(outcome="skipped")
    setattr(expected, "wasxfail", "reason: known")  # noqa: B010  (as pytest does)
    kept = ledger()
    kept.pytest_runtest_logreport(expected)
    assert kept.run().records[0].outcome == "xfailed"
    assert kept.run().outcomes == {"xfailed": 1}


def test_a_question_without_an_answer_keeps_its_names() -> None:
    kept = ledger()
    kept.pytest_runtest_logreport(report(outcome="failed", question=("m", "net", "symmetry", "rescaling")))
    (found,) = kept.run().records
    assert (found.method, found.model, found.check, found.variant) == ("m", "net", "symmetry", "rescaling")
    assert (found.result, found.reason, found.command, found.device) == (None, "", "", "")
    assert (found.parameters, found.versions) == ({}, {})


def test_a_result_names_its_method_and_model() -> None:
    # The fixtures of a project may give another method and model than was planned.
    kept = ledger()
    result = record("mine", "own net").result
    kept.pytest_runtest_logreport(report(question=QUESTION, about=QUESTION[:2], result=result))
    (found,) = kept.run().records
    assert (found.method, found.model) == ("mine", "own net")


def test_what_is_planned_is_the_plan_unless_only_a_part_was_collected() -> None:
    planned = len(ONE_QUESTION.plan)
    three = replace(ONE_QUESTION, checks=("label_randomization", "symmetry"))
    assert len(three.plan) > 2 > planned
    assert ledger(three, (ID,)).run().planned == len(three.plan)
    assert ledger(replace(three, shard=Shard(1, 2)), (ID,)).run().planned == 1
    assert ledger(three, ("test_own.py::test_symmetry", ID)).run().planned == 2
    assert ledger(three, ("test_own.py::test_symmetry",)).run().planned == 1
    assert ledger(Settings(), ("test_own.py::test_symmetry",)).run().planned == 1
    kept = ledger(Settings(), ())
    kept.pytest_xdist_node_collection_finished([ID, "test_own.py::test_it"])
    assert kept.run().planned == 1
    fixture = "saliency-sanity::saliency_method-alexnet::test_label_randomization"
    two_methods = replace(ONE_QUESTION, methods=("gradcam", "sobel"))
    assert ledger(two_methods, (fixture,)).run().planned == 1


def test_checks_that_can_not_be_loaded_have_no_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = ledger(Settings(), ())
    kept.pytest_xdist_node_collection_finished([ID, "b.py::test_label_randomization[x]", "b.py::test_label"])
    assert kept.by_name == {ID, "b.py::test_label_randomization[x]"}
    for error in (ValueError, TypeError, ImportError):

        def broken(error: type[Exception] = error) -> None:
            raise error

        monkeypatch.setattr("pytest_saliency_sanity.plugin.ledger.CHECKS", SimpleNamespace(all=broken))
        assert kept.by_name == set()


def test_pytest_xdist_is_not_needed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("-p", "no:xdist", "--collect-only", "-q", "--saliency-method=gradcam")
    assert result.ret == Code.OK


def test_how_long_it_took_is_rounded() -> None:
    kept = ledger()
    kept.began -= 7
    assert re.fullmatch(r"[78]\.\d{1,3}", str(kept.run().seconds))
