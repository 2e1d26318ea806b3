"""``python -m pytest_saliency_sanity checkpoints train|verify``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .checkpoints import PRESETS
from .errors import CheckpointError

BIAS_PRESET = "bias"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status: 0, or 1 where a checkpoint is missing, damaged or not what it claims."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "verify":
            return verify()
        return train_bias_networks(options.output) if options.preset == BIAS_PRESET else train(options.output)
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted: checkpoints that were finished are saved, the others are as before", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="python -m pytest_saliency_sanity", description=__doc__)
    checkpoints = top.add_subparsers(required=True, metavar="checkpoints").add_parser("checkpoints")
    commands = checkpoints.add_subparsers(dest="command", required=True)
    trains = commands.add_parser("train", help="train every network of a preset again")
    trains.add_argument("--output", type=Path, default=None, help="a folder (default: the package's own)")
    verifies = commands.add_parser("verify", help="measure every claim of the manifest again")
    for command in (trains, verifies):
        command.add_argument("--preset", choices=(*PRESETS, BIAS_PRESET), default=PRESETS[0])
    return top


def train(output: Path | None) -> int:
    """Train the embedded checkpoints and print what they reach."""
    from .checkpoints.embedded_preset import complaints, train_embedded
    from .checkpoints.store import EMBEDDED

    wrong = 0
    for claims in train_embedded(output or EMBEDDED):
        wrong += _print_checkpoint(f"{claims['network']}-{claims['labels']}", claims, complaints(claims, claims))
    return 1 if wrong else 0


def train_bias_networks(output: Path | None) -> int:
    """Train the networks of the bias scenario and print what they reach."""
    from .checkpoints.bias import BIAS
    from .checkpoints.bias_preset import bias_complaints, train_bias

    wrong = 0
    for claims in train_bias(output or BIAS):
        wrong += _print_bias_network(f"{claims['network']}-{claims['labels']}", claims, bias_complaints(claims, claims))
    return 1 if wrong else 0


def verify() -> int:
    """Print what the shipped checkpoints reach now, and what does not hold."""
    from .checkpoints.bias_preset import verify_bias
    from .checkpoints.embedded_preset import verify_embedded

    wrong = 0
    for name, now, found in verify_embedded():
        wrong += _print_checkpoint(name, now, found)
    for name, now, found in verify_bias():
        wrong += _print_bias_network(name, now, found)
    print("every claim holds" if not wrong else f"{wrong} of the manifest's claims do not hold", flush=True)
    return 1 if wrong else 0


def _print_checkpoint(name: str, claims: dict[str, object], found: list[str]) -> int:
    print(
        f"{name:16} training {claims['training_accuracy']:.3f}  held out {claims['held_out_accuracy']:.3f}"
        f"  parameters {claims['parameters']:,}"
    )
    for complaint in found:
        print(f"  wrong: {complaint}")
    return len(found)


def _print_bias_network(name: str, claims: dict[str, object], found: list[str]) -> int:
    print(
        f"{name:16} validation {claims['validation_accuracy']:.3f}  counter-stereotypes "
        f"{claims['counter_accuracy']:.3f}  parameters {claims['parameters']:,}"
    )
    for complaint in found:
        print(f"  wrong: {complaint}")
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
