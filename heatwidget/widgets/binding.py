"""A control that shows a trait of a model, and sets it."""

from __future__ import annotations

from threading import RLock, get_ident
from typing import Any, Protocol
from weakref import ref


class Model(Protocol):
    """What the parts on the page need of a heatmap."""

    def _point(self, place: tuple[float, float] | None) -> None:
        """Take where the pointer is: fractions down and across, or None."""

    def _asked(self, name: str) -> Any:
        """Value of a trait as it was set: with None for an open end of a range."""

    def _set_from_control(self, name: str, value: Any) -> None:
        """Set a trait; an error is shown on the page."""

    def _reset_from_control(self) -> None:
        """Put the view back; an error is shown on the page."""

    def stop_reading(self) -> None:
        """Leave the rest unread."""

    def resume_reading(self) -> None:
        """Read the rest."""


class TraitBinding:
    """Keeps a control and a trait of a model in step.

    Parameters
    ----------
    control : ipywidgets.ValueWidget
    model : Model
        Held weakly: the model owns its controls.
    name : str
        Of the trait.
    """

    def __init__(self, control: Any, model: Model, name: str) -> None:
        self.control, self.name = control, name
        self._model = ref(model)
        self._lock, self._following = RLock(), 0
        control.observe(self._moved, "value")

    @property
    def asked(self) -> Any:
        """Value of the trait as it was set."""
        model = self._model()
        return None if model is None else model._asked(self.name)

    def set(self, value: Any) -> None:
        """Set the trait."""
        if (model := self._model()) is not None:
            model._set_from_control(self.name, value)

    def follow(self) -> None:
        """Show what was set in Python. Nothing is sent if the control shows it already."""
        # Where the trait is now: an observer or another thread may have set it again since.
        with self._lock:
            self._following = get_ident()
            try:
                self.control.value = self._value()
            finally:
                self._following = 0

    def _value(self) -> Any:
        """Value of the control that shows the trait."""
        return self.asked

    def _moved(self, change: Any) -> None:
        # The page moves it on another thread, perhaps while this one follows.
        if self._following != get_ident():
            self.set(change["new"])
