"""Names of methods on the command line: of a conftest's hook, of entry points; what clashes, and what is imported."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.methods import MODULE
from support.packages import Install

from pytest_saliency_sanity.methods.registry import GROUP, known_methods

Listed = Callable[..., pytest.RunResult]
METHODS = {"theirmethods": MODULE}


CONFTEST = """
import torch

def mine(model, images, targets): return torch.rand(len(images), 4, 4)

class Made:
    def __call__(self, model, images, targets): return torch.rand(len(images), 4, 4)

def pytest_saliency_methods(config):
    return {"mine": mine, "made": Made, "few": "smoothgrad?n_samples=2", "group.dotted-name": mine}
"""


@pytest.fixture
def collect(pytester: pytest.Pytester) -> Listed:
    """Collect the packaged suite for some specs, of the cheapest question."""

    def run(*specs: str, more: tuple[str, ...] = ()) -> pytest.RunResult:
        methods = [f"--saliency-method={spec}" for spec in specs]
        few = ("--saliency-model=alexnet", "--saliency-check=label_randomization")
        return pytester.runpytest_inprocess(
            "--collect-only", "-q", "-p", "no:randomly", "saliency-sanity", *methods, *few, *more
        )

    return run


def test_names_of_a_conftest_are_collected(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest(CONFTEST)
    names = ["mine", "made", "few", "few?n_samples=3", "group.dotted-name"]
    result = collect(*names)
    assert result.ret == pytest.ExitCode.OK
    ids = [line for line in result.outlines if "::" in line]
    assert ids == [f"saliency-sanity::{name}-alexnet::test_label_randomization" for name in names]


def test_names_of_a_conftest_are_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        "import torch\n"
        "def test_one(saliency_method):\n"
        "    assert saliency_method(None, torch.zeros(3, 1, 2, 2), None).shape == (3, 4, 4)\n"
    )
    options = ("--saliency-method=mine", "--saliency-method=made", "--saliency-model=alexnet")
    result = pytester.runpytest_inprocess("-v", "-k", "test_one", *options)
    assert result.parseoutcomes()["passed"] == 2


def test_the_list_shows_the_names_of_a_conftest(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    result = pytester.runpytest_inprocess("--saliency-list")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["  mine  *given by conftest.py", "  made  *given by conftest.py", "  few  *given by conftest.py"]
    )
    result.stdout.fnmatch_lines(["  gradcam  *reference", "  guided_backprop  *captum:GuidedBackprop"])


def test_a_name_of_one_run_is_unknown_in_the_next(pytester: pytest.Pytester, collect: Listed) -> None:
    conftest = pytester.makeconftest(CONFTEST)
    assert collect("mine").ret == pytest.ExitCode.OK
    conftest.unlink()
    assert collect("mine").ret == pytest.ExitCode.USAGE_ERROR
    assert "mine" not in known_methods()


def test_the_hook_sees_the_config(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeini("[pytest]\nsaliency_model = alexnet\n")
    pytester.makeconftest("def pytest_saliency_methods(config): return {config.getini('saliency_model')[0]: 'sobel'}")
    assert collect("alexnet").ret == pytest.ExitCode.OK


def test_a_hook_without_argument_or_answer_is_fine(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest("def pytest_saliency_methods(): return None")
    assert collect("sobel").ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("['mine']", "pytest_saliency_methods in conftest.py returned list, not a mapping"),
        ("{'mine': 3}", "pytest_saliency_methods in conftest.py: 'mine' is 3, neither a callable nor a spec"),
        ("{'mine': None}", "'mine' is None, neither a callable nor a spec"),
        ("{3: print}", "3 can't be a name: use letters, digits, '_', '-' and '.'"),
        ("{'a/b': print}", "'a/b' can't be a name"),
        ("{'a:b': print}", "'a:b' can't be a name"),
        ("{'a b': print}", "'a b' can't be a name"),
        ("{'': print}", "'' can't be a name"),
        ("{'a?b=1': print}", "'a?b=1' can't be a name"),
        ("{'1st': print}", "'1st' can't be a name"),
    ],
)
def test_a_wrong_answer_of_a_hook_is_a_usage_error(
    answer: str, told: str, pytester: pytest.Pytester, collect: Listed
) -> None:
    pytester.makeconftest(f"def pytest_saliency_methods(): return {answer}")
    result = collect("sobel")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


def assert_clash(result: pytest.RunResult, name: str, *sources: str) -> None:
    """Assert a usage error that names the method and both who give it."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if "is given twice" in line]
    assert f"the method {name!r} is given twice" in line
    assert all(source in line for source in sources)


