"""Sliders over the axes of an array."""

from __future__ import annotations

from threading import get_ident
from typing import Any

import ipywidgets
import numpy as np

from ..arrays import Axis, plural
from ..scene.text import label
from .binding import Model, TraitBinding

# A slider of numbers stops at most at so many places for each index; one of places knows the
# text of each, which the page must hold.
_MOST_STOPS = 4
_MOST_TEXTS = 2000
_COLUMNS = 12  # of a text beside a slider
_LETTER = 7.5  # pixels across of a letter of a slider's name


class RangeSlider(TraitBinding):
    """Slider over the range of an axis, which has at least two indices.

    Parameters
    ----------
    axis : Axis
    model : Model
    control : ipywidgets.Widget
    attribute : str
        Trait of the control that it moves.
    """

    def __init__(self, axis: Axis, model: Model, control: Any, attribute: str) -> None:
        self.axis = axis
        super().__init__(control, model, "ranges", axis.name, attribute=attribute)
        self.follow()

    def resize(self, axis: Axis) -> None:
        """Go to the end of an axis that has become longer or shorter, or has other texts."""
        with self._lock:
            self.axis = axis
            self._following = get_ident()
            try:
                # Bounds first: a value beyond them would be cut off. One that is now beyond
                # them is, and nobody has moved the slider.
                self._bound(axis)
            finally:
                self._following = 0
        self.follow()

    def _bound(self, axis: Axis) -> None:
        """Give the control the ends of an axis."""
        raise NotImplementedError


class NumberSlider(RangeSlider):
    """Slider over whole numbers that go up."""

    def __init__(self, axis: Axis, model: Model) -> None:
        first, last = axis.bounds
        slider = ipywidgets.IntRangeSlider(
            value=(first, last), min=first, max=last, step=_step(axis), **_look(axis)
        )
        super().__init__(axis, model, slider, "value")

    def _bound(self, axis: Axis) -> None:
        self.control.max, self.control.step = axis.bounds[1], _step(axis)

    def _value(self) -> Any:
        window = self.axis.window(self.asked)
        # Between two coordinates it may stay where it was moved to: it shows the same window.
        if self.axis.window(self.control.value) == window:
            return self.control.value
        return self.axis.range_of(window)


class PlaceSlider(RangeSlider):
    """Slider over indices, each called by its text or number."""

    def __init__(self, axis: Axis, model: Model) -> None:
        slider = ipywidgets.SelectionRangeSlider(
            options=_texts(axis), index=(0, axis.size - 1), **_look(axis)
        )
        super().__init__(axis, model, slider, "index")

    def _bound(self, axis: Axis) -> None:
        self.control.options = _texts(axis)

    def _value(self) -> Any:
        start, stop = self.axis.window(self.asked)
        return start, stop - 1

    def _as_asked(self, value: Any) -> Any:
        return self.axis.range_of((value[0], value[1] + 1))


def range_slider(axis: Axis, model: Model) -> RangeSlider:
    """Slider of an axis: of numbers where these lie evenly, else of places."""
    if axis.size > _MOST_TEXTS and axis.is_counted:
        return NumberSlider(axis, model)
    if axis.labels is None and axis.coordinates.dtype.kind == "i" and not axis.descends:
        first, last = axis.bounds
        if (last - first) // _step(axis) < _MOST_STOPS * axis.size:
            return NumberSlider(axis, model)
    return PlaceSlider(axis, model)


def _look(axis: Axis) -> dict[str, Any]:
    width = max(58, round(_LETTER * len(axis.name)))
    return {
        "description": axis.name,
        "tooltip": f"{plural(axis.name)} shown, both ends included",
        "style": {"description_width": f"{min(width, 120)}px"},
        "layout": ipywidgets.Layout(flex="1 1 300px", width="auto", min_width="210px"),
    }


def _step(axis: Axis) -> int:
    """Step that meets every coordinate."""
    gcd: Any = np.gcd  # whose stubs differ from release to release
    return int(gcd.reduce(np.diff(axis.coordinates)))


def _texts(axis: Axis) -> list[tuple[str, int]]:
    return [(label(axis.label(index), _COLUMNS), index) for index in range(axis.size)]
