"""A method that misbehaves is blamed by its name, in any order, and no other method pays for it."""

from __future__ import annotations

import re

import pytest
import torch._inductor.config  # noqa: F401  (the deterministic mode imports it, and a run in this process can't twice)
from support.runs import flat, ids_with
from support.skips import needs

METHODS = """
import sys
import torch
from torch import nn
from torch.nn import functional as F
import pytest
from pytest_saliency_sanity import gradcam, gradient

def innocent(model, images, targets):
    return gradcam(model, images, targets)

def after(change):
    def method(model, images, targets):
        maps = gradient(model, images, targets)
        change()
        return maps
    return method

double = after(lambda: torch.set_default_dtype(torch.float64))
deterministic = after(lambda: torch.use_deterministic_algorithms(True))
one_thread = after(lambda: torch.set_num_threads(1))
no_gradients = after(lambda: torch.set_grad_enabled(False))
patched = after(lambda: setattr(torch, "relu", lambda values: values))
patched_functional = after(lambda: setattr(F, "relu", lambda values, inplace=False: values))
hooked = after(lambda: nn.modules.module.register_module_forward_hook(lambda module, given, output: 2 * output))

def xfails(model, images, targets): pytest.xfail("not today")
def skips(model, images, targets): pytest.skip("not today")
def fails(model, images, targets): pytest.fail("not today")
def leaves(model, images, targets): sys.exit(0)
def leaves_a_generator(model, images, targets): raise GeneratorExit

class Own(BaseException): pass
def raises_its_own(model, images, targets): raise Own("not today")

def skips_large_images(model, images, targets):
    if images.shape[-1] >= 64: pytest.skip("too large")
    return gradient(model, images, targets)

class Loud:
    def __del__(self): raise RuntimeError("in a destructor")

def loud(model, images, targets):
    nested = [Loud() for _ in range(50)]
    raise ArithmeticError("no maps today")

def breaks_the_model(model, images, targets):
    maps = gradient(model, images, targets)
    for parameter in model.parameters(): parameter.data.zero_()
    model.register_forward_hook(lambda *_: None)
    return maps
"""
LEAVES = {
    "double": "torch's default type changed from torch.float32 to torch.float64",
    "deterministic": "torch's deterministic mode changed from False, False to True, False",
    "no_gradients": "whether gradients are on changed from True to False",
    "patched": "torch.relu, which was replaced",
    "patched_functional": "torch.nn.functional.relu, which was replaced",
    "hooked": "a hook on all modules (forward_hooks)",
}
ENDS = ("xfails", "skips", "fails", "leaves", "leaves_a_generator", "raises_its_own", "skips_large_images", "loud")
CHEAP = ("label_randomization", "class_sensitivity")


def run(
    pytester: pytest.Pytester, *methods: str, checks: tuple[str, ...] = CHEAP, workers: bool = False
) -> pytest.RunResult:
    pytester.makepyfile(mymethods=METHODS)
    chosen = [f"--saliency-method=mymethods:{method}" for method in methods]
    chosen += [f"--saliency-check={check}" for check in checks]
    settings = ("--saliency-model=alexnet", "--saliency-images=10", "-p", "no:randomly", "-v")
    return pytester.runpytest_inprocess(*chosen, *settings, *(["-n", "2"] if workers else []))


def numbers(result: pytest.RunResult, method: str) -> list[list[str]]:
    """Return what was measured of a method, from the summary."""
    heading = re.compile(rf"mymethods:{method} on (alexnet|AlexNet): {len(CHEAP)} of {len(CHEAP)} passed")
    (at,) = (number for number, line in enumerate(result.outlines) if heading.fullmatch(line))
    return [line.split() for line in result.outlines[at + 1 :][: 2 * len(CHEAP) + 1] if " stage " in line]


@pytest.mark.parametrize("culprit", LEAVES)
def test_what_a_method_leaves_behind_is_noticed_blamed_on_it_and_undone(
    culprit: str, pytester: pytest.Pytester
) -> None:
    alone = run(pytester, "innocent")
    assert alone.ret == pytest.ExitCode.OK
    result = run(pytester, culprit, "innocent")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(ids_with("FAILED", result)) == len(CHEAP)
    assert all(culprit in each for each in ids_with("FAILED", result))
    told = rf"mymethods:{culprit} on alexnet, .*: not left as found by the method, and put back now: "
    result.stdout.re_match_lines([told + re.escape(LEAVES[culprit])])
    assert numbers(result, "innocent") == numbers(alone, "innocent") != []


def test_one_thread_is_noticed_by_the_contract_whatever_ran_before(pytester: pytest.Pytester) -> None:
    # Small networks are measured in one thread, so the contract calls a method in two as well.
    result = run(pytester, "one_thread", checks=(*CHEAP, "contract"))
    assert [each.rpartition("::")[2] for each in ids_with("FAILED", result)] == ["test_contract"]
    result.stdout.fnmatch_lines(["Broken promise: not left as found: torch's number of threads changed from 2 to 1."])


# Workers take seconds to start: there, three ways to end are enough, in one run.
@pytest.mark.parametrize(
    ("methods", "workers"),
    [
        *(((method,), False) for method in ENDS),
        pytest.param(("xfails", "leaves", "loud"), True, marks=pytest.mark.slow),
    ],
    ids=[*ENDS, "workers"],
)
def test_however_a_method_ends_it_is_an_error_of_its_own(
    methods: tuple[str, ...], workers: bool, pytester: pytest.Pytester
) -> None:
    result = run(pytester, *methods, "innocent", workers=workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    outcomes = result.parseoutcomes()
    assert "errors" not in outcomes
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert (outcomes["passed"], outcomes["failed"]) == (len(CHEAP), len(CHEAP) * len(methods))
    for method in methods:
        result.stdout.fnmatch_lines([f"mymethods:{method} on alexnet: 0 of 2 passed", "  failed without a verdict: *"])
    assert len(numbers(result, "innocent")) == 2


def test_a_method_that_breaks_the_model_harms_neither_the_model_nor_the_others(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from pytest_saliency_sanity import load_checkpoint

        @pytest.fixture(scope="session")
        def saliency_model(): return load_checkpoint("alexnet")
        @pytest.fixture
        def saliency_memorized_model(): return load_checkpoint("alexnet", labels="random")
        """
    )
    alone = numbers(run(pytester, "innocent"), "innocent")
    assert alone == numbers(run(pytester, "breaks_the_model", "innocent"), "innocent") != []


@pytest.mark.parametrize("first", [0, 1])
def test_each_method_must_have_been_put_to_the_test(first: int, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                if "mymethods:double" in item.nodeid: item.add_marker(pytest.mark.skip(reason="later"))
        """
    )
    result = run(pytester, *(("innocent", "double") if first else ("double", "innocent")))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "not green: no test was put to mymethods:double: all of them were skipped" in flat(result)


@needs("pytorch_grad_cam")
@pytest.mark.slow
def test_destructors_that_raise_end_nothing(pytester: pytest.Pytester) -> None:
    # grad-cam 1.5.7's ShapleyCAM: a destructor raises for some networks of the contract.
    chosen = ("--saliency-method=grad_cam:ShapleyCAM", "--saliency-method=gradcam", "--saliency-model=alexnet")
    settings = ("--saliency-check=contract", "--saliency-check=repeatability", "-W", "error")
    result = pytester.runpytest_subprocess("saliency-sanity", *chosen, *settings)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        ["grad_cam:ShapleyCAM on small random networks: 1 of 1 passed", "  finding: it refuses some networks"]
    )
