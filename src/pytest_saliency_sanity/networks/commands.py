"""What ``checkpoints list | train | verify | clear`` do. Each prints, and returns how much was wrong, if that."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from ..foundation.devices import resolve_device
from .presets import bias as bias_preset
from .presets import embedded as embedded_preset
from .presets import paper as paper_preset
from .presets.bias import bias_complaints
from .storage.bias import BIAS
from .storage.cache import Entry, cache_folder
from .storage.record import read_facts
from .storage.store import EMBEDDED, read_manifest
from .training.claims import complaints


def list_checkpoints(options: Namespace) -> None:
    """Print the networks that there are, and where."""
    print(f"embedded, in {EMBEDDED}")
    for name, claims in read_manifest()["checkpoints"].items():
        print_checkpoint(name, claims)
    print(f"bias, in {BIAS}")
    for name, claims in read_manifest(BIAS)["checkpoints"].items():
        print_bias_network(name, claims)
    entries = paper_preset.entries(options.cache_dir)
    print(f"paper, in {cache_folder(options.cache_dir)}")
    for entry in entries:
        claims = entry.claims()
        if claims:
            print_checkpoint(entry.name, claims)
        else:
            print(f"{entry.name:16} {state_of(entry)}")
    for file in paper_preset.foreign_files(entries):
        print(f"{file.name}: of another version, not used (checkpoints clear deletes it)")


def train_checkpoints(options: Namespace) -> int:
    """Train the networks of a preset and print what they reach."""
    if options.preset == "embedded":
        trained = embedded_preset.train_embedded(options.output or EMBEDDED)
        return sum(print_checkpoint(name_of(claims), claims, complaints(claims, claims)) for claims in trained) > 0
    if options.preset == "bias":
        biased = bias_preset.train_bias(options.output or BIAS)
        return sum(print_bias_network(name_of(each), each, bias_complaints(each, each)) for each in biased) > 0
    device = resolve_device(options.device)
    wrong = 0
    for entry in chosen(options):
        claims = paper_preset.train(entry, device)
        wrong += print_checkpoint(entry.name, claims, complaints(claims, claims, "paper"))
    return wrong > 0


def verify_checkpoints(options: Namespace) -> int:
    """Print what the networks of a preset reach now, and what does not hold."""
    if options.preset == "paper":
        wrong = sum(print_checkpoint(entry.name, *paper_preset.verify(entry)) for entry in chosen(options))
    else:  # all that is shipped
        wrong = sum(print_checkpoint(*found) for found in embedded_preset.verify_embedded())
        wrong += sum(print_bias_network(*found) for found in bias_preset.verify_bias())
    print(f"{wrong} claims do not hold" if wrong else "every claim holds", flush=True)
    return wrong > 0


def clear_checkpoints(options: Namespace) -> int:
    """Delete the networks of the paper from the cache, those of other versions included; not what is being trained."""
    kept = 0
    for file, gone in paper_preset.clear(cache_folder(options.cache_dir)):
        print(f"deleted {file}" if gone else f"kept {file}: it is being trained", flush=True)
        kept += not gone
    return kept > 0


def chosen(options: Namespace) -> Sequence[Entry]:
    """Return the networks of the paper that the options mean."""
    return [
        entry
        for entry in paper_preset.entries(options.cache_dir)
        if options.network in (None, entry.network) and options.labels in (None, entry.labels)
    ]


def state_of(entry: Entry) -> str:
    """Return how far a network is that has no claims yet."""
    if not entry.unfinished.exists():
        return "not trained yet"
    return f"unfinished, saved after epoch {len(read_facts(entry.unfinished)['history'])}"


def name_of(claims: Mapping[str, Any]) -> str:
    """Return how a checkpoint is called."""
    return f"{claims['network']}-{claims['labels']}"


def print_checkpoint(name: str, claims: Mapping[str, Any], found: Sequence[str] = ()) -> int:
    """Print what a network reaches and what is wrong with it; return how much is."""
    print(
        f"{name:16} training {claims['training_accuracy']:.3f}  held out {claims['held_out_accuracy']:.3f}"
        f"  parameters {claims['parameters']:,}",
        flush=True,
    )
    return print_complaints(found)


def print_bias_network(name: str, claims: Mapping[str, Any], found: Sequence[str] = ()) -> int:
    """Print what a network of the bias scenario reaches and what is wrong with it; return how much is."""
    print(
        f"{name:16} validation {claims['validation_accuracy']:.3f}  counter-stereotypes "
        f"{claims['counter_accuracy']:.3f}  parameters {claims['parameters']:,}",
        flush=True,
    )
    return print_complaints(found)


def print_complaints(found: Sequence[str]) -> int:
    """Print what is wrong with a network; return how much is."""
    for complaint in found:
        print(f"  wrong: {complaint}")
    return len(found)
