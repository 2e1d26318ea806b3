"""The known answers: methods and controls whose verdicts are settled get these verdicts, without pytest."""

from __future__ import annotations

import pytest
from support.skips import needs

from pytest_saliency_sanity import check_method
from pytest_saliency_sanity.checks.registry import CHECKS, IMAGES, question_ids
from pytest_saliency_sanity.networks.architectures import MODELS

needs_captum = needs("captum")
slow = pytest.mark.slow
# With half of the images intervals are wider, and still on the same side of the thresholds.
at_both_sizes = pytest.mark.parametrize("images", [IMAGES // 2, pytest.param(IMAGES, marks=slow)])

QUESTIONS = question_ids(CHECKS.all())
RANDOMIZATIONS = question_ids(["label_randomization", "cascading_randomization"])


def verdicts(method: str, model: str, images: int) -> dict[str, str]:
    return {result.check: result.verdict for result in check_method(method, models=[model], images=images)}


def failing(method: str, model: str, images: int) -> list[str]:
    return [check for check, verdict in verdicts(method, model, images).items() if verdict != "passed"]


@at_both_sizes
@pytest.mark.parametrize(
    ("method", "model"),
    [
        ("gradient", "alexnet"),
        ("gradient", "vgg11"),
        ("gradcam", "alexnet"),
        ("gradcam", "vgg11"),
        ("smoothgrad", "alexnet"),
        pytest.param("smoothgrad", "vgg11", marks=slow),
    ],
)
def test_a_gradient_method_passes_every_question(method: str, model: str, images: int) -> None:
    assert verdicts(method, model, images) == dict.fromkeys(QUESTIONS, "passed")


@at_both_sizes
@pytest.mark.parametrize(
    ("control", "model"),
    [("sobel", "alexnet"), ("sobel", "vgg11"), ("input", "alexnet"), pytest.param("input", "vgg11", marks=slow)],
)
def test_a_control_that_ignores_the_model_fails_every_question_about_it(control: str, model: str, images: int) -> None:
    input_shift = ["symmetry[input_shift]"] * (control == "input")  # the image itself is what is shifted
    assert failing(control, model, images) == [*RANDOMIZATIONS, "bias_detection", "class_sensitivity", *input_shift]


@needs_captum
@at_both_sizes
@pytest.mark.parametrize("model", ["alexnet", pytest.param("vgg11", marks=slow)])
def test_guided_backprop_fails_where_the_upper_layers_are_randomised(model: str, images: int) -> None:
    found = verdicts("guided_backprop", model, images)
    assert found["cascading_randomization[top_down]"] == "failed"
    assert found["cascading_randomization[independent]"] == "failed"


@at_both_sizes
@pytest.mark.parametrize("model", MODELS)
def test_noise_is_caught_where_maps_must_have_something_in_common(model: str, images: int) -> None:
    # No two of its maps are alike, so no randomisation can tell it from an explanation.
    assert failing("uniform_noise", model, images) == ["bias_detection", "repeatability"]


NAMES = ["repeatability", "class_sensitivity", "symmetry"]
BLIND = ["class_sensitivity"]


# Known answers, and why: what never looks at the class, what draws by chance, what follows the notation.
ANSWERS = [
    ("gradcam", []),
    ("gradient", []),
    pytest.param("smoothgrad", [], marks=slow),  # on alexnet it is among test_known_answers.py's
    ("uniform_noise", ["repeatability"]),
    ("sobel", BLIND),
    ("input", [*BLIND, "symmetry[input_shift]"]),  # the constant is in its map
    pytest.param("captum:InputXGradient", ["symmetry[input_shift]"], marks=needs("captum")),
    # The first principal component of a layer's activations: larger channels weigh more, whatever is done with them.
    pytest.param("grad_cam:EigenCAM", [*BLIND, "symmetry[rescaling]"], marks=needs("pytorch_grad_cam")),
]


# Of half of the images, some verdicts on vgg11 are not settled.
@pytest.mark.parametrize(("model", "images"), [("alexnet", IMAGES // 2), pytest.param("vgg11", IMAGES, marks=slow)])
@pytest.mark.parametrize(("method", "failing"), ANSWERS)
def test_the_questions_without_another_model(method: str, failing: list[str], model: str, images: int) -> None:
    results = check_method(method, models=[model], checks=NAMES, images=images)
    assert [result.check for result in results] == [name for check in NAMES for name in question_ids([check])]
    found = [result.check for result in results if result.verdict != "passed"]
    assert found == failing
    assert all(result.verdict == "failed" for result in results if result.check in failing)


def test_results_come_in_the_order_that_was_asked_for() -> None:
    results = check_method("gradcam", models=["vgg11", "alexnet"], checks=["label_randomization"], images=10)
    assert [(each.method, each.model, each.check) for each in results] == [
        ("gradcam", "vgg11", "label_randomization"),
        ("gradcam", "alexnet", "label_randomization"),
    ]


def test_a_threshold_of_ones_own_is_judged_by() -> None:
    (result,) = check_method(
        "gradient", models=["alexnet"], checks=["label_randomization"], thresholds={"label_randomization": 0.1}
    )
    assert (result.verdict, result.threshold) == ("failed", 0.1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"models": ["alexnt"]}, "unknown model 'alexnt'.*did you mean 'alexnet'"),
        ({"checks": ["label"]}, "unknown check 'label'.*allowed: label_randomization, cascading_randomization"),
        ({"images": 1001}, "images must be 10 to 1000, not 1001"),
        ({"images": 9}, "10 to 1000, not 9"),
        ({"thresholds": {"label_randomisation": 0.9}}, "unknown check 'label_randomisation'"),
        ({"thresholds": {"label_randomization": 2}}, "above 0 and at most 1"),
    ],
)
def test_bad_arguments_are_errors_before_anything_is_measured(wrong: dict[str, object], told: str) -> None:
    def never(*_: object) -> None:
        pytest.fail("it was measured")

    with pytest.raises(ValueError, match=told):
        check_method(never, **wrong)  # type: ignore[arg-type]


def test_the_results_are_those_of_the_packaged_suite(pytester: pytest.Pytester) -> None:
    (result,) = check_method("gradcam", models=["alexnet"], checks=["label_randomization"])
    assert result.interval is not None
    shown = pytester.runpytest_inprocess("--saliency-method=gradcam", "-k", "alexnet and label").stdout
    low, high = result.interval
    shown.fnmatch_lines([f"gradcam  alexnet  label_randomization*{result.statistic:.3f} [[]{low:.3f}, {high:.3f}[]]*"])


def test_one_form_of_a_check_can_be_asked_for_by_itself() -> None:
    both = check_method("gradient", models=["alexnet"], checks=["symmetry"], images=10)
    (one,) = check_method("gradient", models=["alexnet"], checks=["symmetry[rescaling]"], images=10)
    assert one in both
    with pytest.raises(ValueError, match=r"unknown check 'symmetry\[scaling\]'.*did you mean 'symmetry\[rescaling\]'"):
        check_method("gradient", checks=["symmetry[scaling]"])
