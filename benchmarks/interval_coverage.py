"""Measure how often 95 % intervals of a mean SRC, and of a mean |SRC|, cover the true mean.

Prints the two tables of ``docs/statistics.md``.

Pairs of maps are drawn from a bivariate normal of known correlation, which varies with the seed, the image, both or
neither, and compared by ``spearman``; the true mean is Moran's (1948). Beside ours: the percentile bootstrap that
resamples images and seeds (the pigeonhole bootstrap, Owen 2007). Takes about six minutes on two cores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import numpy as np
import torch

from pytest_saliency_sanity import spearman
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.measuring.statistics import mean_interval, similarity_interval

RHO, PIXELS = 0.4, 256
SEEDS, IMAGES, IMAGES_OF_SIMILARITY = (1, 3, 8), (30, 100), (40, 100)
MISSING = 0.3
REPETITIONS, OF_BOOTSTRAP, RESAMPLES = 1500, 500, 300

MeanInterval = Callable[[np.ndarray], Interval]


@dataclass(frozen=True)
class Effects:
    """What the correlation of two maps varies with around ``RHO``: the largest deviations, and their law."""

    name: str
    of_seed: float = 0.0
    of_image: float = 0.0
    two_point: bool = False
    rho: float = RHO
    pixels: int = PIXELS

    def deviations(self, quantiles: torch.Tensor) -> torch.Tensor:
        """Return deviations in [-1, 1] from quantiles in [0, 1): uniform, or the two ends alone."""
        return torch.where(quantiles < 0.5, -1.0, 1.0) if self.two_point else 2 * quantiles - 1


EFFECTS = (
    Effects("none"),
    Effects("image, uniform +- 0.3", of_image=0.3),
    Effects("seed, uniform +- 0.03", of_seed=0.03),
    Effects("seed, uniform +- 0.3", of_seed=0.3),
    Effects("seed, two-point +- 0.3", of_seed=0.3, two_point=True),
    Effects("seed and image, uniform +- 0.25 each", of_seed=0.25, of_image=0.25),
)


# For |SRC|, correlations around 0 are the hard case: half of them are folded over. Maps of layers have few pixels.
EFFECTS_ON_SIMILARITY = (
    EFFECTS[0],
    EFFECTS[3],
    EFFECTS[5],
    Effects("none, around 0", rho=0.0),
    Effects("image, uniform +- 0.3, around 0", of_image=0.3, rho=0.0),
    Effects("seed, uniform +- 0.3, around 0", of_seed=0.3, rho=0.0),
    Effects("seed, two-point +- 0.3, around 0", of_seed=0.3, two_point=True, rho=0.0),
    Effects("seed and image, uniform +- 0.25 each, around 0", of_seed=0.25, of_image=0.25, rho=0.0),
    Effects("seed and image, uniform +- 0.25 each, around 0, 9 pixels", of_seed=0.25, of_image=0.25, rho=0.0, pixels=9),
)


def main() -> None:
    print_means()
    print_similarities()


def print_similarities() -> None:
    """Print how often intervals of a mean |SRC| cover its true mean, which is that of all simulated tables."""
    print("\n| effects on the correlation | seeds | images | true similarity | ours | 30 % missing |")
    print("|---|---|---|---|---|---|")
    for effects in EFFECTS_ON_SIMILARITY:
        srcs = simulated(effects)
        true = float(np.abs(srcs).mean())
        incomplete = np.where(np.random.default_rng(1).random(srcs.shape) < MISSING, np.nan, srcs)
        for seeds in SEEDS[1:]:
            for images in IMAGES_OF_SIMILARITY:
                tables = (srcs[:, :seeds, :images], incomplete[:, :seeds, :images])
                cells = " | ".join(f"{coverage(similarity_interval, each, true):.3f}" for each in tables)
                print(f"| {effects.name} | {seeds} | {images} | {true:.3f} | {cells} |", flush=True)


def print_means() -> None:
    """Print how often intervals of a mean SRC cover its true mean."""
    print("| effects on the correlation | seeds | images | ours | 30 % missing | bootstrap | 30 % missing |")
    print("|---|---|---|---|---|---|---|")
    for effects in EFFECTS:
        srcs = simulated(effects)
        incomplete = np.where(np.random.default_rng(1).random(srcs.shape) < MISSING, np.nan, srcs)
        true = true_mean(effects)
        for seeds in SEEDS:
            for images in IMAGES:
                full, holed = srcs[:, :seeds, :images], incomplete[:, :seeds, :images]
                cells = [coverage(mean_interval, tables, true) for tables in (full, holed)]
                cells += [coverage(bootstrap_interval, tables[:OF_BOOTSTRAP], true) for tables in (full, holed)]
                figures = " | ".join(f"{cell:.3f}" for cell in cells)
                print(f"| {effects.name} | {seeds} | {images} | {figures} |", flush=True)


def simulated(effects: Effects) -> np.ndarray:
    """Return SRCs ``(repetitions, seeds, images)``. All seeds see the same original maps, as in a cascade."""
    generator = torch.Generator().manual_seed(0)
    seeds, images = max(SEEDS), max(IMAGES)
    tables = []
    for _ in range(REPETITIONS):
        of_seed = effects.of_seed * effects.deviations(torch.rand(seeds, 1, 1, generator=generator))
        of_image = effects.of_image * effects.deviations(torch.rand(images, 1, generator=generator))
        rho = effects.rho + of_seed + of_image
        before = torch.randn(images, effects.pixels, generator=generator)
        noise = torch.randn(seeds, images, effects.pixels, generator=generator)
        after = rho * before + (1 - rho**2).sqrt() * noise
        tables.append(spearman(before.expand_as(after).flatten(0, 1), after.flatten(0, 1)).view(seeds, images))
    return torch.stack(tables).numpy()


def true_mean(effects: Effects) -> float:
    """Return the mean of Moran's expected rank correlation over the effects."""
    deviations = effects.deviations((torch.arange(1000) + 0.5) / 1000).double().numpy()
    rho = effects.rho + effects.of_seed * deviations[:, None] + effects.of_image * deviations
    pixels = effects.pixels
    expected = 6 / (pi * (pixels + 1)) * (np.arcsin(rho) + (pixels - 2) * np.arcsin(rho / 2))
    return float(expected.mean())


def coverage(interval_of: MeanInterval, tables: np.ndarray, true: float) -> float:
    """Return the share of tables whose interval covers the true mean."""
    intervals = [interval_of(table) for table in tables]
    return float(np.mean([interval.low <= true <= interval.high for interval in intervals]))


def bootstrap_interval(src: np.ndarray) -> Interval:
    """Return the mean and the central 95 % of the means of resampled seeds and images."""
    generator = np.random.default_rng(0)
    # How often each is drawn, with replacement.
    seeds, images = (generator.multinomial(n, np.full(n, 1 / n), RESAMPLES) for n in src.shape)
    totals = ((seeds @ np.nan_to_num(src)) * images).sum(1)
    counts = ((seeds @ ~np.isnan(src)) * images).sum(1)
    low, high = np.quantile(totals / counts, [0.025, 0.975])
    return Interval(float(np.nanmean(src)), float(low), float(high))


if __name__ == "__main__":
    main()
