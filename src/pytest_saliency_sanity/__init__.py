"""Sanity checks of saliency methods, as a pytest plugin.

The public names are resolved when they are first used (PEP 562). So importing the package, which pytest does at every
start if it is installed, imports neither torch nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .foundation.imports import import_attribute

if TYPE_CHECKING:
    from .api import check_method as check_method
    from .api import src_profile as src_profile
    from .assertions import assert_bias_detected as assert_bias_detected
    from .assertions import assert_mass_inside as assert_mass_inside
    from .assertions import assert_src_below as assert_src_below
    from .checks.judging.result import CheckResult as CheckResult
    from .checks.registry import Check as Check
    from .data.batch import Batch as Batch
    from .data.bias_scenario import BiasScenario as BiasScenario
    from .data.registry import load_batch as load_batch
    from .foundation.deprecation import SaliencyDeprecationWarning as SaliencyDeprecationWarning
    from .foundation.errors import SaliencyCheckFailed as SaliencyCheckFailed
    from .interventions.cascade import CascadingRandomizer as CascadingRandomizer
    from .interventions.labels import LabelRandomizer as LabelRandomizer
    from .measuring.profile import SrcProfile as SrcProfile
    from .measuring.ranks import spearman as spearman
    from .methods.gradcam import gradcam as gradcam
    from .methods.gradient import gradient as gradient
    from .methods.resolve import resolve_method as resolve_method
    from .methods.smoothgrad import smoothgrad as smoothgrad
    from .networks.architectures import build_model as build_model
    from .networks.checkpoints import load_checkpoint as load_checkpoint
    from .networks.logits import AtPixel as AtPixel
    from .networks.logits import Logits as Logits
    from .networks.logits import OverMask as OverMask
    from .networks.twins.biased import load_biased_pair as load_biased_pair
    from .networks.twins.memorized import load_twin as load_twin
    from .reports.plots.maps import plot_maps as plot_maps
    from .reports.plots.results import plot_results as plot_results

_WHERE = {
    "AtPixel": "networks.logits",
    "Batch": "data.batch",
    "BiasScenario": "data.bias_scenario",
    "CascadingRandomizer": "interventions.cascade",
    "Check": "checks.registry",
    "CheckResult": "checks.judging.result",
    "LabelRandomizer": "interventions.labels",
    "Logits": "networks.logits",
    "OverMask": "networks.logits",
    "SaliencyCheckFailed": "foundation.errors",
    "SaliencyDeprecationWarning": "foundation.deprecation",
    "SrcProfile": "measuring.profile",
    "assert_bias_detected": "assertions",
    "assert_mass_inside": "assertions",
    "assert_src_below": "assertions",
    "build_model": "networks.architectures",
    "check_method": "api",
    "gradcam": "methods.gradcam",
    "gradient": "methods.gradient",
    "load_batch": "data.registry",
    "load_biased_pair": "networks.twins.biased",
    "load_checkpoint": "networks.checkpoints",
    "load_twin": "networks.twins.memorized",
    "plot_maps": "reports.plots.maps",
    "plot_results": "reports.plots.results",
    "resolve_method": "methods.resolve",
    "smoothgrad": "methods.smoothgrad",
    "spearman": "measuring.ranks",
    "src_profile": "api",
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