def test_a_conftest_can_not_take_a_built_in_name(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest("def pytest_saliency_methods(): return {'gradcam': 'sobel'}")
    assert_clash(collect("gradcam"), "gradcam", "conftest.py", "built in")
    assert_clash(collect("gradcam?layer=features.0"), "gradcam", "conftest.py", "built in")
    assert_clash(collect("all"), "gradcam", "conftest.py", "built in")
    assert collect("sobel").ret == pytest.ExitCode.OK, "another name is not concerned"


def test_two_conftests_can_not_give_one_name(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest("def pytest_saliency_methods(): return {'mine': 'sobel'}")
    below = pytester.mkdir("below")
    (below / "conftest.py").write_text("def pytest_saliency_methods(): return {'mine': 'input', 'other': 'input'}")
    result = collect("mine", more=("below",))
    assert_clash(result, "mine", "by conftest.py", "below/conftest.py")
    assert collect("mine").ret == pytest.ExitCode.OK, "the folder below is not concerned"


def test_two_plugins_can_not_give_one_name(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.syspathinsert()
    for plugin in ("plugin_one", "plugin_two"):
        pytester.makepyfile(**{plugin: "def pytest_saliency_methods(): return {'mine': 'sobel'}"})
    assert_clash(collect("mine", more=("-p", "plugin_one", "-p", "plugin_two")), "mine", "plugin_one", "plugin_two")


def test_a_name_for_itself_in_a_conftest_is_a_usage_error(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest("def pytest_saliency_methods(): return {'mine': 'mine'}")
    result = collect("mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "the method 'mine' of conftest.py refers to itself" in result.stderr.str()


@pytest.mark.parametrize(
    ("stands_for", "told"),
    [
        ("gradcan", "unknown method 'gradcan' (did you mean 'gradcam'"),
        ("nowhere:fn", "No module named 'nowhere'"),
        ("smoothgrad?n=3", "unknown keyword of smoothgrad 'n'"),
        ("captum:LayerGradCan", "(did you mean 'LayerGradCam'"),
    ],
)
def test_a_wrong_spec_of_a_conftest_is_a_usage_error(
    stands_for: str, told: str, pytester: pytest.Pytester, collect: Listed
) -> None:
    pytester.makeconftest(f"def pytest_saliency_methods(): return {{'mine': {stands_for!r}}}")
    result = collect("mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


def test_an_entry_point_is_shown_and_collected(install: Install, pytester: pytest.Pytester, collect: Listed) -> None:
    install("their-package", GROUP, METHODS, theirs="theirmethods:plain")
    pytester.runpytest_inprocess("--saliency-list").stdout.fnmatch_lines(
        ["  theirs  *given by the entry point of their-package"]
    )
    result = collect("theirs")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["saliency-sanity::theirs-alexnet::test_label_randomization"])


def test_an_entry_point_can_not_take_a_built_in_name(install: Install, collect: Listed) -> None:
    install("their-package", GROUP, METHODS, gradcam="theirmethods:plain")
    assert_clash(collect("gradcam"), "gradcam", "the entry point of their-package", "built in")


def test_an_entry_point_and_a_conftest_can_not_give_one_name(
    install: Install, pytester: pytest.Pytester, collect: Listed
) -> None:
    install("their-package", GROUP, METHODS, mine="theirmethods:plain")
    pytester.makeconftest("def pytest_saliency_methods(): return {'mine': 'sobel'}")
    assert_clash(collect("mine"), "mine", "conftest.py", "the entry point of their-package")


def test_two_packages_can_not_give_one_name(install: Install, collect: Listed) -> None:
    install("one-package", GROUP, METHODS, mine="theirmethods:plain")
    install("other-package", GROUP, METHODS, mine="theirmethods:scaled")
    assert_clash(collect("mine"), "mine", "one-package", "other-package")


def test_an_entry_point_that_can_not_be_imported_is_a_usage_error(install: Install, collect: Listed) -> None:
    install("their-package", GROUP, METHODS, theirs="nowhere:fn")
    result = collect("theirs")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "No module named 'nowhere'" in result.stderr.str()
    assert collect("sobel").ret == pytest.ExitCode.OK, "another name is not concerned"
