"""What a run prints: the plan in the header, the verdicts in the summary."""

from __future__ import annotations

import pytest
from support.runs import IN_ALL, MODELS, ON_ONE, Run

GRADCAM = "--saliency-method=gradcam"
HEADING = r"method +model +check +maps +measured \[95 % interval\] +must be +verdict"
EXACTLY_1 = r"1\.000 \[1\.000, 1\.000\]"
NUMBER = r"-?0\.\d{3}"
FAITHFUL = "'passed' says: no evidence of insensitivity. It does not say that the maps are faithful."


def test_the_header_says_what_is_planned(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "--collect-only", GRADCAM, "--saliency-method=sobel", "--saliency-images=25", "--saliency-seed=2"
    )
    result.stdout.fnmatch_lines(
        [
            f"saliency-sanity: gradcam, sobel x {', '.join(MODELS)}: {2 * IN_ALL} tests planned, "
            "preset embedded, tier gate; 25 images, seed 2, device auto"
        ]
    )


def test_the_summary_has_a_line_for_each_test_in_the_order_of_the_options(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "--saliency-method=sobel",
        GRADCAM,
        "--saliency-model=alexnet",
        "-k",
        "label or top_down",
        "--saliency-images=10",
    )
    assert "randomly" in result.stdout.str()  # the order of the table is not that of the run
    result.stdout.re_match_lines(
        [
            HEADING,
            rf"sobel +alexnet +label_randomization +without signs +{EXACTLY_1} similarity +below 0\.89 +failed$",
            rf"sobel +alexnet +cascading_randomization\[top_down\] +without signs +{EXACTLY_1} similarity"
            r" +below 0\.84 +failed$",
            rf"gradcam +alexnet +label_randomization +without signs +{NUMBER} \[{NUMBER}, {NUMBER}\] similarity"
            r" +below 0\.89 +passed",
            r"gradcam +alexnet +cascading_randomization\[top_down\] +without signs +0\.\d{3} .*",
            rf"packaged tests: {2 * ON_ONE} planned, 4 ran: .*2 failed",
        ],
        consecutive=True,
    )


def test_the_summary_says_what_a_pass_means(quick: Run) -> None:
    quick(GRADCAM).stdout.fnmatch_lines([FAITHFUL])


def test_the_summary_of_failures_alone_does_not_speak_of_passes(quick: Run) -> None:
    quick("--saliency-method=sobel").stdout.no_fnmatch_line(FAITHFUL)


def test_the_summary_counts_undefined_srcs(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "saliency-sanity::gradcam-alexnet::test_cascading_randomization[bottom_up]", GRADCAM
    )
    result.stdout.re_match_lines([r"gradcam .* passed \(\d+ of 80 SRCs undefined\)$"])


def test_verdicts_are_coloured(quick: Run) -> None:
    shown = quick(GRADCAM, "--saliency-method=sobel", "--color=yes").stdout.str().splitlines()
    table = [line for line in shown if "label_randomization" in line and "without signs" in line]
    assert [line.partition("m")[0] for line in table if line.startswith("\x1b")] == ["\x1b[32", "\x1b[31"]


def test_the_summary_is_left_out_where_pytest_is_told_to(quick: Run) -> None:
    result = quick(GRADCAM, "--no-summary")
    assert result.ret == pytest.ExitCode.OK


def test_planned_and_run_agree_where_an_override_makes_one_cell_of_two(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from pytest_saliency_sanity import gradcam, load_checkpoint
        from pytest_saliency_sanity.networks.presets.registry import open_preset

        @pytest.fixture
        def saliency_model(): return load_checkpoint("alexnet")
        @pytest.fixture
        def saliency_memorized_model(): return load_checkpoint("alexnet", labels="random")
        @pytest.fixture
        def saliency_bias_scenario(): return open_preset("embedded").supply("bias_scenario", "alexnet", 40)
        """
    )
    result = pytester.runpytest_inprocess(GRADCAM)
    assert result.ret == pytest.ExitCode.OK
    # No scenes are given.
    counted = f"packaged tests: {ON_ONE} planned, {ON_ONE} ran: 1 skipped, {ON_ONE - 1} passed"
    result.stdout.fnmatch_lines([counted])
