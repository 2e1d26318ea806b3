"""Maps in colours: perceptually uniform, and safe for the colour-blind.

Maps with signs get a diverging colour map centred at 0 (``coolwarm``, Moreland 2009, doi:10.1007/978-3-642-10520-3_9),
the others a sequential one (``inferno``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

SIGNED, UNSIGNED = "coolwarm", "inferno"
SCALING = "Each map is scaled by itself: the strongest colour is the 99th percentile of its magnitudes."
COLORS = (
    "Maps with signs: red is positive, blue negative, light grey 0. Others: 0 is black, the strongest is yellow. "
    "Green is not a number."
)
BRIGHTEST = 0.99
LEVELS = 32  # steps of a colour map, an even number, so that 0 has a colour: enough for the eye, half the bytes of 256
PALETTE = 64  # colours of a picture that is to be small: those of a colour map, NaN and gaps, and the rest for pictures
SHADES = PALETTE - (LEVELS + 1) - 2
GAP, PAPER = 2, 128  # pixels between maps, and their grey
NOT_FINITE = (0.0, 0.6, 0.3)  # the colour of NaN and infinity, which neither colour map has


def colored(values: np.ndarray, *, signed: bool) -> np.ndarray:
    """Return a map ``(h, w)`` in colours, uint8 ``(h, w, 3)``: green where it is not finite."""
    from matplotlib import colormaps

    finite = np.isfinite(values)
    known = np.where(finite, values, 0.0).astype(np.float64)  # float32 overflows if divided by next to nothing
    brightest = scale_of(known)
    place = known / brightest if brightest else known
    place = (place.clip(-1, 1) + 1) / 2 if signed else np.abs(place).clip(0, 1)
    colors = colormaps[SIGNED if signed else UNSIGNED](np.round(place * LEVELS) / LEVELS)
    pixels: np.ndarray = (np.where(finite[..., None], colors[..., :3], NOT_FINITE) * 255).round().astype(np.uint8)
    return pixels


def scale_of(values: np.ndarray) -> float:
    """Return the magnitude of a map that gets the brightest colour; 0 if the map is 0 everywhere."""
    magnitudes = np.abs(values)
    return float(np.quantile(magnitudes, BRIGHTEST)) or float(magnitudes.max())


def have_signs(maps: Mapping[str, np.ndarray]) -> bool:
    """Return whether any map goes below 0 by more than a hundredth of its largest value, and above as well.

    What is not finite says nothing.
    """
    return any(_has_signs(each[np.isfinite(each)]) for of_a_stage in maps.values() for each in of_a_stage)


def _has_signs(values: np.ndarray) -> bool:
    least = 0.01 * float(np.abs(values).max(initial=0.0))
    return least > 0 and float(values.min()) < -least and float(values.max()) > least


def strip(
    maps: Mapping[str, np.ndarray],
    pictures: np.ndarray | None = None,
    *,
    images: int = 3,
    side: int = 48,
    shades: int = 0,
) -> np.ndarray:
    """Return maps side by side, a column for each stage and a row for each image: uint8 ``(H, W, 3)``.

    ``maps``: by stage, each ``(k, h, w)``. ``pictures``: the images, ``(k, h, w, 1 or 3)``, which come first.
    ``images``: how many rows at most. ``side``: of the square that holds a map, in pixels. The pixels of smaller maps
    are repeated, those of larger ones averaged. ``shades``: of how many colours the pictures are at most, so that a
    palette has room for those of the maps; 0 keeps all. Raises ValueError if there is no map.
    """
    rows = min([images, *map(len, maps.values()), *([] if pictures is None else [len(pictures)])])
    if not maps or rows < 1:
        raise ValueError("there are no maps to show")
    signed = have_signs(maps)
    columns: list[Sequence[np.ndarray] | np.ndarray] = []
    if pictures is not None:
        columns.append(_in_shades(_in_color(pictures[:rows], side), shades))
    columns += [[colored(shrunk(each, side), signed=signed) for each in maps_of[:rows]] for maps_of in maps.values()]
    step = side + GAP
    pixels = np.full((rows * step - GAP, len(columns) * step - GAP, 3), PAPER, np.uint8)
    for across, column in enumerate(columns):
        for down, cell in enumerate(column):
            shown = enlarged(cell, side)
            corner = pixels[down * step :, across * step :]
            corner[: shown.shape[0], : shown.shape[1]] = shown
    return pixels


def shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return a map ``(h, w)`` or a picture ``(h, w, 3)``, averaged over areas if its longer side exceeds ``side``."""
    from PIL import Image

    if max(pixels.shape[:2]) <= side:
        return pixels
    numbers = pixels if pixels.dtype == np.uint8 else np.ascontiguousarray(pixels, np.float32)
    return np.asarray(Image.fromarray(numbers).resize(_size(pixels, side), Image.Resampling.BOX))


def enlarged(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return a picture ``(h, w, 3)`` whose longer side is ``side``: its pixels are repeated."""
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize(_size(pixels, side), Image.Resampling.NEAREST))


def png(pixels: np.ndarray, colors: int = 0) -> bytes:
    """Return a picture ``(h, w, 3)`` as PNG. ``colors``: with a palette of at most so many; 0 keeps all."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    if colors:
        image = image.quantize(colors, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, format="png")  # optimize=True takes ten times as long, for a few bytes
    return file.getvalue()


def _size(pixels: np.ndarray, side: int) -> tuple[int, int]:
    """Return width and height of a picture whose longer side is ``side``, as PIL wants them."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _in_color(pictures: np.ndarray, side: int) -> np.ndarray:
    """Return pictures ``(k, h, w, 1 or 3)`` with three channels, none longer than ``side``."""
    with_three = np.ascontiguousarray(np.broadcast_to(pictures, (*pictures.shape[:3], 3)))
    return np.stack([shrunk(each, side) for each in with_three])


def _in_shades(pictures: np.ndarray, shades: int) -> np.ndarray:
    """Return pictures ``(k, h, w, 3)`` in the same few colours; as they are if ``shades`` is 0."""
    from PIL import Image

    if not shades:
        return pictures
    together = Image.fromarray(pictures.reshape(-1, *pictures.shape[2:]))
    reduced = together.quantize(shades, dither=Image.Dither.NONE).convert("RGB")
    return np.asarray(reduced).reshape(pictures.shape)
