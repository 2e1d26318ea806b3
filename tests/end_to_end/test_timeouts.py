"""``--saliency-timeout``: a method that hangs fails its question with a message, and the others are still answered."""

from __future__ import annotations

import json
import re

import pytest
from support.runs import flat

from pytest_saliency_sanity.foundation import timeouts

pytestmark = pytest.mark.skipif(bool(timeouts.why_no_limit()), reason="nothing can be interrupted on this system")

METHODS = """
import ctypes, signal, sys, time
from pytest_saliency_sanity import gradient

def innocent(model, images, targets):
    return gradient(model, images, targets)

def hanging(how):
    def method(model, images, targets):
        waiting()
        return how(model, images, targets)
    return method

def waiting():
    import conftest
    conftest.HANGS.set()

@hanging
def sleeps(model, images, targets):
    time.sleep(1000)

@hanging
def loops(model, images, targets):
    while True: pass

@hanging
def swallows(model, images, targets):
    try: time.sleep(1000)
    except BaseException: pass
    return gradient(model, images, targets)

@hanging
def wraps(model, images, targets):
    try: time.sleep(1000)
    except BaseException as error: raise ArithmeticError("something else") from error

@hanging
def pauses(model, images, targets):
    while True: ctypes.CDLL(None).pause()

def catches_all(model, images, targets):
    while True:
        try: time.sleep(1000)
        except BaseException: pass

def keeps_the_lock(model, images, targets):
    ctypes.PyDLL(None).sleep(1000)
"""
HANGING = ("sleeps", "loops", "swallows", "wraps", "pauses")
# Only questions about the method that hangs have a limit that matters, and time begins when it hangs: so nothing here
# depends on how fast a machine is.
SCALED = """
import threading
import pytest
from pytest_saliency_sanity.foundation import timeouts

HANGS = threading.Event()
change = pytest.MonkeyPatch()
watch = timeouts.time_limit._watch

def begin_when_it_hangs(self):
    while not HANGS.wait(0.01):
        if self._done.is_set(): return
    watch(self)

change.setattr(timeouts.time_limit, "_watch", begin_when_it_hangs)
change.setattr(timeouts, "PERIOD", 0.1)
change.setattr(timeouts, "GRACE", 1000)

def pytest_unconfigure():
    change.undo()

def pytest_runtest_setup(item):
    HANGS.clear()
    item.config.pluginmanager.getplugin("saliency_sanity_timeouts").seconds = 1000 if "innocent" in item.nodeid else 0.1
"""
# The process of a method that can't be interrupted ends, wherever it is by then.
STUBBORN = """
from pytest_saliency_sanity.foundation import timeouts

timeouts.PERIOD = timeouts.GRACE = 0.5

def pytest_runtest_setup(item):
    item.config.pluginmanager.getplugin("saliency_sanity_timeouts").seconds = 1000 if "innocent" in item.nodeid else 2
"""
CHECKS = ("label_randomization", "class_sensitivity")
SETTINGS = ("--saliency-model=alexnet", "--saliency-images=10", "-p", "no:randomly", "-v")


def arguments(*methods: str, checks: tuple[str, ...] = CHECKS) -> list[str]:
    """Return the arguments of a run; the conftest must decide what the limit means."""
    chosen = [f"--saliency-method=mymethods:{method}" for method in methods]
    return [
        "saliency-sanity",
        *chosen,
        *(f"--saliency-check={each}" for each in checks),
        "--saliency-timeout=1",
        *SETTINGS,
    ]


