"""Sanity checks of saliency methods, as a pytest plugin.

The public names are resolved when they are first used (PEP 562), so that importing the package, as pytest does at every
start where it is installed, imports neither torch nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .imports import import_attribute

if TYPE_CHECKING:
    from .assertions import assert_bias_detected as assert_bias_detected
    from .assertions import assert_mass_inside as assert_mass_inside
    from .assertions import assert_src_below as assert_src_below
    from .checkpoints.store import load_checkpoint as load_checkpoint
    from .checks.bias_scenario import BiasScenario as BiasScenario
    from .checks.measurement import src_profile as src_profile
    from .checks.profile import SrcProfile as SrcProfile
    from .checks.result import CheckResult as CheckResult
    from .checks.run import check_method as check_method
    from .data import load_batch as load_batch
    from .data.batch import Batch as Batch
    from .errors import SaliencyCheckFailed as SaliencyCheckFailed
    from .methods.gradcam import gradcam as gradcam
    from .methods.gradient import gradient as gradient
    from .methods.resolve import resolve_method as resolve_method
    from .methods.smoothgrad import smoothgrad as smoothgrad
    from .metrics.rank_correlation import spearman as spearman
    from .models import build_model as build_model
    from .randomization.cascade import CascadingRandomizer as CascadingRandomizer
    from .randomization.labels import LabelRandomizer as LabelRandomizer

_WHERE = {
    "Batch": "data.batch",
    "BiasScenario": "checks.bias_scenario",
    "CascadingRandomizer": "randomization.cascade",
    "CheckResult": "checks.result",
    "LabelRandomizer": "randomization.labels",
    "SaliencyCheckFailed": "errors",
    "SrcProfile": "checks.profile",
    "assert_bias_detected": "assertions",
    "assert_mass_inside": "assertions",
    "assert_src_below": "assertions",
    "build_model": "models",
    "check_method": "checks.run",
    "gradcam": "methods.gradcam",
    "gradient": "methods.gradient",
    "load_batch": "data",
    "load_checkpoint": "checkpoints.store",
    "resolve_method": "methods.resolve",
    "smoothgrad": "methods.smoothgrad",
    "spearman": "metrics.rank_correlation",
    "src_profile": "checks.measurement",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = import_attribute(f"{__name__}.{_WHERE[name]}:{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
