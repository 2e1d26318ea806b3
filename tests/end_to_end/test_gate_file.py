"""The one-line file in every form that a project may give it: by option, by ini, by fixture, in workers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.runs import IN_ALL, MODELS, Ids, Records, flat, ids_with

from pytest_saliency_sanity import check_method

FILE = "from pytest_saliency_sanity.suite import *\n"
GATE = "tests/test_gate.py"
OVERRIDE = """
import pytest
from pytest_saliency_sanity import gradient

@pytest.fixture(scope="module")
def saliency_method():
    return gradient
"""
ALEXNET = "--saliency-model=alexnet"
CHEAP = ("--saliency-check=repeatability", "--saliency-images=10", "-p", "no:randomly")
GRADIENT, INPUT = "--saliency-method=gradient", "--saliency-method=input"
slow = pytest.mark.slow

# The forms in which a method is given to the file: files to write, arguments, names that stand in the ids.
ON_ALL = {method: [f"{method}-{model}" for model in MODELS] for method in ("gradient", "input")}
FORMS = {
    "flag": ({}, (GRADIENT,), ON_ALL["gradient"]),
    "two flags": ({}, (GRADIENT, INPUT), [*ON_ALL["gradient"], *ON_ALL["input"]]),
    "ini": ({"pytest.ini": "[pytest]\nsaliency_method = gradient"}, (), ON_ALL["gradient"]),
    # The command line wins.
    "both": ({"pytest.ini": "[pytest]\nsaliency_method = sobel"}, (GRADIENT,), ON_ALL["gradient"]),
    "conftest": ({"tests/conftest.py": OVERRIDE}, (ALEXNET,), ["alexnet"]),
    "conftest above": ({"conftest.py": OVERRIDE}, (ALEXNET,), ["alexnet"]),
    "in the file": ({GATE: FILE + OVERRIDE}, (ALEXNET,), ["alexnet"]),
    "no option at all": ({"tests/conftest.py": OVERRIDE}, (), [*MODELS]),
    "override and flag": ({"conftest.py": OVERRIDE}, (INPUT, ALEXNET), ["alexnet"]),
    "override in the file and flag": ({GATE: FILE + OVERRIDE}, (INPUT, ALEXNET), ["alexnet"]),
}


def write(pytester: pytest.Pytester, files: dict[str, str]) -> None:
    for name, text in files.items():
        place = pytester.path.joinpath(name)
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)


@pytest.fixture(autouse=True)
def gate(pytester: pytest.Pytester) -> None:
    write(pytester, {GATE: FILE})


def id_of(parameters: str, question: str = "test_repeatability") -> str:
    return f"{GATE}::{question}[{parameters}]" if parameters else f"{GATE}::{question}"


def in_gate(ids: list[str]) -> list[str]:
    return [each for each in ids if each.startswith(GATE)]


def in_suite(ids: list[str]) -> list[str]:
    return [each for each in ids if each.startswith("saliency-sanity::")]


# Ids.


@pytest.mark.parametrize("form", FORMS)
def test_the_ids_in_every_form(form: str, collected: Ids, pytester: pytest.Pytester) -> None:
    files, arguments, parameters = FORMS[form]
    write(pytester, files)
    ids = collected("tests", *arguments, "--saliency-check=repeatability")
    assert sorted(in_gate(ids)) == sorted(map(id_of, parameters))


ATTACHED = ("flag", "two flags", "ini", "both", "override and flag")  # with an option, the suite is there as well


@pytest.mark.parametrize("form", [form for form in FORMS if form != "override in the file and flag"])
@pytest.mark.parametrize("where", [(), (".",), (GATE,)])
def test_no_question_is_asked_twice(
    form: str, where: tuple[str, ...], collected: Ids, pytester: pytest.Pytester
) -> None:
    files, arguments, parameters = FORMS[form]
    write(pytester, files)
    ids = collected(*where, *arguments, "--saliency-check=repeatability")
    assert sorted(ids) == sorted(map(id_of, parameters))


@pytest.mark.parametrize("form", ATTACHED)
@pytest.mark.parametrize("where", [("tests", "saliency-sanity"), ("saliency-sanity", ".")])
def test_no_question_is_asked_twice_where_the_suite_is_named_as_well(
    form: str, where: tuple[str, ...], collected: Ids, pytester: pytest.Pytester
) -> None:
    files, arguments, parameters = FORMS[form]
    write(pytester, files)
    ids = collected(*where, *arguments, "--saliency-check=repeatability")
    assert sorted(ids) == sorted(map(id_of, parameters))


def test_an_override_in_the_file_is_not_the_method_of_the_flag(collected: Ids, pytester: pytest.Pytester) -> None:
    # The fixture counts for this file alone; so the suite still puts the method of the flag to the test.
    write(pytester, {GATE: FILE + OVERRIDE})
    ids = collected("tests", INPUT, ALEXNET, "--saliency-check=repeatability")
    assert sorted(ids) == ["saliency-sanity::input-alexnet::test_repeatability", id_of("alexnet")]


@pytest.mark.parametrize("where", [(), ("tests", "saliency-sanity")])
def test_two_methods_have_every_question_once(where: tuple[str, ...], collected: Ids) -> None:
    ids = collected(*where, GRADIENT, INPUT)
    assert len(ids) == len(set(ids)) == len(in_gate(ids)) == 2 * IN_ALL


def test_the_suite_by_its_name_alone_leaves_the_file_out(collected: Ids) -> None:
    ids = collected("saliency-sanity", GRADIENT)
    assert len(ids) == len(in_suite(ids)) == IN_ALL


def test_a_part_of_the_suite_beside_the_folder_adds_nothing_twice(collected: Ids) -> None:
    # What is named is in the file already, under another id; it may be asked there, or here, but once.
    ids = collected("tests", "saliency-sanity::gradient-alexnet", GRADIENT, *CHEAP[:1])
    assert sorted(each.replace("gradient-alexnet::test_repeatability", "") for each in in_suite(ids)) in (
        [],
        ["saliency-sanity::"],
    )
    assert len(ids) == len(MODELS)


def test_the_suite_by_its_name_without_a_method_says_what_to_give(pytester: pytest.Pytester) -> None:
    write(pytester, {"conftest.py": OVERRIDE})
    result = pytester.runpytest_inprocess("tests", "saliency-sanity")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--saliency-method=gradcam" in "\n".join(result.errlines)


def test_two_such_files_are_two_files(collected: Ids, pytester: pytest.Pytester) -> None:
    write(pytester, {"tests/test_other_gate.py": FILE})
    ids = collected("tests", GRADIENT, ALEXNET, "--saliency-check=repeatability")
    assert ids == [id_of("gradient-alexnet"), id_of("gradient-alexnet").replace("test_gate", "test_other_gate")]


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        (("contract",), {"test_contract"}),
        (("contract", "symmetry"), {"test_contract", "test_symmetry"}),
        (("cascading_randomization",), {"test_cascading_randomization"}),
    ],
)
@pytest.mark.parametrize("form", ["flag", "ini", "conftest", "in the file"])
def test_checks_that_are_not_asked_for_are_left_out(
    form: str, checks: tuple[str, ...], expected: set[str], collected: Ids, pytester: pytest.Pytester
) -> None:
    files, arguments, _ = FORMS[form]
    write(pytester, files)
    ids = collected("tests", *arguments, *(f"--saliency-check={check}" for check in checks))
    assert {each.rpartition("::")[2].partition("[")[0] for each in ids} == expected


def test_the_checks_of_the_ini_file_filter_it_too(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nsaliency_method = gradient\nsaliency_check = contract")
    assert collected("tests") == [f"{GATE}::test_contract[gradient]"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (("-k", "top_down and vgg11"), ["gradient-vgg11-top_down"]),
        (("-m", "saliency", "-k", "rescaling and alexnet"), ["gradient-alexnet-rescaling"]),
        (("-m", "not saliency"), []),
    ],
)
def test_its_tests_are_selected_as_any(chosen: tuple[str, ...], expected: list[str], collected: Ids) -> None:
    ids = collected("tests", GRADIENT, *chosen)
    assert [sorted(each.partition("[")[2].rstrip("]").split("-")) for each in ids] == [
        sorted(each.split("-")) for each in expected
    ]


# Names that are not the file's.


def test_a_project_whose_own_tests_have_our_names_hears_nothing_of_us(pytester: pytest.Pytester) -> None:
    # `test_contract` and `test_symmetry` are names that unrelated projects use; the plugin is merely installed there.
    write(pytester, {GATE: "def test_contract(): pass\ndef test_symmetry(): pass\n"})
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*== saliency-sanity ==*")
    result.stdout.no_fnmatch_line("*packaged tests*")


def test_a_test_of_ones_own_with_our_name_is_not_counted_as_packaged(pytester: pytest.Pytester) -> None:
    write(pytester, {GATE: "def test_symmetry(saliency_method): pass\n"})
    result = pytester.runpytest_inprocess(GRADIENT, ALEXNET, *CHEAP)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["packaged tests: 1 planned, 1 ran; 1 test of your own: 2 passed"])


def test_a_packaged_test_under_another_name_is_the_same_question(collected: Ids, pytester: pytest.Pytester) -> None:
    write(pytester, {GATE: "from pytest_saliency_sanity.suite import test_repeatability as test_it_repeats\n"})
    ids = collected("tests", GRADIENT, ALEXNET, *CHEAP[:1])
    assert ids == [id_of("gradient-alexnet", "test_it_repeats")]


def test_a_class_may_hold_them(collected: Ids, pytester: pytest.Pytester) -> None:
    in_class = "class TestGate:\n    test_contract = staticmethod(suite.test_contract)\n"
    write(pytester, {GATE: f"from pytest_saliency_sanity import suite\n{in_class}"})
    ids = collected("tests", GRADIENT, "--saliency-check=contract")
    assert ids == [f"{GATE}::TestGate::test_contract[gradient]"]


# Runs.


@pytest.mark.parametrize("form", FORMS)
def test_the_table_and_the_counts_in_every_form(form: str, pytester: pytest.Pytester) -> None:
    files, arguments, parameters = FORMS[form]
    write(pytester, files)
    result = pytester.runpytest_inprocess(GATE, *arguments, *CHEAP, "-v")
    assert result.ret == pytest.ExitCode.OK
    assert sorted(ids_with("PASSED", result)) == sorted(map(id_of, parameters))
    count = len(parameters)
    result.stdout.fnmatch_lines([f"packaged tests: {count} planned, {count} ran: {count} passed"])
    assert result.outlines.count("  passed: repeatability") == count
    method = "input" if "two" in form else "gradient"
    assert any(re.match(rf"{method} on \w+: 1 of 1 passed", line) for line in result.outlines)


@pytest.mark.parametrize("form", ["conftest", "in the file"])
def test_with_an_override_of_both_no_option_is_needed(form: str, pytester: pytest.Pytester) -> None:
    both = f"{OVERRIDE}\nfrom pytest_saliency_sanity import load_checkpoint\n"
    both += "@pytest.fixture(scope='module')\ndef saliency_model():\n    return load_checkpoint('vgg11')\n"
    write(pytester, {"tests/conftest.py": both} if form == "conftest" else {GATE: FILE + both})
    result = pytester.runpytest_inprocess(*CHEAP, "-v")
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == [id_of("")]
    result.stdout.fnmatch_lines(["gradient on *: 1 of 1 passed", "packaged tests: 1 planned, 1 ran: 1 passed"])


def test_without_a_method_it_is_red_with_instructions(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(ALEXNET, *CHEAP)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = "nothing to check: give --saliency-method=gradcam, or override the fixture saliency_method"
    assert told in result.outlines  # alone on its line: no traceback through our source
    assert "fixtures.py" not in result.stdout.str()
    result.stdout.fnmatch_lines(["packaged tests: 1 planned, 1 ran: 1 failed"])


def test_all_of_it_is_red_without_a_method(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=IN_ALL)
    result.stdout.fnmatch_lines([f"packaged tests: {IN_ALL} planned, {IN_ALL} ran: {IN_ALL} failed"])


def test_one_red_cell_is_counted_and_shown(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(GRADIENT, "--saliency-method=uniform_noise", ALEXNET, *CHEAP)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines(
        [
            r"uniform_noise on alexnet: 0 of 1 passed",
            r"  failed: repeatability",
            r"gradient on alexnet: 1 of 1 passed",
            r"packaged tests: 2 planned, 2 ran: 1 passed, 1 failed",
        ]
    )


def test_what_x_left_out_is_missing_from_the_counts(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--saliency-method=uniform_noise", *CHEAP, "-x")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"packaged tests: {len(MODELS)} planned, 1 ran: 1 failed"])


@pytest.mark.parametrize(
    "form",
    ["two flags", *(pytest.param(form, marks=slow) for form in FORMS if form != "two flags")],
)
def test_workers_run_the_same_once(form: str, pytester: pytest.Pytester) -> None:
    files, arguments, parameters = FORMS[form]
    write(pytester, files)
    where = (GATE,) if form == "override in the file and flag" else ()
    result = pytester.runpytest_inprocess(*where, *arguments, *CHEAP, "-n", "1", "-v")
    assert result.ret == pytest.ExitCode.OK
    count = len(parameters)
    result.assert_outcomes(passed=count)
    result.stdout.fnmatch_lines([f"packaged tests: {count} planned, {count} ran: {count} passed"])
    shown = result.stdout.str()
    assert all(id_of(each) in shown for each in parameters)
    assert "saliency-sanity::" not in shown


# The property that execnet can't send comes with the last test: its worker dies of it with nothing left to do, and
# pytest-xdist would end the run as if all were well.
LOSING = """
import numpy
import pytest

