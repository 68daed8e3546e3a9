"""The play button."""

from __future__ import annotations

from typing import Any

import ipywidgets

from ..arrays import Axis
from .binding import TraitBinding


class Player:
    """Play button that moves a window on, keeping its width.

    The browser's counter is only a clock: each tick moves the window by as much as the
    counter went on, so that neither a slider move nor a tick has to be written back to it.
    Its stop button, which sets the counter to zero, takes the window to the start.

    Parameters
    ----------
    axis : Axis
    binding : TraitBinding
        Of the range that it moves.
    collapsed : bool
        Whether iterations are the hidden axis: then one is played at a time. Otherwise a
        window over the whole axis becomes a quarter of it, so that it can move.
    """

    _CLOCK_END = 2**31 - 1

    def __init__(self, axis: Axis, binding: TraitBinding, *, collapsed: bool) -> None:
        self.axis, self._binding = axis, binding
        self._collapsed = collapsed
        self.widget = ipywidgets.Play(
            value=0,
            min=0,
            max=self._CLOCK_END,
            interval=200,
            tooltip="Move the iteration window on",
            layout=ipywidgets.Layout(flex="0 0 auto"),
        )
        self.widget.observe(self._ticked, "value")
        self.widget.observe(self._started, "playing")

    def take_over(self, before: Player) -> None:
        """Play at the speed, and with the loop, of another player."""
        for name in ("interval", "step", "repeat"):
            setattr(self.widget, name, getattr(before.widget, name))

    def _started(self, change: Any) -> None:
        start, stop = self.axis.window(self._binding.asked)
        if change["new"] and start > 0 and stop == self.axis.size:
            self._move_to(0, stop - start)

    def _ticked(self, change: Any) -> None:
        start, stop = self.axis.window(self._binding.asked)
        width = stop - start
        if change["new"] == 0:
            if start > 0:
                self._move_to(0, width)
        elif width == self.axis.size:
            self._move_to(0, 1 if self._collapsed else max(width // 4, 1))
        elif stop < self.axis.size:
            self._move_to(start + change["new"] - change["old"], width)
        elif self.widget.repeat:
            self._move_to(0, width)
        else:
            self.widget.playing = False

    def _move_to(self, start: int, width: int) -> None:
        start = max(min(start, self.axis.size - width), 0)
        coordinates = self.axis.coordinates
        self._binding.set((int(coordinates[start]), int(coordinates[start + width - 1])))
