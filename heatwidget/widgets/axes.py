"""An axis of a bqplot figure with ticks and labels of our own."""

from __future__ import annotations

from typing import Any

import bqplot
import numpy as np

from ..scene.ticks import Ticks
from . import parts
from .marks import SPAN


class TickedAxis:
    """`bqplot.Axis` that shows given ticks, and only those.

    Parameters
    ----------
    scale : bqplot.Scale
        From 0 to `SPAN`.
    from_end : bool, optional
        Whether the ticks are counted from its end, as rows are from the top down.
    **keywords
        As for `bqplot.Axis`.
    """

    def __init__(self, scale: bqplot.Scale, *, from_end: bool = False, **keywords: Any) -> None:
        self.axis = parts.Axis(scale=scale, grid_lines="none", **keywords)
        self._from_end = from_end

    def show(self, ticks: Ticks, before: Ticks | None) -> None:
        """Show ticks. Sends nothing for what is there already: the ticks `before`."""
        if ticks == before:
            return
        # Two messages, labels first: in one, the browser may take the positions first, and
        # then writes the bare positions where it finds no label. For the same reason the old
        # labels stay until the positions have changed.
        self.axis.tick_labels = {**(self._labels(before) if before else {}), **self._labels(ticks)}
        if before is None or ticks.positions != before.positions:
            self.axis.tick_values = np.array(self._places(ticks), np.float64)

    def _places(self, ticks: Ticks) -> list[int]:
        """Positions on the scale."""
        places = (1 - p if self._from_end else p for p in ticks.positions)
        return [round(place * SPAN) for place in places]

    def _labels(self, ticks: Ticks) -> dict[str, str]:
        """Texts by position."""
        return {str(p): text for p, text in zip(self._places(ticks), ticks.texts, strict=True)}
