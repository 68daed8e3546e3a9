"""Sliders, play, reducer and reset: what a hand can move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import ceil, floor
from typing import Any

import ipywidgets
import numpy as np

from ..arrays import Axis
from ..frames import REDUCERS

AskedRange = tuple[Any, Any]

# Trait of each axis that has a slider.
RANGE_DIMS = {"iteration_range": "iteration", "layer_band": "layer"}


class RangeSlider:
    """Slider over the coordinates of one axis.

    Parameters
    ----------
    axis : Axis
        With at least two indices.
    on_move : callable
        Called with ``(first, last)`` when a hand has moved it.
    """

    def __init__(self, axis: Axis, on_move: Callable[[tuple[int, int]], None]) -> None:
        first, last = axis.bounds
        self._bounds = (first, last)
        self._on_move = on_move
        self._following = False
        self.widget = ipywidgets.IntRangeSlider(
            value=(first, last),
            min=first,
            max=last,
            step=int(np.gcd.reduce(np.diff(axis.coordinates))),
            description=axis.name,
            tooltip=f"{axis.name}s shown, both ends included",
            style={"description_width": "58px"},
            layout=ipywidgets.Layout(flex="1 1 300px", width="auto", min_width="260px"),
        )
        self.widget.observe(self._moved, "value")

    def follow(self, asked: AskedRange) -> None:
        """Move to a range that was set in Python. Nothing is sent if it is there already."""
        first, last = self._bounds
        wanted = (first if asked[0] is None else asked[0], last if asked[1] is None else asked[1])
        wanted = (floor(wanted[0]), ceil(wanted[1]))
        if self.widget.value != wanted:
            self._following = True
            try:
                self.widget.value = wanted
            finally:
                self._following = False

    def _moved(self, change: Any) -> None:
        if not self._following:
            self._on_move(change["new"])


class Player:
    """Play button that moves a window on, keeping its width.

    The browser's counter is only a clock: each tick moves the window by as much as the
    counter went on, so that neither a slider move nor a tick has to be written back to it.
    Its stop button, which sets the counter to zero, takes the window to the start.

    Parameters
    ----------
    axis : Axis
    get_range : callable
        Returns the range as asked at present.
    set_range : callable
        Takes the next ``(first, last)``.
    full_width : int
        Width to start with when the window covers the whole axis.
    """

    _CLOCK_END = 2**31 - 1

    def __init__(
        self,
        axis: Axis,
        get_range: Callable[[], AskedRange],
        set_range: Callable[[tuple[int, int]], None],
        full_width: int,
    ) -> None:
        self._axis, self._get, self._set = axis, get_range, set_range
        self._full_width = full_width
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

    def _started(self, change: Any) -> None:
        start, stop = self._axis.window(self._get())
        if change["new"] and start > 0 and stop == self._axis.size:
            self._move_to(0, stop - start)

    def _ticked(self, change: Any) -> None:
        start, stop = self._axis.window(self._get())
        width = stop - start
        if change["new"] == 0:
            if start > 0:
                self._move_to(0, width)
        elif width == self._axis.size:
            self._move_to(0, self._full_width)
        elif stop < self._axis.size:
            self._move_to(start + change["new"] - change["old"], width)
        elif self.widget.repeat:
            self._move_to(0, width)
        else:
            self.widget.playing = False

    def _move_to(self, start: int, width: int) -> None:
        start = max(min(start, self._axis.size - width), 0)
        coordinates = self._axis.coordinates
        self._set((int(coordinates[start]), int(coordinates[start + width - 1])))


def reducer_choice(reducer: str, axis: Axis, on_choice: Callable[[str], None]) -> Any:
    """Dropdown of how the hidden axis is collapsed."""
    choice = ipywidgets.Dropdown(
        options=REDUCERS,
        value=reducer,
        description=f"{axis.name}s by",
        tooltip=f"How the {axis.name}s in the range become one value",
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="160px", flex="0 0 auto"),
    )
    choice.observe(lambda change: on_choice(change["new"]), "value")
    return choice


def reset_button(on_click: Callable[[], None]) -> ipywidgets.Button:
    """Button that puts the view back."""
    button = ipywidgets.Button(
        description="reset",
        icon="undo",
        tooltip="Put the view back as it was made",
        layout=ipywidgets.Layout(width="80px", flex="0 0 auto"),
    )
    button.on_click(lambda _: on_click())
    return button


def owned(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """Yield a widget and the layout and style that came with it."""
    yield widget
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, ipywidgets.Widget):
            yield part


class Controls:
    """All controls of one heatmap.

    Parameters
    ----------
    axes : mapping of str to Axis
        Axes of the array by name. A slider appears only where there is something to move.
    collapsed : str or None
        Name of the hidden axis, if there is one.
    get, set : callable
        Read a trait of the heatmap by name; write one.
    reset : callable
        Called when the reset button is pressed.
    """

    def __init__(
        self,
        axes: Mapping[str, Axis],
        collapsed: str | None,
        *,
        get: Callable[[str], Any],
        set: Callable[[str, Any], None],
        reset: Callable[[], None],
    ) -> None:
        self.sliders: dict[str, RangeSlider] = {}
        self.player: Player | None = None
        self.reducer: Any = None
        for trait, dim in RANGE_DIMS.items():
            if dim in axes and axes[dim].size > 1:
                self.sliders[trait] = RangeSlider(axes[dim], partial(set, trait))
        if "iteration_range" in self.sliders:
            axis, name = axes["iteration"], "iteration_range"
            full_width = 1 if collapsed == "iteration" else max(axis.size // 4, 1)
            self.player = Player(axis, partial(get, name), partial(set, name), full_width)
        if collapsed is not None:
            self.reducer = reducer_choice(get("reducer"), axes[collapsed], partial(set, "reducer"))
        self.reset = reset_button(reset)
        self.widgets = [
            *([self.player.widget] if self.player else []),
            *(slider.widget for slider in self.sliders.values()),
            *([self.reducer] if self.reducer else []),
            self.reset,
        ]
        for trait in self.sliders:
            self.follow(trait, get(trait))

    def follow(self, trait: str, value: Any) -> None:
        """Show what was set in Python. Nothing is sent to a control that shows it already."""
        if trait in self.sliders:
            self.sliders[trait].follow(value)
        elif trait == "reducer" and self.reducer is not None:
            self.reducer.value = value

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        for widget in self.widgets:
            yield from owned(widget)
