"""Images to explain: noise of any size, real digits, and a folder of photographs."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from pytest_saliency_sanity import load_batch


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    """Return normal noise, the same every time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def digits(n: int) -> torch.Tensor:
    """Return held-out digits ``(n, 3, 64, 64)``, as the shipped networks take them."""
    return load_batch("mnist", n).images


def photographs(folder: Path, count: int) -> Path:
    """Make a folder of images with something in them."""
    folder.mkdir()
    for number in range(count):
        Image.linear_gradient("L").rotate(36 * number).convert("RGB").save(folder / f"{number:02}.png")
    return folder
