"""The presets that exist: which trained networks the names mean, and what they look at. Standard library only.

A preset is registered by an object of the class ``Preset``, which holds import paths of what does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...foundation.imports import import_attribute
from ...foundation.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from ..storage.collection import Collection
    from .protocol import PresetNetworks

# What the checks of this package need beyond a method, a network and images, and the shipped presets supply.
MEMORIZED_MODEL, BIAS_SCENARIO, SCENES = "memorized_model", "bias_scenario", "scenes"


@dataclass(frozen=True)
class Trained:
    """A family of networks that ``python -m pytest_saliency_sanity checkpoints`` lists, trains and verifies.

    ``collection``: import path of a function that is called with the folder, or None for the usual one. ``folder``: the
    option of the command line that names the folder: ``"output"`` for networks that a package ships, ``"cache_dir"``
    for those that are kept on the user's machine.
    """

    name: str
    collection: str
    folder: str

    def open(self, folder: Path | None = None) -> Collection:
        """Return the networks in a folder, by default the usual one."""
        collection: Collection = import_attribute(self.collection)(folder)
        return collection


@dataclass(frozen=True)
class Preset:
    """A preset: trained networks by name, and the images that they look at.

    ``networks``: the names that it knows. ``description``: the networks in words, ``images``: the images in words.
    ``make``: a class or function that is called with the options and returns ``PresetNetworks``, or its import path.
    ``needs``: what it supplies beyond networks and images, as in ``"memorized_model"``; ``only``: to which networks, if
    not to all, as in ``{"scenes": ("resnet",)}``. ``options``: which of
    ``"cache_dir"``, ``"data"`` and ``"weights"`` it takes. ``trained``: the networks of it that can be trained anew.
    ``most_images``: how many images are loaded if more and more of them are looked at until an answer is sure.
    """

    name: str
    networks: tuple[str, ...]
    description: str
    images: str
    make: str | Callable[..., PresetNetworks]
    needs: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    trained: tuple[Trained, ...] = ()
    most_images: int = 640

    def lacking(self, network: str) -> tuple[str, ...]:
        """Return what is supplied to others of its networks, but not to this one."""
        return tuple(need for need, networks in self.only.items() if network not in networks)

    def open(self, **options: object) -> PresetNetworks:
        """Return the networks and images of the preset. An option that is None counts as not given.

        Raises ValueError for an option that the preset does not take.
        """
        given = {name: value for name, value in options.items() if value is not None}
        for option in given:
            if option not in self.options:
                allowed = f"of {', '.join(presets_with(option)) or 'no preset'}"
                raise ValueError(f"the preset {self.name} takes no {option}: that is an option {allowed}")
        make = import_attribute(self.make) if isinstance(self.make, str) else self.make
        networks: PresetNetworks = make(**given)
        return networks


PRESETS = Registry(
    "preset",
    Preset,
    "saliency_sanity.presets",
    (
        "pytest_saliency_sanity.networks.presets.embedded:PRESET",
        "pytest_saliency_sanity.networks.presets.paper:PRESET",
        "pytest_saliency_sanity.networks.presets.imagenet:PRESET",
    ),
)


def presets_with(option: str) -> list[str]:
    """Return the names of the presets that take an option."""
    return [preset.name for preset in PRESETS.all().values() if option in preset.options]


def open_preset(preset: PresetNetworks | str, **options: object) -> PresetNetworks:
    """Return the networks and images of a preset by name, or those that are given.

    Raises ValueError for an unknown name, an option that the preset does not take, or options beside an open preset.
    """
    if isinstance(preset, str):
        return PRESETS.named(preset).open(**options)
    if given := [name for name, value in options.items() if value is not None]:
        raise ValueError(f"the preset {preset.name} is open already: it takes no {', '.join(given)}")
    return preset


def trained_networks() -> dict[str, Trained]:
    """Return by name all families of networks that the command line trains."""
    return {trained.name: trained for preset in PRESETS.all().values() for trained in preset.trained}
