"""The committed gate: one line in a file of the project's own gives the packaged tests under its own ids."""

from __future__ import annotations

import pytest
from runs import OF_THE_METHOD, QUESTIONS, Ids, Records, Run, ids_with

FILE = "from pytest_saliency_sanity.suite import *"
OWN_METHOD = """
import pytest
from pytest_saliency_sanity import gradient

@pytest.fixture(scope="module")
def saliency_method():
    return gradient
"""
CHEAP = ("--saliency-check=repeatability", "--saliency-images=10", "-p", "no:randomly")


@pytest.fixture(autouse=True)
def own_file(pytester: pytest.Pytester) -> None:
    pytester.mkdir("tests").joinpath("test_gate.py").write_text(FILE)


def questions(ids: list[str]) -> list[str]:
    return sorted({each.rpartition("::")[2].partition("[")[0] for each in ids})


def test_it_has_every_question_once_under_its_own_ids(collected: Ids) -> None:
    ids = collected("--saliency-method=gradcam", "--saliency-model=alexnet")
    assert len(ids) == len(set(ids)) == len(QUESTIONS) + len(OF_THE_METHOD)
    assert all(each.startswith("tests/test_gate.py::test_") for each in ids)
    assert "tests/test_gate.py::test_contract[gradcam]" in ids
    assert "tests/test_gate.py::test_repeatability[gradcam-alexnet]" in ids
    assert questions(ids) == sorted({each.partition("[")[0] for each in (*QUESTIONS, *OF_THE_METHOD)})


@pytest.mark.parametrize("arguments", [(), ("saliency-sanity",), (".",), ("tests",), ("tests", "saliency-sanity")])
def test_nothing_is_asked_twice_where_the_suite_is_there_as_well(arguments: tuple[str, ...], collected: Ids) -> None:
    ids = collected(*arguments, "--saliency-method=gradcam", "--saliency-method=sobel")
    alone = arguments == ("saliency-sanity",)
    assert len(ids) == len(set(ids)) == 2 * (2 * len(QUESTIONS) + len(OF_THE_METHOD))
    assert all(each.startswith("saliency-sanity::") == alone for each in ids)


def test_what_the_file_does_not_ask_the_suite_does(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("tests/test_gate.py").write_text("from pytest_saliency_sanity.suite import test_contract")
    ids = collected("--saliency-method=gradcam", "--saliency-model=alexnet")
    assert [each for each in ids if "test_contract" in each] == ["tests/test_gate.py::test_contract[gradcam]"]
    assert len([each for each in ids if each.startswith("saliency-sanity::")]) == len(QUESTIONS)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_it_runs_and_is_summed_up(workers: tuple[str, ...], pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*CHEAP, *workers, "-v", "--saliency-method=gradient")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=2)
    result.stdout.re_match_lines(
        [r"gradient +alexnet +repeatability .* passed", r"gradient +vgg11 +repeatability .* passed"]
    )
    result.stdout.fnmatch_lines(["packaged tests: 2 planned, 2 ran: 2 passed"])


def test_the_methods_may_stand_in_the_ini_file(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nsaliency_method = gradcam\nsaliency_model = vgg11")
    ids = collected("--saliency-check=repeatability")
    assert ids == ["tests/test_gate.py::test_repeatability[gradcam-vgg11]"]


@pytest.mark.parametrize("where", ["tests/conftest.py", "tests/test_gate.py"])
def test_a_fixture_beside_it_needs_no_option(where: str, pytester: pytest.Pytester) -> None:
    place = pytester.path.joinpath(where)
    place.write_text(f"{FILE}\n{OWN_METHOD}" if where.endswith("gate.py") else OWN_METHOD)
    result = pytester.runpytest_inprocess(*CHEAP, "--saliency-model=alexnet", "-v")
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == ["tests/test_gate.py::test_repeatability[alexnet]"]
    result.stdout.fnmatch_lines(["packaged tests: 1 planned, 1 ran: 1 passed"])


def test_without_a_method_it_is_red_and_says_what_to_give(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*CHEAP, "--saliency-model=alexnet")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*nothing to check: give --saliency-method=gradcam, or override*"])


def test_a_failure_shows_the_message_and_the_command_for_just_it(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*CHEAP, "--saliency-method=uniform_noise", "--saliency-model=alexnet")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "repeatability: uniform_noise on alexnet FAILED",
            "Not repeatable: *",
            "Run this again:",
            "  pytest 'tests/test_gate.py::test_repeatability[[]uniform_noise-alexnet]' *",
        ]
    )
    assert "suite.py" not in result.stdout.str()


def test_its_records_are_those_of_the_suite(records: Records, pytester: pytest.Pytester) -> None:
    chosen = ("--saliency-method=gradient", "--saliency-model=alexnet", *CHEAP)
    (in_file,) = records("tests", *chosen).values()
    (in_suite,) = records("saliency-sanity", *chosen).values()
    assert in_file == in_suite


def test_a_test_that_is_lost_in_a_worker_turns_it_red(pytester: pytest.Pytester) -> None:
    # What execnet can't send is lost with the report that carries it.
    pytester.makeconftest(
        f"""
        {OWN_METHOD.replace(chr(10), chr(10) + "        ")}
        @pytest.fixture(autouse=True)
        def unsendable(request):
            request.node.user_properties.append(("mine", object()))
        """
    )
    result = pytester.runpytest_subprocess(*CHEAP, "-n", "1", "--saliency-model=alexnet")
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def test_quick(quick: Run) -> None:
    # --saliency-check leaves out what is not asked for, in the file as in the suite.
    result = quick("-v", "--saliency-method=gradcam")
    assert ids_with("PASSED", result) == ["tests/test_gate.py::test_label_randomization[gradcam-alexnet]"]
