"""Metrics of dask arrays: task graphs that apply the numpy metrics to each chunk.

If a vector spans several chunks, its norm is the norm of the norms of its pieces.

As with ``x - x.mean()``, dask keeps the chunks of activations in memory from the computation of
the scale until it is applied.
"""

# dask's functions carry no types.
# mypy: disable-error-code="no-untyped-call,no-any-return"

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from . import blocks, numpy_arrays, ranks
from .blocks import Array, result_dtype

__all__ = [
    "as_real",
    "distances",
    "extremes",
    "lengths",
    "quantiles",
    "quotient",
    "rescaled",
    "result_dtype",
]


def as_real(name: str, value: Any) -> da.Array:
    """Convert `value` to a dask array of real numbers with a known shape."""
    if not isinstance(value, da.Array):
        array = blocks.as_real(name, value)
        # Without `name=False` dask hashes all values to make a name.
        return da.from_array(blocks.floats(array, result_dtype(array)), name=False)
    blocks.check_real(name, value.dtype)
    if any(np.isnan(size) for size in value.shape):
        raise ValueError(f"{name} must have a known shape, got {value.shape}: compute_chunk_sizes")
    return value


def distances(x: da.Array, y: da.Array, dtype: np.dtype[Any], *scales: da.Array) -> da.Array:
    """`Library.distances`."""
    pieces = _by_chunk(_piece, dtype, x, y, *scales, sizes={x.ndim - 1: 1})
    if pieces.shape[-1] == 1:
        return pieces[..., 0]
    return lengths(pieces.rechunk({-1: -1}), pieces.shape[-1], dtype)


def lengths(x: da.Array, d_model: int, dtype: np.dtype[Any]) -> da.Array:
    """`Library.lengths`."""
    vectors = da.broadcast_to(x, (*x.shape[:-1], d_model))
    return distances(vectors, da.zeros((1,) * x.ndim, dtype), dtype)


def quotient(dividend: da.Array, divisor: da.Array) -> da.Array:
    """`Library.quotient`."""
    return _by_chunk(_quotient, dividend.dtype, dividend, divisor)


def extremes(x: da.Array, pool: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[da.Array, da.Array]:
    """`Library.extremes`."""
    if not x.size:  # dask cannot reduce an empty axis alone; one value for the whole array works
        pool = tuple(range(x.ndim))
    sizes = dict.fromkeys(pool, 1)
    low, high = (_by_chunk(partial(_extreme, end, pool), dtype, x, sizes=sizes) for end in (0, 1))
    return low.min(axis=pool, keepdims=True), high.max(axis=pool, keepdims=True)


def quantiles(x: da.Array, quantile: float, dtype: np.dtype[Any]) -> tuple[da.Array, da.Array]:
    """`Library.quantiles`: one pass over the array for each digit; a pass needs the one before."""
    ends: Any = None
    for shift in ranks.shifts(dtype.itemsize):
        counts = _digit_counts(x, dtype, ends, shift)
        meta = np.empty((0, 0), np.int64)
        ends = da.map_blocks(ranks.narrowed, counts, ends, quantile, chunks=(2, 2), meta=meta)
    meta = np.empty(0, dtype)
    low, high = da.map_blocks(ranks.values, ends, dtype.itemsize, drop_axis=1, meta=meta)
    return low.reshape((1,) * x.ndim), high.reshape((1,) * x.ndim)


def rescaled(x: da.Array, low: da.Array, high: da.Array, dtype: np.dtype[Any]) -> da.Array:
    """`Library.rescaled`."""
    return _by_chunk(numpy_arrays.rescaled, dtype, x, low, high)


def _by_chunk(
    function: Callable[..., Array],
    dtype: np.dtype[Any],
    *arrays: da.Array,
    sizes: Mapping[int, int] | None = None,
) -> da.Array:
    """Apply `function` to the chunks of arrays that broadcast to the first one.

    `sizes` maps an axis to the length of a result along it. By default that is the chunk's.
    """
    axes = tuple(range(arrays[0].ndim))
    pairs = [part for array in arrays for part in (array, axes)]
    meta = np.empty((0,) * len(axes), dtype)
    call = partial(function, dtype=dtype)
    return da.blockwise(call, axes, *pairs, adjust_chunks=sizes, meta=meta)


def _digit_counts(x: da.Array, dtype: np.dtype[Any], ends: Any, shift: int) -> da.Array:
    """Counts of `ranks.digit_counts` over the finite values of all chunks."""
    axes = tuple(range(x.ndim))
    added = dict(zip((x.ndim, x.ndim + 1), ranks.counts_shape(ends), strict=True))
    counts = da.blockwise(
        partial(_chunk_counts, dtype=dtype, shift=shift),
        (*added, *axes),
        *(x, axes, ends, None if ends is None else (x.ndim + 2, x.ndim + 3)),
        new_axes=added,
        adjust_chunks=dict.fromkeys(axes, 1),
        concatenate=True,
        meta=np.empty((0,) * (x.ndim + 2), np.int64),
    )
    return counts.sum(axis=tuple(axis + 2 for axis in axes))


def _chunk_counts(x: Array, ends: ranks.Ends | None, dtype: np.dtype[Any], shift: int) -> Array:
    counts = numpy_arrays.digit_counts(x, dtype, ends, shift)
    return counts.reshape(*counts.shape, *(1,) * x.ndim)


def _piece(x: Array, y: Array, *scales: Array, dtype: np.dtype[Any]) -> Array:
    return numpy_arrays.distances(x, y, dtype, *scales)[..., None]


def _extreme(end: int, pool: tuple[int, ...], x: Array, dtype: np.dtype[Any]) -> Array:
    return numpy_arrays.extremes(x, pool, dtype)[end]


def _quotient(dividend: Array, divisor: Array, dtype: np.dtype[Any]) -> Array:
    # Not in place: other tasks may read the dividend.
    with np.errstate(all="ignore"):
        return np.divide(dividend, divisor, dtype=dtype)
