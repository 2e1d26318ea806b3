"""Looks at methods and models given by an import path before any test runs, so that errors are reported then.

If workers of pytest-xdist ask the questions, that is done in a process of its own. It may end itself, as code can on
import, and whatever is imported is needed by nobody else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from ..foundation.errors import described
from ..foundation.processes import ending_of
from ..foundation.specs import parse_spec
from ..methods.adapters import LIBRARIES
from ..methods.registry import BUILT_IN, NamedMethod, given_methods, named_method, set_given
from ..methods.resolve import resolve_method
from ..networks.resolve import find_network
from .blame import blaming, usage_error
from .isolation import tell_place
from .settings import Settings

LOOKS: dict[str, Callable[[str], object]] = {"method": resolve_method, "model": find_network}
FINE, RAISED = 86, 87  # the exit status of such a process; what is imported might end it with a usual one


class Given(NamedTuple):
    """A spec that was given, and the option that it is for: ``method`` or ``model``."""

    option: str
    spec: str


def require_import_paths(config: pytest.Config, read: Settings) -> None:
    """Import methods and models given by an import path. Raises pytest.UsageError if that fails."""
    looks = [Given("method", each) for each in sorted({*read.methods} - {*BUILT_IN})]
    looks += [Given("model", each) for each in sorted({*read.models} - {*read.preset.networks})]
    if not looks:
        return
    here = str(config.invocation_params.dir)
    if here not in sys.path:
        sys.path.insert(0, here)  # like `python -m pytest`, so that modules in the current folder are found
    if starts_workers(config):
        elsewhere = [each for each in looks if not is_imported(each)]
        if elsewhere and not _fine_elsewhere(elsewhere, read):
            looks = [*elsewhere, *looks]  # it raised: look here, where nothing is missing, and tell of it
        else:
            looks = [each for each in looks if each not in elsewhere]
    for option, spec in looks:
        source = f"{read.sources[option]}={spec}"
        tell_place(config, f"while {source} was imported")
        with blaming(source):  # importing the user's module can raise anything
            LOOKS[option](spec)


def starts_workers(config: pytest.Config) -> bool:
    """Return whether workers of pytest-xdist ask the questions of this process."""
    return config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")


def is_imported(given: Given) -> bool:
    """Return whether looking at a spec imports nothing new: a conftest gives it, or has imported it."""
    spec = parse_spec(given.spec)
    if spec.attribute is None:
        value = named_method(spec.name).value
        return not isinstance(value, str) or is_imported(Given(given.option, value))
    return spec.name not in LIBRARIES.all() and spec.name in sys.modules


def _fine_elsewhere(looks: list[Given], read: Settings) -> bool:
    """Return whether all can be imported in another process, False if one raises.

    Raises pytest.UsageError if the process ends in the middle of one.
    """
    ended = _look_elsewhere(looks)
    if ended in (FINE, RAISED):
        return ended == FINE
    for each in looks:  # which was it?
        if (ended := _look_elsewhere([each])) not in (FINE, RAISED):
            source = read.sources[each.option]
            raise usage_error(f"{source}={each.spec}: importing it ends the process: {ending_of(ended)}")
    return False


def _look_elsewhere(looks: list[Given]) -> int:
    """Look at specs in a process of its own, and return its exit status."""
    names = [(each.name, each.value, each.source) for each in given_methods() if isinstance(each.value, str)]
    told = json.dumps({"path": sys.path, "names": names, "looks": looks})
    program = f"from {__name__} import look; look()"
    return subprocess.run([sys.executable, "-c", program], input=told, text=True, capture_output=True).returncode


def look() -> None:
    """Look at the specs that standard input tells of, and end the process with a status that says how it went."""
    told: dict[str, Any] = json.load(sys.stdin)
    sys.path[:] = told["path"]
    set_given([NamedMethod(*each) for each in told["names"]])
    try:
        for option, spec in told["looks"]:
            LOOKS[option](spec)
    except BaseException as error:
        sys.stderr.write(described(error))
        os._exit(RAISED)
    os._exit(FINE)
