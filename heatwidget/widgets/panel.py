"""The row of controls below a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import ref

import ipywidgets

from ..arrays import Axis
from .binding import Model
from .controls import Controls
from .subshells import answer_beside_the_cell
from .tree import close_tree


class Panel:
    """Shows the controls that an array asks for, and makes others when it asks for others.

    Parameters
    ----------
    model : Model
        Held weakly: it owns the panel.
    """

    def __init__(self, model: Model) -> None:
        self._model = ref(model)
        self._closed = False
        self._controls: Controls | None = None
        self.widget = ipywidgets.HBox(layout=ipywidgets.Layout(flex_flow="row wrap"))

    @property
    def play(self) -> Any:
        """The `ipywidgets.Play`, or None where there is nothing to play."""
        player = self._controls.player if self._controls else None
        return player.widget if player else None

    def fit(self, axes: Sequence[Axis], shown: tuple[str, str]) -> None:
        """Show the controls for an array; under the lock of the heatmap.

        Parameters
        ----------
        axes : sequence of Axis
        shown : tuple of str
            Names of the axes shown down and across.
        """
        before = self._controls
        if self._closed or (before is not None and before.fit(axes, shown)):
            return
        if (model := self._model()) is None:
            return
        controls = Controls(axes, shown, model, before=before)
        answer_beside_the_cell(*controls.controls)
        self._controls, self.widget.children = controls, controls.widgets
        if before is not None:
            close_tree(*before.widgets)

    def follow(self) -> None:
        """Show what was set in Python. Nothing is sent to a control that shows it already."""
        controls = self._controls
        if controls is not None and not self._closed:
            controls.follow()

    def close(self) -> None:
        """Close all controls, and make no more; under the lock of the heatmap."""
        self._closed = True
        close_tree(self.widget)
