"""How two maps of one image are compared: by rank correlation, which verdicts rest on, or otherwise, for research.

Adebayo et al. 2018 (section 4.1) and the paper compare maps by SRC; the former also by SSIM. A constant map, or one
that is not finite, can't be compared with anything: every measure is NaN for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch

from .ranks import correlation, standard_ranks

TOP = 0.1
WINDOW = 7  # scikit-image's default


class Similarity(NamedTuple):
    """A measure: ``prepare`` maps ``(N, h, w)``, all NaN for an undefined one; then ``compare`` gives ``(N,)``."""

    prepare: Callable[[torch.Tensor], torch.Tensor]
    compare: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def comparable(maps: torch.Tensor) -> torch.Tensor:
    """Return maps ``(N, h, w)`` as float64 on the CPU, all NaN if constant or not finite."""
    values = maps.detach().cpu().double()
    flat = values.flatten(1)
    undefined = (flat.amax(1) == flat.amin(1)) | ~flat.isfinite().all(1)
    return values.masked_fill(undefined[:, None, None], torch.nan)


def pearson(maps_a: torch.Tensor, maps_b: torch.Tensor) -> torch.Tensor:
    """Return Pearson's correlation of each pair of maps, ``(N,)``."""
    from scipy.stats import pearsonr

    return pairwise(lambda one, other: pearsonr(one.ravel(), other.ravel()).statistic, maps_a, maps_b)


def ssim(maps_a: torch.Tensor, maps_b: torch.Tensor) -> torch.Tensor:
    """Return the structural similarity (Wang et al. 2004) of each pair of maps, each scaled to a largest value of 1.

    The window has 7 x 7 positions, or the largest odd number that fits into the map. Raises ImportError without
    scikit-image, ValueError for maps of fewer than 3 x 3 positions.
    """
    structural_similarity = _from_scikit_image()
    side = min(WINDOW, *maps_a.shape[1:])
    if side < 3:
        raise ValueError(f"SSIM needs maps of at least 3 x 3 positions; got {tuple(maps_a.shape[1:])}")
    window = side - 1 + side % 2

    def compare(one: np.ndarray, other: np.ndarray) -> float:
        scaled = [values / np.abs(values).max() for values in (one, other)]
        span = max(each.max() for each in scaled) - min(each.min() for each in scaled)
        return float(structural_similarity(*scaled, win_size=window, data_range=span))

    return pairwise(compare, maps_a, maps_b)


def top_k(maps_a: torch.Tensor, maps_b: torch.Tensor) -> torch.Tensor:
    """Return which share of the largest tenth of values is at the same positions in both maps, ``(N,)``, 0 to 1."""

    def compare(one: np.ndarray, other: np.ndarray) -> float:
        count = max(1, round(TOP * one.size))
        of_one, of_other = (np.argsort(-values.ravel(), kind="stable")[:count] for values in (one, other))
        return len(np.intersect1d(of_one, of_other)) / count

    return pairwise(compare, maps_a, maps_b)


def pairwise(
    compare: Callable[[np.ndarray, np.ndarray], float], maps_a: torch.Tensor, maps_b: torch.Tensor
) -> torch.Tensor:
    """Return ``compare`` of each pair of maps; NaN if one of the two is undefined."""
    found = torch.full((len(maps_a),), torch.nan, dtype=torch.float64)
    defined = ~(maps_a.flatten(1).isnan().any(1) | maps_b.flatten(1).isnan().any(1))
    for index in defined.nonzero().flatten().tolist():
        found[index] = compare(maps_a[index].numpy(), maps_b[index].numpy())
    return found


def _from_scikit_image() -> Callable[..., float]:
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        install = "pip install 'pytest-saliency-sanity[similarity]'"
        raise ImportError(f"similarity='ssim' needs scikit-image: {install}") from error
    found: Callable[..., float] = structural_similarity
    return found


SRC = "src"
SIMILARITIES: Mapping[str, Similarity] = {
    SRC: Similarity(standard_ranks, correlation),
    "pearson": Similarity(comparable, pearson),
    "ssim": Similarity(comparable, ssim),
    "top_k": Similarity(comparable, top_k),
}
