"""What was asked, and what holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ..arrays.axis import Axis
from ..arrays.extent import ValueRange
from .bins import bin_size
from .color import ColorScale, mirrored, resolve_limits, usable_end
from .reducers import COMPARISONS, PICKS, POOLINGS

AskedRange = tuple[float | None, float | None]
Window = tuple[int, int]
ALL: AskedRange = (None, None)
NO_RANGE = ValueRange()


@dataclass(frozen=True, slots=True)
class View:
    """What the user asked to see. It may not fit the array; `resolve` makes it fit.

    Parameters
    ----------
    rows, columns : str
        Names of the axes shown down and across.
    ranges : mapping of str to tuple of float or None
        Inclusive coordinates by name of the axis; None is the axis's own end.
    reducer : str
        How axes that are neither rows nor columns are collapsed.
    reducers : mapping of str to str
        The same by name of the axis; goes before `reducer`.
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
    ranges: Mapping[str, AskedRange] = field(default_factory=dict)
    reducers: Mapping[str, str] = field(default_factory=dict)
    pooling: str | None = None
    color_range: AskedRange = ALL
    natural_range: tuple[float, float] | None = None
    color_center: float | None = None

    def asked(self, dim: str) -> AskedRange:
        """Range asked of an axis."""
        return self.ranges.get(dim, ALL)


@dataclass(frozen=True, slots=True)
class HiddenAxis:
    """An axis that is not shown, and how it is collapsed.

    Parameters
    ----------
    name : str
    window : tuple of int
        Half-open index window.
    reducer : str
    """

    name: str
    window: Window
    reducer: str

    @property
    def size(self) -> int:
        """Number of indices in the window."""
        return self.window[1] - self.window[0]


@dataclass(frozen=True, slots=True)
class CellRule:
    """Which array cells make up each cell of the frame, as indices.

    Parameters
    ----------
    rows, columns : str
        Names of the axes shown.
    row_window, column_window : tuple of int
        Half-open index windows along rows and columns.
    hidden : tuple of HiddenAxis
        The other axes, in the order in which they are collapsed: those of which one index is
        picked, then in the order of the array, and at last those that are compared.
    row_bin, column_bin : int
        Powers of two: how many indices share a cell.
    pooling : str
    """

    rows: str
    columns: str
    row_window: Window
    column_window: Window
    hidden: tuple[HiddenAxis, ...]
    row_bin: int
    column_bin: int
    pooling: str

    @property
    def windows(self) -> dict[str, Window]:
        """Index window of each axis."""
        shown = {self.rows: self.row_window, self.columns: self.column_window}
        return {**shown, **{axis.name: axis.window for axis in self.hidden}}

    @property
    def is_pooled(self) -> bool:
        """Whether neighbours share a cell."""
        return self.row_bin > 1 or self.column_bin > 1

    @property
    def merges(self) -> frozenset[str]:
        """Reducers that merge values of several indices, other than by picking or comparing."""
        kinds = (axis.reducer for axis in self.hidden)
        return frozenset(kind for kind in kinds if kind not in (*PICKS, *COMPARISONS))

    @property
    def picks_of_several(self) -> bool:
        """Whether the index that is picked may differ from cell to cell, where some are pending."""
        return any(axis.reducer in PICKS and axis.size > 1 for axis in self.hidden)

    @property
    def comparison(self) -> str | None:
        """Reducer that compares two pictures, if there is one."""
        kinds = [axis.reducer for axis in self.hidden if axis.reducer in COMPARISONS]
        return kinds[-1] if kinds else None

    @property
    def is_derived(self) -> bool:
        """Whether its values may lie far from those of the array, which say nothing of colours."""
        return self.comparison is not None or "std" in self.merges

    def compared(self) -> tuple[CellRule, CellRule]:
        """Rules of the two pictures that its last comparison sets against each other."""
        *before, last = self.hidden
        first_index, last_index = last.window[0], last.window[1] - 1

        def at(index: int) -> CellRule:
            one = HiddenAxis(last.name, (index, index + 1), "last")
            return replace(self, hidden=(one, *before))

        return at(first_index), at(last_index)


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


def resolve(
    view: View,
    axes: Sequence[Axis],
    value_range: ValueRange,
    derived_range: ValueRange = NO_RANGE,
) -> ResolvedView:
    """Fit what was asked to an array. Never raises, whatever the ranges are.

    Parameters
    ----------
    view : View
        Its `rows` and `columns` must be among the axes.
    axes : sequence of Axis
        Axes of the array, in any order.
    value_range : ValueRange
        Extent of the whole array's values.
    derived_range : ValueRange
        Extent used instead where the reducers make other values of them (`is_derived`).
    """
    windows = {axis.name: axis.window(view.asked(axis.name)) for axis in axes}
    rows, columns = windows[view.rows], windows[view.columns]
    hidden = tuple(
        sorted(
            (
                HiddenAxis(name, window, view.reducers.get(name, view.reducer))
                for name, window in windows.items()
                if name not in (view.rows, view.columns)
            ),
            key=lambda axis: _turn(axis.reducer),
        )
    )
    cells = CellRule(
        rows=view.rows,
        columns=view.columns,
        row_window=rows,
        column_window=columns,
        hidden=hidden,
        row_bin=bin_size(rows[1] - rows[0], view.max_rows),
        column_bin=bin_size(columns[1] - columns[0], view.max_columns),
        pooling=view.pooling or _follow(hidden),
    )
    return ResolvedView(cells, _color_rule(view, cells, value_range, derived_range))


def _color_rule(
    view: View, cells: CellRule, value_range: ValueRange, derived_range: ValueRange
) -> ColorRule:
    # Differences have signs, and none of them a logarithm.
    scale: ColorScale = "linear" if cells.comparison else view.color_scale
    center = 0.0 if cells.comparison and view.color_center is None else view.color_center
    low, high = (usable_end(end, scale) for end in view.color_range)
    center = usable_end(center, scale)
    low, high = mirrored((low, high), center, scale)
    squared = "rms" in cells.merges or (cells.pooling == "rms" and cells.is_pooled)
    limits = resolve_limits(
        (low, high),
        derived_range if cells.is_derived else value_range,
        scale=scale,
        squared=squared and not cells.is_derived,
        natural_range=None if cells.is_derived else view.natural_range,
        center=center,
    )
    return ColorRule(limits, (low is not None, high is not None), scale)


def _turn(reducer: str) -> int:
    """When an axis is collapsed: the earlier the less is read, and comparisons are of pictures."""
    return 0 if reducer in PICKS else 2 if reducer in COMPARISONS else 1


def _follow(hidden: Sequence[HiddenAxis]) -> str:
    """Pooling that goes with how the axes not shown are collapsed."""
    merges = [axis.reducer for axis in hidden if axis.reducer in POOLINGS]
    if merges:
        return merges[-1]
    # A mean keeps both signs of a difference. Else the maximum: a picture must not claim a
    # convergence that is not there.
    return "mean" if any(axis.reducer in COMPARISONS for axis in hidden) else "max"
