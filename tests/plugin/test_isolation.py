"""What the parent of an isolated run makes of how its child ended and of the last place that it told."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity.plugin.isolation import judged


@pytest.mark.parametrize(
    ("status", "last", "judgement"),
    [
        (0, "over 0", 0),
        (1, "over 1", 1),
        (0, "over 1", 1),  # something ended the process after the run
        (3, "over 0", 3),
        (4, "", 4),  # pytest said why it did not begin
    ],
)
def test_a_run_that_is_over_has_its_own_status(
    status: int, last: str, judgement: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(status, last) == judgement
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("status", "last", "told"),
    [
        (0, "", "before it began: it ended with exit status 0."),
        (0, "in a::b", "in a::b: it ended with exit status 0."),
        (2, "in a::b", "in a::b: it ended with exit status 2."),
        (-9, "while the run was reported", "while the run was reported: it was ended by SIGKILL"),
        (-11, "over 0", "after its end: it was ended by SIGSEGV."),
    ],
)
def test_a_run_that_broke_off_has_failed_and_is_told_of(
    status: int, last: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(status, last) == pytest.ExitCode.TESTS_FAILED
    assert f"saliency-sanity: the run broke off {told}" in capsys.readouterr().err
