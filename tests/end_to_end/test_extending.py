"""The how-to page, word for word: a package of its own adds a check, a preset, a report and an adapter."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.runs import ON_ONE, ids_with

from pytest_saliency_sanity import SaliencyCheckFailed, check_method, load_checkpoint
from pytest_saliency_sanity.assertions import assert_passed

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
LOUD = ("saliency-sanity", "--saliency-preset=tiny", "--saliency-check=loudness")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the package of the page: its modules, and the metadata that pip would write from its pyproject.toml."""
    site = tmp_path_factory.mktemp("site")
    for text in blocks("python"):
        path = site / text.partition("\n")[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (toml,) = blocks("toml")
    project = tomllib.loads(toml)["project"]
    info = site / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(site)
    yield
    for module in [name for name in sys.modules if name.partition(".")[0] == "myextras"]:
        del sys.modules[module]


def test_the_list_has_all_of_them_and_who_gives_them(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--saliency-list")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "  constants:Class[[]:layer[]] *a class of myextras, by the entry point constants of myextras",
            "  dot * preset tiny",
            "  loudness * does the map stay when every logit is doubled?, by the entry point loudness of myextras",
            " * SRC above 0.9 (louder); myextras",
            "  tiny * one untrained network that looks at colours; colours at random, by the entry point tiny of *",
            "  counts * how often each verdict was reached: counts.txt, by the entry point counts of myextras",
        ]
    )


def test_the_suite_the_summary_and_the_reports_have_them(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*LOUD, "--saliency-method=gradient", "--saliency-report=reports", "-v")
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == ["saliency-sanity::gradient-dot::test_loudness"]
    (shown,) = blocks("text")
    assert set(shown.splitlines()) <= set(result.outlines)
    assert (pytester.path / "reports" / "counts.txt").read_text() == "passed 1\n"
    kept = json.loads((pytester.path / "reports" / "results.json").read_text())
    assert [(each["check"], each["result"]["verdict"]) for each in kept["results"]] == [("loudness", "passed")]


def test_a_method_that_must_fail_fails(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*LOUD, "--saliency-method=uniform_noise")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["loudness: uniform_noise on dot FAILED", "  failed: loudness"])


def test_the_adapter_makes_methods_by_name(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*LOUD, "--saliency-method=constants:Three?times=2")
    result.stdout.fnmatch_lines(
        ["constants:Three[?]times=2 on dot: 0 of 1 passed", "  undefined: loudness (40 of 40 SRCs undefined)"]
    )
    wrong = pytester.runpytest_inprocess(*LOUD, "--saliency-method=constants:Thre")
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR
    assert "unknown method of constants 'Thre' (did you mean 'Three'?)" in wrong.stderr.str()


def test_it_is_asked_of_the_networks_of_this_package_too_if_its_need_is_given(pytester: pytest.Pytester) -> None:
    chosen = ("saliency-sanity", "--saliency-method=gradient", "--saliency-model=alexnet", "-rs")
    without = pytester.runpytest_inprocess(*chosen, "-k", "loudness or repeat", "--saliency-images=10")
    without.assert_outcomes(passed=1, skipped=1, deselected=ON_ONE - 1)
    without.stdout.fnmatch_lines(
        ["*no louder copy of alexnet: to run this check, override the fixture saliency_louder_model*"]
    )
    by_name = pytester.runpytest_inprocess(*chosen, "--saliency-check=loudness")
    by_name.assert_outcomes(errors=1)
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture
        def saliency_louder_model(saliency_model):
            from myextras.tiny import Louder
            return Louder(saliency_model).eval()
        """
    )
    pytester.runpytest_inprocess(*chosen, "--saliency-check=loudness", "--saliency-images=10").assert_outcomes(passed=1)


def test_check_method_asks_it_like_any_other() -> None:
    (result,) = check_method("gradient", preset="tiny", checks=["loudness"])
    assert (result.check, result.model, result.verdict) == ("loudness", "dot", "passed")
    assert_passed(result)
    with pytest.raises(ValueError, match="no louder copy of alexnet"):
        check_method("gradient", models=["alexnet"], checks=["loudness"])
    needs = {"louder_model": load_checkpoint("alexnet")}  # as loud: noise is no more alike
    (given,) = check_method("uniform_noise", models=["alexnet"], checks=["loudness"], needs=needs, images=10)
    with pytest.raises(SaliencyCheckFailed, match="loudness: uniform_noise on alexnet FAILED"):
        assert_passed(given)


@pytest.mark.slow
def test_check_method_says_why_it_is_not_asked() -> None:
    found = {each.check: each for each in check_method("gradient", models=["alexnet"], images=10, explain=False)}
    assert found["loudness"].not_asked.startswith("no louder copy of alexnet")


def test_a_threshold_may_be_given_for_it(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*LOUD, "--saliency-method=gradient", "--saliency-threshold=loudness=1")
    result.stdout.fnmatch_lines(["  failed: loudness", "    stage louder: SRC * must stay above 1"])
