"""What is derived: the frame of an array, and all parts that a page shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from ..arrays import ArraySource, Axis
from ..frames import Frame, resolve
from ..scene import Layout, Look, compose, make_layout
from .binding import Model
from .figure_view import FigureView
from .lifetime import weak_callback
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
        self.view = FigureView(weak_callback(model._point))
        self._layout: Layout | None = None
        self.panel = Panel(model)
        self.frame: Frame | None = None
        self.negative = False
        self.reader: Reader | None = None
        self.axes: tuple[Axis, ...] = ()
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
        self._take_axes(source.axes)

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
        found = reader.value_range()
        asked_view = asked._view(rows, columns, geometry.picture_height, geometry.picture_width)
        view = resolve(asked_view, axes, found)
        self.negative = found.low < 0
        self.frame = reader.render(view, self.frame, changed)
        scene = compose(self.frame, self._look(asked), layout, source.dtype, self.view.scene)
        self.view.show(source, scene)
        # An array in memory is never coarse, and nobody waits for what is read of it.
        share, coarse = None if reader.in_memory else reader.share, self.frame.coarse is not None
        if share is None and coarse:
            share = 1.0  # the last piece was read after the frame was made: another drawing follows
        self._row.show(share, coarse=coarse, stopped=reader.stopped)
        if axes is not self.axes:  # it has grown
            self._take_axes(axes)

    def _look(self, asked: HeatmapModel) -> Look:
        return Look(
            color_scheme=asked.color_scheme,
            mark=asked.mark,
            title=asked.title,
            quantity=asked._fitting_quantity(negative=self.negative),
            overlays=asked._overlays,
        )

    def _take_axes(self, axes: tuple[Axis, ...]) -> None:
        """Take the axes as they are now, and fit the controls to them."""
        self.axes, self.description = axes, describe(axes, *self._shown)
        collapsed = next((axis.name for axis in axes if axis.name not in self._shown), None)
        self.panel.fit(axes, collapsed)
