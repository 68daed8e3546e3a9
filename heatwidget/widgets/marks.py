"""bqplot's marks for cells and overlays, and the only place that knows their quirks.

All live on scales from 0 to `SPAN` along each axis, rows counted from the top, so that a
frame with another window or another number of cells changes nothing but the mark itself.
"""

from __future__ import annotations

from typing import Any, Protocol

import bqplot
import ipywidgets
import numpy as np
from numpy.typing import NDArray

from ..frames import Frame, encode_png, palette
from ..frames.palette import hex_colors
from ..scene import Band, Overlay, Picture, Points, Scene, Text
from . import parts

# Whole number, so that tick positions can be whole numbers too: tick labels are looked up by
# the text of the number in the browser, which is not Python's for a fraction.
SPAN = 100_000
MARKS = ("auto", "heatmap", "image")

# HeatMap sizes its canvas by adding up floats and cuts off the fraction: 499.999... becomes
# 499, and the picture is stretched and blurred. A hair more than the full extent prevents it.
_HEATMAP_STRETCH = 1 + 1e-7

# Indices beyond any edge.
_FAR = 2.0**40


class PictureMark(Protocol):
    """A way to put the cells of a scene on screen."""

    mark: bqplot.Mark

    def show(self, picture: Picture) -> None:
        """Draw cells. Sends nothing if they look as what is there."""
        ...

    @property
    def hidden(self) -> list[ipywidgets.Widget]:
        """Widgets that the mark does not refer to at present."""
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

    @property
    def hidden(self) -> ipywidgets.Image:
        """The one that it shows next."""
        return self._hidden

    def paint(self, mark: bqplot.Image, png: bytes) -> None:
        """Let a mark show a picture."""
        self._hidden.value = png
        mark.image = self._hidden
        self._shown, self._hidden = self._hidden, self._shown


class ImageMark:
    """`bqplot.Image` with a palette PNG made in the kernel: any frame, any number of cells."""

    def __init__(self, scales: dict[str, bqplot.Scale]) -> None:
        self._pngs = PngPair()
        self._shown: Picture | None = None
        self.mark = parts.Image(image=self._pngs.shown, scales=scales, x=(0, SPAN), y=(0, SPAN))

    def show(self, picture: Picture) -> None:
        """Draw cells. Sends nothing if they look as what is there."""
        before = self._shown
        if picture.same(before):
            return
        self._shown = picture
        with self.mark.hold_sync():
            png = encode_png(picture.indices, palette(picture.color_scheme))
            self._pngs.paint(self.mark, png)
            if before is None or _edges(picture) != _edges(before):
                self.mark.x, self.mark.y = _edges(picture)

    @property
    def hidden(self) -> list[ipywidgets.Widget]:
        """Widgets that the mark does not refer to at present."""
        return [self._pngs.hidden]


class HeatMapMark:
    """`bqplot.HeatMap` for a frame of plain values: the browser draws each cell.

    Slower than the image at any size, and where a cell is no whole number of pixels it
    leaves faint seams, so it is used only where it is asked for.
    """

    def __init__(self, scales: dict[str, bqplot.Scale]) -> None:
        # Palette indices, not values: there is no log colour scale in the browser, and so
        # the colours are those of the image to the last bit.
        self._colors = parts.ColorScale(colors=["#000000"] * 256, min=0, max=255)
        self._shown: Picture | None = None
        self.mark = parts.HeatMap(color=np.zeros((2, 2)), scales={**scales, "color": self._colors})

    def show(self, picture: Picture) -> None:
        """Draw cells. Sends nothing if they look as what is there."""
        before = self._shown
        if picture.same(before):
            return
        self._shown = picture
        if before is None or picture.color_scheme != before.color_scheme:
            self._colors.colors = hex_colors(picture.color_scheme)
        n_rows, n_columns = picture.indices.shape
        with self.mark.hold_sync():
            if before is None or _cells(picture) != _cells(before):
                across, down = _edges(picture)
                self.mark.x, self.mark.y = _centres(*across, n_columns), _centres(*down, n_rows)
            # Rows from the bottom up: HeatMap loses its picture on a reversed order. A fresh
            # float32 array each time: bqplot keeps and sends a view of what it is given.
            self.mark.color = picture.indices[::-1].astype(np.float32)

    @property
    def hidden(self) -> list[ipywidgets.Widget]:
        """Widgets that the mark does not refer to at present."""
        return []


