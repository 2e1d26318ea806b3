"""torch-cam: the library's own maps, at the layer's resolution; and its logging."""

from __future__ import annotations

import logging

import pytest
import torch
from support.libraries import NATIVE, Net, assert_native, maps_of


@pytest.mark.parametrize("spec", [spec for spec in NATIVE if spec.startswith("torchcam:")])
def test_the_maps_are_the_librarys_own(spec: str, images: torch.Tensor) -> None:
    assert_native(spec, images)


def test_the_users_logging_stays_as_it_was(images: torch.Tensor) -> None:
    logger = logging.getLogger("torchcam")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        maps_of("torchcam:GradCAM", Net(), images)
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(before)
