"""The scene: all that a heatmap shows, for a page, a file or a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Axis
from ..frames import CellRule, Frame, color_indices
from .geometry import Geometry, lay_out
from .labels import Labels
from .legend import LegendEntry, make_legend
from .overlays import Overlay
from .ticks import Ticks, axis_ticks, color_ticks

# First and last edge, as fractions of the picture.
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """Appearance of a frame beyond its view.

    Parameters
    ----------
    color_scheme : str
    mark : {"auto", "heatmap", "image"}
    title, quantity : str
        Text above the picture, and the measured quantity for the colour bar.
    overlays : tuple of Overlay
    """

    color_scheme: str
    mark: str
    title: str
    quantity: str
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Sizes and labels of two axes. They stay the same while the user scrubs.

    Parameters
    ----------
    rows, columns : Labels
    geometry : Geometry
    asked : tuple
        Axes, width and height that the layout was made for.
    """

    rows: Labels
    columns: Labels
    geometry: Geometry
    asked: tuple[Axis, Axis, int, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The cells of a frame as colours.

    Parameters
    ----------
    indices : ndarray of uint8, shape (n_rows, n_columns)
        Palette index of each cell.
    columns, rows : tuple of float
        First and last edge of the cells, as fractions of the picture. The window spans 0..1. Bins
        lie on multiples of their size, so the outer bins may extend beyond the window.
    color_scheme : str
    """

    indices: NDArray[np.uint8]
    columns: Span
    rows: Span
    color_scheme: str

    def same(self, other: Picture | None) -> bool:
        """Whether it looks the same as another picture."""
        return (
            other is not None
            and (self.columns, self.rows) == (other.columns, other.rows)
            and self.color_scheme == other.color_scheme
            and (self.indices is other.indices or np.array_equal(self.indices, other.indices))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Complete description of a heatmap, independent of a plotting library.

    Parameters
    ----------
    frame : Frame
        Frame that the scene was made from.
    picture : Picture
    mark : {"auto", "heatmap", "image"}
        Preferred way to draw the cells.
    layout : Layout
    row_name, column_name : str
        Names of the axes shown.
    rows, columns, colors : Ticks
        Ticks at fractions of the picture: from its top, from its left, and from the bottom of the
        colour bar.
    legend : tuple of LegendEntry
    title, quantity : str
    overlays : tuple of Overlay
        In data coordinates, which `place` converts.
    """

    frame: Frame
    picture: Picture
    mark: str
    layout: Layout
    row_name: str
    column_name: str
    rows: Ticks
    columns: Ticks
    colors: Ticks
    legend: tuple[LegendEntry, ...]
    title: str
    quantity: str
    overlays: tuple[Overlay, ...]

    def place(self, columns: Any, rows: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Convert data coordinates to fractions of the picture, from its left and top."""
        cells = self.frame.view.cells
        return _fractions(columns, cells.column_window), _fractions(rows, cells.row_window)


def make_layout(
    rows: Axis, columns: Axis, width: int, height: int | None, previous: Layout | None = None
) -> Layout:
    """Layout of two axes; `previous` itself if axes and sizes are the same."""
    asked = (rows, columns, width, height)
    if previous is not None and previous.asked == asked:
        return previous
    geometry = lay_out(rows, columns, width=width, height=height)
    return Layout(
        rows=Labels(rows, geometry.row_columns),
        columns=Labels(columns, geometry.column_columns),
        geometry=geometry,
        asked=asked,
    )


def compose(
    frame: Frame,
    look: Look,
    layout: Layout,
    dtype: np.dtype[Any],
    previous: Scene | None = None,
) -> Scene:
    """Scene of a frame.

    Parameters
    ----------
    frame : Frame
    look : Look
    layout : Layout
        Layout of the axes shown.
    dtype : dtype
        Type of the array.
    previous : Scene, optional
        Last scene, whose unchanged parts are reused.
    """
    cells, geometry = frame.view.cells, layout.geometry
    return Scene(
        frame=frame,
        picture=Picture(
            _indices(frame, previous),
            _edges(cells.column_window, cells.column_bin),
            _edges(cells.row_window, cells.row_bin),
            look.color_scheme,
        ),
        mark=look.mark,
        layout=layout,
        row_name=cells.rows,
        column_name=cells.columns,
        rows=axis_ticks(layout.rows, cells.row_window, max_=geometry.max_row_ticks),
        columns=axis_ticks(layout.columns, cells.column_window, max_=geometry.max_column_ticks),
        colors=_colors(frame, layout, previous),
        legend=make_legend(frame, dtype),
        title=look.title,
        quantity=look.quantity,
        overlays=look.overlays,
    )


def derived_quantity(quantity: str, cells: CellRule) -> str:
    """Quantity of a frame's values, which differs from the array's for some reducers."""
    if "std" in cells.merges:
        quantity = f"std of {quantity}"
    words = {"difference": "difference of", "log-ratio": "log₁₀ ratio of"}
    return f"{words[cells.comparison]} {quantity}" if cells.comparison else quantity


def _indices(frame: Frame, previous: Scene | None) -> NDArray[np.uint8]:
    if previous is not None and previous.frame is frame:
        return previous.picture.indices
    return color_indices(frame.values, frame.states, frame.view.colors)


def _colors(frame: Frame, layout: Layout, previous: Scene | None) -> Ticks:
    colors = frame.view.colors
    if previous is None or previous.layout is not layout or previous.frame.view.colors != colors:
        return color_ticks(colors, layout.geometry.max_color_ticks)
    return previous.colors


def _edges(window: tuple[int, int], size: int) -> Span:
    """Outer edges of the bins as fractions of the window."""
    start, stop = window
    first, last = start // size * size, -(-stop // size) * size
    return (first - start) / (stop - start), (last - start) / (stop - start)


def _fractions(indices: Any, window: tuple[int, int]) -> NDArray[Any]:
    start, stop = window
    return (np.asarray(indices, np.float64) - start) / (stop - start)
