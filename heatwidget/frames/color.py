"""Values to colours: limits, linear and log mapping, cell states."""

from __future__ import annotations

from enum import IntEnum
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .palette import N_VALUE_COLORS

if TYPE_CHECKING:
    from ..arrays.extent import ValueRange
    from .view import ColorRule

ColorScale = Literal["linear", "log"]
# Rounding by which values may lie outside of their natural range, and the share of it that they
# must span: narrower ones would all have one colour.
_HAIR = 1e-6
_LEAST_SHARE = 0.25
COLOR_SCALES: tuple[ColorScale, ...] = ("linear", "log")
_COLORED_CELLS = 1 << 14
FLOAT32_MAX = float(np.finfo(np.float32).max)
FLOAT32_TINY = float(np.finfo(np.float32).smallest_subnormal)


class CellState(IntEnum):
    """What a cell of a frame is. Each but a plain value has a colour of its own."""

    VALUE = 0
    PENDING = 1
    NAN = 2
    POSITIVE_INFINITY = 3
    NEGATIVE_INFINITY = 4
    NONPOSITIVE = 5
    BELOW = 6
    ABOVE = 7


def resolve_limits(
    color_range: tuple[float | None, float | None],
    value_range: ValueRange,
    *,
    scale: ColorScale,
    squared: bool,
    natural_range: tuple[float, float] | None,
    center: float | None = None,
) -> tuple[float, float]:
    """Colour limits from what was asked and what the whole array holds. Never raises.

    Parameters
    ----------
    color_range : tuple of float or None
        What was asked, as `usable_end` gives it; None takes the array's.
    value_range : ValueRange
        Extent of the whole array's values.
    scale : {"linear", "log"}
    squared : bool
        Whether signs are lost on the way (root mean square).
    natural_range : tuple of float, optional
        Used on a linear scale where it holds the whole array, which spans a quarter of it
        or more.
    center : float, optional
        Value in the middle of the colour bar where neither end is asked; positive under log.

    Returns
    -------
    tuple of float
        ``low < high``, both finite, both positive under log. What the array or the user
        has beyond float32 is cut as the values of a frame are.
    """
    low, high = _array_limits(value_range, scale, squared, natural_range)
    asked_low, asked_high = color_range
    if center is not None and asked_low is None and asked_high is None:
        low, high = _centered(low, high, center, scale)
    low = _as_shown(low if asked_low is None else asked_low, scale)
    high = _as_shown(high if asked_high is None else asked_high, scale)
    if low < high:
        return low, high
    return _spread(low, high, asked_low is not None, asked_high is not None, scale)


def cell_states(
    values: NDArray[np.float32], pending: NDArray[np.bool_] | None, rule: ColorRule
) -> NDArray[np.uint8]:
    """State of each cell.

    Parameters
    ----------
    values : ndarray of float32, any shape
    pending : ndarray of bool of the same shape, optional
    rule : ColorRule

    Returns
    -------
    ndarray of uint8 of the same shape
        Members of `CellState`.
    """
    states = np.zeros(values.shape, np.uint8)
    with np.errstate(invalid="ignore", over="ignore"):
        # In the values' own precision: 0.3 in float32 is not above 0.3.
        low, high = np.float32(rule.limits[0]), np.float32(rule.limits[1])
        if rule.fixed[0]:
            states[values < low] = CellState.BELOW
        if rule.fixed[1]:
            states[values > high] = CellState.ABOVE
        if rule.scale == "log":
            states[values <= 0] = CellState.NONPOSITIVE
    if not np.isfinite(values).all():
        states[np.isposinf(values)] = CellState.POSITIVE_INFINITY
        states[np.isneginf(values)] = CellState.NEGATIVE_INFINITY
        states[np.isnan(values)] = CellState.NAN
    if pending is not None:
        states[pending] = CellState.PENDING
    return states


def merged_distance(dtype: np.dtype[Any], rule: ColorRule) -> float:
    """Distance below which values are one number in a frame although their colours would differ.

    0 where each colour is told apart.

    Parameters
    ----------
    dtype : dtype
        Of the array: what float32 holds is never merged.
    rule : ColorRule
    """
    low, high = rule.limits
    largest = min(max(abs(low), abs(high)), FLOAT32_MAX)
    spacing = float(np.spacing(np.float32(largest / 2))) * 2  # the largest has no next number
    exact = np.can_cast(dtype, np.float32) or high - low >= N_VALUE_COLORS * spacing
    return 0.0 if exact else spacing