@pytest.fixture(autouse=True)
def unsendable(request):
    if "vgg11" in request.node.name:
        request.node.user_properties.append(("mine", numpy.float64(1)))
"""


@pytest.mark.parametrize("form", ["conftest", pytest.param("flag", marks=slow), pytest.param("ini", marks=slow)])
def test_a_test_lost_by_a_worker_is_named_and_red(form: str, pytester: pytest.Pytester) -> None:
    files, arguments, _ = FORMS[form]
    name = "vgg11" if form == "conftest" else "gradient-vgg11"
    models = (ALEXNET, "--saliency-model=vgg11")
    write(pytester, {**files, "conftest.py": LOSING})
    result = pytester.runpytest_inprocess(
        *(argument for argument in arguments if argument != ALEXNET), *models, *CHEAP, "-n", "1"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["packaged tests: 2 planned, 1 ran: 1 passed"])
    assert re.search(rf"not green: 1 collected tests never reported, the first is \S+{name}\]", flat(result))


def test_a_lost_test_is_red_without_workers_and_without_any_option(pytester: pytest.Pytester) -> None:
    losing = "def pytest_runtest_protocol(item):\n    return True if 'symmetry' in item.name else None\n"
    write(pytester, {"tests/conftest.py": OVERRIDE, "conftest.py": losing})
    result = pytester.runpytest_inprocess(ALEXNET, "--saliency-check=symmetry", *CHEAP)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["packaged tests: 4 planned, 1 ran: 1 passed", "not green: 3 collected tests never*"])


# Without pytest.


def as_records(*arguments: Any, **keywords: Any) -> list[dict[str, Any]]:
    return [json.loads(json.dumps(result.as_record())) for result in check_method(*arguments, **keywords)]


def by_question(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda record: (record["method"], record["model"], record["check"]))


@pytest.mark.parametrize(
    "checks",
    [
        ("repeatability", "class_sensitivity", "symmetry", "bias_detection"),
        pytest.param(("label_randomization", "cascading_randomization", "contract"), marks=slow),
    ],
)
def test_check_method_measures_what_the_file_does(checks: tuple[str, ...], records: Records) -> None:
    named = [f"--saliency-check={check}" for check in checks]
    found = records(
        "tests", GRADIENT, ALEXNET, *named, "--saliency-images=10", "--saliency-seed=1", "-p", "no:randomly"
    )
    expected = as_records("gradient", models=["alexnet"], checks=checks, images=10, seed=1)
    assert by_question(list(found.values())) == by_question(expected)
    assert len(expected) >= len(checks)


def test_check_method_of_an_object_measures_what_an_override_does(records: Records, pytester: pytest.Pytester) -> None:
    from pytest_saliency_sanity import gradient

    write(pytester, {"tests/conftest.py": OVERRIDE})
    (found,) = records("tests", ALEXNET, *CHEAP).values()
    assert [found] == as_records(gradient, models=["alexnet"], checks=["repeatability"], images=10)
