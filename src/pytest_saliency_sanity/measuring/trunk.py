"""Shares work between the stages of a cascade.

Layers that are executed before the first randomised one compute the same at every stage. So their outputs are recorded
once, with their graph if gradients are wanted, and given in their place. A method gets the same maps, bit for bit, if
it only runs the model forward and backward, on inputs that do not depend on weights: one marked by
``methods.protocol.plain_passes``. Any other method takes the plain path: its hooks or rules would miss what is left
out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from ..foundation.copying import copied

Use = tuple[str, int]  # a module's name, and how often it was called before in the pass


@dataclass
class Output:
    """What a module returned: ``place`` counts the calls of all modules in the pass.

    ``straight``: whether it went to the next module as it was. ``version``: that of the tensor, which is another one if
    something changed it in place.
    """

    place: int
    tensor: torch.Tensor
    straight: bool = False
    version: int = 0

    @property
    def is_intact(self) -> bool:
        """Whether nothing changed it in place, but for the next module, in whose place the recording stands as well."""
        return self.straight or self.tensor._version == self.version


@dataclass
class Recording:
    """A pass of the trained model: what was given to it, and what each of its modules returned."""

    given: torch.Tensor
    outputs: dict[Use, Output] = field(default_factory=dict)

    def place_of(self, module: str | None) -> int:
        """Return the place of a module's first call; 0, before which nothing comes, if it was not called.

        The place of no module is the end.
        """
        if module is None:
            return len(self.outputs) + 1
        found = self.outputs.get((module, 0))
        return found.place if found else 0

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing was changed in place since it was recorded."""
        return all(output.tensor._version == output.version for output in self.outputs.values())

    @property
    def size(self) -> int:
        """How many bytes it holds, not counting what its graph needs besides."""
        tensors = {output.tensor.data_ptr(): output.tensor.nbytes for output in self.outputs.values()}
        return self.given.nbytes + sum(tensors.values())


class Trunk:
    """What the modules of ``model``, as it was trained, return in the passes of a method.

    ``room``: how many bytes may be recorded; passes beyond that are not shared. ``spoiled``: whether a recording was
    changed in place, so that maps drawn with it are wrong.
    """

    def __init__(self, model: nn.Module, room: int) -> None:
        # Its parameters need no gradients, so that the graphs keep less.
        self.model = sharing_weights(model).eval()
        self.room = room
        self.spoiled = False
        self._passes: dict[tuple[int, int], list[Recording | None]] = {}
        self._copied: set[Use] = set()

    def shared_with(
        self, model: nn.Module, first: str | None, images: tuple[int, int], explain: Callable[[nn.Module], torch.Tensor]
    ) -> torch.Tensor:
        """Return what ``explain`` returns for a model, whose modules before the module ``first`` are as they were.

        ``first``: None if all modules are. ``images``: which of the images are explained, from and to.
        """
        if not self.spoiled:
            with self._replayed(model, first, images):
                maps = explain(model)
            if not self.spoiled:
                return maps
        return explain(model)

    @contextmanager
    def _replayed(self, model: nn.Module, first: str | None, images: tuple[int, int]) -> Iterator[None]:
        passes = self._passes.setdefault(images, [])
        replay = _Replay(partial(self._recording, passes), first)
        handle = model.register_forward_pre_hook(replay.begin)
        patched = [(module, vars(module).get("forward")) for module in leaves(model).values()]
        for name, module in leaves(model).items():
            module.forward = replay.instead_of(name, module.forward)
        try:
            yield
        finally:
            handle.remove()
            for module, own in patched:
                del module.forward
                if own is not None:
                    module.forward = own
            self.spoiled |= not all(each.is_unchanged for each in passes if each)

    def _recording(self, passes: list[Recording | None], index: int, given: torch.Tensor) -> Recording | None:
        """Return the recording of a pass; None if there is no room for it, or the pass is given something else."""
        if index == len(passes):
            passes.append(self._recorded(given) if self.room > 0 else None)
        found = passes[index]
        if found is None or found.given.requires_grad != wants_gradients(given):
            return None
        return found if torch.equal(found.given, given) else None

    def _recorded(self, given: torch.Tensor) -> Recording | None:
        recording = self._record(given)
        changed = {use for use, output in recording.outputs.items() if not output.is_intact}
        if changed - self._copied:
            self._copied |= changed  # something besides modules changes them in place, as in `out += identity`
            recording = self._record(given)
        intact = all(output.is_intact for output in recording.outputs.values())
        for output in recording.outputs.values():
            output.version = output.tensor._version
        self.room -= recording.size
        return recording if intact and self.room >= 0 else None

    def _record(self, given: torch.Tensor) -> Recording:
        recording = Recording(given.detach().clone().requires_grad_(wants_gradients(given)))
        calls: Counter[str] = Counter()
        before: list[tuple[Output, torch.Tensor, int]] = []  # the last output, what was passed on, and its version

        def enter(_: nn.Module, arguments: tuple[Any, ...]) -> None:
            for output, passed_on, version in before:
                output.straight = bool(arguments) and arguments[0] is passed_on and passed_on._version == version
            before.clear()

        def note(name: str) -> Callable[..., Any]:
            def hook(_: nn.Module, __: Any, output: Any) -> Any:
                use = name, calls[name]
                calls[name] += 1
                if not isinstance(output, torch.Tensor):
                    return None
                returned = output.clone() if use in self._copied else output
                recording.outputs[use] = Output(len(recording.outputs) + 1, output, version=output._version)
                before[:] = [(recording.outputs[use], returned, returned._version)]
                return returned

            return hook

        modules = leaves(self.model).items()
        handles = [module.register_forward_hook(note(name)) for name, module in modules]
        handles += [module.register_forward_pre_hook(enter) for _, module in modules]
        try:
            with torch.set_grad_enabled(recording.given.requires_grad):
                self.model(recording.given.clone() if recording.given.requires_grad else recording.given)
        finally:
            for handle in handles:
                handle.remove()
        return recording


