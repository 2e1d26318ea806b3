"""What the examples share: real digits, and a short training, which stands for the weights that you would load."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import Batch, load_batch

TRAINED_ON = 600


def digits(size: int = 64, channels: int = 3) -> tuple[Batch, Batch]:
    """Return digits ``(N, channels, size, size)`` to train on, and others to explain."""
    batch = load_batch("mnist", n=TRAINED_ON + 100)
    images = F.interpolate(batch.images[:, :channels], size=(size, size), mode="bilinear", antialias=True)
    targets = batch.targets
    assert targets is not None
    shuffled = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    known, held_out = shuffled[:TRAINED_ON], shuffled[TRAINED_ON:]
    return Batch(images[known], targets[known]), Batch(images[held_out], targets[held_out])


def convolutions(channels: int = 3, classes: int = 10) -> nn.Sequential:
    """Return a small network of four convolutions, of the same weights each time."""
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(channels, 16, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, classes)),
    )


def trained(model: nn.Module, batch: Batch, epochs: int = 6, rate: float = 2e-3) -> nn.Module:
    """Train a classifier for a few seconds; return it in evaluation mode."""
    assert batch.targets is not None
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(batch)).split(50):
            optimizer.zero_grad()
            F.cross_entropy(model(batch.images[rows]), batch.targets[rows]).backward()
            optimizer.step()
    return model.eval()
