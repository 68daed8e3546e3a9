"""A picture-sized piece of an array, and how it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.source import ArraySource, Block, Region
from .bins import bin_edges
from .color import FLOAT32_MAX, FLOAT32_TINY, CellState, cell_states
from .reducers import Collapse, pool
from .view import CellRule, ResolvedView

Span = tuple[int, int]

# Array cells read at a time: bounds the temporaries of a frame to a few tens of megabytes
# and keeps most of the work in the processor's cache.
_BLOCK_CELLS = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What is on screen.

    Parameters
    ----------
    values : ndarray of float32, shape (n_rows, n_columns)
        C-contiguous and read-only; NaN where pending.
    states : ndarray of uint8, shape (n_rows, n_columns)
        Members of `CellState`; read-only.
    row_edges, column_edges : ndarray of int64, shape (n_rows + 1,) and (n_columns + 1,)
        Array indices: cell ``(r, c)`` covers rows ``row_edges[r]`` up to, not including,
        ``row_edges[r + 1]``, and columns likewise.
    view : ResolvedView
        What the frame was made for.
    """

    values: NDArray[np.float32]
    states: NDArray[np.uint8]
    row_edges: NDArray[np.int64]
    column_edges: NDArray[np.int64]
    view: ResolvedView

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.values.shape[0], self.values.shape[1]

    def states_present(self) -> tuple[CellState, ...]:
        """States other than a plain value that some cell has."""
        counts = np.bincount(self.states.ravel(), minlength=len(CellState))
        return tuple(state for state in CellState if state and counts[state])


def render(
    source: ArraySource,
    view: ResolvedView,
    *,
    previous: Frame | None = None,
    changed: Iterable[Region] = (),
) -> Frame:
    """Frame of a view.

    Parameters
    ----------
    source : ArraySource
    view : ResolvedView
        Resolved against the axes of the same source.
    previous : Frame, optional
        The last frame of the same source. What it already holds is not read again.
    changed : iterable of Region
        What has changed in the source since then.

    Returns
    -------
    Frame
        `previous` itself if nothing visible differs.
    """
    rule = view.cells
    row_edges = bin_edges(*rule.row_window, rule.row_bin)
    column_edges = bin_edges(*rule.column_window, rule.column_bin)
    if previous is None or previous.view.cells != rule:
        spans: list[tuple[Span, Span]] = [((0, len(row_edges) - 1), (0, len(column_edges) - 1))]
        values = np.empty((spans[0][0][1], spans[0][1][1]), np.float32)
        pending = np.zeros(values.shape, bool)
    else:
        spans = list(_touched(source, rule, row_edges, column_edges, changed))
        values = previous.values.copy() if spans else previous.values
        pending = previous.states == CellState.PENDING
    for rows, columns in spans:
        index = (slice(*rows), slice(*columns))
        r, c = (edges[a : b + 1] for edges, (a, b) in ((row_edges, rows), (column_edges, columns)))
        block = _cells(source, rule, r, c)
        values[index] = block.values
        pending[index] = False if block.pending is None else block.pending
    states = cell_states(values, pending, view.colors)
    if previous is not None and _same(previous, values, states, view):
        return previous
    values.flags.writeable = states.flags.writeable = False
    return Frame(values, states, row_edges, column_edges, view)


def cell_extent(source: ArraySource, frame: Frame, row: int, column: int) -> tuple[float, float]:
    """Smallest and largest value among the array cells that a pooled cell covers.

    The hidden axis is collapsed first, as in the frame. NaN are left out; where nothing
    is left, both are NaN.
    """
    rule = frame.view.cells
    r = np.arange(frame.row_edges[row], frame.row_edges[row + 1] + 1)
    c = np.arange(frame.column_edges[column], frame.column_edges[column + 1] + 1)
    values = np.concatenate(
        [_present(_collapsed(source, rule, *spans)) for spans in _blocks(rule, r, c)]
    )
    values = values[~np.isnan(values)]
    return (float(values.min()), float(values.max())) if values.size else (np.nan, np.nan)


def _present(block: Block) -> NDArray[Any]:
    """Values that are not pending, flat."""
    return block.values.ravel() if block.pending is None else block.values[~block.pending]


def _same(
    previous: Frame, values: NDArray[np.float32], states: NDArray[np.uint8], view: ResolvedView
) -> bool:
    return (
        previous.view == view
        and np.array_equal(previous.states, states)
        and np.array_equal(previous.values, values, equal_nan=True)
    )


def _touched(
    source: ArraySource,
    rule: CellRule,
    row_edges: NDArray[np.int64],
    column_edges: NDArray[np.int64],
    changed: Iterable[Region],
) -> Iterator[tuple[Span, Span]]:
    """Frame cells that changed regions reach, as spans of rows and columns."""
    order = [axis.name for axis in source.axes]
    for region in changed:
        bounds = dict(zip(order, region.bounds, strict=True))
        if rule.collapsed:
            start, stop = bounds[rule.collapsed]
            if stop <= rule.band[0] or rule.band[1] <= start:
                continue
        rows = _span(row_edges, bounds[rule.rows])
        columns = _span(column_edges, bounds[rule.columns])
        if rows[0] < rows[1] and columns[0] < columns[1]:
            yield rows, columns


