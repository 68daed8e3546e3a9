"""Indexing of several axes by numpy's rules, and the effect on an axis."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axis import Axis
from .names import plural

# Index of one axis: an integer, a slice, or an array of integers.
Part = int | slice | NDArray[np.int64]


def spread_index(index: Any, shape: tuple[int, ...]) -> tuple[Part, ...]:
    """Normalise an index to one part per axis, with non-negative indices within the axis.

    Parameters
    ----------
    index : int, slice, ..., sequence of int or of bool, or a tuple of these
    shape : tuple of int

    Raises
    ------
    IndexError
        If it has too many parts, two sequences, or a part of a wrong type or out of bounds.
    """
    given = list(index) if isinstance(index, tuple) else [index]
    gaps = [at for at, part in enumerate(given) if part is ...]
    missing = len(shape) - (len(given) - len(gaps))
    if len(gaps) > 1 or missing < 0:
        raise IndexError(f"index must fit {len(shape)} axes, got {index!r}")
    at = gaps[0] if gaps else len(given)
    given[at : at + len(gaps)] = [slice(None)] * missing
    parts = tuple(_part(part, size) for part, size in zip(given, shape, strict=True))
    if sum(isinstance(part, np.ndarray) for part in parts) > 1:
        raise IndexError(f"index must hold one sequence at most, got {index!r}")
    return parts


def _part(part: Any, size: int) -> Part:
    if isinstance(part, slice):
        start, stop, step = part.indices(size)
        if step < 0:
            raise IndexError(f"index must go upwards along an axis, got {part}")
        return slice(start, max(start, stop), step)
    try:
        place = operator.index(part)
    except TypeError:
        return _places(part, size)
    if not isinstance(part, (bool, np.bool_)) and -size <= place < size:
        return place % size
    raise IndexError(f"index must lie within {-size}..{size - 1}, got {part!r}")


def _places(part: Any, size: int) -> NDArray[np.int64]:
    places = np.asarray(part)
    if places.dtype == bool and places.shape == (size,):
        return np.flatnonzero(places)
    whole = places.ndim == 1 and (places.dtype.kind in "iu" or not places.size)
    if not whole or ((places < -size) | (places >= size)).any():
        what = f"whole numbers within {-size}..{size - 1}, a slice or {size} booleans"
        raise IndexError(f"index must hold {what}, got {part!r}")
    return places.astype(np.int64) % size


def span_of(part: Part) -> tuple[int, int]:
    """Smallest half-open range of indices that holds a part."""
    if isinstance(part, slice):
        return part.start, part.stop
    return (int(np.min(part)), int(np.max(part)) + 1) if np.size(part) else (0, 0)


def shifted(part: Part, start: int) -> Any:
    """Part with indices relative to `start`."""
    if isinstance(part, slice):
        return slice(part.start - start, part.stop - start, part.step)
    return part - start


def cut_axis(axis: Axis, part: Part) -> Axis | None:
    """Axis after indexing with a part; None for an integer, which removes the axis.

    Raises
    ------
    IndexError
        If the coordinates of the result are not in order.
    """
    if isinstance(part, int):
        return None
    coordinates = axis.coordinates[part]
    positions = np.arange(len(coordinates), dtype=np.int64)
    texts = axis.labels
    if axis.is_item and texts is None and not np.array_equal(coordinates, positions):
        # A token without a text is named by its position, which indexing changes.
        texts = tuple(map(str, range(axis.size)))
    labels = None if texts is None else tuple(np.array(texts, object)[part].tolist())
    if axis.is_counted and (axis.is_item or labels):
        return Axis(axis.name, positions, labels)
    steps = np.diff(coordinates)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise IndexError(f"index must keep the order of {plural(axis.name)}, got {part}")
    return replace(axis, coordinates=coordinates, labels=labels)
