"""The main path: the packaged suite in a folder, empty or not, and what a failure tells."""

from __future__ import annotations

import shlex

import pytest
from support.runs import IN_ALL, OF_THE_METHOD, QUESTIONS, Ids, Run, ids_with, suite_ids

from pytest_saliency_sanity.checks.registry import CHECKS, question_ids
from pytest_saliency_sanity.methods.resolve import installed_methods


def test_gradcam_is_green_in_an_empty_folder_whatever_is_an_error_there(pytester: pytest.Pytester) -> None:
    # In a process of its own, since what is wrong with an import is said once only.
    strict = ("--strict-markers", "--strict-config", "-W", "error")
    result = pytester.runpytest_subprocess("--saliency-method=gradcam", "-v", "-p", "no:randomly", *strict)
    assert result.ret == pytest.ExitCode.OK
    # Its maps are coarse, so the null region is a finding: AlexNet's maps of nine cells leave it open, ResNet's fail.
    found = [f"saliency-sanity::gradcam-{model}::test_null_region" for model in ("alexnet", "resnet")]
    result.assert_outcomes(passed=IN_ALL - len(found), xfailed=len(found), warnings=0)
    assert "Warning" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines([f"{each} XFAIL*" for each in found])
    assert ids_with("PASSED", result) == [each for each in suite_ids("gradcam") if each not in found]


def test_every_check_of_the_catalogue_is_in_the_suite() -> None:
    assert [f"test_{each}" for each in question_ids(CHECKS.all())] == [*QUESTIONS, *OF_THE_METHOD]


def test_the_suite_runs_beside_the_tests_of_the_folder(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass")
    result = quick("--saliency-method=gradcam")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=2)


def test_saliency_sanity_as_an_argument_runs_the_suite_alone(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="raise RuntimeError('nobody should import this')")
    result = quick("saliency-sanity", "--saliency-method=gradcam")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1)


def test_the_folder_and_the_suite_can_both_be_named(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.mkdir("tests").joinpath("test_other.py").write_text("def test_other(): pass")
    pytester.makepyfile(test_elsewhere="def test_elsewhere(): pass")
    assert collected("tests", "saliency-sanity", "--saliency-method=gradcam") == [
        "tests/test_other.py::test_other",
        *suite_ids("gradcam"),
    ]


@pytest.mark.parametrize("named", ["test_other.py", "test_other.py::test_one"])
def test_the_suite_runs_beside_single_files_with_the_fixtures_of_their_folder(
    named: str, collected: Ids, quick: Run, pytester: pytest.Pytester
) -> None:
    folder = pytester.mkdir("tests")
    folder.joinpath("test_other.py").write_text("def test_one(): pass\ndef test_two(): pass")
    folder.joinpath("test_elsewhere.py").write_text("raise RuntimeError('nobody should import this')")
    folder.joinpath("conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef saliency_method(): return lambda model, images, targets: images"
    )
    mine = ["tests/test_other.py::test_one", *(["tests/test_other.py::test_two"] if "::" not in named else [])]
    found = collected(f"tests/{named}", "saliency-sanity", "--saliency-method=gradcam")
    assert found == [*mine, *suite_ids("saliency_method")]
    result = quick(f"tests/{named}", "saliency-sanity", "--saliency-method=gradcam")
    result.assert_outcomes(passed=len(mine), failed=1)
    # Without its name, files stand for themselves.
    assert collected(f"tests/{named}", "--saliency-method=gradcam") == mine


def test_the_suite_beside_files_without_tests_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="x = 1")
    result = pytester.runpytest_inprocess("test_other.py", "saliency-sanity", "--saliency-method=gradcam")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert (
        "saliency-sanity is placed beside the first test, and the files given have none: give saliency-sanity" in told
    )


