"""The colour bar: what the colours of a figure mean, in data units."""

from __future__ import annotations

from collections.abc import Iterator

import ipywidgets
import numpy as np

from ..frames import ColorRule, encode_png, palette
from ..frames.palette import N_VALUE_COLORS
from . import parts
from .axes import TickedAxis
from .marks import SPAN, PngPair
from .ticks import color_ticks

WIDTH = 76
_PIXELS_PER_TICK = 34


class ColorBar:
    """Narrow figure with a palette and an axis of its own.

    bqplot's ColorAxis knows no log scale and does not follow its ticks, so the bar is an
    image like any other, and the ticks are placed by the rule that colours the cells.
    """

    def __init__(self) -> None:
        self._shown: tuple[object, ...] = ()
        # What belongs to all of its texts, to be written above it.
        self.note = ""
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

    def fit(self, *, height: int, top: int, bottom: int) -> None:
        """Take the height and the margins of the figure beside it, in pixels."""
        self.figure.layout.height = self.figure.layout.min_height = f"{height}px"
        self.figure.fig_margin = {"top": top, "bottom": bottom, "left": 6, "right": WIDTH - 22}
        self._height = height - top - bottom
        self._shown = ()

    def show(self, rule: ColorRule, color_scheme: str) -> None:
        """Show the colours of a rule, unless they are on screen already."""
        if self._shown == (rule, color_scheme):
            return
        if self._shown[1:] != (color_scheme,):
            self._show_colors(color_scheme)
        self._shown = (rule, color_scheme)
        ticks = color_ticks(rule, self._height // _PIXELS_PER_TICK)
        self._axis.show(ticks)
        self.note = f"ticks {ticks.note}" if ticks.note else ""

    def _show_colors(self, color_scheme: str) -> None:
        column = np.arange(N_VALUE_COLORS, dtype=np.uint8)[::-1, np.newaxis]
        self._pngs.paint(self._mark, encode_png(column, palette(color_scheme)))

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        yield from self._pngs.owned()
        yield from (self.figure, self._mark, self._axis.axis)
        yield from (self.figure.scale_x, self.figure.scale_y)
