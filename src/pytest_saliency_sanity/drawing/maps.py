"""Maps in colours: perceptually uniform, and safe for the colour-blind.

Maps with signs get a diverging colour map centred at 0 (``coolwarm``, Moreland 2009, doi:10.1007/978-3-642-10520-3_9),
the others a sequential one (``inferno``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

SIGNED, UNSIGNED = "coolwarm", "inferno"
SCALING = (
    "Each map is scaled by itself: the strongest colour is the 99th percentile of its magnitudes. "
    "Maps with signs: red is positive, blue negative, light grey 0. Others: 0 is black, the largest value yellow. "
    "Green is not a number."
)
BRIGHTEST = 0.99
LEVELS = 32  # enough for the eye, and half the bytes of 256
GAP = 2  # pixels between maps
NOT_FINITE = (0.0, 0.6, 0.3)  # the colour of NaN and infinity, which neither colour map has


def colored(values: np.ndarray, *, signed: bool) -> np.ndarray:
    """Return a map ``(h, w)`` in colours, uint8 ``(h, w, 3)``: green where it is not finite."""
    from matplotlib import colormaps

    finite = np.isfinite(values)
    known = np.where(finite, values, 0.0)
    brightest = scale_of(known)
    place = known / brightest if brightest else known
    place = (place.clip(-1, 1) + 1) / 2 if signed else np.abs(place).clip(0, 1)
    colors = colormaps[SIGNED if signed else UNSIGNED](np.round(place * (LEVELS - signed)) / (LEVELS - signed))
    pixels: np.ndarray = (np.where(finite[..., None], colors[..., :3], NOT_FINITE) * 255).round().astype(np.uint8)
    return pixels


def scale_of(values: np.ndarray) -> float:
    """Return the magnitude of a map that gets the brightest colour; 0 if the map is 0 everywhere."""
    magnitudes = np.abs(values)
    return float(np.quantile(magnitudes, BRIGHTEST)) or float(magnitudes.max())


def have_signs(maps: Mapping[str, np.ndarray]) -> bool:
    """Return whether any map goes below 0 by more than a hundredth of its largest value, and above as well."""
    return any(
        float(np.nanmin(each, initial=0.0)) < -0.01 * top and float(np.nanmax(each, initial=0.0)) > 0.01 * top
        for maps_of_a_stage in maps.values()
        for each in maps_of_a_stage
        if (top := float(np.nanmax(np.abs(each), initial=0.0)))
    )


def strip(
    maps: Mapping[str, np.ndarray], pictures: np.ndarray | None = None, *, images: int = 3, side: int = 48
) -> np.ndarray:
    """Return maps side by side, a column for each stage and a row for each image: uint8 ``(H, W, 3)``.

    ``maps``: by stage, each ``(k, h, w)``. ``pictures``: the images, ``(k, h, w, 1 or 3)``, which come first.
    ``images``: how many rows at most. ``side``: the longer side of each map, in pixels; pixels are repeated or
    averaged, never smoothed.
    """
    signed = have_signs(maps)
    rows = []
    for image in range(min(images, *(len(each) for each in maps.values()))):
        first = [] if pictures is None else [np.broadcast_to(pictures[image], (*pictures[image].shape[:2], 3))]
        cells = [*first, *(colored(each[image], signed=signed) for each in maps.values())]
        rows.append(_joined([fitted(cell, side) for cell in cells], axis=1))
    return _joined(rows, axis=0)


def fitted(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return a picture ``(h, w, 3)`` whose longer side is ``side``."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, how))


def png(pixels: np.ndarray, colors: int = 0) -> bytes:
    """Return a picture ``(h, w, 3)`` as PNG. ``colors``: with a palette of at most so many; 0 keeps all."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    if colors:
        image = image.quantize(colors, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, format="png", optimize=True)
    return file.getvalue()


def _joined(cells: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Return pictures side by side or below each other, with gaps; smaller ones are filled up."""
    across = max(each.shape[1 - axis] for each in cells)
    parts: list[np.ndarray] = []
    for each in cells:
        missing = across - each.shape[1 - axis]
        padding = [(0, 0), (0, 0), (0, 0)]
        padding[1 - axis] = (0, missing)
        padding[axis] = (GAP if parts else 0, 0)
        parts.append(np.pad(each, padding, constant_values=128))
    return np.concatenate(parts, axis)
