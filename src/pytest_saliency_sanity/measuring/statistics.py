"""The confidence interval of a mean SRC, or of a mean |SRC|, over images and randomisation seeds.

The SRCs of a stage form a table: every image is explained under every seed. Images and seeds are random samples: others
could have been drawn. Pixels are not, since they are far from independent. The interval is the classical
one for crossed random effects (Searle, Casella, McCulloch 1992, chapter 4) with Satterthwaite's degrees of freedom
(1946). A bootstrap of three seeds covers far less than it claims; docs/statistics.md shows both, measured.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from ..foundation.limits import require_confidence
from .interval import Interval


def mean_interval(src: np.ndarray, confidence: float = 0.95, *, least: float = -1.0) -> Interval:
    """Return the mean of SRCs ``(seeds, images)`` and its two-sided confidence interval, within [``least``, 1].

    NaNs are left out. The result is all NaN if no SRC is defined, and the bounds are ``least`` and 1 if there is only
    one image. With one seed, the interval is over images only.

    Raises ValueError if ``src`` is not a table or ``confidence`` is not between 0 and 1.
    """
    if src.ndim != 2:
        raise ValueError(f"SRCs must be a table (seeds, images), not of shape {src.shape}")
    require_confidence(confidence)
    seen = ~np.isnan(src)
    table = src[seen.any(1)][:, seen.any(0)]
    if not table.size:
        return Interval(np.nan, np.nan, np.nan)
    of_images, of_seeds = additive_effects(table)
    mean = float(of_images.mean().clip(least, 1))  # the fit of a table with gaps can lie outside
    if table.shape[1] < 2:
        return Interval(mean, least, 1.0)
    half = _half_width(table, of_images, of_seeds, confidence)
    return Interval(mean, max(least, mean - half), min(1.0, mean + half))


def similarity_interval(src: np.ndarray, confidence: float = 0.95) -> Interval:
    """Return the similarity, which is the mean of |SRC| ``(seeds, images)``, and its interval, within [0, 1].

    A map and its negative are alike. Averaging SRCs first would call a picture that only flips its sign a new one.
    """
    return mean_interval(np.abs(src), confidence, least=0.0)


def similarity_by_chance(positions: int) -> float:
    """Return the mean |SRC| of two maps of random numbers at so many positions, which is not 0.

    Of independent ranks, the SRC has the variance 1 / (positions - 1) (Kendall 1948, section 5.7) and is nearly normal;
    the mean magnitude of a normal number is its standard deviation times sqrt(2 / pi).
    """
    return float(np.sqrt(2 / np.pi / max(1, positions - 1)))


def additive_effects(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each image ``(images,)`` and the effect of each seed ``(seeds,)``, fitted by least squares.

    If SRCs are missing, the plain mean of an image would contain the effects of the seeds that happen to be left.
    """
    seen = (~np.isnan(table)).astype(float)
    by_image = np.nanmean(table, 0)
    # The normal equations of the seeds after the images are eliminated. They are singular, since adding a constant to
    # all seeds changes nothing; the pseudo-inverse centres the solution. Its default cut-off is below their rounding.
    equations = np.diag(seen.sum(1)) - seen / seen.sum(0) @ seen.T
    of_seeds = np.linalg.pinv(equations, rcond=1e-10, hermitian=True) @ np.nansum(table - by_image, 1)
    return by_image - of_seeds @ seen / seen.sum(0), of_seeds


def _half_width(table: np.ndarray, of_images: np.ndarray, of_seeds: np.ndarray, confidence: float) -> float:
    seeds, images = table.shape
    from_images = float(of_images.var(ddof=1)) / images
    from_seeds = _variance_of_seeds(table - of_images - of_seeds[:, None], of_seeds)
    variance = from_images + from_seeds
    if variance == 0:
        return 0.0
    freedom = variance**2 / (from_images**2 / (images - 1) + from_seeds**2 / max(1, seeds - 1))
    return float(stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(variance))


def _variance_of_seeds(residuals: np.ndarray, of_seeds: np.ndarray) -> float:
    """Return what the choice of seeds adds to the variance of the mean.

    It counts in full if the seeds differ more than the residuals of the images explain, else as 0. The unbiased
    estimate, which subtracts the residuals, makes the interval of three seeds too narrow.
    """
    seeds = len(residuals)
    defined = int((~np.isnan(residuals)).sum())
    freedom = defined - sum(residuals.shape) + 1
    if seeds < 2 or freedom < 1:
        return 0.0
    noise = float(np.nansum(residuals**2)) / freedom / (defined / seeds)
    variance = float(of_seeds.var(ddof=1))
    return variance / seeds if variance > noise else 0.0
