"""Bias detection: the known answers, the assertions for one's own data, and their errors."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from support.runs import PER_METHOD, PER_MODEL
from torch import nn

from pytest_saliency_sanity import (
    Batch,
    BiasScenario,
    SaliencyCheckFailed,
    assert_bias_detected,
    assert_mass_inside,
    check_method,
    gradient,
)
from pytest_saliency_sanity.checks.bias_detection import CHECK
from pytest_saliency_sanity.checks.bias_detection.ask import check_bias_detection
from pytest_saliency_sanity.checks.judging.result import CheckResult
from pytest_saliency_sanity.checks.judging.subject import Subject
from pytest_saliency_sanity.data.biased_digits import load_counter_stereotypes
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.measuring.localization import mass_inside
from pytest_saliency_sanity.networks.architectures import MODELS
from pytest_saliency_sanity.networks.presets.embedded.bias import load_bias_checkpoint

(THRESHOLD,) = CHECK.thresholds.values()


def result_of(method: str, model: str, **options: Any) -> CheckResult:
    (result,) = check_method(method, models=[model], checks=["bias_detection"], **options)
    return result


class Eye(nn.Module):
    """A network that sums a part of each image: its gradient is 1 there and 0 elsewhere."""

    def __init__(self, part: torch.Tensor, classes: int = 2) -> None:
        super().__init__()
        self.part = nn.Parameter(part.double().float())
        self.classes = classes

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = (images * self.part).sum((1, 2, 3))
        return torch.stack([seen * (-1) ** label for label in range(self.classes)], 1)


LEFT = torch.arange(8) < 4
IMAGES = torch.rand(12, 1, 4, 8, generator=torch.Generator().manual_seed(0)) + 0.1
MASKS = LEFT.repeat(12, 4, 1)


def mass_on_the_nuisance(result: CheckResult, kind: str) -> float:
    mass = result.measured.figure(f"mass on the nuisance, {kind}")
    assert isinstance(mass, float)
    return mass


# Known answers


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["gradient", pytest.param("smoothgrad", marks=pytest.mark.slow), "gradcam"])
def test_a_gradient_method_shows_the_bias(method: str, model: str) -> None:
    result = result_of(method, model, images=40)
    assert result.verdict == "passed"
    assert result.interval is not None
    assert result.interval[0] > 1.5 * THRESHOLD  # the margin of the calibration
    assert mass_on_the_nuisance(result, "biased") - mass_on_the_nuisance(result, "balanced") == pytest.approx(
        result.statistic, abs=0.05
    )
    assert (result.measured.images, [stage.total for stage in result.stages]) == (200, [200])


@pytest.mark.parametrize("model", MODELS)
def test_it_stops_when_it_is_sure(model: str) -> None:
    result = result_of("gradient", model)
    assert (result.verdict, result.measured.images, result.measured.looks) == ("passed", 10, 1)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("control", ["sobel", "input", "uniform_noise"])
def test_a_control_that_ignores_the_model_does_not(control: str, model: str) -> None:
    result = result_of(control, model, images=10)
    assert (result.verdict, result.statistic, result.interval) == ("failed", 0, (0, 0))


def test_the_record_is_that_of_the_masses() -> None:
    result = result_of("gradient", "alexnet", images=12, seed=3)
    test = load_counter_stereotypes(200)
    masses = []
    for kind in ("biased", "balanced"):
        model = load_bias_checkpoint("alexnet", kind)
        predicted = model(test.images).argmax(1)
        masses.append(mass_inside(gradient(model, test.images, predicted), test.masks).numpy())
    drop = masses[0] - masses[1]
    assert result.statistic == pytest.approx(drop.mean(), abs=1e-6)
    low, high = result.interval or (0, 0)
    assert (high - low) / 2 == pytest.approx(1.972 * drop.std(ddof=1) / 200**0.5, rel=1e-3)  # Student's t, 199 degrees
    assert mass_on_the_nuisance(result, "biased") == pytest.approx(masses[0].mean(), abs=1e-6)
    assert (result.measured.seed, [stage.above for stage in result.stages]) == (3, [True])
    assert (result.check, result.model, result.threshold) == ("bias_detection", "alexnet", THRESHOLD)


def test_a_model_of_ones_own_is_not_asked_unless_it_is_given_a_scenario() -> None:
    spec = "pytest_saliency_sanity:build_model?name=alexnet&width=0.05"
    with pytest.raises(ValueError, match=r"no biased and balanced networks like .*pass needs=.*to check_method"):
        check_method("gradient", models=[spec], checks=["bias_detection"], images=10)
    scenario = BiasScenario(Eye(LEFT), Eye(~LEFT), Batch(IMAGES), MASKS)
    needs = {"bias_scenario": scenario}
    (result,) = check_method("gradient", models=[spec], checks=["bias_detection"], images=10, needs=needs)
    assert (result.verdict, result.measured.images) == ("passed", len(IMAGES))


@pytest.mark.parametrize(("balanced", "mass"), [(~LEFT, 0.0), (torch.ones(8, dtype=torch.bool), 0.5), (LEFT, 1.0)])
def test_maps_of_a_balanced_model_that_lie_on_the_nuisance_more_than_chance_are_a_finding(
    balanced: torch.Tensor, mass: float
) -> None:
    scenario = BiasScenario(Eye(LEFT), Eye(balanced), Batch(IMAGES), MASKS)
    (result,) = check_method(
        "gradient", models=["alexnet"], checks=["bias_detection"], needs={"bias_scenario": scenario}
    )
    assert mass_on_the_nuisance(result, "balanced") == pytest.approx(mass)
    if mass <= 0.5:  # as much as a constant map has there
        assert result.findings == ()
        return
    (finding,) = result.findings
    assert finding.text == "the balanced network's maps lie on the nuisance more than chance"
    assert finding.figure == "1.000 of the mass, 0.500 by chance"
    assert f"A finding: {finding.text}. {finding.figure}" in result.message


def test_an_edge_map_is_a_false_alarm_and_the_gradient_is_none() -> None:
    assert [each.text for each in result_of("sobel", "resnet").findings]
    assert result_of("gradient", "resnet").findings == ()


def test_the_message_of_a_failure_says_everything() -> None:
    message = result_of("sobel", "vgg11", images=10).message
    for line in (
        r"bias_detection: sobel on vgg11 FAILED",
        r"Blind to the bias: the maps lie on the nuisance as much for the balanced model as for the biased one\.",
        rf"Mean drop of the mass on the nuisance 0\.000, 95% interval 0\.000 to 0\.000; .* above {THRESHOLD} .*",
        r"biased     0\.\d{3}   0\.\d{3} to  0\.\d{3}      0/200  #+\.+",
        r"balanced   0\.\d{3}   0\.\d{3} to  0\.\d{3}      0/200  #+\.+",
        r"Measured on 200 images, seed 0; each model explains the class that it predicts, .* \d+% of the images\.",
    ):
        assert re.search(rf"^\s*{line}$", message, re.MULTILINE), line


# One's own data


def test_a_bias_is_detected_in_models_of_ones_own() -> None:
    models = Eye(LEFT), Eye(~LEFT)
    masses = assert_bias_detected(gradient, *models, Batch(IMAGES), MASKS)
    assert masses.biased.values.tolist() == [1.0] * 12
    assert masses.balanced.values.tolist() == [0.0] * 12
    assert (masses.verdict, tuple(masses.interval)) == ("passed", (1, 1, 1))
    assert_bias_detected("gradient", *models, Batch(IMAGES, torch.zeros(12).long()), MASKS, threshold=0.99)


def test_models_that_look_at_the_same_or_the_wrong_way_round_do_not_pass() -> None:
    for one, other in ((LEFT, LEFT), (~LEFT, LEFT)):
        with pytest.raises(SaliencyCheckFailed, match="assert_bias_detected: gradient on Eye FAILED"):
            assert_bias_detected(gradient, Eye(one), Eye(other), Batch(IMAGES), MASKS)


def test_each_model_explains_its_own_prediction_unless_there_are_targets() -> None:
    asked: list[list[int]] = []

    def spy(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        asked.append(targets.tolist())
        return gradient(model, images, targets)

    models = Eye(LEFT), Eye(-(~LEFT).double())
    assert_bias_detected(spy, *models, Batch(IMAGES), MASKS)
    assert asked == [[0] * 12, [1] * 12]
    assert_bias_detected(spy, *models, Batch(IMAGES, torch.ones(12).long()), MASKS)
    assert asked[2:] == [[1] * 12] * 2


def test_the_mass_inside_is_asserted_and_returned() -> None:
    masses = assert_mass_inside(gradient, MASKS, 0.9, model=Eye(LEFT), batch=Batch(IMAGES))
    assert (masses.values.tolist(), masses.mean, masses.undefined) == ([1.0] * 12, 1, 0)
    corner = torch.zeros_like(MASKS)
    corner[:, 0, :4] = True
    assert assert_mass_inside(gradient, corner, 0.2, model=Eye(LEFT), batch=Batch(IMAGES)).mean == 0.25


def test_the_interval_is_asked_not_the_mean() -> None:
    # The image itself on bright and dark halves: masses with a mean of 0.5 and a standard deviation of 0.27.
    images = IMAGES.clone()
    images[:, :, :, :4] = torch.linspace(0.05, 1, 12)[:, None, None, None]
    images[:, :, :, 4:] = torch.linspace(1, 0.05, 12)[:, None, None, None]
    measured = assert_mass_inside("input", MASKS, 0.01, model=Eye(LEFT), batch=Batch(images))
    mean, low, high = measured.interval()
    assert low < mean < high
    assert_mass_inside("input", MASKS, low - 0.01, model=Eye(LEFT), batch=Batch(images))
    for threshold, verdict in ((low + 0.01, "INCONCLUSIVE"), (high + 0.01, "FAILED")):
        with pytest.raises(SaliencyCheckFailed, match=f"assert_mass_inside: input on Eye {verdict}"):
            assert_mass_inside("input", MASKS, threshold, model=Eye(LEFT), batch=Batch(images))
    narrow = measured.interval(0.5)
    assert_mass_inside("input", MASKS, narrow.low - 0.01, model=Eye(LEFT), batch=Batch(images), confidence=0.5)


def test_a_failure_says_what_the_masks_cover_and_what_is_left_out() -> None:
    def half(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        maps = torch.ones(images.shape[0], 4, 8)
        maps[0], maps[1, 0, 0] = 0, torch.nan
        return maps

    with pytest.raises(SaliencyCheckFailed) as caught:
        assert_mass_inside(half, MASKS, 0.6, model=Eye(LEFT), batch=Batch(IMAGES))
    for part in (
        "assert_mass_inside: half on Eye FAILED",
        "Mean mass inside 0.500, 95% interval 0.500 to 0.500; it must stay above 0.6",
        "2 of 12 maps are 0 everywhere or not finite, and left out",
        "The masks cover 0.500 of the images",
        "Run this again:\n  pytest ",
    ):
        assert part in str(caught.value)


def test_maps_of_zeros_throughout_are_undefined() -> None:
    def nothing(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(images), 2, 2)

    with pytest.raises(SaliencyCheckFailed, match="UNDEFINED"):
        assert_mass_inside(nothing, MASKS, 0.6, model=Eye(LEFT), batch=Batch(IMAGES))
    with pytest.raises(SaliencyCheckFailed, match="UNDEFINED"):
        assert_bias_detected(nothing, Eye(LEFT), Eye(~LEFT), Batch(IMAGES), MASKS)
    subject = Subject(nothing, "nothing", Eye(LEFT), "eye", Batch(IMAGES))
    result = check_bias_detection(subject, BiasScenario(Eye(LEFT), Eye(~LEFT), Batch(IMAGES), MASKS))
    assert (result.verdict, result.statistic, result.interval) == ("undefined", None, None)
    assert [stage.undefined for stage in result.stages] == [12]
    assert result.measured.figures == ()


def never(*_: object) -> Any:
    pytest.fail("it was measured")


@pytest.mark.parametrize(
    ("masks", "error", "told"),
    [
        (MASKS.numpy(), TypeError, r"torch.Tensor \(12, 4, 8\) of bool, not ndarray"),
        (MASKS.float(), TypeError, r"must be bool.*got torch.float32.*masks > 0.5"),
        (MASKS[:, None], ValueError, r"of its size, \(12, 4, 8\); got \(12, 1, 4, 8\)"),
        (MASKS[:11], ValueError, r"\(12, 4, 8\); got \(11, 4, 8\)"),
        (MASKS[:, :2], ValueError, r"\(12, 4, 8\); got \(12, 2, 8\)"),
        (
            MASKS & (torch.arange(12) != 5)[:, None, None],
            ValueError,
            r"1 of 12 masks are empty, the first is masks\[5\]",
        ),
        (
            MASKS | (torch.arange(12) > 9)[:, None, None],
            ValueError,
            r"2 of 12 masks are full, the first is masks\[10\]",
        ),
    ],
)
def test_masks_that_do_not_fit_are_an_error_before_anything_is_measured(masks: Any, error: Any, told: str) -> None:
    with pytest.raises(error, match=told):
        assert_mass_inside(never, masks, 0.5, model=Eye(LEFT), batch=Batch(IMAGES))
    with pytest.raises(error, match=told):
        assert_bias_detected(never, Eye(LEFT), Eye(~LEFT), Batch(IMAGES), masks)


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"threshold": 0}, ValueError, "above 0 and below 1.*not 0"),
        ({"threshold": 1}, ValueError, "above 0 and below 1.*not 1"),
        ({"threshold": float("nan")}, ValueError, "not nan"),
        ({"threshold": "0.5"}, TypeError, "not '0.5'"),
        ({"threshold": True}, TypeError, "not True"),
        ({"threshold": 0.5, "confidence": 1}, ValueError, "confidence must be between 0 and 1, not 1"),
        ({"threshold": 0.5, "confidence": "high"}, TypeError, "confidence must be a number.*'high'"),
    ],
)
def test_numbers_out_of_range_are_an_error_before_anything_is_measured(options: Any, error: Any, told: str) -> None:
    with pytest.raises(error, match=told):
        assert_mass_inside(never, MASKS, model=Eye(LEFT), batch=Batch(IMAGES), **options)
    with pytest.raises(error, match=told):
        assert_bias_detected(never, Eye(LEFT), Eye(~LEFT), Batch(IMAGES), MASKS, **options)


def test_models_and_batches_that_do_not_fit_are_an_error_before_anything_is_measured() -> None:
    eye, batch = Eye(LEFT), Batch(IMAGES)
    with pytest.raises(ValueError, match="biased_model has 2 classes and balanced_model 3"):
        assert_bias_detected(never, eye, Eye(LEFT, classes=3), batch, MASKS)
    with pytest.raises(ValueError, match=r"balanced_model can't be asked about the images \(12, 1, 4, 8\)"):
        assert_bias_detected(never, eye, nn.Linear(3, 2), batch, MASKS)
    with pytest.raises(TypeError, match=r"biased_model must be a torch.nn.Module, not str"):
        assert_bias_detected(never, "alexnet", eye, batch, MASKS)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 10 images; the batch has 9"):
        assert_bias_detected(never, eye, eye, Batch(IMAGES[:9]), MASKS[:9])
    with pytest.raises(ValueError, match="at least 10 images; the batch has 9"):
        assert_mass_inside(never, MASKS[:9], 0.5, model=eye, batch=Batch(IMAGES[:9]))


def test_a_method_that_raises_is_named_with_the_model() -> None:
    def broken(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no")

    with pytest.raises(SaliencyMethodError, match="broken on Eye, biased: the method raised RuntimeError: no"):
        assert_bias_detected(broken, Eye(LEFT), Eye(~LEFT), Batch(IMAGES), MASKS)


# As a fixture

OWN_SCENARIO = """
    import pytest, torch
    from pytest_saliency_sanity import Batch, BiasScenario

    class Eye(torch.nn.Module):
        def __init__(self, part):
            super().__init__()
            self.part = torch.nn.Parameter(part.float())
        def forward(self, images):
            seen = (images * self.part).sum((1, 2, 3))
            return torch.stack([seen, -seen], 1)

    @pytest.fixture
    def saliency_bias_scenario():
        left = torch.arange(8) < 4
        return BiasScenario(Eye(left), Eye(~left), Batch(torch.rand(10, 1, 4, 8)), left.repeat(10, 4, 1))
