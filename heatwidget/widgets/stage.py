"""The figure with its axes and colour bar: shows a frame, and says where the pointer is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bqplot
import ipywidgets
from bqplot_image_gl.interacts import MouseInteraction

from ..arrays import ArraySource, Axis
from ..frames import Frame
from .axes import TickedAxis
from .colorbar import ColorBar
from .controls import owned
from .geometry import Geometry, lay_out
from .marks import SPAN, Picture
from .ticks import axis_ticks

_POINTER_MILLISECONDS = 50

# `tick_rotate` turns a label around a point that is not its own, so that it ends up beside
# its column and inside the picture; a CSS transform puts it where it belongs.
_LEVEL = {"text-anchor": "middle", "transform": "none", "font-size": "12px"}
_UPRIGHT = {
    "text-anchor": "end",
    "transform": "rotate(-90deg) translate(-10px, -12px)",
    "font-size": "10px",
}

# bqplot draws a frame around a figure that the pointer has touched, and axis labels in
# orange on a dark theme.
STYLE = """<style>
.heatwidget .bqplot, .heatwidget .bqplot * { outline: none !important; }
.heatwidget .bqplot .axislabel { fill: var(--jp-ui-font-color1) !important; }
</style>"""


class Stage:
    """Figure, axes, colour bar and pointer of one heatmap.

    Parameters
    ----------
    on_pointer : callable
        Called with the frame cell ``(row, column)`` under the pointer, or None when it
        leaves. It may come on any thread.
    """

    def __init__(self, on_pointer: Callable[[tuple[float, float] | None], None]) -> None:
        self._on_pointer = on_pointer
        self._inside = False
        self._geometry: Geometry | None = None
        scales = {name: bqplot.LinearScale(min=0, max=SPAN) for name in ("x", "y")}
        self._scales = scales
        self._x = TickedAxis(scales["x"])
        self._y = TickedAxis(scales["y"], side="left")
        self._mouse = MouseInteraction(
            x_scale=scales["x"],
            y_scale=scales["y"],
            move_throttle=_POINTER_MILLISECONDS,
            events=["mousemove", "mouseenter", "mouseleave"],
        )
        self._mouse.on_msg(self._pointed)
        self.figure = bqplot.Figure(
            axes=[self._x.axis, self._y.axis],
            scale_x=scales["x"],
            scale_y=scales["y"],
            padding_y=0,
            display_toolbar=False,
            interaction=self._mouse,
            layout=ipywidgets.Layout(flex="1 1 auto", width="auto", min_width="240px"),
        )
        self.bar = ColorBar()
        self.picture = Picture(self.figure, scales)
        self.widget = ipywidgets.HBox(
            [self.figure, self.bar.figure],
            layout=ipywidgets.Layout(width="100%", align_items="flex-start"),
        )

    def fit(self, rows: Axis, columns: Axis, *, width: int, height: int | None) -> Geometry:
        """Settle sizes and labels for an array."""
        geometry = lay_out(rows, columns, width=width, height=height)
        self._geometry = geometry
        margins = {side: getattr(geometry, side) for side in ("top", "bottom", "left", "right")}
        self.figure.layout.height = self.figure.layout.min_height = f"{geometry.height}px"
        self.figure.fig_margin = margins
        x, y = self._x.axis, self._y.axis
        x.label, y.label = columns.name, rows.name
        x.label_offset = f"{geometry.bottom - 14}px"
        y.label_offset = f"{geometry.left - 14}px"
        x.tick_style = _UPRIGHT if geometry.rotated else _LEVEL
        self.bar.fit(height=geometry.height, top=geometry.top, bottom=geometry.bottom)
        return geometry

    def show(self, source: ArraySource, frame: Frame, color_scheme: str, mark: str) -> None:
        """Put a frame on screen. Sends nothing for what is there already."""
        self.picture.show(frame, color_scheme, mark)
        self.bar.show(frame.view.colors, color_scheme)
        axes = {axis.name: axis for axis in source.axes}
        geometry, cells = self._geometry, frame.view.cells
        if geometry is None:
            return
        self._x.show(
            axis_ticks(
                axes[cells.columns],
                cells.column_window,
                most=geometry.most_column_ticks,
                columns=geometry.column_columns,
                from_end=False,
            )
        )
        self._y.show(
            axis_ticks(
                axes[cells.rows],
                cells.row_window,
                most=geometry.most_row_ticks,
                columns=geometry.row_columns,
                from_end=True,
            )
        )

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        for widget in (self.widget, self.figure, self.bar.figure):
            yield from owned(widget)
        yield from (self._x.axis, self._y.axis, self._mouse, *self._scales.values())
        yield from self.bar.owned()
        yield from self.picture.owned()

    def _pointed(self, _: Any, content: dict[str, Any], __: Any) -> None:
        """Take a pointer event: fractions across and down of the picture, from top left."""
        event = content.get("event")
        if event != "mousemove":
            self._inside = event == "mouseenter"
            if not self._inside:
                self._on_pointer(None)
        elif self._inside:
            # The browser delays moves, so one can come after the pointer has left.
            x, y = content["domain"]["x"], content["domain"]["y"]
            self._on_pointer((1 - y / SPAN, x / SPAN))
