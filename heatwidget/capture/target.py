"""The array that a capture fills: a new one, or the one that is already being watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arrays import Axis, LiveArray
from .arguments import check_live


def make_target(
    live: LiveArray | None,
    dims: Mapping[str, int | Sequence[Any]],
    *,
    quantity: str,
    attrs: Mapping[str, Any],
) -> LiveArray:
    """Array for rows of these dims, which says what is measured and how.

    Parameters
    ----------
    live : LiveArray, optional
        The user's own. Its iterations may be more than are needed.
    dims : mapping of str to int or sequence
        As for `LiveArray`.
    quantity, attrs
        What is written into the array.

    Raises
    ------
    TypeError
        If `live` is no `LiveArray`.
    ValueError
        If `live` has other axes.
    """
    made = LiveArray(dims, quantity=quantity, attrs=attrs)
    if live is None:
        return made
    check_live(live)
    pairs = zip(made.axes, live.axes, strict=False)
    if live.dims != made.dims or not all(_fits(*pair) for pair in pairs):
        raise ValueError(f"live must have {_spans(made)}, got {_spans(live)}")
    tell(live, quantity, attrs)
    return live


def tell(live: LiveArray, quantity: str, attrs: Mapping[str, Any]) -> None:
    """Write into the user's array what is captured; the user's own quantity stays.

    What kept an earlier capture from filling it is forgotten.
    """
    live.report(None)
    live.quantity = live.quantity or quantity
    live.attrs.update(attrs)


def index_of(live: LiveArray, iteration: int) -> int:
    """Index of an iteration along the first axis."""
    return int(live.axes[0].coordinates.searchsorted(iteration))


def _fits(needed: Axis, given: Axis) -> bool:
    asked, has = set(needed.coordinates.tolist()), set(given.coordinates.tolist())
    return asked <= has if needed.name == "iteration" else asked == has


def _spans(live: LiveArray) -> str:
    spans = ((axis.name, *axis.bounds) for axis in live.axes)
    return "axes " + ", ".join(f"{name} {first}..{last}" for name, first, last in spans)