@pytest.mark.parametrize(
    ("method", "workers"),
    [
        *((method, ()) for method in HANGING),
        *(pytest.param(method, ("-n1",), marks=pytest.mark.slow, id=f"{method}-in-a-worker") for method in HANGING),
    ],
)
def test_a_method_that_hangs_fails_its_questions_and_the_others_are_answered(
    method: str, workers: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(SCALED)
    pytester.makepyfile(mymethods=METHODS)
    result = pytester.runpytest_inprocess(*arguments(method, "innocent"), "--saliency-report=out", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=2)
    limit = r"no answer after 0\.1 s \(--saliency-timeout=0\.1\)"
    for check in CHECKS:
        place = rf"It was in mymethods\.py:\d+, {method}"
        assert re.search(rf"mymethods:{method} on alexnet, {check}: {limit}\. {place}\. Raise the limit", flat(result))
    result.stdout.fnmatch_lines_random(
        ["mymethods:innocent on alexnet: 2 of 2 passed", f"mymethods:{method} on alexnet: 0 of 2 passed"]
    )
    questions = json.loads((pytester.path / "out" / "results.json").read_text())["results"]
    assert [each["outcome"] for each in questions] == ["failed", "failed", "passed", "passed"]
    # An answer that came too late counts as none.
    assert [each["result"] and each["result"]["verdict"] for each in questions] == [None, None, "passed", "passed"]


def test_a_method_that_hangs_on_small_networks_does_not_refuse_them(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(SCALED)
    pytester.makepyfile(mymethods=METHODS)
    result = pytester.runpytest_inprocess(*arguments("sleeps", checks=("contract",)))
    result.assert_outcomes(failed=1)
    assert "mymethods:sleeps, contract: no answer after 0.1 s" in flat(result)


@pytest.mark.parametrize(
    "method", [pytest.param(each, marks=pytest.mark.slow) for each in ("catches_all", "keeps_the_lock")]
)
def test_a_method_that_can_not_be_interrupted_ends_its_process_and_says_why(
    method: str, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(STUBBORN)
    pytester.makepyfile(mymethods=METHODS)
    result = pytester.runpytest_subprocess(*arguments(method, checks=CHECKS[:1]))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    error = result.stderr.str()
    assert f"mymethods:{method} on alexnet, label_randomization: no answer after 2 s (--saliency-timeout=2)" in error
    assert f"in {method}" in error


@pytest.mark.slow
def test_pytest_xdist_replaces_the_worker_that_ended_so(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(STUBBORN)
    pytester.makepyfile(mymethods=METHODS)
    result = pytester.runpytest_subprocess(*arguments("keeps_the_lock", "innocent", checks=CHECKS[:1]), "-n1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    lost = "saliency-sanity::mymethods:keeps_the_lock-alexnet::test_label_randomization"
    result.stdout.fnmatch_lines([f"worker 'gw0' crashed while running '{lost}'"])
    result.stdout.fnmatch_lines(["mymethods:innocent on alexnet: 1 of 1 passed"])


def test_a_longer_limit_of_pytest_timeout_changes_nothing(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_timeout")
    pytester.makeconftest(SCALED)
    pytester.makepyfile(mymethods=METHODS)
    result = pytester.runpytest_inprocess(*arguments("sleeps", "innocent"), "--timeout=1000")
    result.assert_outcomes(passed=2, failed=2)
    assert "no answer after 0.1 s (--saliency-timeout=0.1). It was in mymethods.py" in flat(result)


@pytest.mark.parametrize("check", ["class_sensitivity", pytest.param("contract", marks=pytest.mark.slow)])
@pytest.mark.parametrize("ours", ["1000", ""])
def test_a_shorter_limit_of_pytest_timeout_comes_first(check: str, ours: str, pytester: pytest.Pytester) -> None:
    # Its alarm rings only once: what takes it for an error of the method must not call the method again.
    pytest.importorskip("pytest_timeout")
    pytester.makeconftest(
        """
        import threading
        import pytest

        HANGS = threading.Event()

        def pytest_collection_modifyitems(items):
            for item in items:
                if "sleeps" in item.nodeid: item.add_marker(pytest.mark.timeout(1, func_only=True))
        """
    )
    pytester.makepyfile(mymethods=METHODS)
    chosen = [each for each in arguments("sleeps", "innocent", checks=(check,)) if "timeout" not in each]
    result = pytester.runpytest_inprocess(*chosen, *([f"--saliency-timeout={ours}"] if ours else []))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    assert "from pytest-timeout" in flat(result)
    assert "no answer after" not in flat(result)


def test_what_fixtures_do_has_no_limit(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import signal
        import pytest
        from pytest_saliency_sanity import gradient, load_checkpoint

        def limited(): return signal.getsignal(signal.SIGURG) is not signal.SIG_DFL

        @pytest.fixture(scope="session")
        def saliency_model():
            assert not limited()
            return load_checkpoint("alexnet")

        def method(model, images, targets):
            assert limited()
            return gradient(model, images, targets)

        def pytest_saliency_methods(): return {"method": method}
        """
    )
    pytester.makepyfile("def test_own(): import conftest; assert not conftest.limited()")
    pytester.makeini("[pytest]\nsaliency_timeout = 1000\n")
    check = "--saliency-check=class_sensitivity"
    result = pytester.runpytest_inprocess("--saliency-method=method", check, *SETTINGS)
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e7", "soon", ""])
def test_only_a_number_of_seconds_is_a_limit(seconds: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--saliency-method=gradcam", f"--saliency-timeout={seconds}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = f"--saliency-timeout: {seconds!r} is not a number of seconds above 0 and at most 1000000"
    assert told in result.stderr.str()


def test_where_nothing_can_be_interrupted_a_limit_is_a_usage_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeouts, "SIGNAL", None)
    result = pytester.runpytest_inprocess("--saliency-method=gradcam", "--saliency-timeout=30")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--saliency-timeout: there can be no time limit here: " in result.stderr.str()
