"""What an overview keeps of one piece of an array; made where the piece is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
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
        Numbers of the axes: of those not shown, in the order of the array, of rows and columns.
    pooling : str
    roots : tuple of (row_bin, column_bin)
        Levels that are made from the array; none where it is kept as it is.
    """

    order: tuple[int, ...]
    pooling: str
    roots: tuple[tuple[int, int], ...]

    def box(self, region: Region) -> tuple[tuple[int, int], ...]:
        """Spans of a region along the axes not shown, rows and columns."""
        return tuple(region.bounds[axis] for axis in self.order)


class Summary(NamedTuple):
    """What an overview keeps of one piece.

    Parameters
    ----------
    parts : tuple of Block
        Values and counts of each root level, shape (..., n_row_bins, n_column_bins),
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
    *_, rows, columns = layout.box(region)
    parts = (
        _pooled(
            arranged,
            bin_edges(*rows, r) - rows[0],
            bin_edges(*columns, c) - columns[0],
            # Of one cell the root mean square would lose the sign, and nothing is merged.
            None if (r, c) == (1, 1) else layout.pooling,
        )
        for r, c in layout.roots
    )
    return Summary(tuple(parts), extent)


def _pooled(block: Block, rows: Edges, columns: Edges, pooling: str | None) -> Block:
    """Block with its neighbours merged, part by part: they stay in the processor's cache."""
    shape = (*block.values.shape[:-2], len(rows) - 1, len(columns) - 1)
    largest = int(np.diff(rows).max() * np.diff(columns).max())
    values, count = np.empty(shape, np.float32), np.empty(shape, np.min_scalar_type(largest))
    for hidden, r, c in _slabs(block, rows, columns):
        index = (*hidden, slice(r[0], r[-1]), slice(c[0], c[-1]))
        part = Block(block.values[index], None if block.pending is None else block.pending[index])
        pooled = part if pooling is None else pool(part, r - r[0], c - c[0], pooling)
        i, j = np.searchsorted(rows, r[0]), np.searchsorted(columns, c[0])
        made = (*hidden, slice(i, i + len(r) - 1), slice(j, j + len(c) - 1))
        values[made] = finite_cast(native(pooled.values), np.float32)
        present = True if pooled.pending is None else ~pooled.pending
        count[made] = present if pooled.count is None else pooled.count
    return Block(values, None, count)


def _slabs(
    block: Block, rows: Edges, columns: Edges
) -> Iterator[tuple[tuple[slice, ...], Edges, Edges]]:
    """Parts of a block: slices of the axes not shown, last axis first, and edges."""
    *sizes, n_rows, n_columns = block.values.shape
    room, steps = max(_SLAB_CELLS // (n_rows * n_columns), 1), [1] * len(sizes)
    for axis in reversed(range(len(sizes))):
        steps[axis] = min(room, sizes[axis])
        room //= steps[axis]
    *_, down, across = map(abs, block.values.strides)
    single = all(step == 1 for step in steps)
    for starts in product(*(range(0, n, step) for n, step in zip(sizes, steps, strict=True))):
        hidden = tuple(slice(k, k + step) for k, step in zip(starts, steps, strict=True))
        parts = cut(rows, columns, rows_run=down < across) if single else [(rows, columns)]
        yield from ((hidden, r, c) for r, c in parts)
