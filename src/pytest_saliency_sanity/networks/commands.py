"""What ``checkpoints list | train | verify | clear`` do. Each prints, and returns the exit status."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

from ..foundation.devices import resolve_device
from ..foundation.errors import CheckpointError
from .presets.registry import PRESETS, Trained, trained_networks
from .storage.collection import Checked, Choice, Collection
from .training.claims import Measured


def list_checkpoints(options: Namespace) -> int:
    """Print the networks that there are, and where; 1 if one is damaged."""
    return sum(print_collection(trained, options) for trained in trained_networks().values()) > 0


def print_collection(trained: Trained, options: Namespace) -> int:
    """Print the networks of a family; return how many are damaged, 1 if all that is known of them is."""
    damaged = 0
    try:
        networks = opened(trained, options)
        print(f"{trained.name}, in {networks.folder}")
        for name, found in networks.listed():
            if isinstance(found, str):
                print(f"{name:16} {found}")
            elif isinstance(found, CheckpointError):
                damaged += print_checked(Checked(name, None, [str(found)]))
            else:
                print_checked(Checked(name, found.measured))
        for file, what in networks.unused():
            print(f"{file.name}: {what} (checkpoints clear deletes it)")
    except CheckpointError as error:
        print(f"  wrong: {error}")
        return 1
    return damaged


def train_checkpoints(options: Namespace) -> int:
    """Train the networks of a preset and print what they reach; 1 if that is not good enough."""
    networks = opened(trained_networks()[options.preset], options)
    device = resolve_device(options.device)
    return sum(map(print_checked, networks.train(chosen(options), device))) > 0


def verify_checkpoints(options: Namespace) -> int:
    """Print what the networks of a preset reach now, and what does not hold; 1 if anything does not, or is damaged.

    Of a preset with several families, as the one that is shipped, all are verified.
    """
    wrong = sum(map(print_checked, verified(options)))
    print(f"{wrong} claims do not hold or can't be measured" if wrong else "every claim holds", flush=True)
    return wrong > 0


def verified(options: Namespace) -> Iterator[Checked]:
    """Yield what is measured again of the networks that the options mean."""
    for preset in PRESETS.all().values():
        if options.preset in [trained.name for trained in preset.trained]:
            families = {trained.name: opened(trained, options) for trained in preset.trained}
            having = [name for name, each in families.items() if options.network in (None, *each.family.networks)]
            for name in having or [options.preset]:
                choice = chosen(options)
                if name != options.preset:  # which may have other labels
                    choice = replace(choice, kind=None)
                yield from families[name].verify(choice)


def clear_checkpoints(options: Namespace) -> int:
    """Delete what is in caches, other versions included; 1 if something is kept, as what is being trained."""
    kept = 0
    for trained in trained_networks().values():
        for file, why in opened(trained, options).clear():
            print(f"kept {file}: {why}" if why else f"deleted {file}", flush=True)
            kept += bool(why)
    return kept > 0


def opened(trained: Trained, options: Namespace) -> Collection:
    """Return the networks of a family, in the folder that the options name."""
    return trained.open(vars(options).get(trained.folder))


def chosen(options: Namespace) -> Choice:
    """Return which networks the options mean."""
    return Choice(options.network, options.labels)


def print_checked(checked: Checked) -> int:
    """Print what a network reaches and what is wrong with it; return how much is."""
    print(f"{checked.name:16} {reached(checked.measured)}", flush=True)
    for complaint in checked.complaints:
        print(f"  wrong: {complaint}")
    return len(checked.complaints)


def reached(measured: Measured | None) -> str:
    """Return what a network reaches, in words."""
    if measured is None:
        return "not measured"
    accuracies = (f"{name} {accuracy:.3f}" for name, accuracy in measured.accuracies.items())
    return "  ".join((*accuracies, f"parameters {measured.parameters:,}"))
