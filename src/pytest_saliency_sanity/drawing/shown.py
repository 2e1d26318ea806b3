"""Figures to look at at once: a notebook shows them below the cell, a script with ``matplotlib.pyplot.show()``.

They are pyplot's, unlike those for files (``style.new_figure``). Whoever brings axes keeps pyplot out of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .style import require_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def shown_figure(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    """Return a new figure, ``width x height`` inches, and its axes ``(rows, columns)``.

    Raises ImportError, with what to install, if matplotlib is missing.
    """
    require_matplotlib()
    from matplotlib import pyplot as plt

    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False)


def given_axes(axes: object, shape: tuple[int, ...]) -> np.ndarray:
    """Return the axes that a caller brought, in a shape. Raises ValueError if there are more or fewer."""
    require_matplotlib()
    found = np.array(axes, dtype=object).ravel()
    if found.size != np.prod(shape):
        raise ValueError(f"axes must be {' x '.join(map(str, shape))}, not {found.size}")
    return found.reshape(shape)
