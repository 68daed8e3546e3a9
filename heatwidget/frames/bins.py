"""Level of detail: which neighbours share a cell of the picture.

A bin's size is a power of two and bins lie on multiples of it, counted from the first index
of the array, so that moving the window does not make the picture shimmer.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray


def bin_size(n_indices: int, n_pixels: int) -> int:
    """Smallest power of two with which a window needs no more bins than pixels.

    It depends on the window's length alone, not on where it lies, so that a window keeps
    its level of detail while it moves.

    Parameters
    ----------
    n_indices : int
        Length of the window.
    n_pixels : int
        Most bins there may be, at least 2.
    """
    if n_indices <= n_pixels:
        return 1
    size = 2
    while (n_indices - 2) // size + 2 > n_pixels and size < n_indices:
        size *= 2
    return size


def part_of(window: tuple[int, int], span: tuple[float, float]) -> tuple[int, int]:
    """Window of the indices of another one that a span of fractions, 0 to 1, touches."""
    start, size = window[0], window[1] - window[0]
    first = min(max(floor(span[0] * size), 0), size - 1)
    last = min(max(ceil(span[1] * size), first + 1), size)
    return start + first, start + last


def bin_edges(start: int, stop: int, size: int) -> NDArray[np.int64]:
    """Edges of the bins of a window: its two ends, and each multiple of `size` between.

    Returns
    -------
    ndarray of int64, shape (n_bins + 1,)
        Strictly increasing; the first and last bin may be cut by the window.
    """
    inner = np.arange((start // size + 1) * size, stop, size, dtype=np.int64)
    return np.concatenate(([start], inner, [stop])).astype(np.int64)
