"""The two bqplot marks that can show a frame, and the only place that knows their quirks.

Both live on scales from 0 to `SPAN` along each axis, rows counted from the top, so that a
frame with another window or another number of cells changes nothing but the mark itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import bqplot
import ipywidgets
import numpy as np
from numpy.typing import NDArray

from ..frames import Frame, color_indices, encode_png, palette
from ..frames.palette import hex_colors

# Whole number, so that tick positions can be whole numbers too: tick labels are looked up by
# the text of the number in the browser, which is not Python's for a fraction.
SPAN = 100_000
MARKS = ("auto", "heatmap", "image")

# HeatMap sizes its canvas by adding up floats and cuts off the fraction: 499.999... becomes
# 499, and the picture is stretched and blurred. A hair more than the full extent prevents it.
_HEATMAP_STRETCH = 1 + 1e-7


class FrameMark(Protocol):
    """A way to put a frame on screen."""

    mark: bqplot.Mark

    def show(self, frame: Frame, color_scheme: str) -> None:
        """Draw a frame."""
        ...

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        ...


class ImageMark:
    """`bqplot.Image` with a palette PNG made in the kernel: any frame, any number of cells."""

    def __init__(self, scales: dict[str, bqplot.Scale]) -> None:
        # The mark repaints only when its `image` becomes another widget, so there are two:
        # the new picture goes into the one that is not shown.
        self._shown, self._hidden = (ipywidgets.Image(format="png") for _ in range(2))
        self._extent = ((0.0, float(SPAN)), (0.0, float(SPAN)))
        self.mark = bqplot.Image(
            image=self._shown, scales=scales, x=self._extent[0], y=self._extent[1]
        )

    def show(self, frame: Frame, color_scheme: str) -> None:
        """Draw a frame."""
        indices = color_indices(frame.values, frame.states, frame.view.colors)
        self._hidden.value = encode_png(indices, palette(color_scheme))
        (left, right), (top, bottom) = frame_extent(frame)
        extent = ((left, right), (SPAN - bottom, SPAN - top))
        with self.mark.hold_sync():
            self.mark.image = self._hidden
            if extent != self._extent:
                self._extent = extent
                self.mark.x, self.mark.y = extent
        self._shown, self._hidden = self._hidden, self._shown

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        yield from (self.mark, self._shown, self._hidden)


class HeatMapMark:
    """`bqplot.HeatMap` for a frame of plain values: the browser draws each cell.

    Slower than the image at any size, and where a cell is no whole number of pixels it
    leaves faint seams, so it is used only where it is asked for.
    """

    def __init__(self, scales: dict[str, bqplot.Scale]) -> None:
        # Palette indices, not values: there is no log colour scale in the browser, and so
        # the colours are those of the image to the last bit.
        self._colors = bqplot.ColorScale(colors=["#000000"] * 256, min=0, max=255)
        self._scheme = ""
        self._extent: tuple[object, ...] = ()
        self.mark = bqplot.HeatMap(color=np.zeros((2, 2)), scales={**scales, "color": self._colors})

    @staticmethod
    def fits(frame: Frame) -> bool:
        """Whether the mark can draw the frame as it is.

        It takes no single row or column, and gives a cell that is no plain value the colour
        of its neighbour.
        """
        return min(frame.shape) > 1 and not frame.states.any()

    def show(self, frame: Frame, color_scheme: str) -> None:
        """Draw a frame."""
        if color_scheme != self._scheme:
            self._scheme = color_scheme
            self._colors.colors = hex_colors(color_scheme)
        indices = color_indices(frame.values, frame.states, frame.view.colors)
        extent = (frame.shape, frame_extent(frame))
        with self.mark.hold_sync():
            if extent != self._extent:
                self._extent = extent
                (left, right), (top, bottom) = extent[1]
                self.mark.x = _centres(left, right, frame.shape[1])
                self.mark.y = _centres(SPAN - bottom, SPAN - top, frame.shape[0])
            # Rows from the bottom up: HeatMap loses its picture on a reversed order. A fresh
            # float32 array each time: bqplot keeps and sends a view of what it is given.
            self.mark.color = indices[::-1].astype(np.float32)

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
        self._shown: tuple[object, ...] = ()

    def show(self, frame: Frame, color_scheme: str, asked: str) -> None:
        """Draw a frame, unless it is on screen already in these colours.

        Parameters
        ----------
        frame : Frame
        color_scheme : str
        asked : {"auto", "heatmap", "image"}
            ``auto`` takes the image; so does ``heatmap`` for a frame that it cannot draw.
        """
        kind = choose_mark(frame, asked)
        if self._shown[1:] == (color_scheme, kind) and self._shown[0] is frame:
            return
        self._shown = (frame, color_scheme, kind)
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


def choose_mark(frame: Frame, asked: str) -> str:
    """Kind of mark, ``heatmap`` or ``image``, that a frame is drawn with."""
    return "heatmap" if asked == "heatmap" and HeatMapMark.fits(frame) else "image"


def frame_extent(frame: Frame) -> tuple[tuple[float, float], tuple[float, float]]:
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
