"""The legend: colour and meaning of each cell state in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..frames import CellState, Frame, merged_distance
from ..frames.palette import STATE_COLORS
from .ticks import format_value

STATE_TEXTS = {
    CellState.PENDING: "pending",
    CellState.NAN: "NaN",
    CellState.POSITIVE_INFINITY: "+inf",
    CellState.NEGATIVE_INFINITY: "−inf",
    CellState.NONPOSITIVE: "zero or negative",
}


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """Colour as ``#rrggbb`` and its meaning; without a colour, a note on the whole picture."""

    color: str
    text: str


def make_legend(frame: Frame, dtype: np.dtype[Any]) -> tuple[LegendEntry, ...]:
    """Legend entries for the cell states in a frame, except plain values.

    A last entry notes if float32 merges different values of the array.

    Parameters
    ----------
    frame : Frame
    dtype : dtype
        Type of the array.
    """
    entries = [
        LegendEntry(STATE_COLORS[state], _state_text(state, frame))
        for state in frame.states_present()
    ]
    if distance := merged_distance(dtype, frame.view.colors):
        near = f"values closer than {format_value(distance)} look alike: subtract an offset"
        entries.append(LegendEntry("", near))
    return tuple(entries)


def _state_text(state: CellState, frame: Frame) -> str:
    low, high = frame.view.colors.limits
    if state is CellState.BELOW:
        return f"below {format_value(low, high - low)}"
    if state is CellState.ABOVE:
        return f"above {format_value(high, high - low)}"
    return STATE_TEXTS[state]