def color_positions(values: ArrayLike, rule: ColorRule) -> NDArray[np.float64]:
    """Place of values on the colour bar: 0 at its lower end, 1 at its upper."""
    low, high = rule.limits
    x: NDArray[Any] = np.asarray(values, np.float64)
    with np.errstate(all="ignore"):
        if rule.scale == "log":
            span = np.log(high) - np.log(low)
            return np.asarray((np.log(x) - np.log(low)) / span, np.float64)
        # Halves where high - low overflows; not always, because tiny limits have no half.
        unit = 1.0 if isfinite(high - low) else 2.0
        return np.asarray((x / unit - low / unit) / (high / unit - low / unit), np.float64)


def color_indices(
    values: NDArray[np.float32], states: NDArray[np.uint8], rule: ColorRule
) -> NDArray[np.uint8]:
    """Palette index of each cell.

    Parameters
    ----------
    values : ndarray of float32, any shape
    states : ndarray of uint8 of the same shape
    rule : ColorRule

    Returns
    -------
    ndarray of uint8 of the same shape
        ``0..N_VALUE_COLORS - 1`` for values, ``N_VALUE_COLORS + state`` for all else.
    """
    index = np.empty(values.shape, np.uint8)
    flat, flat_values = index.reshape(-1), values.reshape(-1)
    # A few at a time: what is made of them on the way stays in the processor's cache.
    with np.errstate(all="ignore"):
        for k in range(0, values.size, _COLORED_CELLS):
            place = color_positions(flat_values[k : k + _COLORED_CELLS], rule)
            place *= N_VALUE_COLORS
            # What is NaN still is no plain value, and gets its colour below.
            flat[k : k + _COLORED_CELLS] = place.clip(0, N_VALUE_COLORS - 1, out=place)
    special = states != CellState.VALUE
    index[special] = N_VALUE_COLORS + states[special]
    return index


def _array_limits(
    found: ValueRange,
    scale: ColorScale,
    squared: bool,
    natural_range: tuple[float, float] | None,
) -> tuple[float, float]:
    low, high = found.low, found.high
    if squared:
        low, high = (low if low >= 0 else 0.0), max(abs(low), abs(high))
    if scale == "log":
        smallest = found.smallest_magnitude if squared else found.smallest_positive
        return (smallest, high) if smallest > 0 else (0.1, 1.0)
    if natural_range and _fills(natural_range, low, high):
        return natural_range
    return low, high


def _fills(natural_range: tuple[float, float], low: float, high: float) -> bool:
    """Whether values lie within their natural range and span enough of it, or are all equal."""
    first, last = natural_range
    inside = first - _HAIR <= low and high <= last + _HAIR
    return inside and (low == high or high - low >= _LEAST_SHARE * (last - first))


def _centered(low: float, high: float, center: float, scale: ColorScale) -> tuple[float, float]:
    """Smallest limits around a centre that hold both ends."""
    if scale == "log":
        ratio = max(high / center, center / low)
        return center / ratio, center * ratio
    reach = max(high - center, center - low) or abs(center) or 1.0
    return center - reach, center + reach


def mirrored(
    color_range: tuple[float | None, float | None], center: float | None, scale: ColorScale
) -> tuple[float | None, float | None]:
    """Colour range of which one end was asked, the other as far from the centre."""
    low, high = color_range
    if center is None or (low is None) == (high is None):
        return color_range
    end = low if high is None else high
    assert end is not None
    if end == center or (end < center) != (high is None):
        return color_range  # the centre lies beyond it
    other = center * (center / end) if scale == "log" else center + (center - end)
    return (end, other) if high is None else (other, end)


def usable_end(end: float | None, scale: ColorScale) -> float | None:
    """End of a colour range as asked, or None where this scale cannot have it."""
    if end is None or not isfinite(end) or (scale == "log" and end <= 0):
        return None
    return float(end)


def _as_shown(limit: float, scale: ColorScale) -> float:
    """Limit within what float32 holds, as the values of a frame are."""
    return min(max(limit, FLOAT32_TINY if scale == "log" else -FLOAT32_MAX), FLOAT32_MAX)


def _spread(
    low: float, high: float, low_asked: bool, high_asked: bool, scale: ColorScale
) -> tuple[float, float]:
    """Limits that differ, from two that do not: a single value, or an end asked beyond it."""
    if low_asked and high_asked and low != high:
        return high, low
    keep_low, keep_high = low_asked and not high_asked, high_asked and not low_asked
    anchor = high if keep_high else low
    if scale == "log":
        below, above = anchor / 10, anchor * 10
    else:
        reach = abs(anchor) or 1.0
        zero_alone = anchor == 0 and not keep_high
        below, above = (0.0 if zero_alone else anchor - reach), anchor + reach
    return (anchor if keep_low else below), (anchor if keep_high else above)
