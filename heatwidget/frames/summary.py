"""What an overview keeps of one piece of an array; made where the piece is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arrays.casting import finite_cast
from ..arrays.extent import ValueRange, scan_values
from ..arrays.source import Block, Region
from .bins import bin_edges
from .cells import Edges, cut, native, rearranged
from .reducers import pool

# Array cells that are pooled together, where they are many.
_SLAB_CELLS = 1 << 18


@dataclass(frozen=True, slots=True)
class Layout:
    """How an overview is laid out; all that a worker must know to make a part of it.

    Parameters
    ----------
    order : tuple of int
        Numbers of the axes: of the collapsed one, if there is one, of rows and columns.
    pooling : str
    roots : tuple of (row_bin, column_bin)
        Levels that are made from the array; none where it is kept as it is.
    """

    order: tuple[int, ...]
    pooling: str
    roots: tuple[tuple[int, int], ...]

    def box(self, region: Region) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Band, rows and columns of a region."""
        spans = [region.bounds[axis] for axis in self.order]
        band, rows, columns = spans if len(spans) == 3 else [(0, 1), *spans]
        return band, rows, columns


class Summary(NamedTuple):
    """What an overview keeps of one piece.

    Parameters
    ----------
    parts : tuple of Block
        Values and counts of each root level, shape (n_band, n_row_bins, n_column_bins),
        no count where a value is pending; or the one block as it was read.
    extent : ValueRange
        Of the values in the piece.
    """

    parts: tuple[Block, ...]
    extent: ValueRange


def summarize(layout: Layout, region: Region, block: Block) -> Summary:
    """Make the summary of a piece from its values, in the array's own axis order."""
    extent = scan_values(block.values, block.pending)
    if not layout.roots:
        return Summary((block._replace(values=native(block.values)),), extent)
    arranged = rearranged(block, layout.order)
    _, rows, columns = layout.box(region)
    parts = (
        _pooled(
            arranged, bin_edges(*rows, r) - rows[0], bin_edges(*columns, c) - columns[0], layout
        )
        for r, c in layout.roots
    )
    return Summary(tuple(parts), extent)


def _pooled(block: Block, rows: Edges, columns: Edges, layout: Layout) -> Block:
    """Block with its neighbours merged, part by part: they stay in the processor's cache."""
    shape = (len(block.values), len(rows) - 1, len(columns) - 1)
    largest = int(np.diff(rows).max() * np.diff(columns).max())
    values, count = np.empty(shape, np.float32), np.empty(shape, np.min_scalar_type(largest))
    for band, r, c in _slabs(block, rows, columns):
        index = (band, slice(r[0], r[-1]), slice(c[0], c[-1]))
        part = Block(block.values[index], None if block.pending is None else block.pending[index])
        pooled = pool(part, r - r[0], c - c[0], layout.pooling)
        i, j = np.searchsorted(rows, r[0]), np.searchsorted(columns, c[0])
        made = (band, slice(i, i + len(r) - 1), slice(j, j + len(c) - 1))
        values[made], count[made] = finite_cast(native(pooled.values), np.float32), pooled.count
    return Block(values, None, count)


def _slabs(block: Block, rows: Edges, columns: Edges) -> Iterator[tuple[slice, Edges, Edges]]:
    n_band, n_rows, n_columns = block.values.shape
    step = max(_SLAB_CELLS // (n_rows * n_columns), 1)
    _, *strides = map(abs, block.values.strides)
    whole = [(rows, columns)]
    for k in range(0, n_band, step):
        parts = whole if step > 1 else cut(rows, columns, rows_run=strides[0] < strides[1])
        yield from ((slice(k, k + step), r, c) for r, c in parts)
