"""A picture-sized piece of an array, and how it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..arrays.casting import finite_cast
from ..arrays.source import Block, Region
from .bins import bin_edges
from .budget import BUDGET, Budget
from .cells import Edges, Readable, Span, box_reader, collapsed, merged_cells
from .color import CellState, cell_states
from .mosaic import Mosaic, mosaic
from .overview import Overview
from .reducers import compare
from .view import CellRule, ResolvedView


@dataclass(frozen=True, slots=True, eq=False, repr=False)
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
    coarse : ndarray of bool, shape (n_rows, n_columns), optional
        Cells that are not exact yet: made from a part of what they cover, or taken from a
        neighbour. Read-only; None where all are exact.
    """

    values: NDArray[np.float32]
    states: NDArray[np.uint8]
    row_edges: NDArray[np.int64]
    column_edges: NDArray[np.int64]
    view: ResolvedView
    coarse: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        for part in (self.values, self.states, self.coarse):
            if part is not None:
                part.flags.writeable = False

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.values.shape[0], self.values.shape[1]

    def __repr__(self) -> str:
        """Return what is shown in one line."""
        cells, (low, high) = self.view.cells, self.view.colors.limits
        coarse = "" if self.coarse is None else ", coarse"
        axes = f"{cells.rows}: {self.shape[0]}, {cells.columns}: {self.shape[1]}"
        return f"<Frame ({axes}), colours {low:g} to {high:g}{coarse}>"

    def states_present(self) -> tuple[CellState, ...]:
        """States other than a plain value that some cell has."""
        if not self.states.any():
            return ()
        counts = np.bincount(self.states.ravel(), minlength=len(CellState))
        return tuple(state for state in CellState if state and counts[state])


