"""Examine a network, compare, join and render runs that pytest has reported, and look after the trained networks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .foundation.errors import CheckpointError
from .foundation.imports import import_attribute
from .networks.architectures import MODELS
from .networks.presets.registry import trained_networks

COMMANDS = {
    "list": "list the networks, and which of them are still to be trained",
    "train": "train the networks of a preset anew and, without --output, overwrite those of the package; of "
    "paper, only those that are not in the cache yet",
    "verify": "measure every claim about the networks of a preset again",
    "clear": "delete the networks of the paper, finished and unfinished, from the cache",
}
SAVED = ": finished networks are saved, nothing is half-written; run the same command to continue"
RESULTS = "a results.json, as pytest --saliency-report=DIR writes it"
DATA = "package.module:attribute, a Batch or a function that returns one, or a folder of photographs"
Commands = argparse._SubParsersAction


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status: 0 if all is well.

    1 if runs differ, a report could not be written, a checkpoint is missing or damaged, or a claim about it does not
    hold; 130 after an interruption. What can't be used exits with status 2.
    """
    options = parser().parse_args(arguments)
    command: argparse.ArgumentParser = options.parser
    try:
        status: int = import_attribute(f"{__package__}.{options.does}")(options)
        return status
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        command.error(str(error))
    except KeyboardInterrupt:
        print(f"\ninterrupted{options.saved}", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND", title="commands")
    add_run_commands(commands)
    add_doctor(commands)
    add_checkpoint_commands(commands)
    return top


def add_run_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add ``compare``, ``merge`` and ``report``."""
    compare = add(commands, "compare", "reports.commands:compare_runs", "print what differs between two runs")
    compare.epilog = "Exit status: 0 if no answer differs, 1 if one does, 2 if a file can't be used."
    compare.add_argument("a", metavar="A.json", type=Path, help=RESULTS)
    compare.add_argument("b", metavar="B.json", type=Path, help="another")
    compare.add_argument("--output", metavar="DIR", type=Path, help="draw it too: comparison.md, .svg and .png")
    merge = add(commands, "merge", "reports.commands:merge_runs", "join runs that each asked a part of the questions")
    merge.epilog = "Nothing is joined if a question was put twice or not at all, or under other settings or versions."
    merge.add_argument("runs", metavar="RUN.json", type=Path, nargs="+", help=RESULTS)
    merge.add_argument("--output", metavar="DIR", type=Path, required=True, help="where to write every report")
    report = add(commands, "report", "reports.commands:render_report", "write the reports of a run again")
    report.add_argument("run_file", metavar="results.json", type=Path, help=RESULTS)
    report.add_argument("--output", metavar="DIR", type=Path, help="where to write every report (default: beside it)")


def add_doctor(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add ``doctor``."""
    text = "say what will be asked of a method on a network, what will not and why, and how long it takes"
    doctor = add(commands, "doctor", "doctor:examine", text)
    doctor.epilog = "Exit status: 0 if there is something to ask, 1 if not, 2 if a name can't be used."
    model, method = "a network of the preset, or package.module:factory", "a method, as for pytest (default: gradcam)"
    doctor.add_argument("--saliency-model", dest="model", metavar="SPEC", required=True, help=model)
    doctor.add_argument("--saliency-method", dest="method", metavar="SPEC", default="gradcam", help=method)
    shown = f"{DATA} (default: the packaged images)"
    doctor.add_argument("--saliency-data", dest="data", metavar="DATA", help=shown)
    doctor.add_argument("--saliency-preset", dest="preset", metavar="NAME", default="embedded", help="as for pytest")
    doctor.add_argument("--saliency-device", dest="device", metavar="NAME", default="auto", help="as for pytest")


def add_checkpoint_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add ``checkpoints list | train | verify | clear | twin``."""
    text = "list, train, verify or clear the trained networks"
    checkpoints = commands.add_parser("checkpoints", help=text, description=text)
    families = tuple(trained_networks())
    kinds = checkpoints.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name, text in COMMANDS.items():
        command = add(kinds, name, f"networks.commands:{name}_checkpoints", text, saved=SAVED)
        if name in ("train", "verify"):
            presets, networks = f"{', '.join(families)} (default: {families[0]})", f"only this one: {', '.join(MODELS)}"
            command.add_argument("--preset", choices=families, metavar="NAME", default=families[0], help=presets)
            command.add_argument("--network", choices=tuple(MODELS), metavar="NAME", help=networks)
            command.add_argument("--labels", help="only these: true or random; for the preset bias: biased or balanced")
        if name == "train":
            command.add_argument("--device", default="auto", help="preset paper: auto, cpu, cuda or cuda:N")
            command.add_argument(
                "--output", type=Path, help="presets embedded, scenes and bias: a folder (default: the package's own)"
            )
        command.add_argument(
            "--cache-dir", type=Path, metavar="DIR", help="preset paper: its cache (default: the user's)"
        )
    add_twin(kinds)


def add_twin(kinds: Commands[argparse.ArgumentParser]) -> None:
    """Add ``checkpoints twin``."""
    text = (
        "train a twin of your own network that memorises random labels, for label_randomization; "
        "given masks, also a biased and a balanced copy, for bias_detection"
    )
    saved = ": how far it came is saved; run the same command to continue"
    twin = add(kinds, "twin", "networks.twins.commands:make_twin", text, saved=saved)
    twin.add_argument("network", metavar="package.module:factory", help="the network")
    twin.add_argument("--saliency-data", dest="data", metavar="DATA", required=True, help=f"to memorise: {DATA}")
    masks = "where the nuisance may lie in each image, whatever its class: package.module:attribute, bool (N, H, W)"
    twin.add_argument("--masks", metavar="MASKS", help=masks)
    twin.add_argument("--images", type=int, metavar="N", help="take the first N of them (default: all)")
    output = "where to write the twin (default: twin.safetensors); the pair is written beside it"
    twin.add_argument("--output", type=Path, metavar="FILE", default=Path("twin.safetensors"), help=output)
    twin.add_argument("--epochs", type=int, default=300, help="give up after so many (default: 300)")
    rate = "of Adam (default: 0.001, and for the pair, which starts from the trained weights, 0.0003)"
    twin.add_argument("--learning-rate", type=float, metavar="X", help=rate)
    twin.add_argument("--seed", type=int, default=0, help="of labels, weights and orders (default: 0)")
    twin.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")


def add(
    commands: Commands[argparse.ArgumentParser], name: str, does: str, text: str, saved: str = ""
) -> argparse.ArgumentParser:
    """Add a command. ``does``: the import path of its function. ``saved``: said after an interruption."""
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(does=does, parser=command, saved=saved)
    return command


if __name__ == "__main__":
    sys.exit(main())
