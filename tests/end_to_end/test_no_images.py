"""The preset imagenet without photographs, or with too few: said before anything is loaded or run."""

from __future__ import annotations

import pytest
from support.images import photographs
from support.runs import flat

ONE = ("--saliency-method=gradient", "--saliency-model=alexnet", "--saliency-preset=imagenet", "-p", "no:randomly")
ASKED = "--saliency-check=class_sensitivity"
LACKING = "the preset imagenet looks at photographs of yours: name a folder, --saliency-data=DIR, or override the "
# A network and images of a project's own, so that neither weights nor photographs are needed.
OWN_BATCH = """
import pytest
from pytest_saliency_sanity import load_batch

@pytest.fixture
def saliency_batch(): return load_batch("mnist", n=10)
"""
OWN_MODEL = """
import pytest
from pytest_saliency_sanity import load_checkpoint

@pytest.fixture(scope="session")
def saliency_model(): return load_checkpoint("alexnet")
"""
# Shows that nothing ran: a test of the project's own that would be seen.
UNRELATED = "def test_unrelated(): print('an unrelated test ran')"


def said_before(result: pytest.RunResult, told: str) -> None:
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in " ".join(result.stderr.str().split())
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert "an unrelated test ran" not in result.stdout.str()


@pytest.mark.parametrize("suite", ["saliency-sanity", "."])
def test_no_folder_is_said_before_the_run(suite: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNRELATED)
    said_before(pytester.runpytest_inprocess(suite, "-s", "--saliency-report=out", *ONE, ASKED), LACKING)
    assert not (pytester.path / "out").exists()


def test_no_folder_is_said_before_workers_start(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("saliency-sanity", "-n1", *ONE, ASKED)
    said_before(result, LACKING)
    result.stdout.no_fnmatch_line("*gw0*")


@pytest.mark.slow
def test_no_folder_for_ones_own_file_fails_its_tests_at_once_in_workers(pytester: pytest.Pytester) -> None:
    # Only workers collect, so only they can see whether a file has images of its own.
    pytester.makepyfile(test_gate="from pytest_saliency_sanity.suite import *")
    result = pytester.runpytest_inprocess("test_gate.py", "-n1", *ONE, ASKED)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
    assert LACKING in flat(result)


@pytest.mark.parametrize("place", ["conftest.py", "tests/conftest.py", "tests/test_gate.py"])
def test_images_of_ones_own_need_no_folder(place: str, pytester: pytest.Pytester) -> None:
    pytester.mkdir("tests")
    gate = pytester.path / "tests" / "test_gate.py"
    gate.write_text("from pytest_saliency_sanity.suite import *\n")
    pytester.makeconftest(OWN_MODEL)
    with (pytester.path / place).open("a") as file:
        file.write(OWN_BATCH)
    result = pytester.runpytest_inprocess(*ONE, ASKED)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "options", [("--collect-only",), pytest.param(("--saliency-check=contract",), marks=pytest.mark.slow)]
)
def test_what_looks_at_no_images_needs_no_folder(options: tuple[str, ...], pytester: pytest.Pytester) -> None:
    assert pytester.runpytest_inprocess("saliency-sanity", *ONE, *options).ret == pytest.ExitCode.OK


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "workers"])
def test_a_folder_of_nine_photographs_is_said_before_the_run(
    workers: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    photographs(pytester.path / "images", 9)
    result = pytester.runpytest_inprocess("saliency-sanity", "--saliency-data=images", *workers, *ONE, ASKED)
    said_before(result, "--saliency-data: images has 9 images: give at least 10")
