"""Builds the command that runs a test again, from the folder in which pytest was called."""

from __future__ import annotations

import argparse
import os
import shlex

import pytest

from ..checks.plan import Question
from .names import METHOD, MODEL
from .settings import Settings, Typed

# Options of pytest itself that it needs again to find the same settings and plugins.
PYTESTS_OWN = (("-c", "--config-file"), ("--rootdir",), ("--confcutdir",), ("--import-mode",))
PYTESTS_REPEATED = (("-p",), ("-o", "--override-ini"))
# Options that say what becomes of a whole run. With them, one test would overwrite the files of all.
OF_THE_RUN = ("report",)


def command_for(item: pytest.Item, settings: Settings, question: Question | None) -> str:
    """Return the command that runs only this test again, for its own method and model."""
    options = [f"--saliency-{typed.name}={typed.text}" for typed in settings.typed if concerns(typed, item, question)]
    return shlex.join(["pytest", here(item), *own_options(item.config), *options])


def typed_command(config: pytest.Config) -> str:
    """Return the command of this run, as it was typed."""
    return shlex.join(["pytest", *map(str, config.invocation_params.args)])


def concerns(typed: Typed, item: pytest.Item, question: Question | None) -> bool:
    """Return whether a typed option concerns a test: of several methods or models, only its own do."""
    if typed.name in OF_THE_RUN:
        return False
    given = getattr(getattr(item, "callspec", None), "params", {})
    chosen = {
        "method": question.method if question else given.get(f"{METHOD}_name"),
        "model": (question.model or None) if question else given.get(f"{MODEL}_name"),
    }
    wanted = chosen.get(typed.name)
    return wanted in (None, METHOD, MODEL, typed.text) or (typed.name, typed.text) == ("method", "all")


def here(item: pytest.Item) -> str:
    """Return the id of a test, with its path relative to the folder in which pytest was called."""
    path, separator, name = item.nodeid.partition("::")
    file = item.config.rootpath / path
    if not (separator and file.exists()):
        return item.nodeid  # a test of the packaged suite has no path
    return f"{os.path.relpath(file, item.config.invocation_params.dir)}{separator}{name}"


def own_options(config: pytest.Config) -> list[str]:
    """Return the typed options of pytest itself that decide which settings and plugins it finds."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flags in PYTESTS_OWN:
        parser.add_argument(*flags, dest=flags[0])
    for flags in PYTESTS_REPEATED:
        parser.add_argument(*flags, dest=flags[0], action="append")
    typed, _ = parser.parse_known_args([str(each) for each in config.invocation_params.args])
    found = []
    for flag, value in vars(typed).items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                found += [f"{flag}={each}"] if flag.startswith("--") else [flag, each]
    return found
