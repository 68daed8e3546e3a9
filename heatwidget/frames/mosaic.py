"""A picture put together from an overview: pooled cells where there are some, else the array's.

Where a window cuts a bin, the part that is left is made of smaller bins, down to a few
rows or columns of the array itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays.casting import finite_cast
from ..arrays.source import Block
from .bins import bin_edges
from .cells import BoxReader, Edges, Readable, Span, box_reader, merged_cells, reading_order
from .copies import Copy
from .level import Level
from .overview import Overview
from .reducers import pool
from .spreading import spread
from .tiling import Tile, groups, rough_tiling, tiling
from .view import CellRule


class Patch(NamedTuple):
    """Cells of one tile, and those whose first or last value a pooled cell cannot tell.

    Where `full` is there it says how many array cells each covers at one index of the axes not
    shown.
    """

    cells: Block
    torn: NDArray[np.bool_] | None = None
    full: NDArray[np.int64] | None = None


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
            reader = box_reader(overview.store, rule, overview.budget)
            cells = merged_cells(reader, rule, row_edges, column_edges, pooled=rule.is_pooled)
        torn = None
    else:
        tile = rough_tiling if approximate else tiling
        tiles = tile(overview.store, rule, row_edges, column_edges)
        cells, torn = _assembled(overview, source, rule, tiles)
    if unread is not None:
        cells = spread(cells, unread)
    if approximate:
        return Mosaic(cells, np.ones(cells.values.shape, bool))
    if unread is None:
        # Amid reading the array itself has to wait.
        return None if torn is not None and overview.complete else Mosaic(cells, torn)
    return Mosaic(cells, unread if torn is None else unread | torn)


def _unread(
    overview: Overview, rule: CellRule, row_edges: Edges, column_edges: Edges
) -> NDArray[np.bool_] | None:
    """Cells of which some part was not read; None if there is no such cell."""
    if overview.complete:
        return None
    windows = {name: np.array(window) for name, window in rule.windows.items()}
    spans = {**windows, rule.rows: row_edges, rule.columns: column_edges}
    unread = overview.pieces.unread(
        [spans[name] for name in overview.dims],
        (overview.dims.index(rule.rows), overview.dims.index(rule.columns)),
    )
    return unread if unread.any() else None


def _assembled(
    overview: Overview, source: Readable, rule: CellRule, tiles: list[list[Tile]]
) -> tuple[Block, NDArray[np.bool_] | None]:
    """Cells of a picture, and those, if any, that are torn."""
    rows = groups([row[0].rows for row in tiles], rule.row_bin)
    columns = groups([tile.columns for tile in tiles[0]], rule.column_bin)
    patches = [[_patch(overview, source, rule, tile) for tile in row] for row in tiles]
    made = [[_joined([row[c] for row in patches[r]], rule) for c in columns] for r in rows]
    values = _block([[patch.cells.values for patch in row] for row in made])
    pending = _mask_block(made, [[patch.cells.pending for patch in row] for row in made])
    torn = _mask_block(made, [[patch.torn for patch in row] for row in made])
    return Block(values, pending), torn


def _patch(overview: Overview, source: Readable, rule: CellRule, tile: Tile) -> Patch:
    row_edges = bin_edges(tile.rows.start, tile.rows.stop, tile.rows.size)
    column_edges = bin_edges(tile.columns.start, tile.columns.stop, tile.columns.size)
    if tile.level is not None:
        with overview.lock:
            return _pooled_patch(overview, tile.level, rule, row_edges, column_edges)
    # Without the lock: it may take long.
    reader = box_reader(source, rule, overview.budget)
    return Patch(merged_cells(reader, rule, row_edges, column_edges, pooled=True))


def _pooled_patch(
    overview: Overview, level: Level, rule: CellRule, row_edges: Edges, column_edges: Edges
) -> Patch:
    """Cells of a level, put together to the bins of the tile."""
    rows, row_bins = _bins_of(level, 0, row_edges)
    columns, column_bins = _bins_of(level, 1, column_edges)
    read = partial(_read, overview, level, reading_order(rule))
    reader = BoxReader(read, overview.budget, rounded=True)
    cells = merged_cells(reader, rule, rows, columns, pooled=False)
    index = (slice(rows[0], rows[-1]), slice(columns[0], columns[-1]))
    full, torn = level.full[index], None
    if level.count is not None and rule.picks_of_several:
        hidden = tuple(slice(*rule.windows[name]) for name in overview.hidden)
        count = level.count[hidden + index]
        torn = np.any((count > 0) & (count < full), axis=tuple(range(count.ndim - 2)))
    patch = Patch(cells, torn, full if level.count is None else None)
    same = len(rows) == len(row_edges) and len(columns) == len(column_edges)
    # A level of single cells is not pooled yet, and a bin that the window cuts may hold one.
    raw = level.bins == (1, 1) and rule.is_pooled
    return patch if same and not raw else _pooled(patch, row_bins, column_bins, rule)


def _read(
    overview: Overview, level: Level, order: Sequence[str], spans: Mapping[str, Span]
) -> Block:
    """Box of a level, its axes in the given order."""
    names = (*overview.hidden, *order[-2:])
    axes = [names.index(name) for name in order]
    values, pending, count = level.read([spans[name] for name in names])
    return Block(
        values.transpose(axes),
        None if pending is None else pending.transpose(axes),
        None if count is None else count.transpose(axes),
    )


def _bins_of(level: Level, side: int, edges: Edges) -> tuple[Edges, Edges]:
    """Edges of a level's cells along one side of a tile, and where the tile's cells end in them."""
    first, stop = edges[0] // level.bins[side], -(-edges[-1] // level.bins[side])
    ends = -(-edges // level.bins[side]) - first
    ends[0] = 0
    return np.arange(first, stop + 1), ends


def _joined(patches: list[list[Patch]], rule: CellRule) -> Patch:
    """Patches of a bin that the window cuts, made one cell along that axis."""
    if len(patches) == len(patches[0]) == 1:
        return patches[0][0]
    values = _block([[patch.cells.values for patch in row] for row in patches])
    count = _block([[_count(patch) for patch in row] for row in patches])
    torn = _mask_block(patches, [[patch.torn for patch in row] for row in patches])
    n_rows, n_columns = values.shape
    rows = np.array([0, n_rows]) if len(patches) > 1 else np.arange(n_rows + 1)
    columns = np.array([0, n_columns]) if len(patches[0]) > 1 else np.arange(n_columns + 1)
    return _pooled(Patch(Block(values, count == 0, count), torn), rows, columns, rule)


def _pooled(patch: Patch, rows: Edges, columns: Edges, rule: CellRule) -> Patch:
    """Patch of fewer cells."""
    count = _count(patch)
    block = Block(patch.cells.values, count == 0 if not count.all() else None, count)
    pooled = pool(block, rows, columns, rule.pooling)
    values = finite_cast(pooled.values, np.float32)
    if pooled.pending is not None:
        values[pooled.pending] = np.nan
    torn = patch.torn
    if torn is not None:
        torn = pool(Block(torn, None), rows, columns, "max").values
    return Patch(pooled._replace(values=values), torn)


def _count(patch: Patch) -> NDArray[np.integer[Any]]:
    """How many array cells went into each cell of a patch."""
    values, pending, count = patch.cells
    n = np.asarray(1 if count is None else count)
    n = np.broadcast_to(n if patch.full is None else n * patch.full, values.shape)
    return n if pending is None else np.where(pending, 0, n)


def _block(parts: list[list[NDArray[Any]]]) -> NDArray[Any]:
    if len(parts) == len(parts[0]) == 1:
        return parts[0][0]
    return np.concatenate([np.concatenate(row, axis=1) for row in parts], axis=0)


def _mask_block(made: list[list[Patch]], masks: list[list[Any]]) -> NDArray[np.bool_] | None:
    """Masks of patches side by side, None where nothing is masked."""
    if not any(mask is not None and mask.any() for row in masks for mask in row):
        return None
    return _block(
        [
            [
                np.zeros(patch.cells.values.shape, bool) if mask is None else mask
                for patch, mask in zip(*rows, strict=True)
            ]
            for rows in zip(made, masks, strict=True)
        ]
    )
