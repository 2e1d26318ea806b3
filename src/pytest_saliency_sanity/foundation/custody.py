"""Keeps what belongs to the whole process: torch's settings, its functions, and hooks on all modules.

What one saliency method leaves behind there changes the numbers of the next one, which did nothing wrong. So every call
of a method is made in custody: what it changed is put back, and named, so that the right method is blamed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import isclass
from itertools import chain
from operator import is_, methodcaller
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules import module as hooks_of_all


class Switch(NamedTuple):
    """A global setting: how to read it, and how to set it."""

    name: str
    read: Callable[[], Any]
    set: Callable[[Any], object]


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)  # None: without a slow mode around every call
    try:
        torch.get_default_device()
    except AttributeError:  # as PyTorch 2.5 and 2.6 do after None
        torch.set_default_device(device)


def _set_deterministic(values: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(values[0], warn_only=values[1])


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _cudnn() -> tuple[bool, bool, bool]:
    return torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic


def _set_cudnn(values: tuple[bool, bool, bool]) -> None:
    torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = values


def _set_inference(mode: bool) -> None:
    _ENTERED.append(torch.inference_mode(mode))  # kept, since the mode would end with the object
    _ENTERED[-1].__enter__()


_ENTERED: list[torch.inference_mode] = []
SWITCHES = (
    Switch("whether inference mode is on", torch.is_inference_mode_enabled, _set_inference),
    Switch("whether gradients are on", torch.is_grad_enabled, torch.set_grad_enabled),
    Switch("torch's default type", torch.get_default_dtype, torch.set_default_dtype),
    Switch("torch's default device", torch.get_default_device, _set_device),
    Switch("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    Switch("torch's deterministic mode", _deterministic, _set_deterministic),
    Switch("whether torch looks for anomalies", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    Switch("cuDNN's settings", _cudnn, _set_cudnn),
)
TORCH = str(Path(torch.__file__).parent)
MODULES = (torch, nn, nn.functional, torch.autograd)
CLASSES = (torch.Tensor, *dict.fromkeys(each for each in vars(nn).values() if isclass(each)))
OWNERS = (*MODULES, *CLASSES)
HELD = tuple(map(vars, OWNERS))  # always up to date
GLOBAL_HOOKS = {name: kept for name, kept in vars(hooks_of_all).items() if name.startswith("_global_")}


@contextmanager
def custody() -> Iterator[list[str]]:
    """Put back, at the end of the context, whatever was changed; the list given then says what it was.

    Exceptions of destructors are not shown, since whoever runs when they occur can do nothing about them.
    """
    changed: list[str] = []
    of_destructors = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    switches = [(switch, switch.read()) for switch in SWITCHES]
    hooks = {name: dict(kept) for name, kept in GLOBAL_HOOKS.items() if isinstance(kept, dict)}
    functions = _functions()
    try:
        yield changed
    finally:
        sys.unraisablehook = of_destructors
        for switch, before in switches:
            if (after := switch.read()) != before:
                changed.append(f"{switch.name} changed from {_shown(before)} to {_shown(after)}")
                switch.set(before)
        for name, kept_before in hooks.items():
            if (kept := GLOBAL_HOOKS[name]) != kept_before:
                changed.append(f"a hook on all modules ({name.removeprefix('_global_')})")
                kept.clear()
                kept.update(kept_before)
        if functions is not _functions():
            for owner, was in functions:
                changed += _put_back(owner, was)


Functions = list[tuple[Any, dict[str, Any]]]
_last: list[tuple[list[Any], Functions]] = []


def _functions() -> Functions:
    """Return what the modules and classes hold: the same object as the last time if nothing changed, to be fast."""
    values = list(chain.from_iterable(map(methodcaller("values"), HELD)))
    if not _last or len(values) != len(_last[0][0]) or not all(map(is_, values, _last[0][0])):
        _last[:] = [(values, [(owner, dict(vars(owner))) for owner in OWNERS])]
    return _last[0][1]


def _put_back(owner: Any, before: dict[str, Any]) -> list[str]:
    """Put back the functions of a module or class; return the names of those that had been replaced."""
    after: MappingProxyType[str, Any] | dict[str, Any] = vars(owner)
    if len(after) == len(before) and all(map(is_, before.values(), after.values())):
        return []
    replaced = {
        name: value
        for name, value in before.items()
        if callable(value) and after.get(name) is not value and not _is_torchs_own(name, after.get(name))
    }
    for name, value in replaced.items():
        setattr(owner, name, value)
    # A new name of a class can hide an inherited function; one of a module is mostly a part imported late.
    hiding = [name for name in [*after] if name not in before and isclass(owner) and _inherits(owner, name)]
    for name in hiding:
        delattr(owner, name)
    return [f"{_name_of(owner)}.{name}, which was replaced" for name in (*replaced, *hiding)]


def _is_torchs_own(name: str, function: object) -> bool:
    """Return whether torch itself wrapped a function under its name, as it does when its compiler is imported."""
    code = getattr(function, "__code__", None)
    return getattr(function, "__name__", "") == name and code is not None and code.co_filename.startswith(TORCH)


def _inherits(owner: type, name: str) -> bool:
    return any(name in vars(parent) for parent in owner.__mro__[1:])


def _name_of(owner: Any) -> str:
    if owner is torch.Tensor:
        return "torch.Tensor"
    return f"torch.nn.{owner.__name__}" if isclass(owner) else str(owner.__name__)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
