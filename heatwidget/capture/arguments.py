"""Validation of arguments that several captures share."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from ..arrays import LiveArray


def as_count(name: str, value: Any, min_: int) -> int:
    """Convert to a whole number of `min_` or more; else raise TypeError or ValueError."""
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None
    if count < min_:
        raise ValueError(f"{name} must be {min_} or more, got {count}")
    return count


def check_live(live: Any) -> None:
    """Raise TypeError if `live` is not a `LiveArray`."""
    if not isinstance(live, LiveArray):
        raise TypeError(f"live must be a LiveArray, got {type(live).__name__}")


def check_metric(metric: Any, names: Iterable[str]) -> None:
    """Raise TypeError or ValueError if `metric` is neither callable nor one of `names`."""
    if callable(metric):
        return
    if not isinstance(metric, str):
        raise TypeError(f"metric must be a name or callable, got {metric!r}")
    if metric not in names:
        known = ", ".join(map(repr, names))
        raise ValueError(f"metric must be callable or one of {known}, got {metric!r}")
