"""captum (https://captum.ai): ``captum:IntegratedGradients?n_steps=20``, ``captum:LayerGradCam:features.10``.

The keywords of a spec go to the class and to its ``attribute``. Signs are kept: captum's ``Saliency`` returns
magnitudes by default, here it does not. Baselines are 0 by default; a number stands for an image filled with it.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import nn

from ...foundation.inference import max_rows
from ...foundation.specs import Spec
from .library import LibraryMethod, as_tensor_like, parameters_of, split_keywords
from .offered import LAST_LAYER, UNFIT, Calls, class_named, classes_in

MODEL = ("self", "model", "forward_func")
GIVEN = ("self", "inputs", "target", "return_convergence_delta", "show_progress", "additional_forward_args", "kwargs")
DEFAULTS: dict[str, bool | int] = {"abs": False, "baselines": 0}
# Without it, captum holds the whole batch times all steps in memory.
BATCHED = "internal_batch_size"
# By default one perturbed image at a time goes through the model.
AT_A_TIME = "perturbations_per_eval"
BLACK = "attribute(images, baselines=0 * images, target=targets)  # or with images of yours as baselines"
CALLS: Calls = {
    "DeepLiftShap": (f"return DeepLiftShap(model).{BLACK}",),
    "LayerDeepLiftShap": ("import torch", LAST_LAYER, f"return LayerDeepLiftShap(model, layer).{BLACK}"),
    "NoiseTunnel": (
        "from captum.attr import Saliency",
        "return NoiseTunnel(Saliency(model)).attribute(images, target=targets)",
    ),
}


def make(spec: Spec) -> LibraryMethod:
    """Return the saliency method of a class of ``captum.attr``. Raises ValueError if the spec does not fit."""
    cls = class_named(spec, classes_in("captum.attr", explains_images), "captum", CALLS, why_not)
    of_class = parameters_of(cls.__init__, (*MODEL, "layer", "device_ids"))
    of_call = parameters_of(cls.attribute, GIVEN)
    uses_layer = "layer" in signature(cls).parameters
    defaults = {name: value for name, value in DEFAULTS.items() if name in of_call}
    complete = Spec(spec.text, spec.name, spec.attribute, spec.layer, defaults | dict(spec.keywords))
    for_call, for_class = split_keywords(complete, of_call, of_class)
    takes_target = "target" in signature(cls.attribute).parameters

    def explain(model: nn.Module, layer: nn.Module | None, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        explainer = cls(model, layer, **for_class) if uses_layer else cls(model, **for_class)
        call: dict[str, Any] = dict(for_call)
        if "baselines" in call:
            call["baselines"] = as_tensor_like(call["baselines"], images)
        if BATCHED in of_call:
            call.setdefault(BATCHED, max(len(images), max_rows(images)))
        if AT_A_TIME in of_call:
            call.setdefault(AT_A_TIME, max(1, max_rows(images) // len(images)))
        if takes_target:
            call["target"] = targets
        attributions = explainer.attribute(images.requires_grad_(), **call)
        return attributions if isinstance(attributions, torch.Tensor) else attributions[0]

    return LibraryMethod(spec, explain, uses_layer)


def explains_images(cls: Any) -> bool:
    """Return whether a class explains a model's images, without building on another method or explaining a neuron."""
    if not hasattr(cls, "attribute"):
        return False
    needed = [name for name in list(signature(cls).parameters)[:1] if name in MODEL]
    return bool(needed) and "inputs" in signature(cls.attribute).parameters and why_not(cls) == UNFIT


def why_not(cls: type) -> str:
    """Return the reason why a class is not offered, if it has one of its own."""
    if cls.__name__.startswith("Neuron"):
        return "it explains a neuron, not a class"
    if cls.__name__.endswith("DeepLiftShap"):
        return "it needs many baselines for each image"
    if cls.__name__.endswith("FeaturePermutation"):
        return "it shuffles pixels among the images of a batch, so a map depends on the other images"
    return UNFIT
