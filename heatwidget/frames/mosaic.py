"""A picture put together from an overview: pooled cells where there are some, else the array's.

Where a window cuts a bin, the part that is left is made of smaller bins, down to a few
rows or columns of the array itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays.source import Block
from .bins import bin_edges
from .cells import Edges, Readable, Reader, as_float32, merged_cells, reader_of
from .copies import Copy
from .level import Level
from .overview import Overview
from .reducers import PICKS, pool
from .spreading import spread
from .tiling import Tile, rough_tiling, tiling
from .view import CellRule


class Patch(NamedTuple):
    """Cells of one patch."""

    cells: Block
    torn: NDArray[np.bool_]
    row_edges: Edges
    column_edges: Edges


class Mosaic(NamedTuple):
    """Cells of a picture, and which of them are not exact yet; None if all are."""

    cells: Block
    coarse: NDArray[np.bool_] | None


def mosaic(
    overview: Overview,
    source: Readable,
    rule: CellRule,
    row_edges: Edges,
    column_edges: Edges,
    *,
    approximate: bool,
) -> Mosaic | None:
    """Cells between the given edges; None where the overview cannot tell.

    Parameters
    ----------
    overview : Overview
        One that serves the rule, or nearly.
    source : ArraySource
        Read for what is finer than the overview's cells.
    rule : CellRule
    row_edges, column_edges : ndarray of int64
        Array indices; inner ones on multiples of the rule's bins.
    approximate : bool
        Read nothing: a bin that the window cuts shows all of it, and no cell is exact.
    """
    with overview.lock:
        # Before the cells: a piece that comes meanwhile still counts as unread.
        unread = _unread(overview, rule, row_edges, column_edges)
    if isinstance(overview.store, Copy):
        with overview.lock:
            reader = reader_of(overview.store, rule)
            pooled = rule.row_bin > 1 or rule.column_bin > 1
            cells = merged_cells(reader, rule, row_edges, column_edges, pooled=pooled)
        torn = None
    else:
        tile = rough_tiling if approximate else tiling
        tiles = tile(overview.store, rule, row_edges, column_edges)
        patches = [[_patch(overview, source, rule, one) for one in row] for row in tiles]
        cells, torn = _assembled(patches, rule, row_edges, column_edges)
    if unread is not None:
        cells = spread(cells, unread)
    if approximate:
        return Mosaic(cells, np.ones(cells.values.shape, bool))
    if unread is None:
        return Mosaic(cells, None) if torn is None else None
    return Mosaic(cells, unread if torn is None else unread | torn)


def _unread(
    overview: Overview, rule: CellRule, row_edges: Edges, column_edges: Edges
) -> NDArray[np.bool_] | None:
    """Cells of which some part was not read; None if there is no such cell."""
    if overview.complete:
        return None
    spans = {rule.rows: row_edges, rule.columns: column_edges, rule.collapsed: np.array(rule.band)}
    unread = overview.pieces.unread(
        [spans[name] for name in overview.dims],
        (overview.dims.index(rule.rows), overview.dims.index(rule.columns)),
    )
    return unread if unread.any() else None


def _assembled(
    patches: list[list[Patch]], rule: CellRule, row_edges: Edges, column_edges: Edges
) -> tuple[Block, NDArray[np.bool_] | None]:
    """Cells, and those, if any, whose first or last value a pooled cell cannot tell."""
    values = _block([[patch.cells.values for patch in row] for row in patches])
    count = _block([[np.asarray(patch.cells.count) for patch in row] for row in patches])
    torn = _block([[patch.torn for patch in row] for row in patches])
    r = np.searchsorted(_join([row[0].row_edges for row in patches]), row_edges)
    c = np.searchsorted(_join([patch.column_edges for patch in patches[0]]), column_edges)
    empty = count == 0
    cells = pool(Block(values, empty if empty.any() else None, count), r, c, rule.pooling)
    values = as_float32(cells.values)
    if cells.pending is not None:
        values[cells.pending] = np.nan
    torn = pool(Block(torn, None), r, c, "max").values
    return cells._replace(values=values), torn if torn.any() else None


def _block(parts: list[list[NDArray[Any]]]) -> NDArray[Any]:
    return np.concatenate([np.concatenate(row, axis=1) for row in parts], axis=0)


def _patch(overview: Overview, source: Readable, rule: CellRule, tile: Tile) -> Patch:
    row_edges = bin_edges(tile.rows.start, tile.rows.stop, tile.rows.size)
    column_edges = bin_edges(tile.columns.start, tile.columns.stop, tile.columns.size)
    if tile.level is not None:
        with overview.lock:
            return _pooled_patch(tile.level, rule, row_edges, column_edges)
    # Without the lock: it may take long.
    reader = reader_of(source, rule)
    cells = _counted(merged_cells(reader, rule, row_edges, column_edges, pooled=True))
    return Patch(cells, np.zeros(cells.values.shape, bool), row_edges, column_edges)


def _pooled_patch(level: Level, rule: CellRule, row_edges: Edges, column_edges: Edges) -> Patch:
    """Cells of a level, put together to the bins of the patch."""
    rows, row_bins = _bins_of(level, 0, row_edges)
    columns, column_bins = _bins_of(level, 1, column_edges)
    cells = merged_cells(Reader(level.read, rounded=True), rule, rows, columns, pooled=False)
    index = (slice(rows[0], rows[-1]), slice(columns[0], columns[-1]))
    torn = np.zeros(cells.values.shape, bool)
    if level.count is None:
        cells = cells._replace(count=np.asarray(cells.count) * level.full[index])
    elif rule.collapsed and rule.reducer in PICKS:
        count = level.count[slice(*rule.band)][:, index[0], index[1]]
        torn = np.any((count > 0) & (count < level.full[index]), axis=0)
    cells = _counted(cells)
    if len(rows) > len(row_edges) or len(columns) > len(column_edges):
        cells = _counted(pool(cells, row_bins, column_bins, rule.pooling))
        torn = pool(Block(torn, None), row_bins, column_bins, "max").values
    return Patch(cells, torn, row_edges, column_edges)


def _bins_of(level: Level, side: int, edges: Edges) -> tuple[Edges, Edges]:
    """Edges of a level's cells along one side of a tile, and where the tile's cells end in them."""
    first, stop = edges[0] // level.bins[side], -(-edges[-1] // level.bins[side])
    ends = -(-edges // level.bins[side]) - first
    ends[0] = 0
    return np.arange(first, stop + 1), ends


def _counted(cells: Block) -> Block:
    """Cells with a count for each, 0 where pending."""
    count = np.broadcast_to(1 if cells.count is None else cells.count, cells.values.shape)
    return cells._replace(
        count=count if cells.pending is None else np.where(cells.pending, 0, count)
    )


def _join(edges: Sequence[Edges]) -> Edges:
    return np.concatenate([edges[0][:1], *(part[1:] for part in edges)])
