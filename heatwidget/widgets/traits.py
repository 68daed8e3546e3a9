"""Trait types of the widgets."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from math import isfinite
from numbers import Integral, Real
from typing import Any, Protocol

import traitlets

AskedRange = tuple[Any, Any]


class OpenRange(tuple[Any, Any]):
    """Numbers of a range with an open end, which stays open where another heatmap takes it.

    Attributes
    ----------
    asked : tuple
        The range as it was set, with None for an open end.
    """

    asked: AskedRange


class RangeOwner(Protocol):
    """What has a `Range`."""

    def _filled(self, name: str, asked: AskedRange) -> AskedRange:
        """The range as it reads: an open end is the one that is on screen."""


class Range(traitlets.TraitType):  # type: ignore[type-arg]
    """Pair ``(first, last)``, both ends included; None opens an end, and is read as a number.

    So a slider can be linked with it. The owner is a `RangeOwner`.
    """

    default_value = (None, None)
    info_text = "a pair (first, last) of numbers with first <= last; None leaves an end open"

    def validate(self, obj: traitlets.HasTraits, value: Any) -> tuple[Any, Any]:
        """Return the pair as a tuple of plain numbers or None."""
        try:
            first, last = value.asked if isinstance(value, OpenRange) else value
            first, last = _plain(first), _plain(last)
        except (TypeError, ValueError, OverflowError):
            first, last = 1, 0
        if first is not None and last is not None and first > last:
            raise traitlets.TraitError(f"{self.name} must be {self.info_text}, got {value!r}")
        return first, last

    def get(self, obj: Any, cls: Any = None) -> AskedRange:
        """Return the range as it reads."""
        asked = self.asked(obj)
        owner: RangeOwner = obj
        # At the end of `hold_trait_notifications`, what is read is set.
        held = obj._cross_validation_lock
        return asked if held else owner._filled(str(self.name), asked)

    def asked(self, obj: Any) -> AskedRange:
        """Return the range as it was set: with None for an open end."""
        asked: Any = super().get(obj)
        return asked  # type: ignore[no-any-return]


class Choice(traitlets.Enum):  # type: ignore[type-arg]
    """One of a few words; the error names them."""

    def validate(self, obj: traitlets.HasTraits, value: Any) -> Any:
        """Return the value if it is one of the words."""
        words = self.values or ()
        if isinstance(value, (str, type(None))) and value in words:
            return value
        known = ", ".join(map(repr, words))
        raise traitlets.TraitError(f"{self.name} must be one of {known}, got {value!r}")


def checked(owner: traitlets.HasTraits, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as traits would take them, each by itself; nothing is set.

    Raises
    ------
    traitlets.TraitError
    """
    traits, found = owner.traits(), {}
    for name, value in values.items():
        trait = traits[name]
        kept = value is None and trait.allow_none
        found[name] = value if kept else trait.validate(owner, value)  # type: ignore[attr-defined]
    return found


def set_together(owner: traitlets.HasTraits, values: Mapping[str, Any]) -> None:
    """Set traits to checked values, and then tell of each; all are told, though one raises.

    `hold_trait_notifications` would do the same, but it belongs to the object and not to the
    thread: what another thread sets meanwhile goes unchecked, and is checked, and taken back,
    with ours.
    """
    # Read so, because a trait that was never set may have no value that it would take.
    before = {name: owner._trait_values.get(name, traitlets.Undefined) for name in values}
    owner._trait_values.update(values)
    with ExitStack() as stack:
        # The last one to come is the first to go.
        for name, value in reversed(list(values.items())):
            if before[name] != value:
                stack.callback(owner._notify_trait, name, before[name], value)


def _plain(end: Any) -> int | float | None:
    """End of a range as a Python number, so that it can be written as JSON."""
    if end is None:
        return None
    if isinstance(end, (bool, str)) or not isinstance(end, Real):
        raise TypeError
    number = float(end)
    if not isfinite(number):
        raise ValueError
    # From the number itself: a float does not hold every large integer.
    if isinstance(end, Integral):
        return int(end)
    return int(number) if number.is_integer() else number
