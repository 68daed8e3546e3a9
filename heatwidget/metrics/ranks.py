"""Exact quantiles by radix selection: 16 bits per pass, without a sort or a full copy.

The key of a float is its bits read as an integer, with those of negative floats inverted: keys
have the order of the floats. Each pass counts the next 16-bit digit of the keys that are still
candidates. The functions take numpy arrays and torch tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .blocks import Array

Counts = npt.NDArray[np.int64]
Ends = npt.NDArray[np.int64]  # (prefix, rank) of the low and of the high quantile

N_DIGITS = 1 << 16


def search(count: Callable[[Ends | None, int], Counts], quantile: float, itemsize: int) -> Array:
    """Low and high quantile; `count` applies `digit_counts` to all finite values."""
    first, *others = shifts(itemsize)
    ends = narrowed(count(None, first), None, quantile)
    for shift in others:
        ends = narrowed(count(ends, shift), ends, quantile)
    return values(ends, itemsize)


def shifts(itemsize: int) -> range:
    """Bits to the right of the digit of each pass, for floats of `itemsize` bytes."""
    return range(8 * itemsize - 16, -1, -16)


def keys(bits: Any) -> Any:
    """Keys of floats from their bits, as signed integers. Also the inverse: bits from keys."""
    sign = 8 * bits.dtype.itemsize - 1
    return bits ^ (bits >> sign & (1 << sign) - 1)


def digit_counts(
    bits: Any, ends: Ends | None, shift: int, bincount: Callable[..., Any]
) -> list[Any]:
    """Number of keys with each next digit, for each end's prefix; one row for the first digit."""
    digits = keys(bits) >> shift
    if ends is None:
        chosen = [digits + N_DIGITS // 2]  # the first digit holds the sign
    else:
        chosen = [digits[digits >> 16 == int(prefix)] & N_DIGITS - 1 for prefix in ends[:, 0]]
    return [bincount(part, minlength=N_DIGITS) for part in chosen]


def counts_shape(ends: Ends | None) -> tuple[int, int]:
    """Shape of the result of `digit_counts`."""
    return (1 if ends is None else len(ends), N_DIGITS)


def narrowed(counts: Counts, ends: Ends | None, quantile: float) -> Ends:
    """Prefixes extended by one digit, and the ranks among the keys that start with them.

    If `counts` is all zero, the result has no meaning.
    """
    if ends is None:
        count = int(counts.sum())
        rank = math.ceil(quantile * count) - 1
        ends = np.array([(0, count - 1 - rank), (0, rank)])
        counts, offset = counts.repeat(2, axis=0), N_DIGITS // 2
    else:
        offset = 0
    found = []
    for (prefix, rank), row in zip(ends.tolist(), counts, strict=True):
        before = np.cumsum(row)
        digit = min(int(np.searchsorted(before, rank, side="right")), N_DIGITS - 1)
        found.append(((prefix << 16) + digit - offset, rank - int(before[digit] - row[digit])))
    return np.array(found)


def values(ends: Ends, itemsize: int) -> Array:
    """Low and high quantile as floats of `itemsize` bytes."""
    found: Array = keys(ends[:, 0].astype(f"i{itemsize}")).view(f"f{itemsize}")
    return found