def test_testpaths_lead_to_the_suite_too(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntestpaths = tests")
    pytester.mkdir("tests").joinpath("test_other.py").write_text("def test_other(): pass")
    assert collected("--saliency-method=gradcam") == ["tests/test_other.py::test_other", *suite_ids("gradcam")]


def test_several_folders_get_one_suite(collected: Ids, pytester: pytest.Pytester) -> None:
    for folder in ("one", "two"):
        pytester.mkdir(folder).joinpath(f"test_{folder}.py").write_text("def test(): pass")
    assert sorted(collected("one", "two", "--saliency-method=gradcam")) == sorted(
        ["one/test_one.py::test", "two/test_two.py::test", *suite_ids("gradcam")]
    )


def test_the_suite_has_a_cell_for_each_method_and_model(collected: Ids) -> None:
    assert collected("--saliency-method=gradcam", "--saliency-method=sobel") == suite_ids("gradcam", "sobel")


def test_what_is_named_twice_is_checked_once(collected: Ids) -> None:
    twice = ["--saliency-method=gradcam", "--saliency-model=vgg11", "--saliency-check=label_randomization"] * 2
    assert collected(*twice) == ["saliency-sanity::gradcam-vgg11::test_label_randomization"]


def test_all_means_every_installed_method_once(collected: Ids) -> None:
    chosen = ("--saliency-method=all", "--saliency-method=gradcam", "--saliency-model=alexnet")
    assert collected(*chosen) == suite_ids(*installed_methods(), models=("alexnet",))


def test_a_method_of_ones_own_is_found_beside_the_caller(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods="from pytest_saliency_sanity import gradcam as mine")
    result = quick("-v", "--saliency-method=mymethods:mine")
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == ["saliency-sanity::mymethods:mine-alexnet::test_label_randomization"]


def test_an_edge_detector_is_red_and_says_why(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "saliency-sanity::sobel-alexnet::test_cascading_randomization[top_down]", "--saliency-method=sobel"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [
            r"cascading_randomization\[top_down\]: sobel on alexnet FAILED",
            r"Insensitive: at features\.0 the maps are still alike.*",
            r"Similarity of maps without signs 1\.000, 95% interval 1\.000 to 1\.000; "
            r"it must stay below 0\.84 with its whole interval\.",
            r"stage +similarity +interval +undefined .*",
            r"classifier\.6 +1\.000 .* 0/320  #+$",
            r"classifier\.1 +1\.000 .* 0/320  #+\|#+  <- failed: must stay below 0\.96",
            r"features\.0 +1\.000 .* 0/320  #+\|#+  <- failed: must stay below 0\.84",
            r"SRC: Spearman's rank correlation .*",
            r"Measured on 40 images x 8 random draws, seed 0; .*",
            r"Run this again:",
            r"  pytest 'saliency-sanity::sobel-alexnet::test_cascading_randomization\[top_down\]' .*",
        ],
        consecutive=False,
    )


def test_a_failure_shows_nothing_of_our_source(quick: Run) -> None:
    result = quick("--saliency-method=sobel")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "suite.py" not in result.stdout.str()
    assert "saliency_judge(" not in result.stdout.str()


def test_the_command_of_a_failure_runs_just_it_again(pytester: pytest.Pytester) -> None:
    asked = "saliency-sanity::sobel-alexnet::test_cascading_randomization[independent]"
    first = pytester.runpytest_inprocess(
        "saliency-sanity",
        "--saliency-method=gradcam",
        "--saliency-method=sobel",
        "--saliency-model=alexnet",
        "--saliency-images=10",
        "--saliency-seed=3",
        "--saliency-threshold=cascading_randomization=0.8",
        "-k=sobel and independent",
    )
    command = shlex.split(first.outlines[first.outlines.index("Run this again:") + 1])
    assert command[:2] == ["pytest", asked]
    again = pytester.runpytest_inprocess(*command[1:], "-v")
    assert again.ret == pytest.ExitCode.TESTS_FAILED
    again.assert_outcomes(failed=1)
    assert ids_with("FAILED", again) == [asked]
    assert message_of(again) == message_of(first)


def message_of(result: pytest.RunResult) -> list[str]:
    start = result.outlines.index("cascading_randomization[independent]: sobel on alexnet FAILED")
    return result.outlines[start : result.outlines.index("Run this again:")]
