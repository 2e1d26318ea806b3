"""Every check of a method without pytest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .checks.bias_detection.ask import check_bias_detection
from .checks.cascading_randomization.ask import check_cascading_randomization
from .checks.catalogue import CHECKS, IMAGES, LEAST_IMAGES, MOST_IMAGES, question_ids, require_threshold
from .checks.class_sensitivity.ask import check_class_sensitivity
from .checks.contract.ask import check_contract
from .checks.judging.result import CheckResult
from .checks.judging.subject import Subject, require_fits
from .checks.label_randomization.ask import check_label_randomization
from .checks.repeatability.ask import check_repeatability
from .checks.symmetry.ask import check_symmetry
from .data.batch import Batch
from .data.bias_scenario import shipped_scenario
from .foundation.errors import unknown_name
from .measuring.src import name_of
from .methods.protocol import SaliencyMethod
from .methods.resolve import resolve_method
from .networks.architectures import MODELS
from .networks.presets import Preset, as_preset
from .networks.resolve import require_model_spec


def check_method(
    method: SaliencyMethod | str,
    *,
    models: Iterable[str] = tuple(MODELS),
    preset: Preset | str = "embedded",
    checks: Iterable[str] = tuple(CHECKS),
    images: int = IMAGES,
    batch: Batch | None = None,
    seed: int = 0,
    thresholds: Mapping[str, float] | None = None,
) -> list[CheckResult]:
    """Return the results of the named checks of a method on the named models: what the packaged suite tests.

    ``method``: an object or a spec. ``models``: names, or ``package.module:factory``, which have no twins that learned
    random labels or a bias, so that they have no result of ``label_randomization`` and ``bias_detection``. ``preset``:
    which networks the names mean. ``checks``: names, or one form of a check, ``"symmetry[rescaling]"``. ``images``: how
    many held-out digits or photographs, 10 to 1000, and counter-stereotypes, at most 400; or give ``batch`` in place of
    the former. ``thresholds``: by check, where they differ from the calibrated ones.

    Raises ValueError for an unknown name, or a model that does not take the images; SaliencyMethodError where the
    method raises or returns no maps.
    """
    models, checks, thresholds, preset = list(models), list(checks), dict(thresholds or {}), as_preset(preset)
    for model in models:
        require_model_spec(model)
    for kind, names, allowed in (
        ("check", checks, dict.fromkeys((*CHECKS, *question_ids(CHECKS)))),
        ("check", thresholds, CHECKS),
    ):
        for name in names:
            if name not in allowed:
                raise unknown_name(kind, name, allowed)
    for threshold in thresholds.values():
        require_threshold(threshold)
    if not LEAST_IMAGES <= (len(batch) if batch else images) <= MOST_IMAGES:
        raise ValueError(f"images must be {LEAST_IMAGES} to {MOST_IMAGES}, not {len(batch) if batch else images!r}")
    resolved = resolve_method(method) if isinstance(method, str) else method
    name = method if isinstance(method, str) else name_of(method)
    looked_at = batch or preset.batch(images)
    results = []
    for model in models:
        subject = Subject(resolved, name, preset.model(model), model, looked_at, seed)
        require_fits(subject)
        for check in checks:
            results += _of_model(check, subject, preset, thresholds.get(check.partition("[")[0]))
    if "contract" in checks:
        results.append(check_contract(resolved, name, seed=seed))
    return results


def _of_model(check: str, subject: Subject, preset: Preset, threshold: float | None) -> list[CheckResult]:
    if check == "label_randomization" and preset.has_twin(subject.model_name):
        memorized = preset.memorized_model(subject.model_name)
        return [check_label_randomization(subject, memorized, threshold=threshold)]
    if check == "bias_detection" and preset.has_biased_twin(subject.model_name):
        scenario = shipped_scenario(subject.model_name, len(subject.batch))
        return [check_bias_detection(subject, scenario, threshold=threshold)]
    check, _, variant = check.rstrip("]").partition("[")
    variants = (variant,) if variant else CHECKS[check].variants
    if check == "cascading_randomization":
        return [check_cascading_randomization(subject, order=order, threshold=threshold) for order in variants]
    if check == "symmetry":
        return [check_symmetry(subject, kind=kind, threshold=threshold) for kind in variants]
    if check == "class_sensitivity":
        return [check_class_sensitivity(subject, threshold=threshold)]
    return [check_repeatability(subject, threshold=threshold)] if check == "repeatability" else []
