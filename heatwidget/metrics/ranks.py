"""Exact quantiles by radix selection: 16 bits a pass, nothing is sorted or copied whole.

A float's bits, read as an integer, order as the floats do once those of negative ones are turned
round: its key. Each pass counts the next digit, of 16 bits, of the keys that are still candidates.
What is said here of arrays holds for torch tensors too.
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
    """The low and the high quantile; `count` does `digit_counts` of all finite values."""
    first, *others = shifts(itemsize)
    ends = narrowed(count(None, first), None, quantile)
    for shift in others:
        ends = narrowed(count(ends, shift), ends, quantile)
    return values(ends, itemsize)


def shifts(itemsize: int) -> range:
    """How far the digit of each pass lies from the right, in floats of `itemsize` bytes."""
    return range(8 * itemsize - 16, -1, -16)


def keys(bits: Any) -> Any:
    """Keys of the floats with these bits, as signed integers; and bits of keys."""
    sign = 8 * bits.dtype.itemsize - 1
    return bits ^ (bits >> sign & (1 << sign) - 1)


def digit_counts(
    bits: Any, ends: Ends | None, shift: int, bincount: Callable[..., Any]
) -> list[Any]:
    """How often each digit follows each end's prefix, the first digit once for both."""
    digits = keys(bits) >> shift
    if ends is None:
        chosen = [digits + N_DIGITS // 2]  # the first holds the sign
    else:
        chosen = [digits[digits >> 16 == int(prefix)] & N_DIGITS - 1 for prefix in ends[:, 0]]
    return [bincount(part, minlength=N_DIGITS) for part in chosen]


def counts_shape(ends: Ends | None) -> tuple[int, int]:
    """Shape of what `digit_counts` gives."""
    return (1 if ends is None else len(ends), N_DIGITS)


def narrowed(counts: Counts, ends: Ends | None, quantile: float) -> Ends:
    """Prefixes longer by a digit, and the ranks among what begins with them.

    If nothing was counted they mean nothing.
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
    """The low and the high quantile, floats of `itemsize` bytes."""
    found: Array = keys(ends[:, 0].astype(f"i{itemsize}")).view(f"f{itemsize}")
    return found
