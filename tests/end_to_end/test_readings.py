"""How maps are read: as given, by magnitude, under another law, more or less confidently; and what is a finding."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.runs import Records, Run, flat

from pytest_saliency_sanity import check_method

BORROWED = "--saliency-method=borrowed_signs"
OUTLINE = "the signs change, the picture of magnitudes does not: what is left is the image's own outline"


def test_maps_are_read_as_given_and_their_magnitudes_are_a_finding(quick: Run) -> None:
    result = quick(BORROWED)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["borrowed_signs on alexnet: 1 of 1 passed"])
    assert re.search(rf"finding: {OUTLINE} label_randomization: 0\.99. by magnitude", flat(result))


def test_a_finding_decides_in_the_full_tier(quick: Run) -> None:
    result = quick(BORROWED, "--saliency-tier=full")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["A finding decides in the tier full."])
    told = ["  failed: label_randomization (passed, but a finding decides)", "  finding: the signs change, *"]
    result.stdout.fnmatch_lines([f"A finding: {OUTLINE} (0.99? by magnitude).", *told])


@pytest.mark.parametrize("how", ["option", "ini"])
def test_all_maps_can_be_read_by_magnitude(how: str, quick: Run, pytester: pytest.Pytester) -> None:
    if how == "ini":
        pytester.makeini("[pytest]\nsaliency_sign = absolute")
    result = quick(BORROWED, *(["--saliency-sign=absolute"] if how == "option" else []))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "Similarity of the magnitudes of maps 0.99*; it must stay below 0.89 with its whole interval.",
            "  failed: label_randomization",
            "    stage random_labels: similarity 0.99* must stay below 0.89",
        ]
    )
    result.stdout.no_fnmatch_line("  finding: *")


@pytest.mark.parametrize("how", ["option", "ini"])
def test_intervals_can_be_more_confident(how: str, quick: Run, pytester: pytest.Pytester) -> None:
    if how == "ini":
        pytester.makeini("[pytest]\nsaliency_confidence = 0.999")
    chosen = ("--saliency-method=gradient", "--saliency-threshold=label_randomization=0.02")
    result = quick(*chosen, *(["--saliency-confidence=0.999"] if how == "option" else []))
    result.stdout.fnmatch_lines(["*99.9% interval*", "*: the 99.9 % interval (over all looks); *"])


@pytest.mark.parametrize("how", ["option", "ini"])
def test_weights_can_be_drawn_from_another_law(how: str, records: Records, pytester: pytest.Pytester) -> None:
    if how == "ini":
        pytester.makeini("[pytest]\nsaliency_law = permute")
    law = ["--saliency-law=permute"] if how == "option" else []
    question = "cascading_randomization[bottom_up]"
    chosen = ("--saliency-method=gradient", "--saliency-model=alexnet", "--saliency-images=10")
    (record,) = records(*chosen, f"--saliency-check={question}", *law).values()
    given: dict[str, Any] = {"models": ["alexnet"], "checks": [question], "images": 10}
    (permuted,) = check_method("gradient", law="permute", **given)
    (normal,) = check_method("gradient", **given)
    assert record["statistic"] == permuted.statistic != normal.statistic


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--saliency-sign=abs", "unknown sign 'abs'*did you mean 'absolute'*"),
        ("--saliency-law=norml", "unknown law 'norml'*did you mean 'normal'*"),
        ("--saliency-confidence=95", "confidence must be between 0 and 1, not 95.0"),
        ("--saliency-confidence=high", "'high' is not a number between 0 and 1, such as 0.95"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(option: str, told: str, quick: Run) -> None:
    result = quick("--saliency-method=gradient", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option.partition('=')[0]}: {told}"])


def test_check_method_reads_as_the_command_line_does() -> None:
    given: dict[str, Any] = {"models": ["alexnet"], "checks": ["label_randomization"], "images": 10}
    (signed,) = check_method("borrowed_signs", **given)
    (absolute,) = check_method("borrowed_signs", sign="absolute", **given)
    (sure,) = check_method("borrowed_signs", confidence=0.999, **given)
    assert (signed.verdict, signed.measured.maps, len(signed.findings)) == ("passed", "with signs", 1)
    assert (absolute.verdict, absolute.measured.maps, absolute.findings) == ("failed", "magnitudes", ())
    assert absolute.stages[0].interval == signed.magnitudes[0].interval
    assert sure.interval
    assert signed.interval
    assert sure.interval[1] - sure.interval[0] > signed.interval[1] - signed.interval[0]
    with pytest.raises(ValueError, match="unknown law 'norml'"):
        check_method("gradient", law="norml", **given)
