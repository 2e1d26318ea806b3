"""Every check of a method without pytest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..checkpoints.store import load_checkpoint
from ..errors import unknown_name
from ..methods.protocol import SaliencyMethod
from ..methods.resolve import resolve_method
from ..models import MODELS
from .cascading_randomization import check_cascading_randomization
from .catalogue import CHECKS, IMAGES, LEAST_IMAGES, MOST_IMAGES, check_threshold
from .label_randomization import check_label_randomization
from .measurement import held_out_digits, name_of
from .result import CheckResult
from .subject import Subject


def check_method(
    method: SaliencyMethod | str,
    *,
    models: Iterable[str] = tuple(MODELS),
    checks: Iterable[str] = tuple(CHECKS),
    images: int = IMAGES,
    seed: int = 0,
    thresholds: Mapping[str, float] | None = None,
) -> list[CheckResult]:
    """Return the results of the named checks of a method on the named models: what the packaged suite tests.

    ``method``: an object or a name. ``images``: how many held-out digits, 10 to 1000. ``thresholds``: by check, where
    they differ from the calibrated ones.

    Raises ValueError for an unknown name, SaliencyMethodError where the method raises or returns no maps.
    """
    models, checks, thresholds = list(models), list(checks), dict(thresholds or {})
    for kind, names, allowed in (("model", models, MODELS), ("check", [*checks, *thresholds], CHECKS)):
        for name in names:
            if name not in allowed:
                raise unknown_name(kind, name, allowed)
    for threshold in thresholds.values():
        check_threshold(threshold)
    if not LEAST_IMAGES <= images <= MOST_IMAGES:
        raise ValueError(f"images must be {LEAST_IMAGES} to {MOST_IMAGES}, not {images!r}")
    resolved = resolve_method(method) if isinstance(method, str) else method
    name = method if isinstance(method, str) else name_of(method)
    batch = held_out_digits(images)
    results = []
    for model in models:
        subject = Subject(resolved, name, load_checkpoint(model), model, batch, seed)
        for check in checks:
            results += _run(check, subject, thresholds.get(check))
    return results


def _run(check: str, subject: Subject, threshold: float | None) -> list[CheckResult]:
    if check == "label_randomization":
        memorized = load_checkpoint(subject.model_name, labels="random")
        return [check_label_randomization(subject, memorized, threshold=threshold)]
    orders = CHECKS[check].variants
    return [check_cascading_randomization(subject, order=order, threshold=threshold) for order in orders]
