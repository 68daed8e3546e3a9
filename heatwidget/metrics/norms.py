"""How far latent states are from where they end."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import blocks
from .blocks import Array, as_real, floats, part_of, result_dtype, tiles

# A fixed point of up to this many cells is converted once, not again for every iteration.
_KEPT_CELLS = 1 << 21


def residual_norms(latent_states: npt.ArrayLike, fixed_point: npt.ArrayLike | None = None) -> Array:
    """Distance of each latent state from the fixed point, ``||x_k - x*||_2`` over d_model.

    The convergence picture of Geiping et al. 2025, "Scaling up Test-Time Compute with Latent
    Reasoning: A Recurrent Depth Approach".

    Parameters
    ----------
    latent_states : array_like of real numbers, shape (..., d_model)
        Usually (iteration, token, d_model); (token, d_model) for one iteration.
    fixed_point : array_like of real numbers, optional
        Broadcasts to `latent_states` without enlarging it. By default the last state along the
        first axis, which is then the iteration; that state's own distance is 0.

    Returns
    -------
    ndarray of float32 or float64, shape (...)
        In the units of the latent states.

    Raises
    ------
    TypeError
        An input is not made of real numbers.
    ValueError
        The shapes do not fit, or there is no iteration axis to take the fixed point from.
    """
    x, y, dtype = _states(latent_states, fixed_point)
    return _norms(x, y, dtype)


def relative_residuals(
    latent_states: npt.ArrayLike, fixed_point: npt.ArrayLike | None = None
) -> Array:
    """Distance from the fixed point as a fraction of its norm, ``||x_k - x*|| / ||x*||``.

    Parameters, shapes and errors are those of `residual_norms`. Without units. Where ``||x*||`` is
    0 the result is inf, or NaN for a state that is 0 too.
    """
    x, y, dtype = _states(latent_states, fixed_point)
    return _divided(_norms(x, y, dtype), _lengths(y, x.shape[-1], dtype))


def step_norms(latent_states: npt.ArrayLike, *, relative: bool = False) -> Array:
    """Length of each iteration's step, ``||x_k - x_(k-1)||_2`` over d_model, from the second on.

    Parameters
    ----------
    latent_states : array_like of real numbers, shape (iteration, ..., d_model)
    relative : bool, default False
        Divide by ``||x_k||``: the quantity that Huginn (Geiping et al. 2025) compares with its
        exit threshold. inf or NaN where that is 0.

    Returns
    -------
    ndarray of float32 or float64, shape (iteration - 1, ...)
        In the units of the latent states, or without units if `relative`.

    Raises
    ------
    TypeError
        `latent_states` is not made of real numbers.
    ValueError
        `latent_states` has no iteration axis or nothing along d_model.
    """
    x, _, dtype = _states(latent_states, None)
    norms = _norms(x[1:], x[:-1], dtype)
    return _divided(norms, _lengths(x[1:], x.shape[-1], dtype)) if relative else norms


def cosine_to(latent_states: npt.ArrayLike, fixed_point: npt.ArrayLike | None = None) -> Array:
    """Cosine of the angle between each latent state and the fixed point, -1..1.

    Computed as ``1 - ||u - v||^2 / 2`` with ``u = x_k / ||x_k||``, ``v = x* / ||x*||`` (the law of
    cosines), which keeps the small differences from 1 that a dot product rounds away. NaN where
    either norm is 0, not finite, or too large for the result's dtype.
    Parameters, shapes and errors are those of `residual_norms`.
    """
    x, y, dtype = _states(latent_states, fixed_point)
    lengths = [_lengths(part, x.shape[-1], dtype)[..., None] for part in (x, y)]
    # An overflowed norm would make its unit vector 0 and the cosine a plausible 0.5.
    chords = _norms(x, y, dtype, *(np.where(np.isfinite(n), n, np.nan) for n in lengths))
    return np.maximum(1 - chords * chords / 2, -1)


def _states(
    latent_states: npt.ArrayLike, fixed_point: npt.ArrayLike | None
) -> tuple[Array, Array, np.dtype[Any]]:
    """The states, the fixed point with as many axes, and the dtype to compute in."""
    x = as_real("latent_states", latent_states)
    if x.ndim < 1 or x.shape[-1] == 0:
        raise ValueError(
            f"latent_states must have a d_model axis that is not empty, got shape {x.shape}"
        )
    if fixed_point is None:
        if x.ndim < 2:
            raise ValueError(
                f"latent_states must have an iteration axis before d_model, got shape {x.shape}"
            )
        return x, x[-1:], result_dtype(x)
    y = as_real("fixed_point", fixed_point)
    fits = zip(reversed(y.shape), reversed(x.shape), strict=False)
    if y.ndim > x.ndim or any(n not in (1, size) for n, size in fits):
        raise ValueError(
            f"fixed_point must broadcast to latent_states {x.shape}, got shape {y.shape}"
        )
    return x, y.reshape((1,) * (x.ndim - y.ndim) + y.shape), result_dtype(x, y)


def _norms(x: Array, y: Array, dtype: np.dtype[Any], *lengths: Array) -> Array:
    """``||x - y||`` over the last axis, or ``||x / lengths[0] - y / lengths[1]||``.

    All have the same number of axes and broadcast to the shape of `x`.
    """
    d_model = x.shape[-1]
    if d_model > blocks.BLOCK_CELLS:
        return _wide_norms(x, y, dtype, *lengths)
    if y.size <= _KEPT_CELLS:
        y = floats(y, dtype)
    # Walk in the order of memory, or a Fortran-ordered input is read a cache line per number.
    strides = list(zip(map(abs, x.strides), map(abs, y.strides), strict=True))
    order = sorted(range(x.ndim - 1), key=strides.__getitem__, reverse=True)
    operands = [array.transpose(*order, -1) for array in (x, y, *lengths)]
    norms = np.empty(x.shape[:-1], dtype)
    target = norms.transpose(order)
    buffer = np.empty(min(blocks.BLOCK_CELLS, x.size), dtype)
    with np.errstate(all="ignore"):
        for region in tiles(target.shape, blocks.BLOCK_CELLS // d_model):
            parts = [floats(part_of(array, region), dtype) for array in operands]
            work = buffer[: parts[0].size].reshape(parts[0].shape)
            if lengths:
                np.divide(parts[0], parts[2], out=work)
                np.subtract(work, parts[1] / parts[3], out=work)
            else:
                np.subtract(parts[0], parts[1], out=work)
            target[region] = _row_norms(work.reshape(-1, d_model)).reshape(work.shape[:-1])
    return norms


def _wide_norms(x: Array, y: Array, dtype: np.dtype[Any], *lengths: Array) -> Array:
    """`_norms` where one vector is more than a block: the norm of the norms of its pieces."""
    pieces = []
    for last in tiles(x.shape[-1:], blocks.BLOCK_CELLS):
        region = (slice(None),) * (x.ndim - 1) + last
        parts = [part_of(array, region) for array in (x, y, *lengths)]
        pieces.append(_norms(parts[0], parts[1], dtype, *parts[2:]))
    return _lengths(np.stack(pieces, axis=-1), len(pieces), dtype)


def _lengths(x: Array, d_model: int, dtype: np.dtype[Any]) -> Array:
    """``||x||`` over the last axis, which is broadcast to `d_model` if it has length 1."""
    origin = np.broadcast_to(np.zeros((), dtype), (*x.shape[:-1], d_model))
    return _norms(origin, x, dtype)


def _divided(norms: Array, lengths: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.divide(norms, lengths, out=norms)


def _row_norms(rows: Array) -> Array:
    """Norms of the rows of a block, also where their squares leave the range of the dtype."""
    squares = _row_squares(rows)
    norms = np.sqrt(squares)
    limits = np.finfo(rows.dtype)
    # Below this, squares of single elements may have lost digits to underflow.
    safe = (squares >= rows.shape[1] * limits.tiny / limits.eps) & (squares <= limits.max)
    if not safe.all():
        scaled = rows[~safe]
        peaks = np.abs(scaled).max(axis=-1, keepdims=True)
        peaks[(peaks == 0) | ~np.isfinite(peaks)] = 1  # these rows are 0, inf or NaN as they are
        scaled /= peaks
        norms[~safe] = peaks[:, 0] * np.sqrt(_row_squares(scaled))
    return norms


def _row_squares(rows: Array) -> Array:
    # (1, d) @ (d, 1) ends in the BLAS dot product: faster than einsum, and its several partial
    # sums keep the rounding error small.
    squares: Array = np.matmul(rows[:, None, :], rows[:, :, None])[:, 0, 0]
    return squares