"""


def test_a_scenario_of_ones_own_is_asked_in_place_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(OWN_SCENARIO)
    result = pytester.runpytest_inprocess(
        "--saliency-method=gradient", "--saliency-model=alexnet", "--saliency-check=bias_detection", "-v"
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.re_match_lines(
        ["  passed: bias_detection", r"    stage nuisance: drop of mass 1\.000 \[1\.000, 1\.000\], must stay above "]
    )


def test_a_model_of_ones_own_is_not_asked_and_the_reason_is_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(nets="from pytest_saliency_sanity import build_model as make")
    chosen = (
        "--saliency-method=gradient",
        "--saliency-model=nets:make?name=alexnet&width=0.05",
        "--saliency-images=10",
    )
    told = "*no biased and balanced networks like nets:make*override the fixture saliency_bias_scenario*"
    left_out = pytester.runpytest_inprocess(*chosen, "-k", "bias or repeat", "-rs")
    left_out.assert_outcomes(passed=1, skipped=1, deselected=PER_MODEL + PER_METHOD - 2)
    left_out.stdout.fnmatch_lines([told])
    asked_for = pytester.runpytest_inprocess(*chosen, "--saliency-check=bias_detection")
    asked_for.assert_outcomes(errors=1)
    asked_for.stdout.fnmatch_lines([told])


def test_a_threshold_of_ones_own_is_judged_by(pytester: pytest.Pytester) -> None:
    chosen = ("--saliency-method=gradient", "--saliency-model=vgg11", "--saliency-check=bias_detection")
    result = pytester.runpytest_inprocess(*chosen, "--saliency-threshold=bias_detection=0.9", "--saliency-images=10")
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        ["  failed: bias_detection", r"    stage nuisance: drop of mass .* must stay above 0\.9$"]
    )


@pytest.mark.parametrize("threshold", [0, 1, float("nan")])
def test_the_threshold_of_a_scenario_is_a_share(threshold: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        BiasScenario(Eye(LEFT), Eye(~LEFT), Batch(IMAGES), MASKS, threshold)
