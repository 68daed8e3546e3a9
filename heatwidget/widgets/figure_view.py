"""A scene on ipywidgets and bqplot: title, figure, colour bar, legend and readout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ipywidgets
from bqplot_image_gl.interacts import MouseInteraction

from ..arrays import ArraySource
from ..scene import Scene, cell_at, read_cell
from ..scene.text import escape
from . import parts
from .axes import TickedAxis
from .binding import Model
from .colorbar import ColorBar
from .html import legend_html, readout_html
from .lifetime import weak_callback
from .marks import SPAN, Marks
from .subshells import answer_beside_the_cell
from .tree import close_tree

_POINTER_MILLISECONDS = 50

# `tick_rotate` turns a label around a point that is not its own, so that it ends up beside
# its column and inside the picture; a CSS transform puts it where it belongs.
_LEVEL = {"text-anchor": "middle", "transform": "none", "font-size": "12px"}
_UPRIGHT = {
    "text-anchor": "end",
    "transform": "rotate(-90deg) translate(-10px, -12px)",
    "font-size": "10px",
}

# bqplot draws a frame around a figure that the pointer has touched, axis labels in orange on
# a dark theme, and all ticks but the first ones in the colour of a grid, which nobody sees.
# A slider's readout has room for the texts of an axis. A long readout lies over what is below,
# or the page would jump.
STYLE = """<style>
.heatwidget .bqplot, .heatwidget .bqplot * { outline: none !important; }
.heatwidget .bqplot .axislabel { fill: var(--jp-ui-font-color1) !important; }
.heatwidget .bqplot .axis .tick line { stroke: var(--jp-content-font-color2) !important; }
.heatwidget, .heatwidget .heatwidget-pointer { overflow: visible; }
.heatwidget .heatwidget-pointer { position: relative; height: 28px; }
.heatwidget .widget-readout { width: auto; max-width: 200px; flex-shrink: 0; }
.heatwidget .heatwidget-error { color: var(--jp-error-color1); overflow-wrap: anywhere; }
.heatwidget .heatwidget-readout {
  position: absolute; z-index: 10; left: 0; right: 0; padding: 0 4px; line-height: 1.6;
  max-height: 12.8em; overflow: hidden; overflow-wrap: anywhere;
  backdrop-filter: blur(10px); color: var(--jp-ui-font-color1);
}
</style>"""


class FigureView:
    """Shows scenes, and says where the pointer is.

    Parameters
    ----------
    model : Model
        Told of the pointer, of a box that is dragged over the picture and of a double click, on
        any thread. Held weakly.
    """

    def __init__(self, model: Model) -> None:
        self._on_pointer = weak_callback(model._point)
        self._on_box = weak_callback(model._narrow_from_control)
        self._on_back = weak_callback(model._widen_from_control)
        self._inside = False
        self.error: Exception | None = None
        self.scene: Scene | None = None
        # Without padding: a mark over the cells would make room for the width of its line.
        exact = {"min": 0, "max": SPAN, "allow_padding": False}
        scales = {name: parts.LinearScale(**exact) for name in ("x", "y")}
        self._x = TickedAxis(scales["x"])
        self._y = TickedAxis(scales["y"], from_end=True, side="left")
        self._mouse = MouseInteraction(
            x_scale=scales["x"],
            y_scale=scales["y"],
            move_throttle=_POINTER_MILLISECONDS,
            events=["mousemove", "mouseenter", "mouseleave", "dblclick"],
        )
        # The page draws the box while it is dragged, and tells where it is.
        self._brush = parts.BrushSelector(x_scale=scales["x"], y_scale=scales["y"], color="grey")
        self._brush.observe(weak_callback(self._brushed), "brushing")
        self._mouse.next = self._brush
        # ipywidgets holds the interaction, which must not hold what was raised, and so us all.
        self._mouse.on_msg(weak_callback(self._pointed))
        answer_beside_the_cell(self._mouse, self._brush)
        self.figure = parts.Figure(
            axes=[self._x.axis, self._y.axis],
            scale_x=scales["x"],
            scale_y=scales["y"],
            padding_y=0,
            display_toolbar=False,
            interaction=self._mouse,
            layout=ipywidgets.Layout(flex="1 1 auto", width="auto"),
        )
        self.bar = ColorBar()
        self._marks = Marks(self.figure, scales)
        self._source: ArraySource | None = None
        self._pointer: tuple[float, float] | None = None
        text = ipywidgets.Layout
        self._title = ipywidgets.HTML(layout=text(flex="1 1 auto", width="auto"))
        self._quantity = ipywidgets.HTML(layout=text(flex="0 1 auto", width="auto"))
        self._legend = ipywidgets.HTML(layout=text(margin="0 8px", display="none"))
        self._readout = ipywidgets.HTML(layout=text(margin="0 8px"))
        self._status = ipywidgets.HTML(layout=text(margin="0 8px", display="none"))
        self._readout.add_class("heatwidget-pointer")
        above = ipywidgets.HBox([self._title, self._quantity], layout=text(margin="0 8px"))
        # A page too narrow for the labels scrolls the picture, not all that is around it.
        around = text(width="100%", align_items="flex-start", overflow="auto hidden")
        picture = ipywidgets.HBox([self.figure, self.bar.figure], layout=around)
        self.widgets = [above, picture, self._legend, self._readout, self._status]

    def write(self, title: str, quantity: str) -> None:
        """Write what stands above the picture, whatever the picture is."""
        note = ""
        if self.scene is not None:
            self.scene = replace(self.scene, title=title, quantity=quantity)
            note = self.scene.colors.note
        self._write(title, quantity, note)

    def _write(self, title: str, quantity: str, note: str) -> None:
        note = f"ticks {note}" if note else ""
        self._title.value = f"{STYLE}<b>{escape(title)}</b>"
        # What the colour bar says stands above it: beside it a long text is cut.
        self._quantity.value = escape(" · ".join(text for text in (quantity, note) if text))

    def show(self, source: ArraySource, scene: Scene) -> None:
        """Put a scene on screen. Sends nothing for what is there already.

        Parameters
        ----------
        source : ArraySource
            The array, of which the readout says more than the frame holds.
        scene : Scene
        """
        # Without the old one if something is raised: then all is sent again.
        before, self.scene = self.scene, None
        if before is None or before.layout is not scene.layout:
            self._fit(scene)
        self._marks.show(scene, moved=before is None or _windows(before) != _windows(scene))
        self.bar.show(scene, before)
        self._write(scene.title, scene.quantity, scene.colors.note)
        self._x.show(scene.columns, None if before is None else before.columns)
        self._y.show(scene.rows, None if before is None else before.rows)
        self._legend.value = legend_html(scene.legend)
        self._legend.layout.display = None if scene.legend else "none"
        self._source, self.scene = source, scene
        self.point(self._pointer)

    def _fit(self, scene: Scene) -> None:
        """Take the sizes and the names of the axes."""
        geometry = scene.layout.geometry
        margins = {side: getattr(geometry, side) for side in ("top", "bottom", "left", "right")}
        self.figure.layout.height = self.figure.layout.min_height = f"{geometry.height}px"
        self.figure.layout.min_width = f"{geometry.least_width}px"
        self.figure.fig_margin = margins
        x, y = self._x.axis, self._y.axis
        x.label, y.label = scene.column_name, scene.row_name
        x.label_offset = f"{geometry.bottom - 14}px"
        y.label_offset = f"{geometry.left - 14}px"
        x.tick_style = _UPRIGHT if geometry.rotated else _LEVEL

    def report(self, error: Exception | None, what: str) -> None:
        """Keep what went wrong, and write it in the status line; None takes it away."""
        if error is self.error:
            return
        self.error = error
        text = escape(f"{what}: {type(error).__name__}: {error}") if error else ""
        self._status.value = f"<span class='heatwidget-error'>{text}</span>" if text else ""
        self._status.layout.display = None if text else "none"

    def point(self, place: tuple[float, float] | None) -> None:
        """Show the value at a place, given as fractions down and across; None shows nothing."""
        self._pointer = place
        text = ""
        if place is not None and self.scene is not None and self._source is not None:
            frame = self.scene.frame
            text = readout_html(read_cell(self._source, frame, *cell_at(frame, *place)))
        self._readout.value = text

    def close(self) -> None:
        """Close all of it."""
        close_tree(*self.widgets, self.bar.hidden, *self._marks.hidden)

    def _pointed(self, _: Any, content: dict[str, Any], __: Any) -> None:
        """Take a pointer event: fractions across and down of the picture, from top left."""
        event = content.get("event")
        if event == "dblclick":
            self._on_back()
        elif event != "mousemove":
            self._inside = event == "mouseenter"
            if not self._inside:
                self._on_pointer(None)
        elif self._inside:
            # The browser delays moves, so one can come after the pointer has left.
            x, y = content["domain"]["x"], content["domain"]["y"]
            self._on_pointer((1 - y / SPAN, x / SPAN))

    def _brushed(self, change: Any) -> None:
        """Take a box, when the hand lets go of it, and take it off the picture."""
        x, y = self._brush.selected_x, self._brush.selected_y
        if change["new"] or x is None or y is None or len(x) < 2 or len(y) < 2:
            return
        self._brush.selected_x = self._brush.selected_y = None
        left, right = (float(end) / SPAN for end in sorted(x))
        top, bottom = (1 - float(end) / SPAN for end in sorted(y, reverse=True))
        self._on_box(((top, bottom), (left, right)))


def _windows(scene: Scene) -> tuple[object, object]:
    cells = scene.frame.view.cells
    return cells.row_window, cells.column_window
