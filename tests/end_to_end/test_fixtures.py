"""The fixtures: used in a project's own tests, and overridden in its conftests."""

from __future__ import annotations

import pytest
from support.runs import IN_ALL, MODELS, ON_ONE, Ids, Records, Run, ids_with, suite_ids

OWN_TEST = """
from pytest_saliency_sanity import assert_src_below

def test_mine(saliency_method, saliency_model, saliency_cascade):
    profile = assert_src_below(saliency_method, 1, model=saliency_model, randomization=saliency_cascade, at="last")
    assert profile.src.shape[-1] == 40
"""
SMALL = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.features = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.Tanh())
        self.classifier = nn.Linear(8, 10)

    def forward(self, images):
        return self.classifier(self.features(images).mean((2, 3)))
"""
OWN_METHOD = """
import pytest

def halves(model, images, targets):
    images = images.clone().requires_grad_()
    model(images).gather(1, targets[:, None]).sum().backward()
    return images.grad / 2

@pytest.fixture
def saliency_method():
    return halves
"""
OWN_MODEL = """
import pytest
from small import Small

@pytest.fixture
def saliency_model():
    return Small(0)
"""
OWN_TWIN = """
@pytest.fixture
def saliency_memorized_model():
    return Small(1)
"""
OWN_SCENARIO = """
from pytest_saliency_sanity.networks.presets.registry import open_preset

@pytest.fixture
def saliency_bias_scenario():
    return open_preset("embedded").supply("bias_scenario", "alexnet", 10)
"""
OWN_SCENES = """
@pytest.fixture
def saliency_scenes():
    return open_preset("embedded").supply("scenes", "resnet", 10)
"""
FEWER_IMAGES = """
import pytest
from pytest_saliency_sanity import Batch

@pytest.fixture
def saliency_batch(saliency_batch):
    return Batch(saliency_batch.images[:12])
"""
# Whatever is measured passes: these tests are about which things are measured.
LENIENT = ("--saliency-threshold=label_randomization=1", "--saliency-threshold=cascading_randomization=1")
LABEL = "--saliency-check=label_randomization"
TOP_DOWN = "cascading_randomization[top_down]"


@pytest.fixture
def small(pytester: pytest.Pytester) -> None:
    """Put a module with a small network into the project, and its folder on the path."""
    pytester.makepyfile(small=SMALL)
    pytester.syspathinsert()


def test_a_test_of_ones_own_runs_for_each_method_and_model(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN_TEST)
    ids = collected("test_own.py", "--saliency-method=gradcam", "--saliency-method=sobel")
    assert sorted(ids) == sorted(
        f"test_own.py::test_mine[{method}-{model}]" for method in ("gradcam", "sobel") for model in MODELS
    )


def test_a_test_of_ones_own_is_selected_by_its_id(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN_TEST)
    result = quick("test_own.py::test_mine[gradcam-alexnet]", "-v", "--saliency-method=gradcam")
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == ["test_own.py::test_mine[gradcam-alexnet]"]


def test_a_test_of_ones_own_can_be_parametrized_further(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="import pytest\n@pytest.mark.parametrize('at', ['last'])\ndef test_mine(at, saliency_method): pass"
    )
    ids = collected("test_own.py", "--saliency-method=gradcam", "--saliency-method=sobel")
    assert [set(each[len("test_own.py::test_mine[") : -1].split("-")) for each in ids] == [
        {"gradcam", "last"},
        {"sobel", "last"},
    ]


def test_a_failure_in_a_test_of_ones_own_says_how_to_run_it_again(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN_TEST)
    result = quick("test_own.py", "--saliency-method=sobel")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*assert_src_below: sobel on AlexNet FAILED",
            "*  pytest 'test_own.py::test_mine[[]sobel-alexnet[]]' --saliency-method=sobel --saliency-model=alexnet *",
        ]
    )


def test_a_test_that_asks_for_no_method_runs_once(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="def test_mine(saliency_batch, saliency_settings, saliency_device): pass")
    assert collected("test_own.py", "--saliency-method=all") == ["test_own.py::test_mine"]


def test_batch_settings_and_device_can_be_used_without_a_method(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_mine(saliency_batch, saliency_settings, saliency_device):
            assert len(saliency_batch) == saliency_settings.images == 15
            assert saliency_batch.images.device == saliency_device
        """
    )
    pytester.runpytest_inprocess("--saliency-images=15", "--saliency-device=cpu").assert_outcomes(passed=1)


