"""No silent green: a run that put no method to any test, or lost a test, does not end with 0."""

from __future__ import annotations

import pytest
from support.runs import ON_ONE, Run, flat

GRADCAM = "--saliency-method=gradcam"
UNRELATED = "def test_unrelated(): pass"
LOST = "not green: 1 collected tests never reported, the first is {}"
NO_TEST = "not green: a saliency method was given, but no test was put to it*"
# The last test's report can't be sent to the process that reports to the user (execnet.DumpError). Its worker dies of
# that, and since nothing is left to do by then, pytest-xdist ends the run as if all were well.
LOST_REPORT = """
import numpy

def test_kept(saliency_method): pass

def test_lost(request):
    request.node.user_properties.append(("x", numpy.float64(1)))
"""


@pytest.mark.parametrize(
    "chosen",
    [
        ("-k", "unrelated"),
        ("-m", "not saliency"),
        ("test_unrelated.py",),
        ("test_unrelated.py::test_unrelated",),
        ("--deselect=saliency-sanity::gradcam-alexnet",),
    ],
)
def test_a_run_that_put_no_test_to_the_method_is_red(
    chosen: tuple[str, ...], quick: Run, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_unrelated=UNRELATED)
    result = quick(GRADCAM, *chosen)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines([NO_TEST])


def test_a_run_that_put_no_test_to_the_method_of_an_ini_file_is_red(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nsaliency_method = gradcam")
    pytester.makepyfile(test_unrelated=UNRELATED)
    result = pytester.runpytest_inprocess("test_unrelated.py")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([NO_TEST])


def test_a_test_of_ones_own_is_enough(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="def test_mine(saliency_method): assert callable(saliency_method)")
    result = quick(GRADCAM, "test_own.py")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["packaged tests: 1 planned, 0 ran; 1 test of your own: 1 passed"])


def test_a_run_without_any_test_says_so(quick: Run) -> None:
    result = quick(GRADCAM, "-k", "nothing_is_called_this")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines([NO_TEST])


def test_a_run_whose_saliency_tests_were_all_skipped_is_red(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_unrelated=UNRELATED)
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if "saliency" in item.nodeid:
                    item.add_marker(pytest.mark.skip)
        """
    )
    result = quick(GRADCAM)
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_lost_test_is_named_and_red(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_unrelated=UNRELATED)
    pytester.makeconftest(
        """
        def pytest_runtest_protocol(item):
            return True if item.name == "test_unrelated" else None  # as if it had been run
        """
    )
    result = quick(GRADCAM)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert LOST.format("test_unrelated.py::test_unrelated") in flat(result)


def test_a_test_lost_by_xdist_is_named_and_red(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=LOST_REPORT)
    result = quick("test_own.py", GRADCAM, "-n", "1", "-p", "no:randomly")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert LOST.format("test_own.py::test_lost") in flat(result)


def test_a_worker_that_dies_is_red(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="import os\ndef test_dying(): os._exit(0)")
    result = quick(GRADCAM, "-n", "1", "--max-worker-restart=0")
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*test_own.py::test_dying*"])


def test_ctrl_c_shows_what_was_found_so_far_and_exits_with_2(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods="def slow(model, images, targets): raise KeyboardInterrupt")
    result = quick(GRADCAM, "--saliency-method=mymethods:slow", "-p", "no:randomly", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["gradcam on alexnet: 1 of 1 passed", "packaged tests: 2 planned, 1 ran: 1 passed"])
    result.stdout.fnmatch_lines(["not green: interrupted: 1 of 2 packaged tests ran"])


def test_x_stops_at_the_first_failure_and_says_how_far_it_came(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "saliency-sanity", "-x", "-p", "no:randomly", "--saliency-method=sobel", "--saliency-model=alexnet"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"packaged tests: {ON_ONE} planned, 1 ran: 1 failed"])
    result.stdout.no_fnmatch_line("not green*")


def test_an_error_at_collection_is_no_reason_to_speak_of_lost_tests(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_broken="import nowhere_to_be_found")
    result = quick(GRADCAM)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    told = [line for line in result.outlines if line.startswith("not green")]
    assert told == ["not green: interrupted: 0 of 1 packaged tests ran"]
