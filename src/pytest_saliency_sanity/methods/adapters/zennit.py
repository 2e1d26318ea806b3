"""zennit (https://github.com/chr5tphr/zennit): ``zennit:EpsilonPlusFlat`` or ``zennit:SmoothGrad?noise_level=0.2``.

A composite (rules of layer-wise relevance propagation) modifies the gradient; an attributor is a method of its own.
Both are made anew for every model. A number given for ``low`` or ``high`` stands for an image filled with it.
"""

from __future__ import annotations

import torch
from torch import nn

from ...foundation.specs import Spec
from .library import LibraryMethod, as_tensor_like, parameters_of, split_keywords
from .offered import class_named

GIVEN = ("self", "model", "composite", "attr_output", "create_graph", "retain_graph", "canonizers")
IMAGES = ("low", "high")


def make(spec: Spec) -> LibraryMethod:
    """Return the saliency method of a composite or an attributor of zennit. Raises ValueError for any other."""
    from zennit.attribution import Attributor, Gradient
    from zennit.composites import COMPOSITES

    composites = {cls.__name__: cls for cls in COMPOSITES.values()}
    attributors = {cls.__name__: cls for cls in Attributor.__subclasses__() + Gradient.__subclasses__()}
    offered = {**composites, **attributors}
    cls = class_named(spec, offered, "zennit", {})
    (keywords,) = split_keywords(spec, parameters_of(cls.__init__, GIVEN))

    def explain(model: nn.Module, layer: nn.Module | None, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        own = {name: as_tensor_like(value, images) if name in IMAGES else value for name, value in keywords.items()}
        attributor = Gradient(model, composite=cls(**own)) if spec.attribute in composites else cls(model, **own)
        with torch.no_grad():
            one_hot = torch.zeros_like(model(images))
        one_hot.scatter_(1, targets[:, None], 1)
        # Gradients take the output's gradient, a one-hot row; Occlusion takes a function of the output: the score.
        wanted = (lambda output: output * one_hot) if spec.attribute == "Occlusion" else one_hot
        with attributor:
            _, relevance = attributor(images, wanted)
        return relevance  # type: ignore[no-any-return]

    return LibraryMethod(spec, explain)
