"""The committed gate and what stands beside it: the ini file, a fixture, the packaged suite."""

from __future__ import annotations

import pytest
from support.runs import QUESTIONS, Ids, Records, ids_with

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


def test_what_the_file_does_not_ask_the_suite_does(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("tests/test_gate.py").write_text("from pytest_saliency_sanity.suite import test_contract")
    ids = collected("--saliency-method=gradcam", "--saliency-model=alexnet")
    assert [each for each in ids if "test_contract" in each] == ["tests/test_gate.py::test_contract[gradcam]"]
    assert len([each for each in ids if each.startswith("saliency-sanity::")]) == len(QUESTIONS)


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