def test_the_models_are_ready_for_use(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_mine(saliency_model, saliency_memorized_model, saliency_batch):
            for model in (saliency_model, saliency_memorized_model):
                assert not model.training
                assert model(saliency_batch.images[:2]).shape == (2, 10)
            pairs = zip(saliency_model.parameters(), saliency_memorized_model.parameters())
            assert all((one != other).any() for one, other in pairs)
        """
    )
    result = pytester.runpytest_inprocess("--saliency-method=gradcam", "-k", "test_mine")
    result.assert_outcomes(passed=len(MODELS), deselected=IN_ALL)


def test_without_a_method_the_error_says_what_to_give(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN_TEST)
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "passed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(["*give --saliency-method=gradcam, or override the fixture saliency_method*"])


@pytest.mark.parametrize("folder", [".", "tests"])
def test_an_overridden_method_makes_one_cell_of_its_own_name(folder: str, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath(folder).mkdir(exist_ok=True)
    pytester.path.joinpath(folder, "conftest.py").write_text(OWN_METHOD)
    result = pytester.runpytest_inprocess(
        folder, "-v", "--saliency-method=gradcam", "--saliency-method=sobel", "--saliency-model=alexnet", LABEL
    )
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == ["saliency-sanity::saliency_method-alexnet::test_label_randomization"]
    result.stdout.re_match_lines(["halves on alexnet: 1 of 1 passed", "  passed: label_randomization"])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("folder", [".", "tests"])
def test_an_overridden_model_makes_one_cell_of_its_own_name(folder: str, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath(folder).mkdir(exist_ok=True)
    pytester.path.joinpath(folder, "conftest.py").write_text(OWN_MODEL)
    result = pytester.runpytest_inprocess(folder, "-v", "--saliency-method=gradient", *LENIENT, "-k", "top_down")
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == [f"saliency-sanity::gradient-saliency_model::test_{TOP_DOWN}"]
    result.stdout.re_match_lines(["gradient on Small: 1 of 1 passed", r"  passed: cascading_randomization\[top_down\]"])


@pytest.mark.usefixtures("small")
def test_a_test_of_ones_own_runs_once_for_an_overridden_model(collected: Ids, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(OWN_MODEL)
    pytester.makepyfile(test_own=OWN_TEST)
    assert collected("test_own.py", "--saliency-method=gradcam") == ["test_own.py::test_mine[gradcam]"]


@pytest.mark.usefixtures("small")
def test_an_overridden_model_without_a_twin_is_not_asked_about_labels(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(OWN_MODEL)
    result = pytester.runpytest_inprocess("--saliency-method=gradient", "-k", "label", "-rs")
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # nothing else was asked either
    result.assert_outcomes(skipped=1, deselected=ON_ONE - 1)
    result.stdout.fnmatch_lines(["*no network like saliency_model*override the fixture saliency_memorized_model*"])


@pytest.mark.usefixtures("small")
def test_an_overridden_model_needs_a_twin_where_labels_are_asked_about(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(OWN_MODEL)
    result = pytester.runpytest_inprocess("--saliency-method=gradient", LABEL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no network like saliency_model*override the fixture saliency_memorized_model*"])


@pytest.mark.usefixtures("small")
def test_a_test_of_ones_own_asks_for_the_twin_of_an_overridden_model(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(OWN_MODEL)
    pytester.makepyfile("def test_mine(saliency_method, saliency_model, saliency_memorized_model): pass")
    result = pytester.runpytest_inprocess("--saliency-method=gradient", "-k", "test_mine", "-rs")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*no network like saliency_model*override the fixture saliency_memorized_model*"])


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_an_overridden_model_with_all_its_needs_answers_every_question(
    records: Records, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(OWN_MODEL + OWN_TWIN + OWN_SCENARIO + OWN_SCENES)
    kept = records("--saliency-method=gradient", "-p", "no:randomly", *LENIENT)
    assert list(kept) == suite_ids("gradient", models=("saliency_model",))
    assert {record["model"] for record in kept.values()} == {"Small", "small random networks"}


@pytest.mark.usefixtures("small")
def test_a_conftest_is_heard_only_in_the_first_folder_that_is_named(collected: Ids, pytester: pytest.Pytester) -> None:
    # As any fixture of a conftest: it reaches the folder it stands in, and what is below.
    pytester.mkdir("tests").joinpath("conftest.py").write_text(OWN_MODEL)
    ids = collected("--saliency-method=gradcam", LABEL)
    assert ids == [f"saliency-sanity::gradcam-{model}::test_label_randomization" for model in MODELS]


def test_a_wrapped_batch_is_looked_at_and_multiplies_nothing(records: Records, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FEWER_IMAGES)
    kept = records("--saliency-method=gradcam", LABEL)
    assert sorted(kept) == sorted(f"saliency-sanity::gradcam-{model}::test_label_randomization" for model in MODELS)
    assert {record["measured"]["images"] for record in kept.values()} <= {10, 12}


def test_a_wrapped_model_keeps_its_name(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        f"""
        import pytest

        @pytest.fixture
        def saliency_model(saliency_model, saliency_model_name):  # its name, too: see the README
            assert saliency_model_name in {MODELS}
            return saliency_model
        """
    )
    result = pytester.runpytest_inprocess("-v", "-p", "no:randomly", "-k", "top_down", "--saliency-method=gradcam")
    assert ids_with("PASSED", result) == [f"saliency-sanity::gradcam-{model}::test_{TOP_DOWN}" for model in MODELS]
    result.stdout.re_match_lines([rf"gradcam on {model}: 1 of 1 passed" for model in MODELS])


@pytest.mark.parametrize("options", [("--saliency-model=alexnet",), ()])
def test_an_overridden_method_needs_no_name_on_the_command_line(
    options: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    # What the docstring of the fixture promises.
    pytester.makeconftest(OWN_METHOD)
    pytester.makepyfile("def test_mine(saliency_method, saliency_model): assert saliency_method.__name__ == 'halves'")
    result = pytester.runpytest_inprocess(*options)
    result.assert_outcomes(passed=1 if options else len(MODELS))


def test_the_hooks_of_a_conftest_hear_of_the_packaged_tests(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_runtest_setup(item): print('setting up', item.nodeid)")
    result = quick("-s", "--saliency-method=gradcam")
    result.stdout.fnmatch_lines(["*setting up saliency-sanity::gradcam-alexnet::test_label_randomization*"])


def test_what_a_test_does_to_its_batch_reaches_no_other_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("time", [1, 2])
        def test_mine(time, saliency_batch):
            assert saliency_batch.images.max() > 1
            saliency_batch.images.zero_()
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_failed_run_leaves_no_options_behind_for_the_next(pytester: pytest.Pytester) -> None:
    # Several runs in one process, as pytester makes them: the command to run again must be that of its own run.
    pytester.makepyfile(
        """
        from pytest_saliency_sanity import assert_src_below
        def test_mine(): assert_src_below("sobel", 0.5, randomization="labels")
        """
    )
    active = pytester.runpytest_inprocess("--saliency-method=gradcam", "--saliency-seed=4", "-k", "test_mine")
    active.stdout.fnmatch_lines(["*  pytest *::test_mine --saliency-method=gradcam --saliency-seed=4"])
    idle = pytester.runpytest_inprocess()
    idle.stdout.re_match_lines([r".*  pytest \S+::test_mine$"])


def test_only_the_projects_own_batch_goes_on(records: Records, pytester: pytest.Pytester) -> None:
    """What this package gives may be extended until the answer is sure; what a project gives is all there is."""
    symmetry = "--saliency-check=symmetry[permutation]"  # a threshold near 1, so ten images are not enough
    own = records("--saliency-method=gradient", "--saliency-model=alexnet", symmetry)
    assert {record["measured"]["images"] for record in own.values()} == {40}
    pytester.makeconftest(FEWER_IMAGES)
    fewer = records("--saliency-method=gradient", "--saliency-model=alexnet", symmetry)
    assert {record["measured"]["images"] for record in fewer.values()} == {12}
