"""What a run prints: the plan in the header, the verdicts in the summary."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from support.runs import IN_ALL, MODELS, ON_ONE, Run, flat
from support.skips import needs

GRADCAM, SOBEL, ALEXNET = "--saliency-method=gradcam", "--saliency-method=sobel", "--saliency-model=alexnet"
EXACTLY_1 = r"1\.000 \[1\.000, 1\.000\]"
NUMBER = r"-?0\.\d{3}"
FAITHFUL = ["'passed' says: no evidence of insensitivity.", "It does not say that the maps are faithful."]
SECTION = re.compile(r"(?:\x1b\[\d*m)*=+ (.*) =+(?:\x1b\[\d*m)*")


def section(result: pytest.RunResult) -> list[str]:
    """Return the lines of the summary of this plugin."""
    titles = [(at, found[1]) for at, line in enumerate(result.outlines) if (found := SECTION.fullmatch(line))]
    (start,) = (at for at, title in titles if title == "saliency-sanity")
    end = next(at for at, _ in titles if at > start)
    return [line for line in result.outlines[start + 1 : end] if line]


def test_the_header_says_what_is_planned(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--collect-only", GRADCAM, SOBEL, "--saliency-images=25", "--saliency-seed=2")
    result.stdout.fnmatch_lines(
        [
            f"saliency-sanity: gradcam, sobel x {', '.join(MODELS)}: {2 * IN_ALL} tests planned",
            "  preset embedded, tier gate; 25 of its images, seed 2, device auto",
        ],
        consecutive=True,
    )


OWN_NETWORK = """
import pytest

