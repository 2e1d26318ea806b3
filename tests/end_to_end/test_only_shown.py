"""Options of pytest that only show what a run would do: nothing is asked, so nothing is missing."""

from __future__ import annotations

import pytest
from support.runs import Run

ONLY_SHOWN = ("--collect-only", "--setup-plan", "--setup-only", "--fixtures", "--fixtures-per-test", "--cache-show")
IN_WORKERS = ("--setup-plan -n1", pytest.param("--setup-only -n1", marks=pytest.mark.slow))


@pytest.mark.parametrize("options", [*ONLY_SHOWN, *IN_WORKERS])
def test_an_option_that_only_shows_what_would_run_misses_no_answer(
    options: str, quick: Run, pytester: pytest.Pytester
) -> None:
    kept = ("--saliency-report=out", "--saliency-baseline=b.json", "--saliency-update-baseline")
    result = quick("--saliency-method=gradcam", *options.split(), *kept)
    assert result.ret == pytest.ExitCode.OK
    printed = result.stdout.str() + result.stderr.str()
    assert "not green" not in printed
    assert "packaged tests:" not in printed
    assert not (pytester.path / "out").exists()
    assert not (pytester.path / "b.json").exists()


def test_a_fixture_that_fails_is_red_even_if_only_set_up(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef saliency_batch(): raise ArithmeticError('no images')")
    result = quick("--saliency-method=gradcam", "--setup-only")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
