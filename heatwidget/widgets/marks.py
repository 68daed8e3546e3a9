"""The two bqplot marks that can show a frame, and the only place that knows their quirks.

Both live on scales from 0 to `SPAN` along each axis, rows counted from the top, so that a
frame with another window or another number of cells changes nothing but the mark itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import bqplot
import ipywidgets
import numpy as np
from numpy.typing import NDArray

from ..frames import Frame, color_indices, encode_png, palette
from ..frames.palette import hex_colors
from . import parts

# Whole number, so that tick positions can be whole numbers too: tick labels are looked up by
# the text of the number in the browser, which is not Python's for a fraction.
SPAN = 100_000
MARKS = ("auto", "heatmap", "image")

# HeatMap sizes its canvas by adding up floats and cuts off the fraction: 499.999... becomes
# 499, and the picture is stretched and blurred. A hair more than the full extent prevents it.
_HEATMAP_STRETCH = 1 + 1e-7


Extent = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a mark draws.

    Parameters
    ----------
    indices : ndarray of uint8, shape (n_rows, n_columns)
        Palette index of each cell.
    extent : tuple of tuple of float
        Where the first and last edge lie, across and down; see `frame_extent`.
    color_scheme : str
    """

    indices: NDArray[np.uint8]
    extent: Extent
    color_scheme: str

    def same(self, other: Drawing | None) -> bool:
        """Whether it looks the same as another one."""
        return (
            other is not None
            and (self.extent, self.color_scheme) == (other.extent, other.color_scheme)
            and np.array_equal(self.indices, other.indices)
        )


class FrameMark(Protocol):
    """A way to put a frame on screen."""

    mark: bqplot.Mark

    def show(self, frame: Frame, color_scheme: str) -> None:
        """Draw a frame. Sends nothing if it looks as what is there."""
        ...

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        ...


class PngPair:
    """Two `ipywidgets.Image` that a `bqplot.Image` shows in turn.

    The mark repaints only when its `image` becomes another widget, so a new picture goes into
    the one that is not shown.
    """

    def __init__(self) -> None:
        self._shown, self._hidden = (ipywidgets.Image(format="png") for _ in range(2))

    @property
    def shown(self) -> ipywidgets.Image:
        """The one that the mark shows."""
        return self._shown

    def paint(self, mark: bqplot.Image, png: bytes) -> None:
        """Let a mark show a picture."""
        self._hidden.value = png
        mark.image = self._hidden
        self._shown, self._hidden = self._hidden, self._shown

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        for image in (self._shown, self._hidden):
            yield from (image, image.layout)


class ImageMark:
    """`bqplot.Image` with a palette PNG made in the kernel: any frame, any number of cells."""

    def __init__(self, scales: dict[str, bqplot.Scale]) -> None:
        self._pngs = PngPair()
        self._shown: Drawing | None = None
        self.mark = parts.Image(image=self._pngs.shown, scales=scales, x=(0, SPAN), y=(0, SPAN))

    def show(self, frame: Frame, color_scheme: str) -> None:
        """Draw a frame. Sends nothing if it looks as what is there."""
        drawing, before = _draw(frame, color_scheme), self._shown
        if drawing.same(before):
            return
        self._shown = drawing
        (left, right), (top, bottom) = drawing.extent
        with self.mark.hold_sync():
            self._pngs.paint(self.mark, encode_png(drawing.indices, palette(color_scheme)))
            if before is None or drawing.extent != before.extent:
                self.mark.x, self.mark.y = (left, right), (SPAN - bottom, SPAN - top)

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        yield self.mark
        yield from self._pngs.owned()


