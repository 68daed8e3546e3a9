"""A control that shows a trait of a model, and sets it."""

from __future__ import annotations

from threading import RLock, get_ident
from typing import Any, Protocol
from weakref import ref

Span = tuple[float, float]
Box = tuple[Span, Span]


class Model(Protocol):
    """What the parts on the page need of a heatmap."""

    def _point(self, place: tuple[float, float] | None) -> None:
        """Take where the pointer is: fractions down and across, or None."""

    def _narrow_from_control(self, box: Box) -> None:
        """Show the part of the picture in a box: fractions down and across, first and last."""

    def _widen_from_control(self) -> None:
        """Show all of the axes that are shown."""

    def _asked(self, name: str, dim: str | None = None) -> Any:
        """Value of a trait, or its entry of an axis, as it was set: None for an open end."""

    def _set_from_control(self, name: str, value: Any, dim: str | None = None) -> None:
        """Set a trait, or its entry of an axis; an error is shown on the page."""

    def _transpose_from_control(self) -> None:
        """Swap rows and columns; an error is shown on the page."""

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
    dim : str, optional
        Axis whose entry of the trait it is, where that is a mapping.
    attribute : str, optional
        Trait of the control.
    """

    def __init__(
        self,
        control: Any,
        model: Model,
        name: str,
        dim: str | None = None,
        *,
        attribute: str = "value",
    ) -> None:
        self.control, self.name, self.dim = control, name, dim
        self._model, self._attribute = ref(model), attribute
        self._lock, self._following = RLock(), 0
        control.observe(self._moved, attribute)

    @property
    def asked(self) -> Any:
        """Value of the trait as it was set."""
        model = self._model()
        return None if model is None else model._asked(self.name, self.dim)

    @property
    def shown(self) -> Any:
        """Value of the trait that the control shows."""
        return self._as_asked(getattr(self.control, self._attribute))

    def set(self, value: Any) -> None:
        """Set the trait."""
        if (model := self._model()) is not None:
            model._set_from_control(self.name, value, self.dim)

    def follow(self) -> None:
        """Show what was set in Python. Nothing is sent if the control shows it already."""
        # Where the trait is now: an observer or another thread may have set it again since.
        with self._lock:
            self._following = get_ident()
            try:
                setattr(self.control, self._attribute, self._value())
            finally:
                self._following = 0

    def _value(self) -> Any:
        """Value of the control that shows the trait."""
        return self.asked

    def _as_asked(self, value: Any) -> Any:
        """Value of the trait for one of the control."""
        return value

    def _moved(self, change: Any) -> None:
        # The page moves it on another thread, perhaps while this one follows.
        if self._following != get_ident():
            self.set(self._as_asked(change["new"]))
