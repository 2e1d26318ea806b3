"""Selecting from the packaged suite as from any tests: by id, -k, -m, --deselect, --lf, with the usual plugins off."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from support.runs import CASCADES, LACKING, MODELS, Ids, Run, cell_ids, ids_with, own_ids, suite_ids

CELL = "saliency-sanity::gradcam-alexnet"
TOP_DOWN = f"{CELL}::test_cascading_randomization[top_down]"


def test_collect_only_lists_what_would_run_and_is_green(quick: Run) -> None:
    result = quick("--collect-only", "-q", "--saliency-method=gradcam")
    assert result.ret == pytest.ExitCode.OK
    assert result.outlines[0] == f"{CELL}::test_label_randomization"
    result.stdout.no_fnmatch_line("*packaged tests*")  # nothing ran, so there is nothing to sum up


def test_one_test_is_selected_by_its_id(collected: Ids) -> None:
    assert collected(TOP_DOWN, "--saliency-method=gradcam") == [TOP_DOWN]


def test_a_cell_is_selected_by_its_prefix(collected: Ids) -> None:
    assert collected(CELL, "--saliency-method=gradcam") == cell_ids("gradcam", "alexnet", lacking=LACKING)


def test_the_variants_of_a_test_are_selected_by_its_name(collected: Ids) -> None:
    name = f"{CELL}::test_cascading_randomization"
    assert collected(name, "--saliency-method=gradcam") == [f"{CELL}::{question}" for question in CASCADES]


def test_a_prefix_selects_no_cell_whose_name_only_begins_alike(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(m="from pytest_saliency_sanity import gradcam as f, gradcam as f_2")
    ids = collected("saliency-sanity::m:f-alexnet", "--saliency-method=m:f", "--saliency-method=m:f_2")
    assert ids == cell_ids("m:f", "alexnet", lacking=LACKING)


def test_the_questions_of_a_method_alone_are_selected_by_its_name(collected: Ids) -> None:
    assert collected("saliency-sanity::gradcam", "--saliency-method=gradcam") == own_ids("gradcam")


def test_several_ids_are_selected_once_each(collected: Ids) -> None:
    label = f"{CELL}::test_label_randomization"
    assert collected(TOP_DOWN, label, TOP_DOWN, "--saliency-method=gradcam") == [label, TOP_DOWN]


def test_an_id_leaves_out_the_tests_of_the_folder(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass")
    assert collected(TOP_DOWN, "--saliency-method=gradcam") == [TOP_DOWN]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("vgg11 and label", ["saliency-sanity::gradcam-vgg11::test_label_randomization"]),
        ("top_down", [f"saliency-sanity::gradcam-{model}::{CASCADES[0]}" for model in MODELS]),
        ("gradcam-alexnet", cell_ids("gradcam", "alexnet", lacking=LACKING)),
    ],
)
def test_k_matches_methods_models_and_checks(expression: str, expected: list[str], collected: Ids) -> None:
    assert collected("-k", expression, "--saliency-method=gradcam") == expected


def test_the_marker_selects_every_test_that_a_method_is_put_to(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="def test_mine(saliency_method): pass\ndef test_other(): pass")
    ids = collected("-m", "saliency", "--saliency-method=gradcam")
    assert ids == ["test_own.py::test_mine[gradcam]", *suite_ids("gradcam")]


def test_the_marker_leaves_out_every_test_that_a_method_is_put_to(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="def test_mine(saliency_method): pass\ndef test_other(): pass")
    assert collected("-m", "not saliency", "--saliency-method=gradcam") == ["test_own.py::test_other"]


def test_a_test_can_be_deselected(collected: Ids) -> None:
    ids = collected(f"--deselect={TOP_DOWN}", "--saliency-method=gradcam")
    assert ids == [each for each in suite_ids("gradcam") if each != TOP_DOWN]


def test_a_cell_can_be_deselected(collected: Ids) -> None:
    ids = collected(f"--deselect={CELL}", "--saliency-method=gradcam")
    assert ids == [each for each in suite_ids("gradcam") if not each.startswith(f"{CELL}::")]


def test_last_failed_runs_what_failed_of_the_suite_and_of_the_folder(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_red="def test_red(): assert False", test_green="def test_green(): pass")
    methods = ("--saliency-method=gradcam", "--saliency-method=sobel")
    quick(*methods).assert_outcomes(failed=2, passed=2)
    again = quick(*methods, "--lf", "-v")
    assert ids_with("PASSED", again) == []
    assert sorted(ids_with("FAILED", again)) == [
        "saliency-sanity::sobel-alexnet::test_label_randomization",
        "test_red.py::test_red",
    ]


def test_last_failed_runs_what_failed_of_the_suite_alone(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_green="def test_green(): pass")
    methods = ("--saliency-method=gradcam", "--saliency-method=sobel")
    quick(*methods).assert_outcomes(failed=1, passed=2)
    again = quick(*methods, "--lf", "-v")
    assert ids_with("FAILED", again) == ["saliency-sanity::sobel-alexnet::test_label_randomization"]
    assert ids_with("PASSED", again) == []


def test_junit_xml_has_the_tests_and_the_reason(quick: Run, pytester: pytest.Pytester) -> None:
    quick("--junitxml=report.xml", "--saliency-method=gradcam", "--saliency-method=sobel")
    cases = {case.get("classname"): case for case in ElementTree.parse(pytester.path / "report.xml").iter("testcase")}
    assert sorted(map(str, cases)) == ["saliency-sanity.gradcam-alexnet", "saliency-sanity.sobel-alexnet"]
    assert cases["saliency-sanity.gradcam-alexnet"].find("failure") is None
    failure = cases["saliency-sanity.sobel-alexnet"].find("failure")
    assert failure is not None
    assert "label_randomization: sobel on alexnet FAILED" in (failure.text or "")


@pytest.mark.parametrize(
    "argument", ["--import-mode=importlib", "-pno:cacheprovider", "-pno:randomly", "-pno:xdist", "-n0", "--tb=line"]
)
def test_other_settings_of_pytest_change_nothing(argument: str, quick: Run) -> None:
    result = quick(argument, "-v", "--saliency-method=gradcam")
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == [f"{CELL}::test_label_randomization"]


@pytest.mark.parametrize(("method", "code"), [("gradcam", pytest.ExitCode.OK), ("sobel", pytest.ExitCode.TESTS_FAILED)])
def test_the_exit_code_is_right_without_a_terminal(method: str, code: pytest.ExitCode, quick: Run) -> None:
    result = quick("-p", "no:terminal", f"--saliency-method={method}")
    assert result.ret == code
    assert result.outlines == []


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("saliency-sanity::gradcan-alexnet", "did you mean 'saliency-sanity::gradcam-alexnet'"),
        (f"{CELL}::test_label_randomisation", f"did you mean '{CELL}::test_label_randomization'"),
        (f"{CELL}::test_cascading_randomization[top-down]", f"did you mean '{TOP_DOWN}'"),
        ("saliency-sanity::sobel-alexnet::test_label_randomization", f"'{CELL}::test_label_randomization'"),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_an_unknown_id_is_a_usage_error_with_near_matches(
    wrong: str, hint: str, workers: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    result = pytester.runpytest_inprocess(wrong, *workers, "--saliency-method=gradcam")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    error = "\n".join(result.errlines)
    assert repr(wrong) in error
    assert hint in error


def test_an_id_of_a_check_that_is_left_out_is_a_usage_error(quick: Run) -> None:
    result = quick(TOP_DOWN, "--saliency-method=gradcam")  # quick asks for label randomisation only
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_the_suite_without_a_method_is_a_usage_error_that_says_what_to_give(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("saliency-sanity")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "pytest saliency-sanity --saliency-method=gradcam" in "\n".join(result.errlines)
