"""In workers of pytest-xdist, alone and in any order: the same tests, the same SRCs to the last bit."""

from __future__ import annotations

import pytest
from support.runs import Records, Run, ids_with, suite_ids

pytest.importorskip("xdist")

# Grad-CAM draws nothing; noise draws from the global stream, and so would be the first to differ.
METHODS = ("--saliency-method=gradcam", "--saliency-method=uniform_noise")
CHOSEN = ("saliency-sanity", *METHODS, "--saliency-model=resnet", "--saliency-images=10")
IDS = suite_ids("gradcam", "uniform_noise", models=("resnet",))
NOISE = "saliency-sanity::uniform_noise-resnet::test_cascading_randomization[independent]"
RED = pytest.ExitCode.TESTS_FAILED  # noise does not repeat itself


@pytest.mark.slow
def test_the_srcs_are_the_same_in_order_shuffled_in_workers_and_alone(records: Records) -> None:
    in_order = records(*CHOSEN, "-p", "no:randomly", code=RED)
    assert list(in_order) == IDS
    for how in (("-p", "randomly", "-p", "no:xdist", "--randomly-seed=1"), ("-n", "2", "-p", "no:randomly")):
        assert records(*CHOSEN, *how, code=RED) == in_order
    for node_id in (IDS[1], NOISE, IDS[-1]):
        alone = records(node_id, *CHOSEN[1:], "--randomly-seed=2")
        assert alone == {node_id: in_order[node_id]}


def test_another_seed_gives_other_srcs(records: Records) -> None:
    # Shows that the tests above compare something that can differ.
    one, another = (records(NOISE, *CHOSEN[1:], f"--saliency-seed={seed}")[NOISE] for seed in (0, 1))
    assert one["statistic"] != another["statistic"]


def test_the_suite_runs_alone_in_workers(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="raise RuntimeError('nobody should import this')")
    result = quick("saliency-sanity", "-n", "1", "-v", "--saliency-method=gradcam", "--saliency-method=sobel")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    shown = result.stdout.str()
    assert shown.count("tests planned") == 1
    assert shown.count("packaged tests: 2 planned, 2 ran: 1 passed, 1 failed") == 1
    result.stdout.re_match_lines(
        [
            "label_randomization: sobel on alexnet FAILED",
            "sobel on alexnet: 0 of 1",
            "gradcam on alexnet: 1 of 1 passed",
        ]
    )


def test_one_test_is_selected_by_its_id_in_a_worker(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods="from pytest_saliency_sanity import gradcam as mine")
    wanted = "saliency-sanity::mymethods:mine-alexnet::test_label_randomization"
    result = quick(wanted, "-n", "1", "-v", "--saliency-method=sobel", "--saliency-method=mymethods:mine")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1)
    assert wanted in result.stdout.str()
    assert ids_with("FAILED", result) == []
