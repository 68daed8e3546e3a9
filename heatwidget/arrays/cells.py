"""What a live array holds at one size: the values, which are written, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axis import Axis
from .names import find_roles
from .writing import ALL, parts_of, select


@dataclass(slots=True, eq=False)
class Cells:
    """Cells of a live array, consistent wherever a writer is interrupted.

    Parameters
    ----------
    axes : tuple of Axis
        Axes, in order.
    at : int
        Which axis `written_at` and `end` count along: iterations if there are any, else 0.
    values : ndarray of float, shape as the axes
        NaN where pending.
    written : ndarray of bool, same shape
        Which cells have been written.
    written_at : ndarray of float64, shape (n,) along `at`
        When each index was last written, in seconds of `time.perf_counter`; 0 where never.
    changed : ndarray of int64, shape (n,) along the first axis
        The version of the array that each row came with, or a later one.
    end : int or None
        Index along `at` after the last one in which something is written; None if not known.
    """

    axes: tuple[Axis, ...]
    at: int
    values: NDArray[Any]
    written: NDArray[np.bool_]
    written_at: NDArray[np.float64]
    changed: NDArray[np.int64]
    end: int | None = 0

    def write(self, index: Any, data: NDArray[Any], version: int, axes: tuple[Axis, ...]) -> None:
        """Assign and mark as numpy does, all or nothing; an error says what was expected.

        Parameters
        ----------
        index : index of numpy
        data : ndarray
        version : int
            The array's, with this write.
        axes : tuple of Axis
            As they are called from now on; of the same sizes.
        """
        parts = parts_of(index, len(self.axes))
        row, k = parts[0], parts[self.at]
        values, written = self.values, self.written
        changed, written_at = self.changed, self.written_at
        # Not known until the write is done, or one that is interrupted could be written over.
        end, self.end, now = self.end, None, perf_counter()
        try:
            # One statement without a call, in which Python heeds no Ctrl-C. What does not fit
            # fails at the values, and nothing is done.
            values[index], changed[row], written_at[k], written[index], self.axes = (
                data, version, now, True, axes,
            )  # fmt: skip
        except (IndexError, ValueError) as error:
            wanted = select(values, index, self.axes).shape
            raise ValueError(f"value must fit shape {wanted}, got shape {data.shape}") from error
        if end is not None and type(k) is int:
            k %= len(written_at)
            # A write of no cells at all does not count.
            self.end = k + 1 if k >= end and (type(index) is int or values[index].size) else end

    def place(self, axis: int, k: int) -> tuple[Any, ...]:
        """Index of one place along an axis."""
        return (*[ALL] * axis, k)

    def find_end(self, axis: int | None = None) -> int:
        """Index after the last one, along an axis, in which something is written.

        Parameters
        ----------
        axis : int, optional
            By default `at`, along which it is kept.
        """
        if axis not in (None, self.at):
            others = tuple(i for i in range(len(self.axes)) if i != axis)
            written = np.flatnonzero(self.written.any(axis=others))
            return int(written[-1]) + 1 if len(written) else 0
        if self.end is None:
            # A write of no cells at all touches an iteration, too.
            touched = np.flatnonzero(self.written_at)[::-1].tolist()
            self.end = next(
                (k + 1 for k in touched if self.written[self.place(self.at, k)].any()), 0
            )
        return self.end

    def resized(self, shape: Iterable[int], version: int) -> Cells:
        """Copy of another size, all of it changed; coordinates go on in their last step.

        No iteration in which something is written may be cut off.
        """
        axes = tuple(axis.resized(size) for axis, size in zip(self.axes, shape, strict=True))
        cells = make_cells(axes, self.values.dtype, version)
        kept = tuple(map(slice, map(min, self.values.shape, cells.values.shape)))
        cells.values[kept], cells.written[kept] = self.values[kept], self.written[kept]
        times = kept[self.at]
        cells.written_at[times] = self.written_at[times]
        cells.end = self.end
        return cells


def make_cells(axes: tuple[Axis, ...], dtype: np.dtype[Any], version: int = 0) -> Cells:
    """Cells that are all pending, and all changed at a version."""
    names, shape = [axis.name for axis in axes], [axis.size for axis in axes]
    at = names.index(find_roles(names).get("iteration", names[0]))
    return Cells(
        axes,
        at,
        values=np.full(shape, np.nan, dtype),
        written=np.zeros(shape, bool),
        written_at=np.zeros(shape[at]),
        changed=np.full(shape[0], version),
    )
