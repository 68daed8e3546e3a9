"""The colour bar: what the colours of a figure mean, in data units."""

from __future__ import annotations

import ipywidgets
import numpy as np

from ..frames import encode_png, palette
from ..frames.palette import N_VALUE_COLORS
from ..scene import Scene
from . import parts
from .axes import TickedAxis
from .marks import SPAN, PngPair

WIDTH = 76


class ColorBar:
    """Narrow figure with a palette and an axis of its own.

    bqplot's ColorAxis knows no log scale and does not follow its ticks, so the bar is an
    image like any other, and the ticks are placed by the rule that colours the cells.
    """

    def __init__(self) -> None:
        scales = {"x": parts.LinearScale(min=0, max=1), "y": parts.LinearScale(min=0, max=SPAN)}
        self._pngs = PngPair()
        self._mark = parts.Image(image=self._pngs.shown, x=(0, 1), y=(0, SPAN), scales=scales)
        self._axis = TickedAxis(scales["y"], side="right")
        self.figure = parts.Figure(
            marks=[self._mark],
            axes=[self._axis.axis],
            scale_x=scales["x"],
            scale_y=scales["y"],
            padding_y=0,
            display_toolbar=False,
            layout=ipywidgets.Layout(width=f"{WIDTH}px", flex="0 0 auto"),
        )

    def show(self, scene: Scene, before: Scene | None) -> None:
        """Show the colours of a scene. Sends nothing for what is there already: `before`."""
        geometry = scene.layout.geometry
        if before is None or before.layout.geometry != geometry:
            self.figure.layout.height = self.figure.layout.min_height = f"{geometry.height}px"
            top, bottom = geometry.top, geometry.bottom
            margins = {"top": top, "bottom": bottom, "left": 6, "right": WIDTH - 22}
            self.figure.fig_margin = margins
        scheme = scene.picture.color_scheme
        if before is None or before.picture.color_scheme != scheme:
            self._show_colors(scheme)
        self._axis.show(scene.colors, None if before is None else before.colors)

    def _show_colors(self, color_scheme: str) -> None:
        column = np.arange(N_VALUE_COLORS, dtype=np.uint8)[::-1, np.newaxis]
        self._pngs.paint(self._mark, encode_png(column, palette(color_scheme)))

    @property
    def hidden(self) -> ipywidgets.Widget:
        """Widget that the figure does not refer to at present."""
        return self._pngs.hidden
