"""Neighbours merged bin by bin along one axis, at the speed of memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Neighbours in memory are merged two by two up to bins of this size: numpy's own
# reductions take longer for each bin than for what is in it. Larger ones it does fast.
_SMALL_BIN = 32
_FEW_BINS = 3


def merge_bins(
    merge: np.ufunc,
    values: NDArray[Any],
    edges: NDArray[np.int64],
    axis: int,
    dtype: DTypeLike | None,
) -> NDArray[Any]:
    """Values of each bin along an axis, merged by a ufunc.

    Parameters
    ----------
    merge : ufunc
        Of two arguments, such as `numpy.add`.
    values : ndarray
    edges : ndarray of int64, shape (n_bins + 1,)
        Strictly increasing, from 0 to the size of the axis. It is fastest where all bins
        but the first and the last are of one size.
    axis : int
    dtype : dtype, optional
        Type in which to merge; None is that of the values, or for sums numpy's own choice.
    """
    sizes = np.diff(edges)
    few = len(sizes) <= _FEW_BINS
    size = int(sizes[1]) if not few else 0
    with np.errstate(all="ignore"):
        if not few and (sizes[1:-1] != size).any():
            return merge.reduceat(values, edges[:-1], axis=axis, dtype=dtype)
        # The bins at the two ends may be shorter; else they go with the others.
        inner = edges[1:-1] if few else edges[[1, -2]][sizes[[0, -1]] != size]
        body = -1 if few else int(sizes[0] != size)
        merged = [
            _merge_equal(merge, part, size, axis, dtype)
            if i == body
            else merge.reduce(part, axis=axis, dtype=dtype, keepdims=True)
            for i, part in enumerate(np.split(values, inner, axis=axis))
        ]
        return np.concatenate(merged, axis=axis) if len(merged) > 1 else np.asarray(merged[0])


def _merge_equal(
    merge: np.ufunc, values: NDArray[Any], size: int, axis: int, dtype: DTypeLike | None
) -> NDArray[Any]:
    """Values of bins of one size."""
    if abs(values.strides[axis]) > values.itemsize:
        shape = (*values.shape[:axis], -1, size, *values.shape[axis + 1 :])
        split = values.reshape(shape)
        return np.asarray(merge.reduce(split, axis=axis + 1, dtype=dtype))
    if size >= _SMALL_BIN or size & (size - 1):
        starts = np.arange(0, values.shape[axis], size)
        return merge.reduceat(values, starts, axis=axis, dtype=dtype)
    before = (slice(None),) * axis
    even, odd = (*before, slice(0, None, 2)), (*before, slice(1, None, 2))
    while size > 1:
        values = merge(values[even], values[odd], dtype=dtype)
        size //= 2
    return values
