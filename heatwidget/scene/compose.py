"""All that is looked at, as a value: the same for a page, a file and a figure."""

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
    """How a frame is to look, beyond what its view settles.

    Parameters
    ----------
    color_scheme : str
    mark : {"auto", "heatmap", "image"}
    title, quantity : str
        What stands above the picture, and what the colour bar measures.
    overlays : tuple of Overlay
    """

    color_scheme: str
    mark: str
    title: str
    quantity: str
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Sizes and labels of two axes, settled once, so that scrubbing moves nothing.

    Parameters
    ----------
    rows, columns : Labels
    geometry : Geometry
    asked : tuple
        The axes, width and height that it was made for.
    """

    rows: Labels
    columns: Labels
    geometry: Geometry
    asked: tuple[Axis, Axis, int, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The cells.

    Parameters
    ----------
    indices : ndarray of uint8, shape (n_rows, n_columns)
        Palette index of each.
    columns, rows : tuple of float
        Where the first and last edge lie, across and down. The window fills 0..1; bins lie on
        multiples of their size, so the outer ones may reach beyond it.
    color_scheme : str
    """

    indices: NDArray[np.uint8]
    columns: Span
    rows: Span
    color_scheme: str

    def same(self, other: Picture | None) -> bool:
        """Whether it looks the same as another one."""
        return (
            other is not None
            and (self.columns, self.rows) == (other.columns, other.rows)
            and self.color_scheme == other.color_scheme
            and (self.indices is other.indices or np.array_equal(self.indices, other.indices))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is to be seen.

    Parameters
    ----------
    frame : Frame
        What it was made from.
    picture : Picture
    mark : {"auto", "heatmap", "image"}
        How the cells are to be drawn, where that can be chosen.
    layout : Layout
    row_name, column_name : str
        Of the axes.
    rows, columns, colors : Ticks
        At fractions of the picture: from its top, from its left, from the bar's bottom.
    legend : tuple of LegendEntry
    title, quantity : str
    overlays : tuple of Overlay
        In data coordinates; `place` says where these lie.
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
        """Fractions of the picture, across and down, of data coordinates."""
        cells = self.frame.view.cells
        return _fractions(columns, cells.column_window), _fractions(rows, cells.row_window)


def make_layout(
    rows: Axis, columns: Axis, width: int, height: int | None, previous: Layout | None = None
) -> Layout:
    """Layout of two axes; `previous` itself if it was made for the same."""
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
        Of the axes that the frame shows.
    dtype : dtype
        Of the array.
    previous : Scene, optional
        The last one. What it has already is not made again.
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
        rows=axis_ticks(layout.rows, cells.row_window, most=geometry.most_row_ticks),
        columns=axis_ticks(layout.columns, cells.column_window, most=geometry.most_column_ticks),
        colors=_colors(frame, layout, previous),
        legend=make_legend(frame, dtype),
        title=look.title,
        quantity=look.quantity,
        overlays=look.overlays,
    )


def derived_quantity(quantity: str, cells: CellRule) -> str:
    """What the values of a frame measure, where its reducers make others of the array's."""
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
        return color_ticks(colors, layout.geometry.most_color_ticks)
    return previous.colors


def _edges(window: tuple[int, int], size: int) -> Span:
    """Where the outer edges of bins lie."""
    start, stop = window
    first, last = start // size * size, -(-stop // size) * size
    return (first - start) / (stop - start), (last - start) / (stop - start)


def _fractions(indices: Any, window: tuple[int, int]) -> NDArray[Any]:
    start, stop = window
    return (np.asarray(indices, np.float64) - start) / (stop - start)
