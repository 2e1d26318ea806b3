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
from torch.overrides import TorchFunctionMode

from ..foundation.copying import copied
from ..foundation.workload import GRAPH

Use = tuple[str, int]  # a module's name, and how often it was called before in the pass


@dataclass
class Output:
    """What a module returned: ``place`` counts the outputs of the pass.

    ``version``: that of the tensor, which is another one if something changed it in place. ``is_copied``: whether
    something does so in every pass, which therefore gets a copy.
    """

    place: int
    tensor: torch.Tensor
    version: int
    is_copied: bool

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing changed it in place since it was recorded."""
        return self.tensor._version == self.version


@dataclass
class Recording:
    """A pass of the trained model: what was given to it, and what its modules returned.

    Not what shares memory with what the module was given, as the outputs of in-place activation functions and of
    reshapings do: such modules cost next to nothing, and are run, so that whoever holds the same memory sees what they
    do to it. ``used``: by module, the place of the first output that its weights can have an effect on.
    """

    given: torch.Tensor
    outputs: dict[Use, Output] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)

    def place_of(self, module: str | None) -> int:
        """Return the first place that depends on a module's weights; 0, before which nothing comes, if none is known.

        Others may use its weights before it is called. The place of no module is the end.
        """
        if module is None:
            return len(self.outputs) + 1
        found = self.outputs.get((module, 0))
        places = [*([found.place] if found else []), *([self.used[module]] if module in self.used else [])]
        return min(places, default=0)

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing was changed in place since it was recorded."""
        return all(output.is_unchanged for output in self.outputs.values())

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        tensors = {output.tensor.data_ptr(): output.tensor.nbytes for output in self.outputs.values()}
        return self.given.nbytes + sum(tensors.values()) * (GRAPH if self.given.requires_grad else 1)


class Trunk:
    """What the modules of ``model``, as it was trained, return in the passes of a method.

    ``room``: how many bytes may be recorded; passes beyond that are not shared. ``spoiled``: whether a recording was
    changed in place, so that maps drawn with it are wrong.
    """

    def __init__(self, model: nn.Module, room: int) -> None:
        # Its parameters need no gradients, so that the graphs keep less.
        self.model: nn.Module = sharing_weights(model).eval()
        self.room: int = room
        self.spoiled: bool = False
        self._passes: dict[tuple[int, int], list[Recording | None]] = {}
        self._copied: set[Use] = set()
        self._tried = False
        self._size_of_one = 0  # of a recording, in bytes

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
        try:
            with in_place_of_forward(model, replay.instead_of):
                yield
        finally:
            handle.remove()
            self.spoiled |= not all(each.is_unchanged for each in passes if each)
        if sum(each is not None for each in passes) * 2 < len(passes):  # too few to be worth their room
            passes[:] = [None] * len(passes)
            self.room = 0

    def _recording(self, passes: list[Recording | None], index: int, given: torch.Tensor) -> Recording | None:
        """Return the recording of a pass; None if there is no room for it, or the pass is given something else."""
        if index == len(passes):
            passes.append(self._recorded(given) if self.room > 0 else None)
        found = passes[index]
        if found is None or found.given.requires_grad != wants_gradients(given):
            return None
        return found if torch.equal(found.given, given) else None

    def _recorded(self, given: torch.Tensor) -> Recording | None:
        if not self._tried:  # on one image: which outputs are changed in place does not depend on how many there are
            self._tried = True
            one = self._record(given[:1])
            # By in-place activation functions, or as in `out += identity`.
            self._copied = {use for use, output in one.outputs.items() if not output.is_unchanged}
            self._size_of_one = one.size
        if self._size_of_one * len(given) > self.room:
            return None
        recording = self._record(given)
        self.room -= recording.size
        return recording if recording.is_unchanged and self.room >= 0 else None

    def _record(self, given: torch.Tensor) -> Recording:
        recording = Recording(given.detach().clone().requires_grad_(wants_gradients(given)))
        calls: Counter[str] = Counter()

        def instead_of(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
            def recorded(*arguments: Any, **keywords: Any) -> Any:
                use = name, calls[name]
                calls[name] += 1
                taken = [(each, each._version) for each in tensors_in((arguments, keywords))]
                output = forward(*arguments, **keywords)
                if not isinstance(output, torch.Tensor):
                    return output
                if any(shares_memory(output, each) or each._version != version for each, version in taken):
                    return output
                is_copied = use in self._copied
                place = len(recording.outputs) + 1
                recording.outputs[use] = Output(place, output, output._version, is_copied)
                return output.clone() if is_copied else output

            return recorded

        with (
            in_place_of_forward(self.model, instead_of),
            torch.set_grad_enabled(recording.given.requires_grad),
            _FirstUses(self.model, recording),
        ):
            self.model(recording.given.clone())  # it may change its input in place
        return recording


class _FirstUses(TorchFunctionMode):
    """Notes in a recording when the weights of each module are used first, by whichever module or function."""

    def __init__(self, model: nn.Module, recording: Recording) -> None:
        super().__init__()
        self.recording = recording
        self.owners: dict[int, list[str]] = {}
        for name, module in model.named_modules():
            for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                self.owners.setdefault(id(tensor), []).append(name)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note the weights among the arguments, and run the function."""
        for tensor in tensors_in((args, kwargs)):
            for name in self.owners.get(id(tensor), ()):
                self.recording.used.setdefault(name, len(self.recording.outputs) + 1)
        return func(*args, **(kwargs or {}))


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
            if self.recording and not self.recording.given.requires_grad and is_differentiated((arguments, keywords)):
                self.until = 0  # the method differentiates with respect to what a layer before returned, as Grad-CAM
            if output is None or output.place >= self.until:
                return forward(*arguments, **keywords)
            assert self.recording is not None
            if self.recording.given.requires_grad and output.tensor.requires_grad:
                values = _Resumed.apply(self.given, output.tensor, self.recording.given)
            else:
                values = output.tensor.detach()
            return values.clone() if output.is_copied else values

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


@contextmanager
def in_place_of_forward(model: nn.Module, instead_of: Callable[[str, Callable[..., Any]], Any]) -> Iterator[None]:
    """Let each leaf do, within the context, what ``instead_of`` returns for its name and its own forward pass."""
    patched = [(module, vars(module).get("forward")) for module in leaves(model).values()]
    for name, module in leaves(model).items():
        module.forward = instead_of(name, module.forward)
    try:
        yield
    finally:
        for module, own in patched:
            del module.forward
            if own is not None:
                module.forward = own


def tensors_in(values: object) -> Iterator[torch.Tensor]:
    """Yield the tensors of nested lists, tuples and dictionaries."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, list | tuple | dict):
        for each in values.values() if isinstance(values, dict) else values:
            yield from tensors_in(each)


def shares_memory(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Return whether two tensors lie in the same memory, if not at the same place of it."""
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def is_differentiated(values: object) -> bool:
    """Return whether any tensor of nested lists, tuples and dictionaries is part of a graph."""
    return any(each.requires_grad for each in tensors_in(values))


def wants_gradients(given: torch.Tensor) -> bool:
    """Return whether a pass that is given this tensor is differentiated with respect to it."""
    return given.requires_grad and torch.is_grad_enabled()
