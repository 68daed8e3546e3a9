"""Sliders, play, reducer and reset: what can be moved on the page."""

from __future__ import annotations

from collections.abc import Mapping
from threading import get_ident
from typing import Any

import ipywidgets
import numpy as np

from ..arrays import Axis
from ..frames import REDUCERS
from .binding import Model, TraitBinding
from .lifetime import weak_callback
from .player import Player

# Trait of each axis that has a slider.
RANGE_DIMS = {"iteration_range": "iteration", "layer_band": "layer"}


class RangeSlider(TraitBinding):
    """Slider over the coordinates of an axis, which has at least two.

    Parameters
    ----------
    axis : Axis
    model : Model
    name : str
        Of the trait with its range.
    """

    def __init__(self, axis: Axis, model: Model, name: str) -> None:
        self._axis = axis
        first, last = axis.bounds
        slider = ipywidgets.IntRangeSlider(
            value=(first, last),
            min=first,
            max=last,
            step=_step(axis),
            description=axis.name,
            tooltip=f"{axis.name}s shown, both ends included",
            style={"description_width": "58px"},
            layout=ipywidgets.Layout(flex="1 1 300px", width="auto", min_width="260px"),
        )
        super().__init__(slider, model, name)
        self.follow()

    def resize(self, axis: Axis) -> None:
        """Go to the end of an axis that has become longer or shorter."""
        with self._lock:
            self._axis = axis
            self._following = get_ident()
            try:
                # Bounds first: a value beyond them would be cut off. One that is now beyond
                # them is, and nobody has moved the slider.
                self.control.max, self.control.step = axis.bounds[1], _step(axis)
            finally:
                self._following = 0
        self.follow()

    def _value(self) -> tuple[int, int]:
        start, stop = self._axis.window(self.asked)
        # Between two coordinates it may stay where it was moved to: it shows the same window.
        if self._axis.window(self.control.value) == (start, stop):
            first, last = self.control.value
            return first, last
        return int(self._axis.coordinates[start]), int(self._axis.coordinates[stop - 1])


def _step(axis: Axis) -> int:
    """Step that meets every coordinate."""
    gcd: Any = np.gcd  # whose stubs differ from release to release
    return int(gcd.reduce(np.diff(axis.coordinates)))


def reducer_choice(axis: Axis, model: Model) -> TraitBinding:
    """Dropdown of how the hidden axis is collapsed."""
    dropdown = ipywidgets.Dropdown(
        options=REDUCERS,
        value=model._asked("reducer"),
        description=f"{axis.name}s by",
        tooltip=f"How the {axis.name}s in the range become one value",
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="160px", flex="0 0 auto"),
    )
    return TraitBinding(dropdown, model, "reducer")


def reset_button(model: Model) -> ipywidgets.Button:
    """Button that puts the view back."""
    button = ipywidgets.Button(
        description="reset",
        icon="undo",
        tooltip="Put the view back as it was made",
        layout=ipywidgets.Layout(width="80px", flex="0 0 auto"),
    )
    reset = weak_callback(model._reset_from_control)
    button.on_click(lambda _: reset())
    return button


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
    model : Model
    before : Controls, optional
        Those that these replace: the speed and the loop of their play button stay.
    """

    def __init__(
        self,
        axes: Mapping[str, Axis],
        collapsed: str | None,
        model: Model,
        *,
        before: Controls | None = None,
    ) -> None:
        self._made_for = (axes, collapsed)
        self.player: Player | None = None
        # By the trait that they show.
        self.sliders: dict[str, RangeSlider] = {
            name: RangeSlider(axes[dim], model, name)
            for name, dim in RANGE_DIMS.items()
            if dim in axes and axes[dim].size > 1
        }
        self.choices: dict[str, TraitBinding] = {}
        if (slider := self.sliders.get("iteration_range")) is not None:
            axis = axes["iteration"]
            self.player = Player(axis, slider, collapsed=collapsed == "iteration")
            if before is not None and before.player is not None:
                self.player.take_over(before.player)
        if collapsed is not None:
            self.choices["reducer"] = reducer_choice(axes[collapsed], model)
        self.reset = reset_button(model)
        self.widgets = [
            *([self.player.widget] if self.player else []),
            *(binding.control for binding in self._bindings.values()),
            self.reset,
        ]

    @property
    def _bindings(self) -> dict[str, TraitBinding]:
        return {**self.sliders, **self.choices}

    def fit(self, axes: Mapping[str, Axis], collapsed: str | None) -> bool:
        """Whether these are the controls of such an array too, so that a pointer can stay on them.

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
        if trait in self._bindings:
            self._bindings[trait].follow()