def render(
    source: Readable,
    view: ResolvedView,
    *,
    previous: Frame | None = None,
    changed: Iterable[Region] = (),
    overview: Overview | None = None,
    approximate: bool = False,
    budget: Budget = BUDGET,
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
    overview : Overview, optional
        Of the same source, and told of what has changed. Used where it serves the view;
        as far as it was read: what is not exact then, `Frame.coarse` tells.
    approximate : bool
        Read nothing but the overview, whatever the view: no cell counts as exact.
    budget : Budget, optional
        Of what is read without the overview.

    Returns
    -------
    Frame
        `previous` itself if nothing visible differs.
    """
    rule = view.cells
    if overview is not None and not approximate and not overview.plan(rule).serves:
        overview = None
    row_edges = bin_edges(*rule.row_window, rule.row_bin)
    column_edges = bin_edges(*rule.column_window, rule.column_bin)
    coarse = None
    if previous is None or previous.view.cells != rule or previous.coarse is not None:
        cells, coarse = _cells(source, rule, row_edges, column_edges, overview, approximate, budget)
        values, pending = cells.values, cells.pending
    else:
        spans = list(_touched(source, rule, row_edges, column_edges, changed))
        values = previous.values.copy() if spans else previous.values
        pending = previous.states == CellState.PENDING
        for rows, columns in spans:
            r, c = row_edges[rows[0] : rows[1] + 1], column_edges[columns[0] : columns[1] + 1]
            cells, some = _cells(source, rule, r, c, overview, approximate, budget)
            index = (slice(*rows), slice(*columns))
            values[index] = cells.values
            pending[index] = False if cells.pending is None else cells.pending
            if some is not None:
                coarse = np.zeros(values.shape, bool) if coarse is None else coarse
                coarse[index] = some
    states = cell_states(values, pending, view.colors)
    if previous is not None and _same(previous, values, states, view, coarse):
        return previous
    return Frame(values, states, row_edges, column_edges, view, coarse)


def _cells(
    source: Readable,
    rule: CellRule,
    row_edges: Edges,
    column_edges: Edges,
    overview: Overview | None,
    approximate: bool,
    budget: Budget,
    dtype: DTypeLike = np.float32,
) -> Mosaic:
    """Cells between the given edges, NaN where pending."""
    if rule.comparison is not None:
        # In float64, in which the difference of two large values has its digits.
        first, last = (
            _cells(source, one, row_edges, column_edges, overview, approximate, budget, np.float64)
            for one in rule.compared()
        )
        cells = compare(first.cells, last.cells, rule.comparison)
        values = finite_cast(cells.values, dtype)
        if cells.pending is not None:
            values[cells.pending] = np.nan
        return Mosaic(cells._replace(values=values), _either(first.coarse, last.coarse))
    if overview is not None:
        made = mosaic(overview, source, rule, row_edges, column_edges, approximate=approximate)
        if made is not None:
            return made
    reader = box_reader(source, rule, budget)
    pooled = rule.is_pooled
    cells = merged_cells(reader, rule, row_edges, column_edges, pooled=pooled, dtype=dtype)
    return Mosaic(cells, None)


def _either(a: NDArray[np.bool_] | None, b: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return a if b is None else b if a is None else a | b


def blank(view: ResolvedView, previous: Frame | None) -> Frame:
    """Frame of which nothing is known yet; `previous` itself if that is such a one."""
    if previous is not None and previous.view == view and previous.coarse is not None:
        return previous
    rows = bin_edges(*view.cells.row_window, view.cells.row_bin)
    columns = bin_edges(*view.cells.column_window, view.cells.column_bin)
    shape = (len(rows) - 1, len(columns) - 1)
    values, coarse = np.full(shape, np.nan, np.float32), np.ones(shape, bool)
    states = np.full(shape, CellState.PENDING, np.uint8)
    return Frame(values, states, rows, columns, view, coarse)


def cell_extent(
    source: Readable, frame: Frame, row: int, column: int, budget: Budget = BUDGET
) -> tuple[float, float]:
    """Smallest and largest value among the array cells that a pooled cell covers.

    The hidden axes are collapsed first, as in the frame. NaN are left out; where nothing
    is left, both are NaN.
    """
    rule = frame.view.cells
    r = np.arange(frame.row_edges[row], frame.row_edges[row + 1] + 1)
    c = np.arange(frame.column_edges[column], frame.column_edges[column + 1] + 1)
    cuts = list(box_reader(source, rule, budget).cut(rule, r, c))
    values = np.concatenate([_present(_collapsed(source, rule, *part, budget)) for part in cuts])
    values = values[~np.isnan(values)]
    return (float(values.min()), float(values.max())) if values.size else (np.nan, np.nan)


def _collapsed(
    source: Readable, rule: CellRule, rows: Edges, columns: Edges, budget: Budget
) -> Block:
    """Values of one piece, nothing pooled."""
    if rule.comparison is None:
        return collapsed(box_reader(source, rule, budget), rule, rows, columns)
    first, last = (_collapsed(source, one, rows, columns, budget) for one in rule.compared())
    return compare(first, last, rule.comparison)


def _present(block: Block) -> NDArray[Any]:
    """Values that are not pending, flat."""
    return block.values.ravel() if block.pending is None else block.values[~block.pending]


def _same(
    previous: Frame,
    values: NDArray[np.float32],
    states: NDArray[np.uint8],
    view: ResolvedView,
    coarse: NDArray[np.bool_] | None,
) -> bool:
    return (
        previous.view == view
        and np.array_equal(previous.states, states)
        and np.array_equal(previous.values, values, equal_nan=True)
        and np.array_equal(_mask(previous.coarse), _mask(coarse))
    )


def _mask(coarse: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return np.zeros(0, bool) if coarse is None else coarse


def _touched(
    source: Readable,
    rule: CellRule,
    row_edges: NDArray[np.int64],
    column_edges: NDArray[np.int64],
    changed: Iterable[Region],
) -> Iterator[tuple[Span, Span]]:
    """Frame cells that changed regions reach, as spans of rows and columns."""
    order = [axis.name for axis in source.axes]
    for region in changed:
        bounds = dict(zip(order, region.bounds, strict=True))
        if any(
            bounds[axis.name][1] <= axis.window[0] or axis.window[1] <= bounds[axis.name][0]
            for axis in rule.hidden
        ):
            continue
        rows = _span(row_edges, bounds[rule.rows])
        columns = _span(column_edges, bounds[rule.columns])
        if rows[0] < rows[1] and columns[0] < columns[1]:
            yield rows, columns


def _span(edges: NDArray[np.int64], bounds: Span) -> Span:
    """Bins that overlap a range of indices."""
    start = int(np.searchsorted(edges[1:], bounds[0], side="right"))
    return start, int(np.searchsorted(edges[:-1], bounds[1], side="left"))
