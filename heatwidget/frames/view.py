"""What was asked, and what holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..arrays.axis import Axis
from ..arrays.extent import ValueRange
from .bins import bin_size
from .color import ColorScale, mirrored, resolve_limits, usable_end

AskedRange = tuple[float | None, float | None]
Window = tuple[int, int]
ALL: AskedRange = (None, None)

# Poolings that give the same picture whether the hidden axis is collapsed before or after.
_COMMUTING = ("mean", "max", "min", "rms")


@dataclass(frozen=True, slots=True)
class View:
    """What the user asked to see. It may not fit the array; `resolve` makes it fit.

    Parameters
    ----------
    rows, columns : str
        Names of the axes shown down and across.
    iteration_range, layer_band : tuple of float or None
        Inclusive coordinates; None is the axis's own end.
    reducer : str
        How the axis that is neither rows nor columns is collapsed.
    pooling : str or None
        How neighbours that share a pixel are merged. None follows the reducer where one
        is at work, else takes the maximum.
    color_range : tuple of float or None
        Values of the first and last colour; None takes the whole array's.
    color_center : float, optional
        Value in the middle of the colour bar, unless both ends of `color_range` are asked.
    color_scale : {"linear", "log"}
    max_rows, max_columns : int
        Pixels that the picture has: never more cells than that.
    natural_range : tuple of float, optional
        Colour limits used instead of the array's own where they hold all of it and it spans
        a quarter of them, on a linear scale: 0..1 for activations.
    """

    rows: str
    columns: str
    reducer: str
    color_scale: ColorScale
    max_rows: int
    max_columns: int
    iteration_range: AskedRange = ALL
    layer_band: AskedRange = ALL
    pooling: str | None = None
    color_range: AskedRange = ALL
    natural_range: tuple[float, float] | None = None
    color_center: float | None = None

    def asked(self, dim: str) -> AskedRange:
        """Range asked of an axis."""
        return {"iteration": self.iteration_range, "layer": self.layer_band}.get(dim, ALL)


@dataclass(frozen=True, slots=True)
class CellRule:
    """Which array cells make up each cell of the frame, as indices.

    Parameters
    ----------
    rows, columns : str
        Names of the axes shown.
    collapsed : str or None
        Name of the axis that is reduced, if there is one.
    row_window, column_window, band : tuple of int
        Half-open index windows along rows, columns and the collapsed axis.
    row_bin, column_bin : int
        Powers of two: how many indices share a cell.
    reducer, pooling : str
    """

    rows: str
    columns: str
    collapsed: str | None
    row_window: Window
    column_window: Window
    band: Window
    row_bin: int
    column_bin: int
    reducer: str
    pooling: str


@dataclass(frozen=True, slots=True)
class ColorRule:
    """How values become colours.

    Parameters
    ----------
    limits : tuple of float
        Values at the two ends of the colour bar, ``limits[0] < limits[1]``.
    fixed : tuple of bool
        Which of the limits the user set: values beyond such a one get a state of their own.
    scale : {"linear", "log"}
    """

    limits: tuple[float, float]
    fixed: tuple[bool, bool]
    scale: Literal["linear", "log"]


@dataclass(frozen=True, slots=True)
class ResolvedView:
    """What holds for one array: every index and limit settled."""

    cells: CellRule
    colors: ColorRule


def resolve(view: View, axes: Sequence[Axis], value_range: ValueRange) -> ResolvedView:
    """Fit what was asked to an array. Never raises, whatever the ranges are.

    Parameters
    ----------
    view : View
        Its `rows` and `columns` must be among the axes.
    axes : sequence of Axis
        Axes of the array, in any order.
    value_range : ValueRange
        Extent of the whole array's values.
    """
    by_name = {axis.name: axis for axis in axes}
    rows = by_name[view.rows].window(view.asked(view.rows))
    columns = by_name[view.columns].window(view.asked(view.columns))
    collapsed = next((name for name in by_name if name not in (view.rows, view.columns)), None)
    band = by_name[collapsed].window(view.asked(collapsed)) if collapsed else (0, 1)
    pooling = view.pooling or _follow(view.reducer, collapsed)
    squared = collapsed is not None and view.reducer == "rms"
    row_bin = bin_size(rows[1] - rows[0], view.max_rows)
    column_bin = bin_size(columns[1] - columns[0], view.max_columns)
    squared |= pooling == "rms" and (row_bin > 1 or column_bin > 1)
    cells = CellRule(
        rows=view.rows,
        columns=view.columns,
        collapsed=collapsed,
        row_window=rows,
        column_window=columns,
        band=band,
        row_bin=row_bin,
        column_bin=column_bin,
        reducer=view.reducer,
        pooling=pooling,
    )
    low, high = (usable_end(end, view.color_scale) for end in view.color_range)
    center = usable_end(view.color_center, view.color_scale)
    low, high = mirrored((low, high), center, view.color_scale)
    limits = resolve_limits(
        (low, high),
        value_range,
        scale=view.color_scale,
        squared=squared,
        natural_range=view.natural_range,
        center=center,
    )
    fixed = (low is not None, high is not None)
    return ResolvedView(cells, ColorRule(limits, fixed, view.color_scale))


def _follow(reducer: str, collapsed: str | None) -> str:
    # Without a reducer at work the maximum: a picture must not claim a convergence that is
    # not there. First and last commute with any pooling, so the same holds for them.
    return reducer if collapsed and reducer in _COMMUTING else "max"
