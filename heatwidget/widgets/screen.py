"""What is derived: the frame of an array, and all parts that a page shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from ..arrays import ArraySource, Axis, Region, ValueRange
from ..arrays.extent import scan_values, stepped, widen
from ..frames import DIVERGING, Frame, View, resolve
from ..scene import Layout, Look, compose, derived_quantity, make_layout
from .binding import Model
from .figure_view import FigureView
from .model import HeatmapModel, describe
from .panel import Panel
from .reader import Reader
from .reading import ReadingRow
from .tree import close_tree

# Seconds that a new picture waits for what has to be read of it.
_FIRST = 0.3


class Screen:
    """An array, its frame and the parts on the page, all under the lock of the heatmap.

    Parameters
    ----------
    model : Model
        The heatmap that shows them. Held weakly.
    """

    def __init__(self, model: Model) -> None:
        self.view = FigureView(model)
        self._layout: Layout | None = None
        self.panel = Panel(model)
        self.frame: Frame | None = None
        self.negative = False
        self.reader: Reader | None = None
        self.axes: tuple[Axis, ...] = ()
        # Extent of the values that reducers have made, and for what.
        self._derived = ValueRange()
        self._derived_of: Any = None
        self.description: dict[str, Any] = {}
        self._row = ReadingRow(model)

    @property
    def widgets(self) -> list[ipywidgets.Widget]:
        """What to display, from top to bottom."""
        return [*self.view.widgets, self.panel.widget, self._row.widget]

    def take(
        self, source: ArraySource, request: Callable[[], None], shown: tuple[str, str]
    ) -> None:
        """Take an array, of which nothing is drawn yet.

        Parameters
        ----------
        source : ArraySource
        request : callable
            Called, on any thread, when a better frame can be made.
        shown : tuple of str
            Names of the axes shown down and across.
        """
        if self.reader is not None:
            self.reader.close(wait=False)
        self.reader = Reader(source, request)
        self.frame, self._shown = None, shown
        self._derived = ValueRange()
        self._take_axes(source.axes)

    def show_axes(self, shown: tuple[str, str]) -> None:
        """Show other axes of the array, of which nothing is drawn yet."""
        if shown != self._shown:
            self._shown = shown
            self.panel.fit(self.axes, shown)

    def draw(self, asked: HeatmapModel) -> None:
        """Draw what is asked and what the array holds."""
        if self.reader is None:
            return
        first = self.frame is None
        try:
            self._draw(asked, self.reader)
            # What takes a moment to read is there when the widget is, and something of the rest.
            if first and not self.reader.in_memory:
                self.reader.wait(_FIRST)
                self._draw(asked, self.reader)
        except BaseException:
            # Or what has changed would be taken for drawn.
            self.frame = None
            self.reader.forget()
            raise

    def write(self, asked: HeatmapModel) -> None:
        """Write what stands above the picture."""
        look = self._look(asked)
        self.view.write(look.title, look.quantity)

    def take_error(self) -> tuple[Exception | None, str]:
        """What went wrong beside the drawing, and what that means."""
        return (None, "") if self.reader is None else self.reader.take_error()

    def close(self, *, wait: bool) -> None:
        """Take all of it off the page, and read no more."""
        if self.reader is not None:
            self.reader.close(wait=wait)
        self.panel.close()
        self.view.close()
        close_tree(self._row.widget)

    def _draw(self, asked: HeatmapModel, reader: Reader) -> None:
        source = reader.source
        # Before reading: a write that comes while reading stays marked.
        changed = source.take_changed()
        axes = source.axes
        by_name = {axis.name: axis for axis in axes}
        rows, columns = self._shown
        size = asked.width, asked.height
        layout = make_layout(by_name[rows], by_name[columns], *size, previous=self._layout)
        self._layout, geometry = layout, layout.geometry
        asked_view = asked._view(rows, columns, geometry.picture_height, geometry.picture_width)
        self.frame = self._render(reader, asked_view, axes, changed)
        scene = compose(self.frame, self._look(asked), layout, source.dtype, self.view.scene)
        self.view.show(source, scene)
        # An array in memory is never coarse, and nobody waits for what is read of it.
        share, coarse = None if reader.in_memory else reader.share, self.frame.coarse is not None
        if share is None and coarse:
            share = 1.0  # the last piece was read after the frame was made: another drawing follows
        self._row.show(share, coarse=coarse, stopped=reader.stopped)
        if axes is not self.axes:  # it has grown
            self._take_axes(axes)

    def _render(
        self,
        reader: Reader,
        asked: View,
        axes: tuple[Axis, ...],
        changed: tuple[Region, ...],
    ) -> Frame:
        """Best frame that can be made now."""
        found = reader.value_range()
        self.negative = found.low < 0
        view = resolve(asked, axes, found, stepped(self._derived))
        if not view.cells.is_derived:
            return reader.render(view, self.frame, changed)
        # Colours of differences come from the frames that were seen: they stay put while
        # scrubbing, and widen in steps.
        kind = (view.cells.rows, view.cells.columns, asked.reducers)
        if kind != self._derived_of:
            self._derived, self._derived_of = ValueRange(), kind
        frame = reader.render(view, self.frame, changed)
        self._derived = widen(self._derived, scan_values(frame.values))
        view = resolve(asked, axes, found, stepped(self._derived))
        return frame if view == frame.view else reader.render(view, frame, ())

    def _look(self, asked: HeatmapModel) -> Look:
        cells = None if self.frame is None else self.frame.view.cells
        scheme = asked.color_scheme
        if cells is not None and cells.comparison and scheme not in DIVERGING:
            scheme = DIVERGING[0]
        quantity = asked._fitting_quantity(negative=self.negative)
        return Look(
            color_scheme=scheme,
            mark=asked.mark,
            title=asked.title,
            quantity=quantity if cells is None else derived_quantity(quantity, cells),
            overlays=asked._overlays,
        )

    def _take_axes(self, axes: tuple[Axis, ...]) -> None:
        """Take the axes as they are now, and fit the controls to them."""
        self.axes, self.description = axes, describe(axes)
        self.panel.fit(axes, self._shown)
