"""From latent states and activations to the numbers a heatmap shows, block by block.

Half precision is widened to float32 before anything is subtracted, and ``||x - y||`` is always
taken of the difference itself: ``x.x - 2 x.y + y.y`` cancels near convergence, where one looks.

- Results are what numpy promotes the inputs and float32 to, float64 at most: float32 for float16,
  float32, bool and integers of up to 16 bits, else float64.
- A masked element counts as NaN.
- No floating-point warning is raised: inf and NaN in the result say it.
- An input is never written to, and never copied whole, whatever its order, strides and byte order:
  beside the result, and one value per vector where two metrics are combined, memory is a few
  blocks of `_BLOCK_CELLS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "cosine_to",
    "normalization_label",
    "normalize_activations",
    "relative_residuals",
    "residual_norms",
    "step_norms",
]

Array = npt.NDArray[Any]
Region = tuple[slice, ...]
Rule = Literal["layer", "token", "prompt", "global", "quantile"]

# 2 MB of float32: small enough to stay in a cache from the difference to the sum of its squares,
# large enough to make the Python around it cheap.
_BLOCK_CELLS = 1 << 19
# A fixed point of up to this many cells is converted once, not again for every iteration.
_KEPT_CELLS = 1 << 21

_LABELS: dict[str, str] = {
    "layer": "activation, 0..1 within each layer",
    "token": "activation, 0..1 within each token",
    "prompt": "activation, 0..1 within each prompt",
    "global": "activation, 0..1 over all values",
    "quantile": "activation, 0..1 from quantile {low:.4g} to {high:.4g}",
}


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


def normalize_activations(
    activations: npt.ArrayLike,
    *,
    rule: Rule = "layer",
    dims: Sequence[str] | None = None,
    quantile: float = 0.99,
) -> Array:
    """Activations brought to 0..1: ``(clip(x, low, high) - low) / (high - low)``.

    NaN and inf pass through and do not count for `low` and `high`. Where these are equal the
    result is 0. An iteration axis shares one scale, so that scrubbing does not change it.

    Parameters
    ----------
    activations : array_like of real numbers, shape (layer, token) or (iteration, layer, token)
    rule : {"layer", "token", "prompt", "global", "quantile"}
        Where `low` and `high` come from. The name of an axis: the least and greatest value of each
        of its entries, over all other axes. "global": of the whole array. "quantile": the
        ``1 - quantile`` and `quantile` quantiles of the whole array, both of them values that
        occur, so that a few massive activations do not flatten all others.
    dims : sequence of str, optional
        The axes' names, when they are not as above.
    quantile : float, default 0.99
        Above 0.5, at most 1. For the rule "quantile" only.

    Returns
    -------
    ndarray of float32 or float64, the shape of `activations`
        Without units; `normalization_label` says what the numbers mean.

    Raises
    ------
    TypeError
        `activations` is not made of real numbers.
    ValueError
        An unknown `rule`, one that names no axis, wrong `dims` or `quantile`.
    """
    label = normalization_label(rule, quantile=quantile)  # refuses a wrong rule or quantile
    x = _real("activations", activations)
    names = _dims(x, dims)
    if rule not in ("global", "quantile") and rule not in names:
        raise ValueError(f"rule {rule!r} ({label}) needs an axis of that name, got dims {names}")
    dtype = _result_dtype(x)
    if rule == "quantile":
        low, high = _quantiles(x, quantile, dtype)
    else:
        low, high = _extremes(x, tuple(a for a, name in enumerate(names) if name != rule), dtype)
    return _rescaled(x, low, high, dtype)


def normalization_label(rule: Rule, *, quantile: float = 0.99) -> str:
    """The rule of `normalize_activations` in words, for a colour bar.

    Raises
    ------
    ValueError
        An unknown `rule`, or a `quantile` outside (0.5, 1].
    """
    if rule not in _LABELS:
        raise ValueError(f"rule must be one of {', '.join(map(repr, _LABELS))}, got {rule!r}")
    if not 0.5 < quantile <= 1:
        raise ValueError(f"quantile must be above 0.5 and at most 1, got {quantile!r}")
    return _LABELS[rule].format(low=1 - quantile, high=quantile)


# What came in -------------------------------------------------------------------------------------


def _real(name: str, value: npt.ArrayLike) -> Array:
    """`value` as an array of real numbers; a masked array stays one."""
    try:
        array = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of real numbers: {error}") from error
    # Asked like this, also extension dtypes such as ml_dtypes' bfloat16 are real numbers.
    if not np.can_cast(array.dtype, np.longdouble):
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    return array


def _result_dtype(*arrays: Array) -> np.dtype[Any]:
    dtype = np.result_type(np.float32, *(array.dtype for array in arrays))
    return dtype if dtype.itemsize <= 8 else np.dtype(np.float64)


def _states(
    latent_states: npt.ArrayLike, fixed_point: npt.ArrayLike | None
) -> tuple[Array, Array, np.dtype[Any]]:
    """The states, the fixed point with as many axes, and the dtype to compute in."""
    x = _real("latent_states", latent_states)
    if x.ndim < 1 or x.shape[-1] == 0:
        raise ValueError(
            f"latent_states must have a d_model axis that is not empty, got shape {x.shape}"
        )
    if fixed_point is None:
        if x.ndim < 2:
            raise ValueError(
                f"latent_states must have an iteration axis before d_model, got shape {x.shape}"
            )
        return x, x[-1:], _result_dtype(x)
    y = _real("fixed_point", fixed_point)
    fits = zip(reversed(y.shape), reversed(x.shape), strict=False)
    if y.ndim > x.ndim or any(n not in (1, size) for n, size in fits):
        raise ValueError(
            f"fixed_point must broadcast to latent_states {x.shape}, got shape {y.shape}"
        )
    return x, y.reshape((1,) * (x.ndim - y.ndim) + y.shape), _result_dtype(x, y)


def _dims(x: Array, dims: Sequence[str] | None) -> tuple[str, ...]:
    if dims is None:
        if x.ndim not in (2, 3):
            raise ValueError(
                "activations must have shape (layer, token) or (iteration, layer, token), "
                f"got {x.shape}; dims can name other axes"
            )
        return ("iteration", "layer", "token")[-x.ndim :]
    if isinstance(dims, str) or not dims or not len(set(dims)) == len(dims) == x.ndim:
        raise ValueError(f"dims must name each axis of activations {x.shape} once, got {dims!r}")
    return tuple(dims)


# Blocks -------------------------------------------------------------------------------------------


def _blocks(shape: Sequence[int], cells: int) -> Iterator[Region]:
    """Regions of at most `cells` cells (but at least one) that tile `shape` in C order."""
    if not shape:
        yield ()
        return
    step = max(1, min(shape[-1], cells))
    for outer in _blocks(shape[:-1], cells // step):
        for start in range(0, shape[-1], step):
            yield (*outer, slice(start, start + step))


def _part(array: Array, region: Region) -> Array:
    """`region` of an array that is broadcast along its axes of length 1."""
    return array[
        tuple(
            slice(None) if size == 1 else index
            for size, index in zip(array.shape, region, strict=False)
        )
    ]


def _floats(block: Array, dtype: np.dtype[Any]) -> Array:
    """A block in `dtype`, NaN where it is masked; the block's own memory if it is that already."""
    data = np.asarray(np.ma.getdata(block))
    half = data.dtype == np.float16 and dtype == np.float32
    data = _widened(data) if half else data.astype(dtype, copy=False)
    if isinstance(block, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(block), dtype.type(np.nan), data)
    return data


