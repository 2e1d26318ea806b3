"""Assertions about saliency methods for a project's own tests."""

from __future__ import annotations

import torch
from torch import nn

from .api import as_model, default_batch, src_profile
from .checks.bias_detection import CHECK as BIAS
from .checks.bias_detection.ask import BiasMasses, bias_masses
from .checks.bias_detection.ask import explain as explain_bias
from .checks.judging.mass_message import explain_mass
from .checks.judging.message import explain
from .checks.judging.result import CheckResult, Measured, decisive
from .checks.judging.verdict import judge_stages, verdict_on
from .data.batch import Batch
from .data.bias_scenario import BiasScenario
from .data.masks import require_masks
from .foundation.errors import SaliencyCheckFailed
from .foundation.limits import require_confidence, require_enough_images, require_share, require_threshold
from .foundation.progress import telling
from .foundation.rerun import current_command
from .foundation.workload import suited_to
from .interventions.stage import Randomization
from .measuring.mass import Masses, masses_of
from .measuring.profile import SrcProfile
from .measuring.src import At
from .methods.protocol import SaliencyMethod, method_name
from .methods.resolve import resolve_method


def assert_src_below(
    method: SaliencyMethod | str,
    threshold: float,
    *,
    model: nn.Module | str = "alexnet",
    batch: Batch | None = None,
    randomization: Randomization | str = "cascading",
    at: At = "last",
    sign: str = "signed",
    seeds: int = 3,
    confidence: float = 0.95,
    seed: int = 0,
) -> SrcProfile:
    """Assert that a method's maps change if what the model learned is destroyed; return the measured profile.

    Passes if the upper confidence bound of the similarity, the mean of |SRC|, is below ``threshold`` (0 to 1) at every
    stage that ``at`` means: ``"last"``, ``"classifier"``, ``"every"``, a stage's name, or several of these. ``method``
    and ``model`` can be names; ``batch`` is by default the randomizer's images, or 100 held-out ones.
    ``randomization``: ``"cascading"`` (top-down, the paper's N(0, 0.01^2)), ``"labels"``, or a randomizer, whose model
    is then used. ``sign``: ``"signed"`` compares the channels' sums, ``"absolute"`` their summed magnitudes. ``seeds``:
    how many times the weights are drawn. The interval is over images and draws, not over pixels.

    Raises SaliencyCheckFailed if it does not pass; ValueError or TypeError if arguments do not fit;
    SaliencyMethodError if the method raises or does not return maps.
    """
    __tracebackhide__ = True
    require_threshold(threshold)
    require_confidence(confidence)
    batch = batch or default_batch(randomization, model)
    require_enough_images(len(batch))

    def measure(stages: At) -> SrcProfile:
        return src_profile(
            method, model, batch, randomization=randomization, at=stages, sign=sign, seeds=seeds, seed=seed
        )

    profile = measure(at)
    stages = judge_stages(profile, threshold, confidence)
    if decisive(stages).verdict != "passed":
        cascade = measure("every")
        draws, _, images = cascade.src.shape
        measured = Measured(seed, sign, cascade.has_signs, images=images, draws=draws, confidence=confidence)
        message = explain("assert_src_below", stages, cascade, measured, total=len(cascade.stages))
        call = _call(method, threshold, model, randomization, at, sign, seeds, seed)
        raise SaliencyCheckFailed(with_rerun(message, current_command() or call))
    return profile


def assert_mass_inside(
    method: SaliencyMethod | str,
    masks: torch.Tensor,
    threshold: float,
    *,
    model: nn.Module | str,
    batch: Batch,
    confidence: float = 0.95,
    seed: int = 0,
) -> Masses:
    """Assert that a method's maps lie inside masks; return the share of each map that does.

    ``masks``: bool ``(N, H, W)`` of the images' size, True inside. Passes if the lower confidence bound, over images,
    of the mean share of absolute values inside is above ``threshold`` (between 0 and 1). Maps at another resolution are
    resized bilinearly. ``method`` and ``model`` can be names. The class explained is the batch's target, or by default
    the class that the model predicts. ``seed``: that of the global random streams, for methods that draw from them.

    Raises SaliencyCheckFailed if it does not pass; ValueError or TypeError if arguments do not fit;
    SaliencyMethodError if the method raises or does not return maps.
    """
    __tracebackhide__ = True
    require_share(threshold)
    require_confidence(confidence)
    require_masks(masks, batch.images)
    require_enough_images(len(batch))
    resolved, called = with_name(method)
    on = as_model(model)
    name = f"{called} on {model if isinstance(model, str) else type(model).__name__}"
    with telling(name), suited_to(on, batch.images):
        masses = masses_of(resolved, on, batch, masks, name=name, seed=seed)
    verdict = verdict_on(masses.values[None], masses.interval(confidence), threshold, above=True)
    if verdict != "passed":
        message = explain_mass(f"assert_mass_inside: {name}", masses, masks, verdict, threshold, confidence, seed)
        raise SaliencyCheckFailed(with_rerun(message, current_command()))
    return masses


