"""Activations brought to 0..1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import blocks
from .blocks import Array, as_real, floats, part_of, result_dtype, tiles

Rule = Literal["layer", "token", "prompt", "global", "quantile"]

_LABELS: dict[str, str] = {
    "layer": "activation, 0..1 within each layer",
    "token": "activation, 0..1 within each token",
    "prompt": "activation, 0..1 within each prompt",
    "global": "activation, 0..1 over all values",
    "quantile": "activation, 0..1 from quantile {low:.4g} to {high:.4g}",
}


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
    x = as_real("activations", activations)
    names = _dims(x, dims)
    if rule not in ("global", "quantile") and rule not in names:
        raise ValueError(f"rule {rule!r} ({label}) needs an axis of that name, got dims {names}")
    dtype = result_dtype(x)
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


def _extremes(x: Array, pool: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Least and greatest finite value over the axes in `pool`, which keep length 1."""
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


def _rescaled(x: Array, low: Array, high: Array, dtype: np.dtype[Any]) -> Array:
    """``(clip(x, low, high) - low) / (high - low)``; 0 if `high` is `low`, inf and NaN as is."""
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


def _quantiles(x: Array, quantile: float, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """The finite values as far from the least and greatest as `quantile` says; 0, 0 if none."""
    regions = tiles(x.shape, blocks.BLOCK_CELLS)
    count = sum(int(np.isfinite(floats(x[region], dtype)).sum()) for region in regions)
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
        for region in tiles(x.shape, blocks.BLOCK_CELLS):
            digits = _keys(floats(x[region], dtype)) >> shift
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
