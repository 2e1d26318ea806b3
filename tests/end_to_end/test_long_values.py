"""Values of 100,000 characters, in every option and ini key: an error that can be read."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity.foundation.errors import LONGEST_TEXT
from pytest_saliency_sanity.plugin.options import OPTIONS

LONG = 100_000  # more than any option takes; names of files are at most 255
# What makes a long value of the form that an option takes.
FORMS = {
    "weights": ("alexnet={}",),
    "threshold": ("label_randomization={}", "{}=0.5"),
    "method": ("{}", "{}:fn", "json:{}", "gradcam?{}=1", "captum:{}"),
    "model": ("{}", "{}:fn", "json:{}"),
    "check": ("{}", "symmetry[{}]"),
}
CASES = [(option.name, form) for option in OPTIONS for form in FORMS.get(option.name, ("{}", "~{}"))]


def error_of(result: pytest.RunResult) -> str:
    assert result.ret == pytest.ExitCode.USAGE_ERROR, (result.stdout.str() + result.stderr.str())[-2000:]
    printed = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in printed
    assert "Traceback" not in printed
    assert len(printed) < LONGEST_TEXT + 2000
    return printed


@pytest.mark.parametrize("length", [1000, LONG])
@pytest.mark.parametrize(("name", "form"), CASES, ids=[f"{name}={form}" for name, form in CASES])
def test_a_long_value_of_an_option_is_a_usage_error_with_a_shortened_value(
    name: str, form: str, length: int, pytester: pytest.Pytester
) -> None:
    value = form.format("x" * length)
    chosen = {"method": "gradcam", "model": "alexnet", name: value}
    if name in ("data", "weights", "cache-dir"):
        chosen["preset"] = "paper" if name == "cache-dir" else "imagenet"
    error = error_of(pytester.runpytest_inprocess(*(f"--saliency-{each}={text}" for each, text in chosen.items())))
    assert f"--saliency-{name}" in error


@pytest.mark.parametrize("name", [option.name for option in OPTIONS])
def test_a_long_value_of_an_ini_key_is_a_usage_error(name: str, pytester: pytest.Pytester) -> None:
    value = FORMS.get(name, ("{}",))[0].format("x" * LONG)
    preset = {"cache-dir": "paper", "preset": ""}.get(name, "imagenet" if name in ("data", "weights") else "")
    pytester.makeini(f"[pytest]\nsaliency_{name.replace('-', '_')} = {value}\n")
    more = ["--saliency-method=gradcam"] * (name != "method") + [f"--saliency-preset={preset}"] * bool(preset)
    assert f"ini saliency_{name.replace('-', '_')}" in error_of(pytester.runpytest_inprocess(*more))


def test_a_long_name_of_a_test_is_a_usage_error(pytester: pytest.Pytester) -> None:
    error_of(pytester.runpytest_inprocess(f"saliency-sanity::{'x' * LONG}", "--saliency-method=gradcam"))


def test_a_long_path_of_pytest_s_own_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("x" * LONG, "--saliency-method=gradcam")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("hook", ["pytest_saliency_methods", "pytest_saliency_expected_failures"])
def test_a_long_name_of_a_hook_is_a_usage_error(hook: str, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(f"def {hook}(): return {{'x' * {LONG} + '/': 'y' * {LONG}}}")
    error_of(pytester.runpytest_inprocess("--saliency-method=gradcam"))


def test_a_long_pattern_in_the_ini_file_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makeini(f"[pytest]\nsaliency_expected_failures = {'x' * LONG}/alexnet/contract -> too long\n")
    error_of(pytester.runpytest_inprocess("--saliency-method=gradcam"))
