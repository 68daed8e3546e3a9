"""The readout: value and position of a cell as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import ArraySource, Axis, plural
from ..arrays.axis import number_text
from ..frames import CellState, Frame, cell_extent
from .legend import STATE_TEXTS
from .text import label
from .ticks import format_number, format_value

# Limit for the text of a token, which is usually shown whole.
_TEXT_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """Position of a cell on one axis.

    Parameters
    ----------
    text : str
        Name of the axis and index or coordinates.
    labels : tuple of str
        Texts of the first and last index.
    reducer : str
        Reducer of the indices; empty if the axis is shown.
    """

    text: str
    labels: tuple[str, ...] = ()
    reducer: str = ""


@dataclass(frozen=True, slots=True)
class Readout:
    """Value and position of a cell as text.

    Parameters
    ----------
    value : str
    detail : str
        Number of array cells pooled in the cell, and their minimum and maximum.
    places : tuple of Place
    """

    value: str
    detail: str
    places: tuple[Place, ...]


def read_cell(source: ArraySource, frame: Frame, row: int, column: int) -> Readout:
    """Value and position of a frame cell.

    Parameters
    ----------
    source : ArraySource
        Source of the frame. If it is in memory, it is read for the range of a pooled cell.
    frame : Frame
    row, column : int
        Index of the cell in the frame.
    """
    axes = {axis.name: axis for axis in source.axes}
    cells = frame.view.cells
    windows = {
        cells.rows: frame.row_edges[row : row + 2].tolist(),
        cells.columns: frame.column_edges[column : column + 2].tolist(),
    }
    reducers = {axis.name: axis.reducer for axis in cells.hidden if axis.size > 1}
    windows.update((axis.name, list(axis.window)) for axis in cells.hidden)
    # Axes with labels last: a long token would push the rest out of view.
    names = sorted(windows, key=lambda name: axes[name].labels is not None)
    places = tuple(_place(axes[name], windows[name], reducers.get(name, "")) for name in names)
    return Readout(*_value(source, frame, row, column), places)


def cell_at(frame: Frame, down: float, across: float) -> tuple[int, int]:
    """Row and column of the frame cell at a point, given as fractions of the picture."""
    return _bin_at(frame.row_edges, down), _bin_at(frame.column_edges, across)


def _value(source: ArraySource, frame: Frame, row: int, column: int) -> tuple[str, str]:
    """Value of a cell and, for a pooled cell, its detail."""
    state = CellState(frame.states[row, column])
    if state in (CellState.PENDING, CellState.NAN):
        return STATE_TEXTS[state], ""
    limits = frame.view.colors.limits
    span = limits[1] - limits[0]
    text = format_value(float(frame.values[row, column]), span)
    if frame.coarse is not None and frame.coarse[row, column]:
        return text, "coarse: not all of it is read"
    n_rows = int(frame.row_edges[row + 1] - frame.row_edges[row])
    n_columns = int(frame.column_edges[column + 1] - frame.column_edges[column])
    if n_rows * n_columns == 1:
        return text, ""
    covered = f"{frame.view.cells.pooling} of {n_rows}×{n_columns} cells"
    if not source.in_memory:
        # Moving the pointer must not wait for a read from disk.
        return text, covered
    low, high = cell_extent(source, frame, row, column)
    return text, f"{covered}, {format_value(low, span)} … {format_value(high, span)}"


def _place(axis: Axis, window: Sequence[int], reducer: str) -> Place:
    """Place of a half-open window of indices on an axis."""
    first, last = window[0], window[1] - 1
    one = first == last
    start, end = (format_number(number_text(axis.coordinates[i])) for i in (first, last))
    text = f"{axis.name} {start}" if one else f"{plural(axis.name)} {start}–{end}"
    if axis.labels is None:
        return Place(text, reducer=reducer)
    ends = [first] if one else [first, last]
    return Place(text, tuple(label(axis.label(i), _TEXT_COLUMNS) for i in ends), reducer)


def _bin_at(edges: NDArray[np.int64], fraction: float) -> int:
    index = edges[0] + fraction * (edges[-1] - edges[0])
    found = int(np.searchsorted(edges, index, side="right")) - 1
    return min(max(found, 0), len(edges) - 2)
