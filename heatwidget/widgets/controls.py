"""Sliders, play, reducer and reset: what a hand can move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from threading import RLock, get_ident
from typing import Any

import ipywidgets
import numpy as np

from ..arrays import Axis
from ..frames import REDUCERS
from .player import Player
from .traits import AskedRange

# Trait of each axis that has a slider.
RANGE_DIMS = {"iteration_range": "iteration", "layer_band": "layer"}


class Follower:
    """Control that stands where a trait is, and sets it when a hand moves the control.

    Parameters
    ----------
    widget : ipywidgets.ValueWidget
    get : callable
        Returns the value at which the control belongs at present.
    set : callable
        Takes the value to which a hand has moved it.
    """

    def __init__(self, widget: Any, get: Callable[[], Any], set: Callable[[Any], None]) -> None:
        self.widget = widget
        self._get, self._set = get, set
        self._lock, self._following = RLock(), 0
        widget.observe(self._moved, "value")

    def follow(self) -> None:
        """Move to what was set in Python. Nothing is sent if it is there already."""
        # Where the trait is now: an observer or another thread may have set it again since.
        with self._lock:
            self._following = get_ident()
            try:
                self.widget.value = self._get()
            finally:
                self._following = 0

    def _moved(self, change: Any) -> None:
        # A hand moves it on another thread, perhaps while this one follows.
        if self._following != get_ident():
            self._set(change["new"])


class RangeSlider(Follower):
    """Slider over the coordinates of an axis, which has at least two.

    Parameters
    ----------
    axis : Axis
    get, set : callable
        Return the range as asked at present; take the one to which a hand has moved it.
    """

    def __init__(
        self, axis: Axis, get: Callable[[], AskedRange], set: Callable[[tuple[int, int]], None]
    ) -> None:
        self._axis, self._asked = axis, get
        first, last = axis.bounds
        widget = ipywidgets.IntRangeSlider(
            value=(first, last),
            min=first,
            max=last,
            step=_step(axis),
            description=axis.name,
            tooltip=f"{axis.name}s shown, both ends included",
            style={"description_width": "58px"},
            layout=ipywidgets.Layout(flex="1 1 300px", width="auto", min_width="260px"),
        )
        super().__init__(widget, self._place, set)
        self.follow()

    def resize(self, axis: Axis) -> None:
        """Go to the end of an axis that has become longer or shorter."""
        with self._lock:
            self._axis = axis
            self._following = get_ident()
            try:
                # Bounds first: a value beyond them would be cut off. One that is now beyond
                # them is, and that was no hand.
                self.widget.max, self.widget.step = axis.bounds[1], _step(axis)
            finally:
                self._following = 0
        self.follow()

    def _place(self) -> tuple[int, int]:
        start, stop = self._axis.window(self._asked())
        # Between two coordinates a hand may leave it where it is: it shows the same window.
        if self._axis.window(self.widget.value) == (start, stop):
            first, last = self.widget.value
            return first, last
        return int(self._axis.coordinates[start]), int(self._axis.coordinates[stop - 1])


def _step(axis: Axis) -> int:
    """Step that meets every coordinate."""
    gcd: Any = np.gcd  # whose stubs differ from release to release
    return int(gcd.reduce(np.diff(axis.coordinates)))


def reducer_choice(axis: Axis, get: Callable[[], str], set: Callable[[str], None]) -> Follower:
    """Dropdown of how the hidden axis is collapsed."""
    widget = ipywidgets.Dropdown(
        options=REDUCERS,
        value=get(),
        description=f"{axis.name}s by",
        tooltip=f"How the {axis.name}s in the range become one value",
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="160px", flex="0 0 auto"),
    )
    return Follower(widget, get, set)


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


def _continues(axis: Axis, before: Axis) -> bool:
    """Whether an axis is the same as before, or goes on, or ends earlier."""
    size = min(axis.size, before.size)
    same = np.array_equal(axis.coordinates[:size], before.coordinates[:size])
    # With a second number a slider appears.
    return same and (axis.size == before.size or size > 1)


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
    before : Controls, optional
        Those that these replace: the speed and the loop of their play button stay.
    """

    def __init__(
        self,
        axes: Mapping[str, Axis],
        collapsed: str | None,
        *,
        get: Callable[[str], Any],
        set: Callable[[str, Any], None],
        reset: Callable[[], None],
        before: Controls | None = None,
    ) -> None:
        self._made_for = (axes, collapsed)
        self.player: Player | None = None
        # Controls by the trait that they follow.
        self.sliders: dict[str, RangeSlider] = {}
        self.choices: dict[str, Follower] = {}
        for name, dim in RANGE_DIMS.items():
            if dim in axes and axes[dim].size > 1:
                self.sliders[name] = RangeSlider(axes[dim], partial(get, name), partial(set, name))
        if "iteration_range" in self.sliders:
            axis, name = axes["iteration"], "iteration_range"
            hands = (partial(get, name), partial(set, name))
            self.player = Player(axis, *hands, collapsed=collapsed == "iteration")
            if before is not None and before.player is not None:
                self.player.take_over(before.player)
        if collapsed is not None:
            name = "reducer"
            choice = reducer_choice(axes[collapsed], partial(get, name), partial(set, name))
            self.choices[name] = choice
        self.reset = reset_button(reset)
        self.widgets = [
            *([self.player.widget] if self.player else []),
            *(follower.widget for follower in self._followers.values()),
            self.reset,
        ]

    @property
    def _followers(self) -> dict[str, Follower]:
        return {**self.sliders, **self.choices}

    def fit(self, axes: Mapping[str, Axis], collapsed: str | None) -> bool:
        """Whether these are the controls of such an array too, so that a hand can stay on them.

        Where an axis has only become longer or shorter they follow it.
        """
        own, own_collapsed = self._made_for
        dims = [dim for dim in RANGE_DIMS.values() if dim in own or dim in axes]
        if own_collapsed != collapsed or not all(
            dim in own and dim in axes and _continues(axes[dim], own[dim]) for dim in dims
        ):
            return False
        self._made_for = (axes, collapsed)
        for name, slider in self.sliders.items():
            dim = RANGE_DIMS[name]
            if axes[dim].size != own[dim].size:
                slider.resize(axes[dim])
        if self.player is not None:
            self.player.axis = axes["iteration"]
        return True

    def follow(self, trait: str) -> None:
        """Show what was set in Python. Nothing is sent to a control that shows it already."""
        if trait in self._followers:
            self._followers[trait].follow()

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        for widget in self.widgets:
            yield from owned(widget)