@pytest.fixture
def saliency_model(): ...
"""


def test_the_header_counts_what_will_be_collected(pytester: pytest.Pytester) -> None:
    one = "saliency-sanity::gradcam-alexnet::test_cascading_randomization"
    assert (f"gradcam x {', '.join(MODELS)}: 3 tests planned", 3) == planned(pytester, one)
    pytester.makeconftest(OWN_NETWORK)
    assert (f"gradcam x saliency_model: {ON_ONE} tests planned", ON_ONE) == planned(pytester)


def planned(pytester: pytest.Pytester, *arguments: str) -> tuple[str, int]:
    """Return what the header says is planned, and how many tests are collected."""
    result = pytester.runpytest_inprocess("--collect-only", GRADCAM, *arguments)
    (told,) = re.findall("^saliency-sanity: (.*)$", result.stdout.str(), re.MULTILINE)
    return told, result.stdout.str().count("<Function ")


def test_the_header_leaves_it_to_test_files_which_tests_and_models_there_are(pytester: pytest.Pytester) -> None:
    file = pytester.makepyfile(f"from pytest_saliency_sanity.suite import *\n{OWN_NETWORK}")
    assert planned(pytester, str(file)) == ("gradcam: the tests of this project", ON_ONE)


def test_the_header_says_whose_images_a_network_of_ones_own_gets(pytester: pytest.Pytester) -> None:
    chosen = ("--collect-only", GRADCAM, ALEXNET, "--saliency-model=mynets:one", "saliency-sanity")
    pytester.makepyfile(mynets="def one(): ...")
    told = "these images are shown to mynets:one: for its own, override the fixture saliency_batch"
    assert told in flat(pytester.runpytest_inprocess(*chosen))
    pytester.makeconftest(f"{OWN_NETWORK}\n@pytest.fixture\ndef saliency_batch(): ...\n")
    shown = flat(pytester.runpytest_inprocess(*chosen))
    assert "tier gate; images of the fixture saliency_batch, seed 0" in shown
    assert "these images" not in shown


def test_a_conftest_that_does_not_apply_to_the_packaged_suite_is_not_counted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{"tests/conftest": OWN_NETWORK})
    count = f"gradcam x {', '.join(MODELS)}: {IN_ALL} tests planned"
    assert planned(pytester, "saliency-sanity") == (count, IN_ALL)
    assert planned(pytester, "tests") == (f"gradcam x saliency_model: {ON_ONE} tests planned", ON_ONE)


@needs("captum")
def test_the_header_tells_of_a_library_that_is_installed_in_two_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    chosen = ("--saliency-method=captum:Saliency", "--saliency-method=captum:DeepLift", ALEXNET, "--collect-only")
    assert "is installed in versions" not in flat(pytester.runpytest_inprocess(*chosen))
    found, info = version("captum"), tmp_path / "captum-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: captum\nVersion: 0.1\n")
    monkeypatch.syspath_prepend(tmp_path)
    told = flat(pytester.runpytest_inprocess(*chosen))
    expected = f"captum is installed in versions 0.1 and {found}: 0.1 is taken, and may be mixed: keep one"
    assert told.count(expected) == 1


def test_the_summary_has_the_worst_first_and_counts_what_was_passed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(GRADCAM, SOBEL, ALEXNET, "-k", "label or top_down", "--saliency-images=10")
    assert "randomly" in result.stdout.str()  # the order of the summary is not that of the run
    told = [
        "sobel on alexnet: 0 of 2 passed",
        r"  failed: cascading_randomization\[top_down\]",
        rf"    stage \S+: similarity {EXACTLY_1}, must stay below 0\.84",
        r"  failed: label_randomization",
        rf"    stage random_labels: similarity {EXACTLY_1}, must stay below 0\.89",
        "gradcam on alexnet: 2 of 2 passed",
        r"\[low, high\]: the 95 % interval \(over all looks\); it must stay on that side\.",
        rf"packaged tests: {2 * ON_ONE} planned, 4 ran: 2 passed, 2 failed",
        *map(re.escape, FAITHFUL),
        "-v shows every question, with its numbers.",
    ]
    shown = section(result)
    assert [line for line, wanted in zip(shown, told, strict=True) if not re.fullmatch(wanted, line)] == []


def test_in_verbose_mode_the_summary_has_every_question(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(GRADCAM, ALEXNET, "-k", "label or top_down", "--saliency-images=10", "-v")
    shown = section(result)
    assert shown[:2] == ["gradcam on alexnet: 2 of 2 passed", "  maps without signs, 10 images"]
    passed = [line.partition(" (")[0] for line in shown if line.startswith("  passed")]
    assert sorted(passed) == ["  passed: cascading_randomization[top_down]", "  passed: label_randomization"]
    at = rf"    stage random_labels: similarity {NUMBER} \[{NUMBER}, {NUMBER}\], must stay below 0\.89"
    assert re.fullmatch(at, shown[shown.index("  passed: label_randomization") + 1])
    assert "-v shows every question, with its numbers." not in shown


def test_what_was_skipped_is_named_with_the_reason(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(GRADCAM, SOBEL, ALEXNET, "-k", "localization or repeat", "--tb=no")
    shown = section(result)
    assert shown[:2] == ["gradcam on alexnet: 1 of 1 passed, 1 skipped", "sobel on alexnet: 1 of 1 passed, 1 skipped"]
    told = (
        "skipped: localization of gradcam on alexnet and 1 more no scenes for a network like alexnet: to run this check"
    )
    assert told in flat(result)


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_no_line_of_the_summary_or_the_header_is_longer_than_80_columns(
    workers: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    name = "a_method_with_a_name_that_says_in_many_words_what_it_does"
    pytester.makepyfile(
        mymethods=f"""
        from pytest_saliency_sanity import gradcam as {name}
        def метод(model, images, targets): raise RuntimeError("слишком " * 20)
        """
    )
    methods = (SOBEL, f"--saliency-method=mymethods:{name}", "--saliency-method=mymethods:метод")
    chosen = (ALEXNET, "--saliency-check=label_randomization", "--saliency-check=localization", "--tb=no")
    result = pytester.runpytest_inprocess(*methods, *chosen, "--saliency-images=10", *workers)
    (header,) = (at for at, line in enumerate(result.outlines) if line.startswith("saliency-sanity: "))
    shown = [*result.outlines[header : header + 4], *section(result)]
    assert [line for line in shown if len(line) > 80] == []
    (heading,) = (line for line in shown if line.endswith(" on alexnet: 1 of 2 passed"))
    assert (heading.startswith("mymethods:a_method"), "…" in heading, len(heading)) == (True, True, 80)
    assert "mymethods:метод on alexnet: 0 of 2 passed" in shown


def test_the_summary_says_what_a_pass_means(quick: Run) -> None:
    quick(GRADCAM).stdout.fnmatch_lines(FAITHFUL, consecutive=True)


def test_the_summary_of_failures_alone_does_not_speak_of_passes(quick: Run) -> None:
    quick(SOBEL).stdout.no_fnmatch_line(FAITHFUL[0])


def test_the_summary_counts_undefined_srcs(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "saliency-sanity::gradcam-alexnet::test_cascading_randomization[bottom_up]", GRADCAM, "-v"
    )
    result.stdout.re_match_lines([r"  passed: cascading_randomization\[bottom_up\] \(\d+ of 80 SRCs undefined\)$"])


def test_verdicts_are_coloured_on_a_terminal_only(quick: Run) -> None:
    shown = section(quick(GRADCAM, SOBEL, "--color=yes"))
    marked = [line for line in shown if line.startswith("\x1b")]
    assert [line.partition("m")[0] for line in marked] == ["\x1b[1", "\x1b[31", "\x1b[32"]
    assert not [line for line in section(quick(GRADCAM, SOBEL)) if "\x1b" in line]


def test_the_quiet_keep_the_summary(quick: Run) -> None:
    assert "gradcam on alexnet: 1 of 1 passed" in quick(GRADCAM, "-q").outlines


def test_the_summary_is_left_out_where_pytest_is_told_to(quick: Run) -> None:
    result = quick(GRADCAM, "--no-summary")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("gradcam on alexnet*")


@pytest.mark.slow
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
