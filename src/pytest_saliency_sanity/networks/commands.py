"""What ``checkpoints list | train | verify | clear`` do. Each prints, and returns the exit status."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

from ..foundation.devices import resolve_device
from .presets.registry import PRESETS, Trained, trained_networks
from .storage.collection import Checked, Choice, Collection


def list_checkpoints(options: Namespace) -> int:
    """Print the networks that there are, and where."""
    for trained in trained_networks().values():
        networks = opened(trained, options)
        print(f"{trained.name}, in {networks.folder}")
        for name, claims in networks.listed():
            if isinstance(claims, str):
                print(f"{name:16} {claims}")
            else:
                print_checked(Checked(name, claims.measured))
        for file in networks.unused():
            print(f"{file.name}: of another version, not used (checkpoints clear deletes it)")
    return 0


def train_checkpoints(options: Namespace) -> int:
    """Train the networks of a preset and print what they reach; 1 if that is not good enough."""
    networks = opened(trained_networks()[options.preset], options)
    device = resolve_device(options.device)
    return sum(map(print_checked, networks.train(chosen(options), device))) > 0


def verify_checkpoints(options: Namespace) -> int:
    """Print what the networks of a preset reach now, and what does not hold; 1 if anything does not.

    Of a preset with several families, as the one that is shipped, all are verified.
    """
    wrong = sum(map(print_checked, verified(options)))
    print(f"{wrong} claims do not hold" if wrong else "every claim holds", flush=True)
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
    """Delete what is in caches, other versions included; 1 if something is kept because it is being trained."""
    kept = 0
    for trained in trained_networks().values():
        for file, gone in opened(trained, options).clear():
            print(f"deleted {file}" if gone else f"kept {file}: it is being trained", flush=True)
            kept += not gone
    return kept > 0


def opened(trained: Trained, options: Namespace) -> Collection:
    """Return the networks of a family, in the folder that the options name."""
    return trained.open(vars(options).get(trained.folder))


def chosen(options: Namespace) -> Choice:
    """Return which networks the options mean."""
    return Choice(options.network, options.labels)


def print_checked(checked: Checked) -> int:
    """Print what a network reaches and what is wrong with it; return how much is."""
    accuracies = "  ".join(f"{name} {accuracy:.3f}" for name, accuracy in checked.measured.accuracies.items())
    print(f"{checked.name:16} {accuracies}  parameters {checked.measured.parameters:,}", flush=True)
    for complaint in checked.complaints:
        print(f"  wrong: {complaint}")
    return len(checked.complaints)
