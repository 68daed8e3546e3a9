"""Sliders, play, reducers and buttons: what can be moved on the page."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import numpy as np

from ..arrays import Axis, plural, role_of
from ..frames import REDUCERS
from .binding import Model, TraitBinding
from .lifetime import weak_callback
from .player import Player
from .sliders import RangeSlider, range_slider

Shown = tuple[str, str]


def reducer_choice(axis: Axis, model: Model) -> TraitBinding:
    """Dropdown of how a hidden axis is collapsed."""
    dropdown = ipywidgets.Dropdown(
        options=REDUCERS,
        value=model._asked("reducers", axis.name),
        description="by",
        tooltip=f"How the {plural(axis.name)} in the range become one value",
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="130px", flex="0 0 auto"),
    )
    return TraitBinding(dropdown, model, "reducers", axis.name)


def _button(model: Model, method: str, **look: str) -> ipywidgets.Button:
    """Button that calls a method of the model."""
    width = look.pop("width")
    button = ipywidgets.Button(layout=ipywidgets.Layout(width=width, flex="0 0 auto"), **look)
    pressed = weak_callback(getattr(model, method))
    button.on_click(lambda _: pressed())
    return button


def _continues(axis: Axis, before: Axis) -> bool:
    """Whether an axis is the same as before, or goes on, or ends earlier."""
    if (axis.name, axis.size > 1, axis.labels is None) != (
        before.name,
        before.size > 1,
        before.labels is None,
    ):
        return False  # with a second index a slider appears
    size = min(axis.size, before.size)
    return np.array_equal(axis.coordinates[:size], before.coordinates[:size])


def _in_order(axes: Sequence[Axis]) -> list[Axis]:
    """Axes as their sliders stand: iterations, layers, and the others as in the array."""
    turns = {"iteration": 0, "layer": 1}
    return sorted(axes, key=lambda axis: turns.get(role_of(axis.name) or "", 2))


class Controls:
    """All controls of one heatmap.

    Parameters
    ----------
    axes : sequence of Axis
        Axes of the array. A slider appears only where there is something to move.
    shown : tuple of str
        Names of the axes shown down and across. Tokens and prompts have no slider there.
    model : Model
    before : Controls, optional
        Those that these replace: the speed and the loop of their play button stay.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        shown: Shown,
        model: Model,
        *,
        before: Controls | None = None,
    ) -> None:
        self._made_for = (axes, shown)
        ordered = _in_order(axes)
        hidden = [axis for axis in ordered if axis.name not in shown]
        self.sliders: dict[str, RangeSlider] = {
            axis.name: range_slider(axis, model)
            for axis in ordered
            if axis.size > 1 and (axis in hidden or not axis.is_item)
        }
        self.choices = {axis.name: reducer_choice(axis, model) for axis in hidden if axis.size > 1}
        played = [
            slider
            for name, slider in self.sliders.items()
            if name not in shown or role_of(name) == "iteration"
        ]
        played_before = None if before is None else before.player
        self.player: Player | None = Player(played, shown, played_before) if played else None
        self._buttons = [
            _button(
                model,
                "_transpose_from_control",
                icon="exchange",
                tooltip="Swap rows and columns",
                width="40px",
            ),
            _button(
                model,
                "_reset_from_control",
                description="reset",
                icon="undo",
                tooltip="Put the view back as it was made",
                width="80px",
            ),
        ]

        # Together, so that none stands alone in a line.
        buttons = ipywidgets.HBox(self._buttons, layout=ipywidgets.Layout(flex="0 0 auto"))
        self.widgets = [*self._played, *map(self._of_axis, self.sliders), buttons]

    @property
    def controls(self) -> list[ipywidgets.Widget]:
        """All that a hand can move or press."""
        moved = (binding.control for binding in self._bindings)
        return [*self._played, *moved, *self._buttons]

    @property
    def _played(self) -> list[ipywidgets.Widget]:
        return [] if self.player is None else self.player.widgets

    @property
    def _bindings(self) -> list[TraitBinding]:
        return [*self.sliders.values(), *self.choices.values()]

    def _of_axis(self, name: str) -> ipywidgets.Widget:
        """Slider of an axis, and beside it how the axis is collapsed."""
        slider = self.sliders[name].control
        if name not in self.choices:
            return slider
        layout = ipywidgets.Layout(flex="1 1 420px", min_width="340px")
        return ipywidgets.HBox([slider, self.choices[name].control], layout=layout)

    def fit(self, axes: Sequence[Axis], shown: Shown) -> bool:
        """Whether these are the controls of such an array too, so that a pointer can stay on them.

        Where an axis has only become longer or shorter they follow it.
        """
        own, own_shown = self._made_for
        if own_shown != shown or len(own) != len(axes) or not all(map(_continues, axes, own)):
            return False
        self._made_for = (axes, shown)
        for axis, before in zip(axes, own, strict=True):
            if axis.name in self.sliders and not axis.same(before):
                self.sliders[axis.name].resize(axis)
        return True

    def follow(self) -> None:
        """Show what was set in Python. Nothing is sent to a control that shows it already."""
        for binding in self._bindings:
            binding.follow()
