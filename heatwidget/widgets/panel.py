"""The row of controls below a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ipywidgets

from ..arrays import Axis
from .controls import Controls, owned
from .subshells import answer_beside_the_cell


class Panel:
    """Shows the controls that an array asks for, and makes others when it asks for others.

    Parameters
    ----------
    get, set : callable
        Read a trait of the heatmap by name; write one.
    reset : callable
        Called when the reset button is pressed.
    """

    def __init__(
        self,
        *,
        get: Callable[[str], Any],
        set: Callable[[str, Any], None],
        reset: Callable[[], None],
    ) -> None:
        self._hands: dict[str, Any] = {"get": get, "set": set, "reset": reset}
        self._closed = False
        self._controls: Controls | None = None
        self.widget = ipywidgets.HBox(layout=ipywidgets.Layout(flex_flow="row wrap"))

    @property
    def play(self) -> Any:
        """The `ipywidgets.Play`, or None where there is nothing to play."""
        player = self._controls.player if self._controls else None
        return player.widget if player else None

    def fit(self, axes: Sequence[Axis], collapsed: str | None) -> None:
        """Show the controls for an array; under the lock of the heatmap.

        Parameters
        ----------
        axes : sequence of Axis
        collapsed : str or None
            Name of the hidden axis.
        """
        by_name, before = {axis.name: axis for axis in axes}, self._controls
        if self._closed or (before is not None and before.fit(by_name, collapsed)):
            return
        controls = Controls(by_name, collapsed, before=before, **self._hands)
        answer_beside_the_cell(*controls.widgets)
        self._controls, self.widget.children = controls, controls.widgets
        for widget in before.owned() if before else ():
            widget.close()

    def follow(self, *traits: str) -> None:
        """Show what was set in Python. Nothing is sent to a control that shows it already."""
        controls = self._controls
        if controls is not None and not self._closed:
            for trait in traits:
                controls.follow(trait)

    def owned(self) -> Iterator[ipywidgets.Widget]:
        """Yield every widget that was made for it."""
        yield from owned(self.widget)
        if self._controls:
            yield from self._controls.owned()

    def close(self) -> None:
        """Close all controls, and make no more; under the lock of the heatmap."""
        self._closed = True
        for widget in list(self.owned()):
            widget.close()
