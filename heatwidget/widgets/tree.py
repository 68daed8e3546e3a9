"""Widgets and all that they refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import ipywidgets


def close_tree(*roots: ipywidgets.Widget) -> None:
    """Close widgets and all that they refer to: children, marks, axes, scales, layouts, styles."""
    for widget in _walk(roots):
        # ipywidgets looks twice at the comm, which another thread may close in between.
        with suppress(AttributeError):
            widget.close()


def _walk(roots: Iterable[ipywidgets.Widget]) -> list[ipywidgets.Widget]:
    found: dict[int, ipywidgets.Widget] = {}
    waiting = list(roots)
    while waiting:
        widget = waiting.pop()
        if id(widget) not in found:
            found[id(widget)] = widget
            # Read so, because a trait that was never set might make a widget now.
            waiting += _widgets_in(list(widget._trait_values.values()))
    return list(found.values())


def _widgets_in(value: Any) -> Iterator[ipywidgets.Widget]:
    if isinstance(value, ipywidgets.Widget):
        yield value
    elif isinstance(value, Mapping):
        yield from _widgets_in(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _widgets_in(one)
