"""``python -m pytest_saliency_sanity checkpoints list|train|verify|clear``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .foundation.errors import CheckpointError
from .networks.architectures import MODELS
from .networks.presets.registry import trained_networks

COMMANDS = {
    "list": "list the networks, and which of them are still to be trained",
    "train": "train the networks of a preset: all of embedded and bias, those of paper that are not in the cache yet",
    "verify": "measure every claim about the networks of a preset again",
    "clear": "delete the networks of the paper, finished and unfinished, from the cache",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 0, or 1 if a checkpoint is missing or damaged, or a claim about it does not hold."""
    top = parser()
    options = top.parse_args(arguments)
    from .networks import commands

    try:
        status: int = getattr(commands, f"{options.command}_checkpoints")(options)
        return status
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        top.error(str(error))
    except KeyboardInterrupt:
        print(
            "\ninterrupted: finished networks are saved, nothing is half-written; run the same command to continue",
            file=sys.stderr,
        )
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="python -m pytest_saliency_sanity", description=__doc__)
    checkpoints = top.add_subparsers(required=True, metavar="checkpoints").add_parser("checkpoints")
    commands = checkpoints.add_subparsers(dest="command", required=True)
    families = tuple(trained_networks())
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in ("train", "verify"):
            command.add_argument("--preset", choices=families, default=families[0])
            command.add_argument("--network", choices=tuple(MODELS), help="only this network")
            command.add_argument("--labels", help="only these: true or random; for the preset bias: biased or balanced")
        if name == "train":
            command.add_argument("--device", default="auto", help="preset paper: auto, cpu, cuda or cuda:N")
            command.add_argument(
                "--output", type=Path, help="presets embedded, scenes and bias: a folder (default: the package's own)"
            )
        command.add_argument("--cache-dir", type=Path, help="preset paper: its cache (default: the user's)")
    return top


if __name__ == "__main__":
    sys.exit(main())
