"""Records the activations of a layer and their gradients, however the network is written.

What a hook on a convolution sees depends on how the network applies its activation functions: a reference to the output
shows the values after an in-place ReLU, but before any other. So values are copied as soon as they are computed, and
gradients are those of exactly these values.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..foundation.errors import unknown_name

# Functions that act on each value or channel separately, so that their output still is "the activations" of the layer.
# Sigmoid, tanh and softplus are left out: in x * sigmoid(x) they are a gate on x, and the gate is not the activation.
FOLLOWED = frozenset(
    {
        *("relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish"),
        *("batch_norm", "instance_norm", "group_norm", "layer_norm"),
    }
)


def named_layer(model: nn.Module, name: str) -> nn.Module:
    """Return a module by its name. Raises ValueError, with near matches, if there is none."""
    modules: dict[str, nn.Module] = dict(model.named_modules())
    if name not in modules or not name:
        raise unknown_name("layer", name, [each for each in modules if each])
    return modules[name]


def last_convolution(model: nn.Module, image: torch.Tensor) -> nn.Module:
    """Return the last convolution executed on ``image`` ``(1, C, H, W)`` whose output has more than one position.

    Raises ValueError if the model has none.
    """
    with ExecutedConvolutions(model) as executed, torch.no_grad():
        model(image.clone())
    return executed.last


class ExecutedConvolutions:
    """Notes which convolutions of a model are executed in this context and have outputs with more than one position."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.all: list[nn.Module] = [
            module for module in model.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        ]
        self.executed: list[nn.Module] = []

    def __enter__(self) -> ExecutedConvolutions:
        self._hooks = [module.register_forward_hook(self._note) for module in self.all]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    @property
    def likely_last(self) -> nn.Module:
        """The convolution that was registered last: mostly, it is executed last. Raises ValueError if there is none."""
        return self._last_of(self.all)

    @property
    def last(self) -> nn.Module:
        """The one executed last. Raises ValueError if there is none."""
        return self._last_of(self.executed)

    def _last_of(self, convolutions: list[nn.Module]) -> nn.Module:
        if not convolutions:
            raise ValueError(
                f"{type(self.model).__name__} has no convolution with more than one position: name a layer"
            )
        return convolutions[-1]

    def _note(self, module: nn.Module, _: Any, output: torch.Tensor) -> None:
        if output.ndim == 4 and output[0, 0].numel() > 1:
            self.executed.append(module)


class LayerActivations(TorchFunctionMode):
    """Records the output of ``layer`` in this context; with ``follow``, after the functions that directly follow it.

    Those are the functions in ``FOLLOWED``. If a layer is used more than once, its last use counts. The graph below the
    layer is cut off, so no gradient is computed there, and frozen parameters do not matter.
    """

    def __init__(self, layer: nn.Module, *, follow: bool) -> None:
        super().__init__()
        self.layer = layer
        self.follow = follow
        self._current: torch.Tensor | None = None
        self._version = 0
        self._values: torch.Tensor | None = None
        self._gradients: torch.Tensor | None = None
        self._start: torch.Tensor | None = None

    def __enter__(self) -> LayerActivations:
        self._hook = self.layer.register_forward_hook(self._begin)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]
        self._hook.remove()
        # Its hook refers to this object. If this object referred to it, too, the graph would never be freed: Python's
        # collector does not see the part of such a circle that lies in PyTorch.
        self._current = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the function; record its output if it directly follows the layer."""
        follows = self.follow and args and self._is_current(args[0]) and name_of(func) in FOLLOWED
        result = func(*args, **(kwargs or {}))
        if follows:
            self._record(result)
        return result

    @property
    def values(self) -> torch.Tensor:
        """The activations ``(N, K, h, w)``, detached. Raises ValueError if the layer was not reached."""
        if self._values is None:
            raise ValueError(f"the layer {self.layer} is never executed: name another")
        return self._values

    def gradients(self, score: torch.Tensor) -> torch.Tensor:
        """Return the gradient of a scalar score with respect to the activations, ``(N, K, h, w)``."""
        assert self._start is not None
        torch.autograd.grad(score, self._start)
        assert self._gradients is not None
        return self._gradients

    def _begin(self, layer: nn.Module, _: Any, output: Any) -> torch.Tensor:
        if not (isinstance(output, torch.Tensor) and output.ndim == 4):
            shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
            raise ValueError(f"a layer for Grad-CAM must have the output (N, K, h, w); {layer} returns {shape}")
        self._start = output.detach().requires_grad_()
        downstream = self._start.clone()  # a leaf can't be changed in place, but its copy can
        self._record(downstream)
        return downstream

    def _is_current(self, tensor: object) -> bool:
        """Return whether this is the tensor recorded last, not changed in place since."""
        return tensor is self._current and self._current is not None and self._current._version == self._version

    def _record(self, tensor: torch.Tensor) -> None:
        self._current, self._version = tensor, tensor._version
        self._values = tensor.detach().clone()
        # A tensor's hook gets the gradient of the values at registration, even if they are changed in place later.
        tensor.register_hook(self._keep(self._values))

    def _keep(self, values: torch.Tensor) -> Any:
        def keep(gradient: torch.Tensor) -> None:
            if values is self._values:
                self._gradients = gradient.detach()

        return keep


def name_of(func: Any) -> str:
    """Return the name of a torch function; its in-place form has the same name."""
    return str(getattr(func, "__name__", "")).rstrip("_")
