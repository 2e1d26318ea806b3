"""Repeatability, class sensitivity, symmetry; how an SRC that must stay above is judged; methods that mimic others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import Batch, SrcProfile, check_method, gradient, load_batch, load_checkpoint, smoothgrad
from pytest_saliency_sanity import resolve_method as resolved
from pytest_saliency_sanity.checks.catalogue import CHECKS, IMAGES, LEAST_IMAGES, question_ids
from pytest_saliency_sanity.checks.class_sensitivity.ask import check_class_sensitivity
from pytest_saliency_sanity.checks.judging.subject import Subject
from pytest_saliency_sanity.checks.judging.verdict import judge_stages
from pytest_saliency_sanity.checks.repeatability.ask import check_repeatability, freshly_seeded
from pytest_saliency_sanity.checks.symmetry.ask import check_symmetry
from pytest_saliency_sanity.measuring.statistics import mean_interval
from pytest_saliency_sanity.reports.glance import glance, glance_at
from pytest_saliency_sanity.reports.mimics import mimics, same

NAMES = ["repeatability", "class_sensitivity", "symmetry"]
BLIND = ["class_sensitivity"]


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(find_spec(package) is None, reason=f"needs {package}")


# Known answers, and why: what never looks at the class, what draws by chance, what follows the notation.
ANSWERS = [
    ("gradcam", []),
    ("gradient", []),
    pytest.param("smoothgrad", [], marks=pytest.mark.slow),  # on alexnet it is among test_known_answers.py's
    ("uniform_noise", ["repeatability"]),
    ("sobel", BLIND),
    ("input", [*BLIND, "symmetry[input_shift]"]),  # the constant is in its map
    pytest.param("captum:InputXGradient", ["symmetry[input_shift]"], marks=needs("captum")),
    # The first principal component of a layer's activations: larger channels weigh more, whatever is done with them.
    pytest.param("grad_cam:EigenCAM", [*BLIND, "symmetry[rescaling]"], marks=needs("pytorch_grad_cam")),
]


# Of half of the images, some verdicts on vgg11 are not settled.
@pytest.mark.parametrize(
    ("model", "images"), [("alexnet", IMAGES // 2), pytest.param("vgg11", IMAGES, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("method", "failing"), ANSWERS)
def test_known_answers(method: str, failing: list[str], model: str, images: int) -> None:
    results = check_method(method, models=[model], checks=NAMES, images=images)
    assert [result.check for result in results] == [name for check in NAMES for name in question_ids([check])]
    found = [result.check for result in results if result.verdict != "passed"]
    assert found == failing
    assert all(result.verdict == "failed" for result in results if result.check in failing)


def subject(method: Any, model: nn.Module | None = None, images: torch.Tensor | None = None, seed: int = 0) -> Subject:
    looked_at = Batch(load_batch("mnist", 12).images if images is None else images)
    return Subject(method, "it", load_checkpoint("alexnet") if model is None else model, "alexnet", looked_at, seed)


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def small(classes: int = 4) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, classes)
        ).eval()


# Repeatability.


def test_a_method_with_a_seed_of_its_own_gets_another_one_at_every_draw() -> None:
    seeds = []

    def seeded(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, seed: int = 7) -> torch.Tensor:
        seeds.append(seed)
        return torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))

    result = check_repeatability(subject(seeded))
    assert result.verdict == "failed"
    assert len(set(seeds)) == 1 + result.measured["draws"]
    first = list(seeds)
    seeds.clear()
    check_repeatability(subject(seeded))
    assert seeds == first  # and the same ones in every run
    seeds.clear()
    check_repeatability(subject(seeded, seed=1))
    assert not set(seeds) & set(first)


@pytest.mark.parametrize("method", ["uniform_noise", "gradient"])
def test_no_map_is_made_twice(method: str) -> None:
    # Where every stage is judged, a failure has nothing more to measure for its message.
    calls = []

    def counted(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return resolved(method)(model, images, targets)

    result = check_repeatability(subject(counted))
    assert sum(calls) == 12 * (1 + result.measured["draws"])


def test_a_seed_that_was_fixed_beforehand_is_no_way_out() -> None:
    def seeded(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, seed: int = 0) -> torch.Tensor:
        return torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))

    assert check_repeatability(subject(partial(seeded, seed=3))).verdict == "failed"


def test_the_seed_of_a_class_with_call_is_found_too() -> None:
    class Seeded:
        def __call__(
            self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, seed: int = 0
        ) -> torch.Tensor:
            return torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))

    assert check_repeatability(subject(Seeded())).verdict == "failed"


@pytest.mark.parametrize("method", [gradient, resolved("sobel"), min])
def test_a_method_without_a_seed_is_left_as_it_is(method: Any) -> None:
    assert freshly_seeded(method) is method


def test_more_samples_make_smoothgrad_more_repeatable() -> None:
    few, many = (
        check_repeatability(subject(partial(smoothgrad, n_samples=n), small(), noise(12, 1, 10, 10))).statistic
        for n in (2, 40)
    )
    assert few is not None
    assert many is not None
    assert few < many


def test_a_map_with_some_noise_of_its_own_passes_and_one_of_mostly_noise_fails() -> None:
    def noisy(share: float) -> Any:
        def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            maps = gradient(model, images, targets)
            return maps + share * maps.std() * torch.randn(maps.shape)

        return method

    verdicts = [check_repeatability(subject(noisy(share))).verdict for share in (0, 0.1, 10)]
    assert verdicts == ["passed", "passed", "failed"]


# Class sensitivity.


def test_a_model_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="1 class"):
        check_class_sensitivity(subject(gradient, small(1), noise(12, 1, 10, 10)))


def test_with_two_opposite_logits_the_gradients_magnitude_is_the_same_for_both_classes() -> None:
    # The second logit is minus the first: signs differ, magnitudes do not, and magnitudes are what is compared.
    model = small(2)
    with torch.no_grad():
        for parameter in model[5].parameters():
            parameter[1] = -parameter[0]
    result = check_class_sensitivity(subject(gradient, model, noise(12, 1, 10, 10)))
    assert (result.verdict, result.statistic) == ("failed", pytest.approx(1))


# Symmetry.


def test_a_network_that_has_no_such_symmetry_is_not_asked() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(100, 4))
    result = check_symmetry(subject(gradient, model, noise(12, 1, 10, 10)), kind="permutation")
    assert result.verdict == "undefined"
    assert "no layers" in result.measured["not_applicable"]
    assert "NOT ASKED" in result.message
    assert result.threshold == CHECKS["symmetry"].thresholds["permutation"]


def test_an_unknown_symmetry_is_refused() -> None:
    with pytest.raises(ValueError, match=r"permutaton.*did you mean 'permutation'"):
        check_symmetry(subject(gradient), kind="permutaton")


def weights_of_the_first_channel(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return a map that looks at the first channel of the first layer: another one after a permutation."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    return first(images)[:, 0].detach()


def test_a_map_of_one_channel_fails_under_permutation_and_not_under_rescaling() -> None:
    looked_at = subject(weights_of_the_first_channel, small(), noise(12, 1, 10, 10))
    assert check_symmetry(looked_at, kind="permutation").verdict == "failed"
    assert check_symmetry(looked_at, kind="rescaling").verdict == "passed"  # ranks do not see a factor


# How an SRC that must stay above is judged.


def profile_of(src: Sequence[Sequence[float]] | np.ndarray) -> SrcProfile:
    table = np.asarray(src, dtype=float)[:, None, :]
    return SrcProfile("it", "net", "absolute", 0, ("only",), table, np.zeros(table.shape, dtype=np.int8))


def verdict(src: Any, threshold: float, *, above: bool) -> str:
    (judged,) = judge_stages(profile_of(src), threshold, above=above)
    return judged.verdict


def around(mean: float, spread: float, images: int = 20, draws: int = 3) -> np.ndarray:
    """Return a table with this mean whose images differ by up to ``spread`` from it."""
    return np.tile(np.linspace(mean - spread, mean + spread, images), (draws, 1))


@pytest.mark.parametrize(
    ("src", "threshold", "above", "below"),
    [
        (around(0.9, 0.05), 0.5, "passed", "failed"),
        (around(0.1, 0.05), 0.5, "failed", "passed"),
        (around(0.5, 0.4), 0.5, "inconclusive", "inconclusive"),
        # The sign counts above, and does not below.
        (around(-0.9, 0.05), 0.5, "failed", "failed"),
        (around(-0.1, 0.05), 0.5, "failed", "passed"),
        # Exactly at the threshold is not on the right side of it.
        (np.full((3, 20), 0.5), 0.5, "failed", "failed"),
        (np.full((3, 20), 0.5), np.nextafter(0.5, 0), "passed", "failed"),
        (np.full((3, 20), 0.5), np.nextafter(0.5, 1), "failed", "passed"),
        (np.full((1, 20), 1.0), 0.98, "passed", "failed"),
        (np.full((3, LEAST_IMAGES - 1), 0.9), 0.5, "undefined", "undefined"),
        (np.full((3, LEAST_IMAGES), 0.9), 0.5, "passed", "failed"),
        (np.full((3, 20), np.nan), 0.5, "undefined", "undefined"),
    ],
)
def test_judged_above_and_below(src: np.ndarray, threshold: float, above: str, below: str) -> None:
    assert verdict(src, threshold, above=True) == above
    assert verdict(src, threshold, above=False) == below


def test_the_bounds_of_the_interval_themselves_decide() -> None:
    src = around(0.8, 0.1)
    low, high = mean_interval(src, 0.95)[1:]
    assert verdict(src, low, above=True) == "inconclusive"
    assert verdict(src, np.nextafter(low, 0), above=True) == "passed"
    assert verdict(src, high, above=True) == "failed"
    assert verdict(src, np.nextafter(high, 0), above=True) == "inconclusive"


@pytest.mark.parametrize(("defined", "found"), [(11, "undefined"), (12, "passed")])
def test_a_fifth_of_the_srcs_must_be_defined(defined: int, found: str) -> None:
    src = np.full(60, np.nan)
    src[:defined] = 0.9
    assert verdict(src[None], 0.5, above=True) == found


@pytest.mark.parametrize("above", [False, True])
def test_the_excess_is_how_far_the_mean_is_on_the_wrong_side(above: bool) -> None:
    (judged,) = judge_stages(profile_of(np.full((3, 20), 0.75)), 0.5, above=above)
    assert judged.excess == pytest.approx(-0.25 if above else 0.25)


# Methods that draw the same picture as another.


def looked_at(*methods: str, model: nn.Module | None = None, images: torch.Tensor | None = None) -> list[str]:
    glances = []
    for name in methods:
        one = subject(resolved(name), model, images)
        glances.append(glance_at(Subject(one.method, name, one.model, "net", one.batch, 0)))
    return mimics(glances)


@needs("captum")
def test_a_method_that_is_the_plain_gradient_is_named() -> None:
    assert looked_at("captum:Saliency") == ["captum:Saliency draws the same maps as gradient on net"]


@needs("torchcam")
def test_a_method_that_is_another_of_the_same_run_is_named() -> None:
    assert looked_at("gradcam", "torchcam:GradCAM") == ["torchcam:GradCAM draws the same maps as gradcam on net"]


def test_methods_that_are_not_the_same_are_not_named() -> None:
    assert looked_at("gradcam", "gradient", "smoothgrad", "sobel", "uniform_noise", "input") == []


def test_a_reference_does_not_mimic_itself() -> None:
    assert looked_at("gradient", "input") == []


def test_methods_are_compared_on_the_same_model_only() -> None:
    one, other = (subject(resolved("gradcam")), subject(resolved("gradcam")))
    glances = [
        glance_at(Subject(one.method, "first", one.model, "here", one.batch)),
        glance_at(Subject(other.method, "second", other.model, "there", other.batch)),
    ]
    assert mimics(glances) == []


class Functional(nn.Module):
    """A network whose ReLUs are functions: nothing for a method that replaces the ReLU modules."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3)
        self.second = nn.Conv2d(6, 5, 3)
        self.head = nn.Linear(5 * 36, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(F.relu(self.second(F.relu(self.first(images)))).flatten(1))
        return logits


@needs("captum")
# captum says so itself, where it finds no ReLU module.
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_guided_backprop_is_the_gradient_where_no_relu_is_a_module() -> None:
    images = noise(12, 1, 10, 10)
    named = ["guided_backprop draws the same maps as gradient on net"]
    assert looked_at("guided_backprop", model=Functional().eval(), images=images) == named
    assert looked_at("guided_backprop", model=small(), images=images) == []


MAPS = noise(3, 9, 9).abs()


@pytest.mark.parametrize(
    ("maps", "alike"),
    [
        (MAPS, True),
        (5 * MAPS, True),  # a factor is no other picture
        (MAPS * torch.tensor([1.0, 3.0, 0.1])[:, None, None], True),
        (MAPS + 1e-4 * noise(3, 9, 9, seed=2).clamp(-2, 2), True),
        (MAPS + 3e-2 * noise(3, 9, 9, seed=2).sign(), False),
        (MAPS.flip(1), False),
        (MAPS.flip(0), False),
        (MAPS[:, :8], False),
        (torch.zeros(3, 9, 9), False),
        (torch.full((3, 9, 9), torch.nan), False),
    ],
)
def test_what_counts_as_the_same_maps(maps: torch.Tensor, alike: bool) -> None:
    assert same(glance(MAPS), glance(maps)) == alike
    assert same(glance(maps), glance(MAPS)) == alike


@pytest.mark.parametrize(("noise_level", "alike"), [(1e-4, True), (1e-3, True), (1e-2, False)])
def test_rounding_is_tolerated_and_no_more(noise_level: float, alike: bool) -> None:
    # Of the largest value, and nowhere above it, so that the largest itself stays.
    largest = MAPS.amax((1, 2), keepdim=True)
    maps = (MAPS + noise_level * largest * noise(3, 9, 9, seed=2).sign()).clamp(min=0).minimum(largest)
    assert same(glance(MAPS), glance(maps)) == alike


def test_maps_of_zeros_are_like_nothing_not_even_one_another() -> None:
    zeros = glance(torch.zeros(3, 9, 9))
    assert not same(zeros, zeros)
    assert not same(zeros, None)


def test_a_map_that_is_dead_in_one_method_alone_makes_them_differ() -> None:
    # Two images agree, and of the third one method shows nothing: not the same method.
    maps = MAPS.clone()
    maps[2] = 0
    assert not same(glance(MAPS), glance(maps))


def test_a_method_that_raises_is_no_ones_double() -> None:
    def broken(*_: object) -> torch.Tensor:
        raise RuntimeError("no")

    found = glance_at(subject(broken))
    assert found["maps"] is None
    assert mimics([found, found]) == []


def test_one_form_of_a_check_can_be_asked_for_by_itself() -> None:
    both = check_method("gradient", models=["alexnet"], checks=["symmetry"], images=10)
    (one,) = check_method("gradient", models=["alexnet"], checks=["symmetry[rescaling]"], images=10)
    assert one in both
    with pytest.raises(ValueError, match=r"unknown check 'symmetry\[scaling\]'.*did you mean 'symmetry\[rescaling\]'"):
        check_method("gradient", checks=["symmetry[scaling]"])