class _Replay:
    """The passes of a stage's model, one after the other."""

    def __init__(self, find: Callable[[int, torch.Tensor], Recording | None], first: str | None) -> None:
        self.find = find
        self.first = first
        self.passes = 0
        self.recording: Recording | None = None
        self.given: torch.Tensor | None = None
        self.calls: Counter[str] = Counter()
        self.until = 0

    def begin(self, _: nn.Module, arguments: tuple[Any, ...]) -> None:
        """Begin a pass."""
        self.given = arguments[0] if len(arguments) == 1 else None
        self.recording = None if self.given is None else self.find(self.passes, self.given)
        self.until = self.recording.place_of(self.first) if self.recording else 0
        self.passes += 1
        self.calls.clear()

    def instead_of(self, name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        """Return what a module does in place of its own forward pass."""

        def replayed(*arguments: Any, **keywords: Any) -> Any:
            use = name, self.calls[name]
            self.calls[name] += 1
            output = self.recording.outputs.get(use) if self.recording else None
            if self.recording and not self.recording.given.requires_grad and any(map(is_differentiated, arguments)):
                self.until = 0  # the method differentiates with respect to what a layer before returned, as Grad-CAM
            if output is None or output.place >= self.until:
                return forward(*arguments, **keywords)
            assert self.recording is not None
            if self.recording.given.requires_grad and output.tensor.requires_grad:
                values = _Resumed.apply(self.given, output.tensor, self.recording.given)
            else:
                values = output.tensor.detach()
            return values if output.straight else values.clone()

        return replayed


class _Resumed(torch.autograd.Function):
    """Stands for all that leads from an input to a recorded output; its gradient goes through the recorded graph."""

    @staticmethod
    def forward(context: Any, given: torch.Tensor, output: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor:
        context.output, context.leaf = output, leaf
        return output.detach()

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> Any:
        (found,) = torch.autograd.grad(context.output, context.leaf, gradients[0], retain_graph=True)
        return found, None, None


def sharing_weights(model: nn.Module) -> nn.Module:
    """Return a copy of a model with the same tensors as parameters and buffers, which require no gradients."""
    parameters = {id(each): nn.Parameter(each.detach(), requires_grad=False) for each in model.parameters()}
    return copied(model, {**parameters, **{id(each): each for each in model.buffers()}})


def leaves(model: nn.Module) -> dict[str, nn.Module]:
    """Return the modules without children, each under one name."""
    return {
        name: module
        for name, module in model.named_modules()
        if name and not any(module.children()) and not isinstance(module, torch.jit.ScriptModule)
    }


def is_differentiated(argument: object) -> bool:
    """Return whether a tensor is part of a graph."""
    return isinstance(argument, torch.Tensor) and argument.requires_grad


def wants_gradients(given: torch.Tensor) -> bool:
    """Return whether a pass that is given this tensor is differentiated with respect to it."""
    return given.requires_grad and torch.is_grad_enabled()
