"""Rank correlations of many pairs of maps: ours, ours with the ranks of the original kept, and a loop over scipy's."""

from __future__ import annotations

import torch
from scipy.stats import spearmanr
from stopwatch import in_turns

from pytest_saliency_sanity import spearman
from pytest_saliency_sanity.measuring.ranks import correlation, standard_ranks

OURS, KEPT, SCIPY = "ours", "ours, original's ranks kept", "scipy loop"
HEADING = (
    "rank correlation, no ties",
    "threads",
    *(f"{name}, s" for name in (OURS, KEPT, SCIPY)),
    "scipy / ours",
    "scipy / ours, kept",
)


def rank_row(runs: int, pairs: int, size: int) -> list[str]:
    """Return the row of ``HEADING`` for ``pairs`` of maps of ``size`` x ``size``."""
    generator = torch.Generator().manual_seed(0)
    one, other = (
        torch.rand(pairs, size * size, generator=generator).argsort(1).float().view(pairs, size, size) for _ in "ab"
    )
    kept = standard_ranks(one)
    rows = list(zip(one.flatten(1).numpy(), other.flatten(1).numpy(), strict=True))
    times = in_turns(
        {
            OURS: lambda: spearman(one, other),
            KEPT: lambda: correlation(kept, standard_ranks(other)),
            SCIPY: lambda: [spearmanr(*pair) for pair in rows],
        },
        runs,
        one.device,
    )
    ratios = (times[SCIPY].over(times[mine]) for mine in (OURS, KEPT))
    return [f"{pairs} pairs of {size} x {size}", str(torch.get_num_threads()), *map(str, times.values()), *ratios]
