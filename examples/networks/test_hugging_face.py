"""A classifier of transformers, on images of a data set of Hugging Face. Needs transformers and datasets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from digits import digits, trained
from PIL import Image
from torch import nn

from pytest_saliency_sanity import Batch, Logits
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

transformers = pytest.importorskip("transformers")
datasets = pytest.importorskip("datasets")
KNOWN, HELD_OUT = digits()
DARK, BRIGHT = float(HELD_OUT.images.min()), float(HELD_OUT.images.max())


def data_set() -> datasets.Dataset:
    """Return rows of pictures and labels. Yours may come from ``datasets.load_dataset(..., streaming=True)``."""
    assert HELD_OUT.targets is not None
    gray = ((HELD_OUT.images - DARK) / (BRIGHT - DARK) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    rows = {"image": [Image.fromarray(each) for each in gray], "label": HELD_OUT.targets.tolist()}
    return datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())


def prepared(picture: Image.Image) -> torch.Tensor:
    """Return a picture as the network takes it. Yours may call an ``AutoImageProcessor``."""
    return torch.tensor(np.asarray(picture)).permute(2, 0, 1) / 255 * (BRIGHT - DARK) + DARK


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """Returns an object with logits, which are picked. Yours may come from ``from_pretrained``."""
    torch.manual_seed(0)
    sizes = {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "basic"}
    config = transformers.ResNetConfig(num_labels=10, **sizes)
    return trained(Logits(transformers.ResNetForImageClassification(config), "logits"), KNOWN, rate=5e-3)


@pytest.fixture(scope="session")
def saliency_batch() -> Batch:
    """The first hundred rows."""
    return Batch.collect(data_set(), 100, transform=prepared)
