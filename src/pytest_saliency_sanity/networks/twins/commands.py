"""The command ``checkpoints twin``.

    python -m pytest_saliency_sanity checkpoints twin package.module:factory --saliency-data package.module:batch

It trains a twin of a network that memorised random labels and, given masks, a biased and a balanced copy.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from ...data.marks import BALANCED, BIASED
from ...data.named import images_named
from ...foundation.devices import resolve_device
from ...foundation.places import calling
from ..resolve import require_network_spec
from ..training.training import Training
from .biased import OTHERWISE, BiasedPair, file_of, images_to_mark, require_same_again
from .files import require_takes, train_into
from .memorized import Twin
from .own import OwnNetwork


class Job(NamedTuple):
    """A network to train: into which file, how, what its weights depend on, its name, and what to try if it misses.

    ``make``: returns the training, whose images take much memory, at its beginning.
    """

    file: Path
    make: Callable[[], Training]
    facts: dict[str, Any]
    called: str
    otherwise: str


def make_twin(options: Namespace) -> int:
    """Train the networks that the options mean, and say how they are used.

    Raises ValueError for a network or images that can't be had, CheckpointError if one does not learn its labels.
    """
    try:
        jobs = list(jobs_of(options))  # all of them, so that nothing is trained before all can be
    except (ImportError, TypeError) as error:
        raise ValueError(str(error)) from error
    for file, make, facts, called, otherwise in jobs:
        training = make()
        history = train_into(file, training, facts, called, otherwise)
        epochs = f"{len(history)} epoch{'s' * (len(history) != 1)}"
        print(f"{file}: {history[-1].accuracy:.1%} of {training.data.called}, {epochs}")
    print(usage(options))
    return 0


def jobs_of(options: Namespace) -> Iterator[Job]:
    """Yield what is to be trained. Raises ValueError, TypeError or ImportError if it can't be."""
    spec, file, seed, epochs = options.network, options.output, options.seed, options.epochs
    require_network_spec(spec, ())
    rate = {} if options.learning_rate is None else {"learning_rate": options.learning_rate}
    if not (epochs >= 1 and all(0 < value < inf for value in rate.values())):
        raise ValueError(f"epochs must be 1 or more, not {epochs}, and the learning rate above 0")
    if options.images is not None and options.images < 1:
        raise ValueError(f"images must be 1 or more, not {options.images}")
    own, device = OwnNetwork(spec), resolve_device(options.device)
    with calling(f"--saliency-data={options.data}"):
        batch = images_named(options.data, options.images)
    twin = Twin(own, batch, seed, most_epochs=epochs, **rate)
    twin.classes(device)
    require_takes(file, spec)
    yield Job(file, partial(twin.training, device), twin.facts, f"twin of {spec}", twin.otherwise)
    if options.masks:
        with calling(f"--masks={options.masks}"):
            marked = images_to_mark(options.data, options.masks, options.images)
        pair = BiasedPair(own, marked, seed, most_epochs=epochs, **rate)
        pair.classes(device)
        require_same_again(marked, options.data, options.masks, options.images)
        for kind in (BIASED, BALANCED):
            require_takes(file_of(file, kind), spec)
            facts = pair.facts(kind) | {"count": options.images}
            make = partial(pair.training, kind, device)
            yield Job(file_of(file, kind), make, facts, f"{kind} {spec}", OTHERWISE[kind])


def usage(options: Namespace) -> str:
    """Return what to put into a conftest."""
    given = {"spec": options.network, "data": options.data, "masks": options.masks}
    texts = {name: json.dumps(text, ensure_ascii=False) for name, text in given.items()}
    return (USE_WITH_PAIR if options.masks else USE).format(file=place_of(options.output), **texts)


def place_of(file: Path) -> str:
    """Return the expression by which a conftest finds a file, from whatever folder pytest is called in."""
    whole = file.absolute()
    below = whole.relative_to(Path.cwd()).as_posix() if whole.is_relative_to(Path.cwd()) else ""
    text = json.dumps(below or str(whole), ensure_ascii=False)
    return f"Path(__file__).parent / {text}" if below else f"Path({text})"


USE = """Put this into the conftest.py of this folder, and call pytest here:

from pathlib import Path

import pytest
from pytest_saliency_sanity import load_twin

TWIN = {file}


@pytest.fixture
def saliency_memorized_model(saliency_device):
    return load_twin({spec}, TWIN).to(saliency_device)"""

USE_WITH_PAIR = (
    USE.replace("import load_twin", "import load_biased_pair, load_twin")
    + """


@pytest.fixture
def saliency_bias_scenario(saliency_device):
    return load_biased_pair({spec}, TWIN, {data}, {masks}, saliency_device)"""
)