class OverlayMark:
    """The bqplot mark of one overlay."""

    def __init__(self, overlay: Overlay, scales: dict[str, bqplot.Scale]) -> None:
        self._overlay = overlay
        look: dict[str, Any] = {"colors": [overlay.color], "scales": scales}
        nowhere = {"x": np.zeros(1), "y": np.zeros(1)}
        if isinstance(overlay, Points):
            look["default_size"] = int(overlay.size)
            self.mark = parts.Scatter(**nowhere, **look)
        elif isinstance(overlay, Text):
            self.mark = parts.Label(**nowhere, text=[overlay.text], **look)
        elif isinstance(overlay, Band):
            look |= {"fill": "inside", "fill_colors": look["colors"], "stroke_width": 0}
            self.mark = parts.Lines(**nowhere, fill_opacities=[overlay.opacity], **look)
        else:
            self.mark = parts.Lines(**nowhere, stroke_width=overlay.width, **look)

    def show(self, scene: Scene) -> None:
        """Put it where it lies in a scene."""
        across, down = scene.place(*_corners(self._overlay))
        with self.mark.hold_sync():
            self.mark.x, self.mark.y = across * SPAN, (1 - down) * SPAN


class Marks:
    """All marks of a figure: that of the cells, and those of the overlays above it.

    Parameters
    ----------
    figure : bqplot.Figure
        Its `marks` are set here.
    scales : dict of str to bqplot.Scale
        ``x`` and ``y``, from 0 to `SPAN`.
    """

    def __init__(self, figure: bqplot.Figure, scales: dict[str, bqplot.Scale]) -> None:
        self._figure, self._scales = figure, scales
        self._pictures: dict[str, PictureMark] = {}
        self._overlays: dict[Overlay, OverlayMark] = {}

    def show(self, scene: Scene, *, moved: bool) -> None:
        """Draw a scene. Sends nothing for what looks as what is there.

        Parameters
        ----------
        scene : Scene
        moved : bool
            Whether overlays lie elsewhere than before.
        """
        kind = choose_mark(scene.frame, scene.mark)
        if kind not in self._pictures:
            make = HeatMapMark if kind == "heatmap" else ImageMark
            self._pictures[kind] = make(self._scales)
        drawn = self._pictures[kind]
        drawn.show(scene.picture)
        gone = self._overlays
        self._overlays = {}
        for overlay in scene.overlays:
            known = gone.pop(overlay, None)
            mark = OverlayMark(overlay, self._scales) if known is None else known
            self._overlays[overlay] = mark
            if moved or known is None:
                mark.show(scene)
        marks = [drawn.mark, *(mark.mark for mark in self._overlays.values())]
        if self._figure.marks != marks:
            self._figure.marks = marks
        for mark in gone.values():
            mark.mark.close()

    @property
    def hidden(self) -> list[ipywidgets.Widget]:
        """Widgets that the figure does not refer to at present."""
        pictures = self._pictures.values()
        return [widget for one in pictures for widget in (one.mark, *one.hidden)]


def choose_mark(frame: Frame, asked: str) -> str:
    """Kind of mark, ``heatmap`` or ``image``, that a frame is drawn with.

    ``auto`` takes the image; so does ``heatmap`` for a frame that `HeatMapMark` cannot draw: it
    takes no single row or column, and gives a cell that is no plain value the colour of its
    neighbour.
    """
    fits = min(frame.shape) > 1 and not frame.states.any()
    return "heatmap" if asked == "heatmap" and fits else "image"


def _corners(overlay: Overlay) -> tuple[Any, Any]:
    """Data coordinates, across and down, of the points that an overlay goes through."""
    if isinstance(overlay, Text):
        return [overlay.column], [overlay.row]
    if isinstance(overlay, Band):
        along = [overlay.start, overlay.stop, overlay.stop, overlay.start]
        over = [-_FAR, -_FAR, _FAR, _FAR]
        return (along, over) if overlay.across else (over, along)
    return overlay.columns, overlay.rows


def _edges(picture: Picture) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where its edges lie on the scales, from the left and from the bottom."""
    (left, right), (top, bottom) = picture.columns, picture.rows
    return (left * SPAN, right * SPAN), (SPAN - bottom * SPAN, SPAN - top * SPAN)


def _cells(picture: Picture) -> tuple[object, ...]:
    """Where its cells lie."""
    return (*_edges(picture), picture.indices.shape)


def _centres(low: float, high: float, n: int) -> NDArray[np.float64]:
    middle, size = (low + high) / 2, (high - low) / n * _HEATMAP_STRETCH
    return np.asarray(middle + (np.arange(n) - (n - 1) / 2) * size, np.float64)
