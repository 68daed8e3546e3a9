"""Where a picture's values are read from, one region at a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .axis import Axis
from .labelled import LabelledArray

# Values looked at together while scanning: they stay in the processor's cache.
_SCAN_CELLS = 1 << 16


@dataclass(frozen=True, slots=True)
class Region:
    """Half-open box of array indices.

    Parameters
    ----------
    bounds : tuple of (start, stop)
        One pair for each axis of the array.
    """

    bounds: tuple[tuple[int, int], ...]

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index for numpy."""
        return tuple(slice(start, stop) for start, stop in self.bounds)

    @property
    def size(self) -> int:
        """Number of cells in the box."""
        return prod(max(stop - start, 0) for start, stop in self.bounds)


class Block(NamedTuple):
    """Values of one region, and which of them are not there (yet).

    `values` is an ndarray of real numbers in the array's own axis order, possibly a view
    of the user's memory: read it, never write. `pending` is an ndarray of bool of the
    same shape, or None when every value is there.
    """

    values: NDArray[Any]
    pending: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Extent of the finite values of a whole array; all zero where there are none.

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


class ArraySource(Protocol):
    """What the frames need of an array, wherever it is kept."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes in the array's own order."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        ...

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Sizes in which the values are best read, or None when any region will do."""
        ...

    def read(self, region: Region) -> Block:
        """Return the values of a region, in the array's own axis order."""
        ...

    def value_range(self) -> ValueRange:
        """Return the extent of all values."""
        ...

    def take_changed(self) -> tuple[Region, ...]:
        """Return what has changed since the last call, and forget it."""
        ...


class NumpySource:
    """Source over a numpy array in memory; nothing is copied.

    Parameters
    ----------
    array : LabelledArray
        A masked array's masked values count as pending: they are not there.
    """

    __slots__ = ("_array", "_changed", "_mask", "_range", "_values", "axes")

    def __init__(self, array: LabelledArray) -> None:
        self.axes = array.axes
        self._array = array.values
        self._values = np.ma.getdata(array.values)
        self._mask = _mask_of(array.values)
        self._range: ValueRange | None = None
        self._changed: tuple[Region, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self._values.dtype

    @property
    def chunks(self) -> None:
        """Any region will do."""
        return None

    def read(self, region: Region) -> Block:
        """Return the values of a region, as a view."""
        pending = None if self._mask is None else self._mask[region.slices]
        return Block(self._values[region.slices], pending)

    def value_range(self) -> ValueRange:
        """Return the extent of all values; kept until `refresh`."""
        if self._range is None:
            self._range = scan_values(self._values, self._mask)
        return self._range

    def refresh(self) -> None:
        """Take note that the user has changed the array in place, its mask too."""
        self._mask = _mask_of(self._array)
        self._range = None
        self._changed = (Region(tuple((0, axis.size) for axis in self.axes)),)

    def take_changed(self) -> tuple[Region, ...]:
        """Return what has changed since the last call, and forget it."""
        changed, self._changed = self._changed, ()
        return changed

    def take_error(self) -> None:
        """Nobody is told of changes, so nothing goes wrong there."""

    def close(self) -> None:
        """Nothing is held but the array itself."""


def _mask_of(values: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Mask of an array in which something is masked, else None."""
    return np.ma.getmaskarray(values) if np.ma.is_masked(values) else None


def scan_values(values: NDArray[Any], pending: NDArray[np.bool_] | None = None) -> ValueRange:
    """Extent of the finite values of an array, read once in the order of memory.

    Parameters
    ----------
    values : ndarray of real numbers, any shape
        Temporary memory is a few cache-sized buffers whatever the size.
    pending : ndarray of bool, same shape, optional
        Values that are left out.
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
        buffersize=_SCAN_CELLS,
    )
    # A long number beyond double precision counts as infinite, as it does in a frame.
    with np.errstate(over="ignore"):
        for piece in pieces:
            chunk: Any = piece if pending is None else piece[0][~piece[1]]
            if chunk.size:
                found = _widen(found, _scan_chunk(chunk))
    return found


def _scan_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Type that numpy scans fast: big-endian, short and long ones it does not."""
    if dtype.itemsize < 4:
        return np.dtype(np.float32)
    return np.dtype(np.float64) if dtype.itemsize > 8 else dtype.newbyteorder("=")


def _scan_chunk(chunk: Any) -> ValueRange:
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


def _widen(a: ValueRange, b: ValueRange) -> ValueRange:
    """Extent of both together."""
    if a.empty or b.empty:
        return b if a.empty else a
    return ValueRange(
        min(a.low, b.low),
        max(a.high, b.high),
        _smaller(a.smallest_positive, b.smallest_positive),
        _smaller(a.smallest_magnitude, b.smallest_magnitude),
        empty=False,
    )


def _smaller(a: float, b: float) -> float:
    """Smaller of two where zero stands for none."""
    return min(a, b) if a and b else a or b
