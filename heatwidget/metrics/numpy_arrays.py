"""Metrics of numpy arrays and array-likes."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from . import blocks, ranks
from .blocks import Array, as_real, floats, part_of, result_dtype, tiles

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


# Number of elements whose squares are summed in the dtype of the result.
_SUMMED_CELLS = 512


def distances(x: Array, y: Array, dtype: np.dtype[Any], *scales: Array) -> Array:
    """`Library.distances`."""
    d_model = x.shape[-1]
    if d_model > blocks.BLOCK_CELLS:
        return _wide_distances(x, y, dtype, *scales)
    if y.size <= blocks.KEPT_CELLS:
        y = floats(y, dtype)
    # In memory order. Otherwise a Fortran-ordered input costs a cache line for each number.
    strides = list(zip(map(abs, x.strides), map(abs, y.strides), strict=True))
    order = sorted(range(x.ndim - 1), key=strides.__getitem__, reverse=True)
    operands = [array.transpose(*order, -1) for array in (x, y, *scales)]
    norms = np.empty(x.shape[:-1], dtype)
    target = norms.transpose(order)
    buffer = np.empty(min(blocks.BLOCK_CELLS, x.size), dtype)
    with np.errstate(all="ignore"):
        for region in tiles(target.shape, blocks.BLOCK_CELLS // d_model):
            first, *others = (part_of(array, region) for array in operands)
            work = buffer[: first.size].reshape(first.shape)
            _subtract(work, floats(first, dtype, work), *(floats(y, dtype) for y in others))
            target[region] = _row_norms(work.reshape(-1, d_model)).reshape(work.shape[:-1])
    return norms


def lengths(x: Array, d_model: int, dtype: np.dtype[Any]) -> Array:
    """`Library.lengths`."""
    origin = np.broadcast_to(np.zeros((), dtype), (*x.shape[:-1], d_model))
    return distances(origin, x, dtype)


def quotient(dividend: Array, divisor: Array) -> Array:
    """`Library.quotient`."""
    with np.errstate(all="ignore"):
        return np.divide(dividend, divisor, out=dividend)


def extremes(x: Array, pool: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """`Library.extremes`."""
    shape = tuple(1 if axis in pool else size for axis, size in enumerate(x.shape))
    low, high = np.full(shape, np.inf, dtype), np.full(shape, -np.inf, dtype)
    for region in tiles(x.shape, blocks.BLOCK_CELLS):
        block = floats(x[region], dtype)
        finite = np.isfinite(block)
        for limit, pick, start in ((low, np.minimum, np.inf), (high, np.maximum, -np.inf)):
            part = part_of(limit, region)
            found = pick.reduce(block, axis=pool, keepdims=True, where=finite, initial=start)
            pick(part, found, out=part)
    return low, high


def rescaled(x: Array, low: Array, high: Array, dtype: np.dtype[Any]) -> Array:
    """`Library.rescaled`."""
    result = np.empty(x.shape, dtype)
    with np.errstate(all="ignore"):
        half = np.where(np.isfinite(high - low), 1, 0.5).astype(dtype)  # the span may overflow
        span = high * half - low * half
        span[span == 0] = 1
        for region in tiles(x.shape, blocks.BLOCK_CELLS):
            block = floats(x[region], dtype)
            bottom, top, unit, scale = (part_of(part, region) for part in (low, high, span, half))
            scaled = (np.clip(block, bottom, top) * scale - bottom * scale) / unit
            result[region] = np.where(np.isfinite(block), scaled, block)
    return result


def quantiles(x: Array, quantile: float, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """`Library.quantiles`."""
    count = partial(digit_counts, x, dtype)
    low, high = ranks.search(count, quantile, dtype.itemsize)
    return np.full((1,) * x.ndim, low), np.full((1,) * x.ndim, high)


def digit_counts(
    x: Array, dtype: np.dtype[Any], ends: ranks.Ends | None, shift: int
) -> ranks.Counts:
    """Counts of `ranks.digit_counts` over the finite values of an array."""
    counts = np.zeros(ranks.counts_shape(ends), np.int64)
    for region in tiles(x.shape, blocks.BLOCK_CELLS):
        block = floats(x[region], dtype)
        bits = block[np.isfinite(block)].view(f"i{dtype.itemsize}")
        counts += ranks.digit_counts(bits, ends, shift, np.bincount)
    return counts


def _subtract(work: Array, first: Array, second: Array, *scales: Array) -> None:
    """Write ``first - second`` into `work`; divide each by its scale first, if any."""
    if scales:
        # A vector divided by an overflowed norm is 0, and its cosine would be a plausible 0.5.
        own, other = (np.where(np.isfinite(scale), scale, np.nan) for scale in scales)
        first, second = np.divide(first, own, out=work), second / other
    np.subtract(first, second, out=work)


def _wide_distances(x: Array, y: Array, dtype: np.dtype[Any], *scales: Array) -> Array:
    """`distances` for vectors larger than a block: the norm of the norms of their pieces."""
    pieces = []
    for last in tiles(x.shape[-1:], blocks.BLOCK_CELLS):
        region = (slice(None),) * (x.ndim - 1) + last
        parts = [part_of(array, region) for array in (x, y, *scales)]
        pieces.append(distances(parts[0], parts[1], dtype, *parts[2:]))
    return lengths(np.stack(pieces, axis=-1), len(pieces), dtype)


def _row_norms(rows: Array) -> Array:
    """Norms of the rows of a block, also where squares overflow or underflow."""
    squares = _row_squares(rows)
    norms: Array = np.sqrt(squares).astype(rows.dtype)
    limits = np.finfo(rows.dtype)
    # Below this limit the squares of single elements may have underflowed.
    unsafe = ~((squares >= rows.shape[1] * limits.tiny / limits.eps) & (squares <= limits.max))
    if unsafe.any():
        unsafe &= rows.any(axis=-1)  # the last states are often their own fixed point
        scaled = rows[unsafe]
        peaks = np.abs(scaled).max(axis=-1, keepdims=True, initial=0)
        peaks[~np.isfinite(peaks)] = 1  # the norms of these rows are inf or NaN
        scaled /= peaks
        norms[unsafe] = peaks[:, 0] * np.sqrt(_row_squares(scaled))
    return norms


def _row_squares(rows: Array) -> npt.NDArray[np.float64]:
    """Sum of squares of each row.

    The rounding of a BLAS dot product depends on the processor and is poor over many elements.
    Rows are therefore cut into short pieces, whose sums are added in float64.
    """
    n, d_model = rows.shape
    whole = d_model - d_model % _SUMMED_CELLS
    squares = np.zeros(n)
    for columns, size in ((slice(whole), _SUMMED_CELLS), (slice(whole, None), d_model - whole)):
        if size and n:
            pieces = rows[:, columns].reshape(n, -1, size)
            # (1, size) @ (size, 1) calls the BLAS dot product, which is faster than einsum.
            sums = np.matmul(pieces[:, :, None, :], pieces[:, :, :, None])
            squares += sums.sum(axis=(1, 2, 3), dtype=np.float64)
    return squares
