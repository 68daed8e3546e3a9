"""What stands under the picture: the value under the pointer, the legend of cell states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import ArraySource, Axis
from ..frames import CellState, Frame, cell_extent, merged_distance
from ..frames.palette import STATE_COLORS
from .text import escape, label
from .ticks import format_number, format_value

# A token's whole text goes into the readout, within reason.
_TEXT_COLUMNS = 1000

_STATE_TEXTS = {
    CellState.PENDING: "pending",
    CellState.NAN: "NaN",
    CellState.POSITIVE_INFINITY: "+inf",
    CellState.NEGATIVE_INFINITY: "−inf",
    CellState.NONPOSITIVE: "zero or negative",
}


def readout_html(source: ArraySource, frame: Frame, row: int, column: int) -> str:
    """Value of a frame cell and where it lies.

    Parameters
    ----------
    source : ArraySource
        What the frame was made from; one in memory is read again for the range of a pooled
        cell.
    frame : Frame
    row, column : int
        Indices of the frame.
    """
    axes = {axis.name: axis for axis in source.axes}
    cells = frame.view.cells
    windows = {
        cells.rows: frame.row_edges[row : row + 2].tolist(),
        cells.columns: frame.column_edges[column : column + 2].tolist(),
    }
    if cells.collapsed:
        windows[cells.collapsed] = list(cells.band)
    parts = [_value_html(source, frame, row, column)]
    # The token last: it can be long, and what comes after it is then not seen.
    for name in sorted(windows, key=lambda name: axes[name].labels is not None):
        how = name == cells.collapsed and cells.band[1] - cells.band[0] > 1
        place = _place_html(axes[name], windows[name])
        parts.append(f"{place} ({cells.reducer})" if how else place)
    return '<span class="heatwidget-readout">' + " · ".join(parts) + "</span>"


def legend_html(frame: Frame, dtype: np.dtype[Any]) -> str:
    """Colour and meaning of each state, other than a plain value, that is on screen.

    And whether the picture merges values of the array, which is of that dtype.
    """
    states = (
        f'<span style="white-space:nowrap;margin-right:1em"><span style="display:inline-block;'
        f"width:0.8em;height:0.8em;border:1px solid #888;background:{STATE_COLORS[state]}"
        f'"></span> {_state_text(state, frame)}</span>'
        for state in frame.states_present()
    )
    distance = merged_distance(dtype, frame.view.colors)
    merged = f"values closer than {format_value(distance)} look alike: subtract an offset"
    return " ".join([*states, *([merged] if distance else [])])


def _state_text(state: CellState, frame: Frame) -> str:
    low, high = frame.view.colors.limits
    if state is CellState.BELOW:
        return f"below {format_value(low, high - low)}"
    if state is CellState.ABOVE:
        return f"above {format_value(high, high - low)}"
    return _STATE_TEXTS[state]


def _value_html(source: ArraySource, frame: Frame, row: int, column: int) -> str:
    state = CellState(frame.states[row, column])
    if state in (CellState.PENDING, CellState.NAN):
        return f"<b>{_STATE_TEXTS[state]}</b>"
    limits = frame.view.colors.limits
    span = limits[1] - limits[0]
    text = f"<b>{format_value(float(frame.values[row, column]), span)}</b>"
    if frame.coarse is not None and frame.coarse[row, column]:
        return f"{text} (coarse: not all of it is read)"
    n_rows = int(frame.row_edges[row + 1] - frame.row_edges[row])
    n_columns = int(frame.column_edges[column + 1] - frame.column_edges[column])
    if n_rows * n_columns == 1:
        return text
    covered = f"{frame.view.cells.pooling} of {n_rows}×{n_columns} cells"
    if not source.in_memory:
        # A pointer that moves must not wait for a disk.
        return f"{text} ({covered})"
    low, high = cell_extent(source, frame, row, column)
    return f"{text} ({covered}, {format_value(low, span)} … {format_value(high, span)})"


def _place_html(axis: Axis, window: Sequence[int]) -> str:
    """Where a half-open window of indices lies on an axis."""
    first, last = window[0], window[1] - 1
    if axis.labels is None:
        start, end = (format_number(axis.coordinates[i]) for i in (first, last))
        return f"{axis.name} {start}" if first == last else f"{axis.name}s {start}–{end}"
    texts = [_token_html(axis.labels[i]) for i in ([first] if first == last else [first, last])]
    if first == last:
        return f"{axis.name} {first} {texts[0]}"
    return f"{axis.name}s {first}–{last} {texts[0]} … {texts[1]}"


def _token_html(text: str) -> str:
    # An element of its own keeps right-to-left text from turning its neighbours around.
    return f"<bdi>“{escape(label(text, _TEXT_COLUMNS))}”</bdi>"


def cell_at(frame: Frame, down: float, across: float) -> tuple[int, int]:
    """Frame cell, as row and column, at a place given as fractions of the picture."""
    return _bin_at(frame.row_edges, down), _bin_at(frame.column_edges, across)


def _bin_at(edges: NDArray[np.int64], fraction: float) -> int:
    index = edges[0] + fraction * (edges[-1] - edges[0])
    found = int(np.searchsorted(edges, index, side="right")) - 1
    return min(max(found, 0), len(edges) - 2)
