"""Supplies what tests need, from the project's fixtures or the preset; skips or fails a test that lacks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ..checks.registry import IMAGES
from ..foundation.errors import CheckpointError
from .blame import fail
from .names import MODEL
from .progress import uncaptured
from .settings import SETTINGS

if TYPE_CHECKING:
    import torch

    from ..data.batch import Batch

OWN_BATCH = pytest.StashKey[tuple["Batch | None", str | None]]()  # and the network that looks at it


def supply(request: pytest.FixtureRequest, need: str) -> object:
    """Return a need: that of the fixture ``saliency_<need>`` if there is one, else the preset's."""
    fixture = f"saliency_{need}"
    try:
        return request.getfixturevalue(fixture)
    except pytest.FixtureLookupError as error:
        if error.argname != fixture:
            raise
    return of_the_preset(request, need)


def of_the_preset(request: pytest.FixtureRequest, need: str) -> object:
    """Return a need from the preset. If it is missing, skip the test, or fail it if its check was named."""
    from ..checks.answering import unsupplied

    settings = request.config.stash[SETTINGS]
    name = given_name(request, MODEL)
    found = None
    if name in settings.preset.networks:
        device: torch.device = request.getfixturevalue("saliency_device")
        with loading(request.config):
            found = settings.networks.supply(need, str(name), settings.most_images, device)
    if found is None:
        leave_out(request, unsupplied(need, name or MODEL))
    return found


def leave_out(request: pytest.FixtureRequest, why: str) -> None:
    """Skip a test; if its check was asked for by name, fail it instead of leaving it out silently."""
    if request.config.stash[SETTINGS].asked_for("check"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def of_usual_size(request: pytest.FixtureRequest, device: torch.device) -> Batch:
    """Return the preset's first images, as many as are asked for or usual. Raises ValueError if there are too few."""
    settings, network = request.config.stash[SETTINGS], given_name(request, MODEL)
    batch = settings.networks.batch(settings.images or IMAGES, network, at_most=settings.images is None).to(device)
    request.config.stash[OWN_BATCH] = batch, network
    return batch


def more_images(config: pytest.Config, batch: Batch) -> Batch | None:
    """Return all images that may be looked at, if a batch is the preset's and answers may take more; else None."""
    settings, (own, network) = config.stash[SETTINGS], config.stash.get(OWN_BATCH, (None, None))
    if settings.images is not None or own is not batch:
        return None
    return settings.networks.batch(settings.most_images, network, at_most=True).to(batch.images.device)


@contextmanager
def loading(config: pytest.Config) -> Iterator[None]:
    """Let a download show its progress despite pytest's capturing; fail with a plain message if loading fails."""
    with uncaptured(config):
        try:
            yield
        except CheckpointError as error:
            fail(str(error))


def given_name(request: pytest.FixtureRequest, fixture: str) -> str | None:
    """Return the command-line name of a fixture's value; None if the fixture is overridden."""
    if f"{fixture}_name" not in request.fixturenames:
        return None
    name: str = request.getfixturevalue(f"{fixture}_name")
    return name
