"""A source of anything that a heatmap shows."""

from __future__ import annotations

from typing import Any

from .adapters import adapt
from .labelled import LabelledArray
from .origin import origin_of
from .source import ArraySource, NumpySource
from .stored import StoredSource

_NEEDED = (
    *("axes", "dtype", "chunks", "in_memory", "read", "map", "value_range"),
    *("take_changed", "take_error", "refresh", "identity", "close"),
)


def is_source(value: Any) -> bool:
    """Whether it follows the `ArraySource` protocol."""
    return all(hasattr(type(value), name) or hasattr(value, name) for name in _NEEDED)


def as_source(array: Any) -> ArraySource:
    """Source of a labelled array; a source itself is returned as it is.

    Parameters
    ----------
    array : LabelledArray or ArraySource
    """
    if not isinstance(array, LabelledArray):
        if not is_source(array):
            kind = type(array).__name__
            raise TypeError(f"array must be a LabelledArray or an ArraySource, got {kind}")
        source: ArraySource = array
        return source
    in_numpy = adapt(array.data) is None and origin_of(array) is None
    return NumpySource(array) if in_numpy else StoredSource(array)
