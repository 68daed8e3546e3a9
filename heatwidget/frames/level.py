"""One level of an overview: a copy of an array with its neighbours merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.casting import finite_cast
from ..arrays.source import Block
from .bins import bin_edges
from .cells import Span, native
from .reducers import Collapse, pool

Bins = tuple[int, int]
Box = tuple[slice, ...]


def divides(a: Bins, b: Bins) -> bool:
    """Whether the bins `b` can be put together from the bins `a`."""
    return b[0] % a[0] == 0 and b[1] % a[1] == 0


class Level:
    """Copy of an array with its neighbours merged, along two of its axes.

    Parameters
    ----------
    bins : tuple of int
        Rows and columns that share a cell.
    shape : tuple of int
        Size of the array along the axes not shown, rows and columns.
    pooling : str

    Attributes
    ----------
    values : ndarray of float32, shape (..., n_row_bins, n_column_bins)
    count : ndarray of unsigned int of the same shape, or None
        How many array cells went into each; None where all did, of every one.
    full : ndarray of int64, shape (n_row_bins, n_column_bins)
        How many array cells each covers, at one index of the axes not shown.
    """

    __slots__ = ("_spare", "bins", "count", "full", "pooling", "values")

    def __init__(self, bins: Bins, shape: tuple[int, ...], pooling: str) -> None:
        self.bins, self.pooling = bins, pooling
        rows, columns = (
            np.diff(bin_edges(0, size, n)) for size, n in zip(shape[-2:], bins, strict=True)
        )
        self.full = np.multiply.outer(rows, columns)
        self.values: NDArray[np.float32] = np.zeros((*shape[:-2], *self.full.shape), np.float32)
        self.count: NDArray[Any] | None = np.zeros(self.values.shape, self._count_dtype)
        # Counts that say nothing, kept where they will be written again.
        self._spare: NDArray[Any] | None = None

    def read(self, spans: Sequence[Span]) -> Block:
        """Return a box of cells, given as bins; without counts where nothing is missing.

        Parameters
        ----------
        spans : sequence of (start, stop)
            Of the axes not shown, rows and columns.
        """
        index = tuple(slice(*span) for span in spans)
        if self.count is None:
            return Block(self.values[index], None)
        count = self.count[index]
        pending = count == 0
        return Block(self.values[index], pending if pending.any() else None, count)

    def box(self, *spans: Span) -> Box:
        """Return the cells that array indices fall into."""
        *hidden, rows, columns = spans
        across = _outer(rows, self.bins[0]), _outer(columns, self.bins[1])
        return (*(slice(*span) for span in hidden), *across)

    def merge(self, box: Box, part: Block) -> None:
        """Take in array cells of a box that have not been taken in yet."""
        count = self._counted()[box]
        if count.any():
            collapse = Collapse(self.pooling)
            for values, n in ((self.values[box], count), (part.values, np.asarray(part.count))):
                n = np.broadcast_to(n, values.shape)[np.newaxis]
                collapse.add(Block(values[np.newaxis], n == 0, n))
            part = collapse.result()
        self._put(box, part)

    def clear(self, box: Box) -> None:
        """Forget what went into a box."""
        self._counted()[box] = 0

    def lift(self, finer: Level, box: Box) -> None:
        """Make a box anew from a finer level."""
        hidden = [(part.start, part.stop) for part in box[:-2]]
        rows, row_edges = self._beneath(finer, box, 0)
        columns, column_edges = self._beneath(finer, box, 1)
        block = finer.read((*hidden, rows, columns))
        if block.count is None:
            full = finer.full[slice(*rows), slice(*columns)]
            block = block._replace(count=full.reshape((1,) * len(hidden) + full.shape))
        self._put(box, pool(block, row_edges, column_edges, self.pooling))

    def settle(self, box: Box | None = None) -> None:
        """Drop the counts where they say nothing: every array cell went in.

        Where a box is given every cell went in beside it, and it may be written again.
        """
        if self.count is None:
            return
        count, full = (
            (self.count, self.full) if box is None else (self.count[box], self.full[box[-2:]])
        )
        if all(np.array_equal(c, full) for c in count.reshape(-1, *full.shape)):
            self._spare, self.count = None if box is None else self.count, None

    def restore(self, values: NDArray[np.float32], count: NDArray[Any] | None) -> None:
        """Take the values and counts of another one."""
        self.values, self.count, self._spare = values, count, None

    @property
    def _count_dtype(self) -> np.dtype[Any]:
        return np.min_scalar_type(self.bins[0] * self.bins[1])

    def _counted(self) -> NDArray[Any]:
        """Counts, to be written."""
        if not self.values.flags.writeable:
            self.values = self.values.copy()
            self.count = None if self.count is None else self.count.copy()
        if self.count is None and self._spare is not None:
            self.count, self._spare = self._spare, None
        elif self.count is None:
            self.count = np.broadcast_to(self.full, self.values.shape).astype(self._count_dtype)
        return self.count

    def _put(self, box: Box, part: Block) -> None:
        count = self._counted()
        self.values[box] = finite_cast(native(part.values), np.float32)
        count[box] = part.count

    def _beneath(self, finer: Level, box: Box, side: int) -> tuple[Span, NDArray[np.int64]]:
        """Bins of a finer level along one side of a box, and their edges in bins of this one."""
        times = self.bins[side] // finer.bins[side]
        part = box[side - 2]
        start, stop = part.start * times, min(part.stop * times, finer.full.shape[side])
        return (start, stop), bin_edges(start, stop, times) - start


def _outer(span: Span, size: int) -> slice:
    return slice(span[0] // size, -(-span[1] // size))
