"""One axis of an array: its name, coordinates and labels."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

ITEM_DIMS = ("token", "prompt")
DIMS = ("iteration", "layer", *ITEM_DIMS)


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One named axis of an array.

    Parameters
    ----------
    name : str
        One of ``iteration``, ``layer``, ``token``, ``prompt``.
    coordinates : ndarray of int64, shape (size,)
        What the user reads and writes for each index, strictly increasing:
        iteration or layer numbers, or the positions 0..size-1 of tokens.
    labels : tuple of str, shape (size,), optional
        The text of each token or prompt.
    """

    name: str
    coordinates: NDArray[np.int64]
    labels: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """Number of indices along the axis."""
        return int(self.coordinates.size)

    @property
    def bounds(self) -> tuple[int, int]:
        """First and last coordinate."""
        return int(self.coordinates[0]), int(self.coordinates[-1])

    def label(self, index: int) -> str:
        """Text of one index: the token itself, or its coordinate."""
        return self.labels[index] if self.labels else str(self.coordinates[index])

    def window(self, asked: tuple[float | None, float | None]) -> tuple[int, int]:
        """Half-open index window of an inclusive coordinate range.

        The one place where what the user writes becomes indices. It is total: a range
        that is reversed, lies outside or falls between two coordinates gives the
        nearest window of at least one index.

        Parameters
        ----------
        asked : tuple of float or None
            First and last coordinate, both included; None is the axis's own end.

        Returns
        -------
        tuple of int
            ``(start, stop)`` with ``0 <= start < stop <= size``.
        """
        first, last = self.bounds
        low = first if asked[0] is None or asked[0] != asked[0] else asked[0]
        high = last if asked[1] is None or asked[1] != asked[1] else asked[1]
        # Cut to the axis, because infinities and huge numbers have no middle.
        low, high = (min(max(end, first), last) for end in sorted((low, high)))
        start = int(np.searchsorted(self.coordinates, low, side="left"))
        stop = int(np.searchsorted(self.coordinates, high, side="right"))
        if start < stop:
            return start, stop
        nearest = self.nearest((low + high) / 2)
        return nearest, nearest + 1

    def nearest(self, coordinate: float) -> int:
        """Index whose coordinate is nearest to the one given."""
        right = min(int(np.searchsorted(self.coordinates, coordinate)), self.size - 1)
        left = max(right - 1, 0)
        distance = (abs(self.coordinates[i] - coordinate) for i in (left, right))
        return left if operator.le(*distance) else right

    def resized(self, size: int) -> Axis:
        """Axis of another size: cut, or numbers go on in their last step, and stand for texts."""
        first, last = (self.coordinates[max(self.size - 2, 0)], self.coordinates[-1])
        more = last + max(last - first, 1) * np.arange(1, size - self.size + 1)
        labels = self.labels and (*self.labels[:size], *map(str, more.tolist()))
        coordinates = np.concatenate([self.coordinates[:size], more])
        return replace(self, coordinates=coordinates, labels=labels)


def make_axis(name: str, size: int, coords: Any = None) -> Axis:
    """Axis of a given size with coordinates or labels, checked.

    Parameters
    ----------
    name : str
        One of ``iteration``, ``layer``, ``token``, ``prompt``.
    size : int
        Number of indices.
    coords : array_like, optional
        Whole numbers, strictly increasing, for iteration and layer; texts for token and
        prompt. By default 0..size-1, layers too: only the user knows what counts from 1.
    """
    positions = np.arange(size, dtype=np.int64)
    if coords is None:
        return Axis(name, positions)
    if name in ITEM_DIMS:
        return Axis(name, positions, _as_texts(f"{name}s", coords, size))
    return Axis(name, _as_numbers(f"{name}s", coords, size))


def _as_texts(argument: str, coords: Any, size: int) -> tuple[str, ...]:
    texts = tuple(_as_text(text) for text in _as_list(argument, coords, f"{size} texts"))
    if len(texts) != size:
        raise ValueError(f"{argument} must have one text for each of {size}, got {len(texts)}")
    return texts


def _as_list(argument: str, coords: Any, what: str) -> list[Any]:
    n_axes = getattr(coords, "ndim", 1)
    if n_axes > 1:
        shape = tuple(coords.shape)
        raise ValueError(f"{argument} must be a sequence of {what}, got shape {shape}")
    # A set has no order, and of a mapping nobody knows which half is meant.
    if n_axes == 1 and not isinstance(coords, (str, bytes, set, frozenset, Mapping)):
        if hasattr(coords, "detach"):  # or each would be a tensor
            return list(coords.tolist())
        with suppress(TypeError):
            return list(coords)
    raise TypeError(f"{argument} must be a sequence of {what}, got {coords!r}")


def _as_text(text: Any) -> str:
    return text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)


def _as_numbers(argument: str, coords: Any, size: int) -> NDArray[np.int64]:
    items = _as_list(argument, coords, f"{size} whole numbers")
    way_out = f"; {argument}=range({size}) numbers them instead"
    try:
        numbers = np.asarray(items)
    except ValueError as error:
        raise ValueError(f"{argument} must be one number each: {error}") from error
    if numbers.dtype.kind not in "iuf":
        got = f"got dtype {numbers.dtype}"
        raise TypeError(f"{argument} must be whole numbers, {got}{way_out}")
    if numbers.shape != (size,):
        raise ValueError(
            f"{argument} must have one number for each of {size}, got shape {numbers.shape}"
        )
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64)
    if not np.array_equal(whole, numbers) or not (whole[1:] > whole[:-1]).all():
        raise ValueError(
            f"{argument} must be whole numbers that increase strictly, got {numbers}{way_out}"
        )
    return whole
