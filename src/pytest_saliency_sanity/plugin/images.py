"""Says before the run if there are no images to look at, or too few."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..checks.registry import CHECKS
from ..foundation.limits import LEAST_IMAGES
from ..networks.presets.registry import presets_with
from .blame import usage_error
from .ledger import asks_nothing
from .names import BATCH
from .project import gives_own
from .settings import Settings, require_plan

OURS = "saliency_preset_batch"  # the fixture that is used if the project has no images of its own


def require_photographs(read: Settings) -> None:
    """Raise pytest.UsageError for options that the preset does not take, and for a folder of too few photographs."""
    for option in ("data", "weights"):
        if read.asked_for(option) and option not in read.preset.options:
            takers = ", ".join(presets_with(option))
            raise usage_error(f"{read.sources[option]} is for --saliency-preset={takers}, not {read.preset_name}")
    if read.data:
        try:
            count = len(read.networks.batch(read.most_images, at_most=read.images is None))
        except ValueError as error:
            raise usage_error(f"{read.sources['data']}: {error}") from error
        if count < LEAST_IMAGES:
            raise usage_error(f"{read.sources['data']}: {read.data} has {count} images: give at least {LEAST_IMAGES}")


class Images:
    """Looks for tests that need images of a preset that has none. ``lacking``: why it has none."""

    def __init__(self, lacking: str) -> None:
        self.lacking = lacking

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Raise pytest.UsageError if there is one. In a worker of pytest-xdist its own test fails instead."""
        if hasattr(session.config, "workerinput") or asks_nothing(session.config):
            return
        if any(looks_at_the_presets(item) for item in session.items):
            raise usage_error(self.lacking)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Fail a test that needs some before anything is loaded for it."""
        if looks_at_the_presets(item):
            pytest.fail(self.lacking, pytrace=False)


def watch_for_images(config: pytest.Config, read: Settings, alone_in: Path | None) -> None:
    """Look for tests that lack images, if the preset has none.

    ``alone_in``: the folder of the packaged suite, if only that is run. Then it is known already what overrides its
    fixtures, and pytest.UsageError is raised at once.
    """
    # A preset that nobody named has images; looking it up would load those of other packages.
    if not read.asked_for("preset") or not (lacking := lack_of_images(read)):
        return
    if alone_in and asks_of_a_model(read) and not gives_own(config, BATCH, alone_in) and not asks_nothing(config):
        raise usage_error(lacking)
    config.pluginmanager.register(Images(lacking), "saliency_sanity_images")


def lack_of_images(read: Settings) -> str:
    """Return why the preset has no images; empty if it has some."""
    if "data" not in read.preset.options or read.data:
        return ""
    try:
        read.networks.batch(LEAST_IMAGES, at_most=True)
    except ValueError as error:
        return f"{error}, or override the fixture saliency_batch"
    return ""


def asks_of_a_model(read: Settings) -> bool:
    """Return whether a question of the plan is about a model, and so about images."""
    return any(CHECKS.named(each.check).by_model for each in require_plan(read))


def looks_at_the_presets(item: pytest.Item) -> bool:
    """Return whether a test looks at the images of the preset: no fixture of the project gives others."""
    return OURS in getattr(item, "fixturenames", ())