def _span(edges: NDArray[np.int64], bounds: Span) -> Span:
    """Bins that overlap a range of indices."""
    start = int(np.searchsorted(edges[1:], bounds[0], side="right"))
    return start, int(np.searchsorted(edges[:-1], bounds[1], side="left"))


def _cells(
    source: ArraySource,
    rule: CellRule,
    row_edges: NDArray[np.int64],
    column_edges: NDArray[np.int64],
) -> Block:
    """Frame cells between the given edges, read block by block."""
    shape = (len(row_edges) - 1, len(column_edges) - 1)
    values, pending = np.empty(shape, np.float32), np.zeros(shape, bool)
    for r, c in _blocks(rule, row_edges, column_edges):
        block = _collapsed(source, rule, r, c)
        if rule.row_bin > 1 or rule.column_bin > 1:
            block = pool(block, r - r[0], c - c[0], rule.pooling)
        i, j = np.searchsorted(row_edges, r[0]), np.searchsorted(column_edges, c[0])
        index = (slice(i, i + len(r) - 1), slice(j, j + len(c) - 1))
        values[index] = _as_float32(block.values)
        if block.pending is not None:
            pending[index] = block.pending
    values[pending] = np.nan
    return Block(values, pending)


def _blocks(
    rule: CellRule, row_edges: NDArray[np.int64], column_edges: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Cut cells into pieces that each read about `_BLOCK_CELLS` array cells or less."""
    band = min(rule.band[1] - rule.band[0], _BLOCK_CELLS)
    budget = max(_BLOCK_CELLS // band, 1)
    for c in _pieces(column_edges, budget):
        for r in _pieces(row_edges, max(budget // int(c[-1] - c[0]), 1)):
            yield r, c


def _pieces(edges: NDArray[np.int64], length: int) -> Iterator[NDArray[np.int64]]:
    """Runs of edges that each span about `length` indices, at least one bin."""
    n_bins = len(edges) - 1
    per_bin = -(-int(edges[-1] - edges[0]) // n_bins)
    step = max(length // per_bin, 1)
    for start in range(0, n_bins, step):
        yield edges[start : start + step + 1]


def _collapsed(
    source: ArraySource,
    rule: CellRule,
    row_edges: NDArray[np.int64],
    column_edges: NDArray[np.int64],
) -> Block:
    """Values of one piece, shape (rows, columns), the hidden axis reduced."""
    rows = (int(row_edges[0]), int(row_edges[-1]))
    columns = (int(column_edges[0]), int(column_edges[-1]))
    if rule.collapsed is None:
        return Block(*(_drop_axis(a) for a in _read(source, rule, rows, columns, (0, 1))))
    n_cells = (rows[1] - rows[0]) * (columns[1] - columns[0])
    step = max(_BLOCK_CELLS // n_cells, 1)
    collapse = Collapse(rule.reducer)
    for band in collapse.order(*rule.band, step):
        collapse.add(_read(source, rule, rows, columns, band))
        if collapse.complete:
            break
    return collapse.result()


def _drop_axis(values: Any) -> Any:
    return None if values is None else values[0]


def _read(source: ArraySource, rule: CellRule, rows: Span, columns: Span, band: Span) -> Block:
    """Values of a box with axes (band, rows, columns), whatever order the array has."""
    names = [axis.name for axis in source.axes]
    bounds = {rule.rows: rows, rule.columns: columns, rule.collapsed: band}
    values, pending = source.read(Region(tuple(bounds[name] for name in names)))
    wanted = (
        [rule.collapsed, rule.rows, rule.columns] if rule.collapsed else [rule.rows, rule.columns]
    )
    order = [names.index(name) for name in wanted if name]
    return Block(
        _arrange(_native(values), order), None if pending is None else _arrange(pending, order)
    )


def _arrange(values: NDArray[Any], order: Sequence[int]) -> NDArray[Any]:
    values = values.transpose(order)
    return values if values.ndim == 3 else values[np.newaxis]


def _native(values: NDArray[Any]) -> NDArray[Any]:
    """Values in a type that numpy reduces fast: big-endian, half and long types are not."""
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        with np.errstate(over="ignore"):
            return values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Values as float32, in which a finite one stays finite and one above zero stays so."""
    if values.dtype == np.float32:
        return values
    with np.errstate(over="ignore", under="ignore"):
        narrow: NDArray[np.float32] = values.astype(np.float32)
        lost = np.isinf(narrow) & np.isfinite(values)
        narrow[lost] = np.copysign(FLOAT32_MAX, values[lost])
        lost = (narrow == 0) & (values != 0)
        narrow[lost] = np.copysign(FLOAT32_TINY, values[lost])
    return narrow
