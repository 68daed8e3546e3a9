"""The play button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets

from ..arrays import Axis
from .sliders import RangeSlider


class Player:
    """Play button that moves a window on, keeping its width.

    The browser's counter is only a clock: each tick moves the window by as much as the
    counter went on, so that neither a slider move nor a tick has to be written back to it.
    Its stop button, which sets the counter to zero, takes the window to the start.

    Parameters
    ----------
    sliders : sequence of RangeSlider
        Those that can be played, the first one at first. A hidden axis is played one index at a
        time. Of an axis that is shown, a window over all of it becomes a quarter, so that it can
        move.
    shown : tuple of str
        Names of the axes shown.
    before : Player, optional
        The one that this replaces: its speed, its loop and what it played stay.

    Attributes
    ----------
    widgets : list of ipywidgets.Widget
        The play button, and a choice of axes where there are several.
    """

    _CLOCK_END = 2**31 - 1

    def __init__(
        self, sliders: Sequence[RangeSlider], shown: tuple[str, str], before: Player | None = None
    ) -> None:
        self._sliders, self._shown = {slider.axis.name: slider for slider in sliders}, shown
        self._played = next(iter(self._sliders))
        self.widget = ipywidgets.Play(
            value=0,
            min=0,
            max=self._CLOCK_END,
            interval=200,
            layout=ipywidgets.Layout(flex="0 0 auto"),
        )
        if before is not None:
            for name in ("interval", "step", "repeat"):
                setattr(self.widget, name, getattr(before.widget, name))
            self._played = before._played if before._played in self._sliders else self._played
        self.widgets: list[ipywidgets.Widget] = [self.widget]
        if len(self._sliders) > 1:
            self.widgets.append(self._make_choice())
        self._tell()
        self.widget.observe(self._ticked, "value")
        self.widget.observe(self._started, "playing")

    def _make_choice(self) -> ipywidgets.Dropdown:
        choice = ipywidgets.Dropdown(
            options=list(self._sliders),
            value=self._played,
            tooltip="Axis that is played",
            layout=ipywidgets.Layout(width="110px", flex="0 0 auto"),
        )
        choice.observe(self._chosen, "value")
        return choice

    @property
    def axis(self) -> Axis:
        """The axis that is played."""
        return self._slider.axis

    @property
    def _slider(self) -> RangeSlider:
        return self._sliders[self._played]

    def _chosen(self, change: Any) -> None:
        self._played = change["new"]
        self._tell()

    def _tell(self) -> None:
        self.widget.tooltip = f"Move the {self._played} window on"

    def _started(self, change: Any) -> None:
        start, stop = self.axis.window(self._slider.asked)
        if change["new"] and start > 0 and stop == self.axis.size:
            self._move_to(0, stop - start)

    def _ticked(self, change: Any) -> None:
        start, stop = self.axis.window(self._slider.asked)
        width = stop - start
        if change["new"] == 0:
            if start > 0:
                self._move_to(0, width)
        elif width == self.axis.size:
            self._move_to(0, max(width // 4, 1) if self._played in self._shown else 1)
        elif stop < self.axis.size:
            self._move_to(start + change["new"] - change["old"], width)
        elif self.widget.repeat:
            self._move_to(0, width)
        else:
            self.widget.playing = False

    def _move_to(self, start: int, width: int) -> None:
        start = max(min(start, self.axis.size - width), 0)
        self._slider.set(self.axis.range_of((start, start + width)))
