"""Supplies what tests need, from the project's fixtures or the preset; skips or fails a test that lacks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from ..foundation.errors import CheckpointError
from .names import MODEL
from .settings import SETTINGS, Settings

if TYPE_CHECKING:
    import torch

    from ..data.batch import Batch


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


def more_images(batch: Batch, settings: Settings) -> Batch | None:
    """Return all images that may be looked at, if a batch is the preset's own and answers may take more; else None."""
    if settings.images is not None or batch.targets is not None:
        return None
    try:
        more = settings.networks.batch(settings.most_images, at_most=True).to(batch.images.device)
    except ValueError:
        return None
    first = more.images[: len(batch)]
    same = (
        first.shape == batch.images.shape and first.dtype == batch.images.dtype and bool((first == batch.images).all())
    )
    return more if same else None


@contextmanager
def loading(config: pytest.Config) -> Iterator[None]:
    """Let a training show its progress despite pytest's capturing; fail with a plain message if loading fails."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        try:
            yield
        except CheckpointError as error:
            pytest.fail(str(error), pytrace=False)


def given_name(request: pytest.FixtureRequest, fixture: str) -> str | None:
    """Return the command-line name of a fixture's value; None if the fixture is overridden."""
    if f"{fixture}_name" not in request.fixturenames:
        return None
    name: str = request.getfixturevalue(f"{fixture}_name")
    return name
