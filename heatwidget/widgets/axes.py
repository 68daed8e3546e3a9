"""An axis of a bqplot figure with ticks and labels of our own."""

from __future__ import annotations

from typing import Any

import bqplot
import numpy as np

from . import parts
from .ticks import Ticks


class TickedAxis:
    """`bqplot.Axis` that shows given ticks, and only those.

    Parameters
    ----------
    scale : bqplot.Scale
    **keywords
        As for `bqplot.Axis`.
    """

    def __init__(self, scale: bqplot.Scale, **keywords: Any) -> None:
        self.axis = parts.Axis(scale=scale, grid_lines="none", **keywords)
        self._shown = Ticks((), ())

    def show(self, ticks: Ticks) -> None:
        """Show ticks. Sends nothing for what is there already."""
        before, self._shown = self._shown, ticks
        if ticks == before:
            return
        # Two messages, labels first: in one, the browser may take the positions first, and
        # then writes the bare positions where it finds no label. For the same reason the old
        # labels stay until the positions have changed.
        self.axis.tick_labels = {**before.labels, **ticks.labels}
        if ticks.positions != before.positions:
            self.axis.tick_values = np.array(ticks.positions, np.float64)