def assert_bias_detected(
    method: SaliencyMethod | str,
    biased_model: nn.Module,
    balanced_model: nn.Module,
    batch: Batch,
    nuisance_masks: torch.Tensor,
    *,
    threshold: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> BiasMasses:
    """Assert that a method shows a bias; return the mass of its maps on the nuisance for both models, image by image.

    ``biased_model`` was trained on data in which a nuisance is correlated with the class, ``balanced_model`` on data in
    which it is not. ``batch``: at least ten images, best those that contradict the stereotype; without targets, each
    model explains the class that it predicts. ``nuisance_masks``: bool ``(N, H, W)``, True where the nuisance is.
    Passes if the lower confidence bound, over images, of the mean drop of mass on the nuisance from the biased model to
    the balanced one is above ``threshold`` (between 0 and 1, by default that of the check ``bias_detection``).

    Raises SaliencyCheckFailed if it does not pass; ValueError or TypeError if arguments do not fit;
    SaliencyMethodError if the method raises or does not return maps.
    """
    __tracebackhide__ = True
    (limit,) = BIAS.thresholds.values() if threshold is None else (threshold,)
    require_share(limit)
    require_confidence(confidence)
    scenario = BiasScenario(biased_model, balanced_model, batch, nuisance_masks)
    resolved, called = with_name(method)
    name = f"{called} on {type(biased_model).__name__}"
    with telling(name), suited_to(biased_model, batch.images):
        masses = bias_masses(resolved, scenario, limit, confidence, name=name, seed=seed)
    if masses.verdict != "passed":
        message = explain_bias(f"assert_bias_detected: {name}", scenario, masses, limit, confidence, seed)
        raise SaliencyCheckFailed(with_rerun(message, current_command()))
    return masses


def with_name(method: SaliencyMethod | str) -> tuple[SaliencyMethod, str]:
    """Return a method, given as an object or by its name, together with its name."""
    return (resolve_method(method), method) if isinstance(method, str) else (method, method_name(method))


def assert_passed(result: CheckResult, tier: str = "gate") -> None:
    """Raise SaliencyCheckFailed, with the whole message, unless the verdict is ``"passed"``.

    In the tier ``full``, the findings decide too.
    """
    __tracebackhide__ = True
    if result.verdict != "passed":
        raise SaliencyCheckFailed(with_rerun(result.message, current_command()))
    if not result.passed_in(tier):
        why = f"A finding decides in the tier {tier}."
        raise SaliencyCheckFailed(with_rerun(f"{why}\n\n{result.message}", current_command()))


def with_rerun(message: str, again: str | None) -> str:
    """Return the message, followed by the command or call that runs this again."""
    return f"{message}\n\nRun this again:\n  {again}" if again else message


def _call(
    method: SaliencyMethod | str,
    threshold: float,
    model: nn.Module | str,
    randomization: Randomization | str,
    at: At,
    sign: str,
    seeds: int,
    seed: int,
) -> str:
    """Return the call of the assertion as code, for use outside pytest."""
    shown = [
        repr(method) if isinstance(method, str) else method_name(method),
        f"{threshold:g}",
        f"model={model!r}" if isinstance(model, str) else f"model={type(model).__name__}",
        f"randomization={randomization!r}"
        if isinstance(randomization, str)
        else f"randomization={type(randomization).__name__}",
        f"at={at!r}, sign={sign!r}, seeds={seeds}, seed={seed}",
    ]
    return f"assert_src_below({', '.join(shown)})"
