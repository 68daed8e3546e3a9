"""The array that a capture fills: a new one or the user's own."""

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
    """Array with the given axes, quantity and attributes.

    Parameters
    ----------
    live : LiveArray, optional
        The user's array. It may have more iterations than needed.
    dims : mapping of str to int or sequence
        As for `LiveArray`.
    quantity, attrs
        As for `LiveArray`; also written to the user's array.

    Raises
    ------
    TypeError
        If `live` is not a `LiveArray`.
    ValueError
        If the axes of `live` differ from `dims`.
    """
    made = LiveArray(dims, quantity=quantity, attrs=attrs)
    if live is None:
        return made
    check_live(live)
    pairs = zip(made.axes, live.axes, strict=False)
    if live.dims != made.dims or not all(_fits(*pair) for pair in pairs):
        raise ValueError(f"live must have {_spans(made)}, got {_spans(live)}")
    write_description(live, quantity, attrs)
    return live


def write_description(live: LiveArray, quantity: str, attrs: Mapping[str, Any]) -> None:
    """Set quantity and attributes of the user's array; a quantity set by the user is kept.

    The error of an earlier capture is cleared.
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