def _widened(half: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
    """float16 as float32, exactly; by integer arithmetic, 3 times faster than numpy's own cast."""
    bits = half.view(np.int16)
    if np.max(bits & 0x7C00, initial=0) == 0x7C00:  # inf or NaN, which the shift would make finite
        return half.astype(np.float32)
    wide = bits.astype(np.int32)  # extends the sign bit
    wide <<= 13  # 10 to 23 bits of fraction
    wide &= -0x70002000  # keep sign, exponent and fraction; drop the copies of the sign
    single = wide.view(np.float32)
    single *= np.float32(2.0**112)  # the exponent's bias, 15 to 127
    return single


# Norms --------------------------------------------------------------------------------------------


def _norms(x: Array, y: Array, dtype: np.dtype[Any], *lengths: Array) -> Array:
    """``||x - y||`` over the last axis, or ``||x / lengths[0] - y / lengths[1]||``.

    All have the same number of axes and broadcast to the shape of `x`.
    """
    d_model = x.shape[-1]
    if d_model > _BLOCK_CELLS:
        return _wide_norms(x, y, dtype, *lengths)
    if y.size <= _KEPT_CELLS:
        y = _floats(y, dtype)
    # Walk in the order of memory, or a Fortran-ordered input is read a cache line per number.
    strides = list(zip(map(abs, x.strides), map(abs, y.strides), strict=True))
    order = sorted(range(x.ndim - 1), key=strides.__getitem__, reverse=True)
    operands = [array.transpose(*order, -1) for array in (x, y, *lengths)]
    norms = np.empty(x.shape[:-1], dtype)
    target = norms.transpose(order)
    buffer = np.empty(min(_BLOCK_CELLS, x.size), dtype)
    with np.errstate(all="ignore"):
        for region in _blocks(target.shape, _BLOCK_CELLS // d_model):
            parts = [_floats(_part(array, region), dtype) for array in operands]
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
    for last in _blocks(x.shape[-1:], _BLOCK_CELLS):
        region = (slice(None),) * (x.ndim - 1) + last
        parts = [_part(array, region) for array in (x, y, *lengths)]
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


# Activations --------------------------------------------------------------------------------------


def _extremes(x: Array, pool: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Least and greatest finite value over the axes in `pool`, which keep length 1."""
    shape = tuple(1 if axis in pool else size for axis, size in enumerate(x.shape))
    low, high = np.full(shape, np.inf, dtype), np.full(shape, -np.inf, dtype)
    for region in _blocks(x.shape, _BLOCK_CELLS):
        block = _floats(x[region], dtype)
        finite = np.isfinite(block)
        for limit, pick, start in ((low, np.minimum, np.inf), (high, np.maximum, -np.inf)):
            part = _part(limit, region)
            found = pick.reduce(block, axis=pool, keepdims=True, where=finite, initial=start)
            pick(part, found, out=part)
    return low, high


def _rescaled(x: Array, low: Array, high: Array, dtype: np.dtype[Any]) -> Array:
    """``(clip(x, low, high) - low) / (high - low)``; 0 if `high` is `low`, inf and NaN as is."""
    result = np.empty(x.shape, dtype)
    with np.errstate(all="ignore"):
        half = np.where(np.isfinite(high - low), 1, 0.5).astype(dtype)  # the span may overflow
        span = high * half - low * half
        span[span == 0] = 1
        for region in _blocks(x.shape, _BLOCK_CELLS):
            block = _floats(x[region], dtype)
            bottom, top, unit, scale = (_part(part, region) for part in (low, high, span, half))
            scaled = (np.clip(block, bottom, top) * scale - bottom * scale) / unit
            result[region] = np.where(np.isfinite(block), scaled, block)
    return result


def _quantiles(x: Array, quantile: float, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """The finite values as far from the least and greatest as `quantile` says; 0, 0 if none."""
    blocks = _blocks(x.shape, _BLOCK_CELLS)
    count = sum(int(np.isfinite(_floats(x[region], dtype)).sum()) for region in blocks)
    if not count:
        return np.zeros((1,) * x.ndim, dtype), np.zeros((1,) * x.ndim, dtype)
    rank = math.ceil(quantile * count) - 1
    low, high = (_ranked(x, k, dtype) for k in (count - 1 - rank, rank))
    return np.full((1,) * x.ndim, low, dtype), np.full((1,) * x.ndim, high, dtype)


def _ranked(x: Array, rank: int, dtype: np.dtype[Any]) -> Any:
    """The finite value with `rank` others before it in sorted order.

    A radix selection, 16 bits a pass: exact, and nothing is sorted or copied whole.
    """
    key = 0
    for shift in range(8 * dtype.itemsize - 16, -1, -16):
        counts = np.zeros(1 << 16, np.intp)
        for region in _blocks(x.shape, _BLOCK_CELLS):
            digits = _keys(_floats(x[region], dtype)) >> shift
            digits = digits[digits >> 16 == key] & 0xFFFF
            counts += np.bincount(digits.astype(np.intp), minlength=1 << 16)
        before = np.cumsum(counts)
        digit = int(np.searchsorted(before, rank, side="right"))
        rank -= int(before[digit] - counts[digit])
        key = key << 16 | digit
    return _value(key, dtype)


def _keys(block: Array) -> Array:
    """The finite values as unsigned integers that sort as they do."""
    finite = block[np.isfinite(block)]
    bits = finite.view(f"u{finite.itemsize}")
    sign = 1 << 8 * finite.itemsize - 1
    # More negative floats have greater bits, and the sign bit itself is the wrong way round.
    return np.where(np.signbit(finite), ~bits, bits | bits.dtype.type(sign))


def _value(key: int, dtype: np.dtype[Any]) -> Any:
    """The float that `_keys` made into `key`."""
    sign = 1 << 8 * dtype.itemsize - 1
    bits = key ^ sign if key & sign else key ^ (2 * sign - 1)
    return np.array(bits, f"u{dtype.itemsize}").view(dtype)[()]