class HeatMapMark:
    """`bqplot.HeatMap` for a frame of plain values: the browser draws each cell.

    Slower than the image at any size, and where a cell is no whole number of pixels it
    leaves faint seams, so it is used only where it is asked for.
    """

    def __init__(self, scales: dict[str, bqplot.Scale]) -> None:
        # Palette indices, not values: there is no log colour scale in the browser, and so
        # the colours are those of the image to the last bit.
        self._colors = parts.ColorScale(colors=["#000000"] * 256, min=0, max=255)
        self._shown: Drawing | None = None
        self.mark = parts.HeatMap(color=np.zeros((2, 2)), scales={**scales, "color": self._colors})

    @staticmethod
    def fits(frame: Frame) -> bool:
        """Whether the mark can draw the frame as it is.

        It takes no single row or column, and gives a cell that is no plain value the colour
        of its neighbour.
        """
        return min(frame.shape) > 1 and not frame.states.any()

    def show(self, frame: Frame, color_scheme: str) -> None:
        """Draw a frame."""
        drawing, before = _draw(frame, color_scheme), self._shown
        if drawing.same(before):
            return
        self._shown = drawing
        if before is None or color_scheme != before.color_scheme:
            self._colors.colors = hex_colors(color_scheme)
        (left, right), (top, bottom) = drawing.extent
        n_rows, n_columns = drawing.indices.shape
        with self.mark.hold_sync():
            if before is None or drawing.extent != before.extent or _reshaped(drawing, before):
                self.mark.x = _centres(left, right, n_columns)
                self.mark.y = _centres(SPAN - bottom, SPAN - top, n_rows)
            # Rows from the bottom up: HeatMap loses its picture on a reversed order. A fresh
            # float32 array each time: bqplot keeps and sends a view of what it is given.
            self.mark.color = drawing.indices[::-1].astype(np.float32)

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        yield from (self.mark, self._colors)


class Picture:
    """The mark of a figure, chosen for each frame.

    Parameters
    ----------
    figure : bqplot.Figure
        Its `marks` are set here.
    scales : dict of str to bqplot.Scale
        ``x`` and ``y``, from 0 to `SPAN`.
    """

    def __init__(self, figure: bqplot.Figure, scales: dict[str, bqplot.Scale]) -> None:
        self._figure = figure
        self._scales = scales
        self._made: dict[str, FrameMark] = {}

    def show(self, frame: Frame, color_scheme: str, asked: str) -> None:
        """Draw a frame. Sends nothing if it looks as what is there.

        Parameters
        ----------
        frame : Frame
        color_scheme : str
        asked : {"auto", "heatmap", "image"}
            ``auto`` takes the image; so does ``heatmap`` for a frame that it cannot draw.
        """
        kind = choose_mark(frame, asked)
        if kind not in self._made:
            make = HeatMapMark if kind == "heatmap" else ImageMark
            self._made[kind] = make(self._scales)
        drawn = self._made[kind]
        drawn.show(frame, color_scheme)
        if self._figure.marks != [drawn.mark]:
            self._figure.marks = [drawn.mark]

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        for drawn in self._made.values():
            yield from drawn.owned()


def _draw(frame: Frame, color_scheme: str) -> Drawing:
    indices = color_indices(frame.values, frame.states, frame.view.colors)
    return Drawing(indices, frame_extent(frame), color_scheme)


def _reshaped(drawing: Drawing, before: Drawing) -> bool:
    return drawing.indices.shape != before.indices.shape


def choose_mark(frame: Frame, asked: str) -> str:
    """Kind of mark, ``heatmap`` or ``image``, that a frame is drawn with."""
    return "heatmap" if asked == "heatmap" and HeatMapMark.fits(frame) else "image"


def frame_extent(frame: Frame) -> Extent:
    """Where the frame's first and last edge lie, across and down, on scales of 0..SPAN.

    The window fills the scale. Bins lie on multiples of their size, so the outer ones may
    reach beyond it; drawn at full size and cut off by the figure, all cells keep one size.
    """
    cells = frame.view.cells
    return (
        _extent(cells.column_window, cells.column_bin),
        _extent(cells.row_window, cells.row_bin),
    )


def _extent(window: tuple[int, int], size: int) -> tuple[float, float]:
    start, stop = window
    first, last = start // size * size, -(-stop // size) * size
    scale = SPAN / (stop - start)
    return (first - start) * scale, (last - start) * scale


def _centres(low: float, high: float, n: int) -> NDArray[np.float64]:
    middle, size = (low + high) / 2, (high - low) / n * _HEATMAP_STRETCH
    return np.asarray(middle + (np.arange(n) - (n - 1) / 2) * size, np.float64)
