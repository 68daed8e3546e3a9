"""Trait types of the widgets."""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import Any

import traitlets


class Range(traitlets.TraitType):  # type: ignore[type-arg]
    """Pair ``(first, last)``, both ends included; None at an end means the axis's own."""

    default_value = (None, None)
    info_text = "a pair (first, last) of numbers with first <= last; None leaves an end open"

    def validate(self, obj: traitlets.HasTraits, value: Any) -> tuple[Any, Any]:
        """Return the pair as a tuple of plain numbers or None."""
        try:
            first, last = value
            first, last = _plain(first), _plain(last)
        except (TypeError, ValueError, OverflowError):
            first, last = 1, 0
        if first is not None and last is not None and first > last:
            raise traitlets.TraitError(f"{self.name} must be {self.info_text}, got {value!r}")
        return first, last


class Choice(traitlets.Enum):  # type: ignore[type-arg]
    """One of a few words; the error names them."""

    def validate(self, obj: traitlets.HasTraits, value: Any) -> Any:
        """Return the value if it is one of the words."""
        words = self.values or ()
        if isinstance(value, (str, type(None))) and value in words:
            return value
        known = ", ".join(map(repr, words))
        raise traitlets.TraitError(f"{self.name} must be one of {known}, got {value!r}")


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
