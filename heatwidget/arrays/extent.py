"""Range of the finite values of an array."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .casting import finite_cast

# Number of values scanned at a time, small enough for the processor's cache.
SCAN_CELLS = 1 << 16
# Exponents of ten at which a log scale may end. The steps widen, so values that fall with each
# iteration do not move the end each time.
_EXPONENTS = (0, 1, 2, 3, *(factor << k for k in range(8) for factor in (4, 6)))


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Range of the finite values of a whole array; all zero if it has none.

    Parameters
    ----------
    low, high : float
        Smallest and largest finite value.
    smallest_positive : float
        Smallest value above zero, or 0 if there is none: the lower end of a log scale.
    smallest_magnitude : float
        Smallest absolute value above zero, or 0 if there is none.
    """

    low: float = 0.0
    high: float = 0.0
    smallest_positive: float = 0.0
    smallest_magnitude: float = 0.0
    empty: bool = True


def scan_values(
    values: NDArray[Any],
    pending: NDArray[np.bool_] | None = None,
    *,
    scan_cells: int = SCAN_CELLS,
) -> ValueRange:
    """Range of the finite values of an array, read once in memory order.

    Parameters
    ----------
    values : ndarray of real numbers, any shape
        Temporary memory is a few cache-sized buffers for any size.
    pending : ndarray of bool, same shape, optional
        Mask of values to leave out.
    scan_cells : int
        Number of values that are read at a time.
    """
    found = ValueRange()
    operands = [values] if pending is None else [values, pending]
    pieces = np.nditer(
        operands,
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"]] * len(operands),
        op_dtypes=[_scan_type(values.dtype), np.dtype(bool)][: len(operands)],
        casting="same_kind",
        order="K",
        buffersize=scan_cells,
    )
    for piece in pieces:
        chunk: Any = piece if pending is None else piece[0][~piece[1]]
        if chunk.size:
            found = widen(found, _scan_chunk(chunk))
    return found


def widen(a: ValueRange, b: ValueRange) -> ValueRange:
    """Range that holds both ranges."""
    if a.empty or b.empty:
        return b if a.empty else a
    return ValueRange(
        min(a.low, b.low),
        max(a.high, b.high),
        _smaller(a.smallest_positive, b.smallest_positive),
        _smaller(a.smallest_magnitude, b.smallest_magnitude),
        empty=False,
    )


def stepped(found: ValueRange) -> ValueRange:
    """Range widened to round values, so that colours rarely change while an array is filled.

    `low` and `high` are rounded outwards to 0 or to 1, 2 or 5 times a power of ten. The smallest
    values are rounded down to a power of ten with exponent -1, -2, -3, -4, -6, -8, -12, ...
    """
    return ValueRange(
        0.0 - _outwards(-found.low),  # not -0.0
        _outwards(found.high),
        _decade(found.smallest_positive),
        _decade(found.smallest_magnitude),
        empty=found.empty,
    )


def _scan_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Type for the scan. numpy is slow with big-endian and short types."""
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype.newbyteorder("=")


def _scan_chunk(chunk: Any) -> ValueRange:
    if chunk.dtype.itemsize > 8:
        chunk = finite_cast(chunk, np.float64)
    low, high = chunk.min(), chunk.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        chunk = chunk[np.isfinite(chunk)]
        if not chunk.size:
            return ValueRange()
        low, high = chunk.min(), chunk.max()
    positive = magnitude = float(low)
    if low <= 0:
        positive = float(chunk[chunk > 0].min()) if high > 0 else 0.0
        nonzero = np.abs(chunk[chunk != 0].astype(np.float64))
        magnitude = float(nonzero.min()) if nonzero.size else 0.0
    return ValueRange(float(low), float(high), positive, magnitude, empty=False)


def _smaller(a: float, b: float) -> float:
    """Smaller of two values, where zero stands for none."""
    return min(a, b) if a and b else a or b


def _outwards(end: float) -> float:
    """Next larger 1, 2 or 5 times a power of ten; 0 for a value that is not positive."""
    if end <= 0:
        return 0.0
    power = Decimal(repr(end)).adjusted()
    step = next(s for s in (float(f"{digit}e{power}") for digit in (1, 2, 5, 10)) if s >= end)
    return step if isfinite(step) else end


def _decade(smallest: float) -> float:
    """Power of ten at or below a number; the number itself if float64 has no such power."""
    if not smallest:
        return 0.0
    power = Decimal(repr(smallest)).adjusted()
    if power < 0:
        power = -next(e for e in _EXPONENTS if e >= -power)
    else:
        power = next(e for e in reversed(_EXPONENTS) if e <= power)
    return float(f"1e{power}") or smallest
