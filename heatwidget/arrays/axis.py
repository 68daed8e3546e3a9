"""One axis of an array: its name, coordinates and labels."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .names import ITEM_ROLES, plural, role_of

# Coordinates: int64 if all are whole, else float64.
Numbers = NDArray[np.int64] | NDArray[np.float64]
Asked = float | None


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One named axis of an array.

    Parameters
    ----------
    name : str
        Any name. The widgets know the roles of ``iteration``, ``layer``, ``token`` and
        ``prompt``, and of common synonyms.
    coordinates : ndarray of int64 or float64, shape (size,)
        Number of each index, as shown to the user; strictly increasing or strictly decreasing.
    labels : tuple of str, shape (size,), optional
        Text of each index.
    """

    name: str
    coordinates: Numbers
    labels: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """Number of indices along the axis."""
        return int(self.coordinates.size)

    @property
    def bounds(self) -> tuple[int | float, int | float]:
        """First and last coordinate."""
        return self.coordinate(0), self.coordinate(-1)

    @property
    def is_item(self) -> bool:
        """Whether its indices are tokens or prompts, which are labelled with texts."""
        return role_of(self.name) in ITEM_ROLES

    @property
    def is_counted(self) -> bool:
        """Whether its coordinates are 0..size-1."""
        first, last = self.bounds
        # Coordinates are strictly monotonic, so for whole numbers the ends are enough.
        whole = self.coordinates.dtype.kind == "i"
        return whole and first == 0 and last == self.size - 1

    @property
    def descends(self) -> bool:
        """Whether its coordinates decrease."""
        return bool(self.coordinates[0] > self.coordinates[-1])

    @property
    def mapping(self) -> dict[int | float, str]:
        """Labels by coordinate, for an axis with both."""
        return dict(zip(self.coordinates.tolist(), self.labels or (), strict=True))

    def same(self, other: Axis) -> bool:
        """Whether name, coordinates and labels equal those of another axis."""
        return (self.name, self.labels) == (other.name, other.labels) and np.array_equal(
            self.coordinates, other.coordinates
        )

    def coordinate(self, index: int) -> int | float:
        """Coordinate of an index as a Python number."""
        number: int | float = self.coordinates[index].item()
        return number

    def label(self, index: int) -> str:
        """Text of an index: its label, else its coordinate."""
        return self.labels[index] if self.labels else number_text(self.coordinates[index])

    def window(self, asked: tuple[Asked, Asked]) -> tuple[int, int]:
        """Half-open index window of an inclusive coordinate range.

        The only conversion from ranges of the user to indices. It never raises: a range that is
        reversed, outside the axis or between two coordinates gives the nearest window of at
        least one index.

        Parameters
        ----------
        asked : tuple of float or None
            First and last coordinate, both included; None stands for the end of the axis.

        Returns
        -------
        tuple of int
            ``(start, stop)`` with ``0 <= start < stop <= size``.
        """
        if self.descends:
            start, stop = replace(self, coordinates=self.coordinates[::-1]).window(asked[::-1])
            return self.size - stop, self.size - start
        first, last = self.bounds
        low = first if asked[0] is None or asked[0] != asked[0] else asked[0]
        high = last if asked[1] is None or asked[1] != asked[1] else asked[1]
        # Clipped to the axis, because the mean of the ends below overflows for huge numbers.
        low, high = (min(max(end, first), last) for end in sorted((low, high)))
        start = int(np.searchsorted(self.coordinates, low, side="left"))
        stop = int(np.searchsorted(self.coordinates, high, side="right"))
        if start < stop:
            return start, stop
        nearest = self._nearest((low + high) / 2)
        return nearest, nearest + 1

    def range_of(self, window: tuple[int, int]) -> tuple[int | float, int | float]:
        """Inclusive coordinate range of a half-open index window."""
        return self.coordinate(window[0]), self.coordinate(window[1] - 1)

    def find(self, text: str) -> int:
        """Index of a label.

        Raises
        ------
        ValueError
            If no index or more than one has this label.
        """
        places = [i for i, label in enumerate(self.labels or ()) if label == text]
        if len(places) != 1:
            count = f"{len(places)} {plural(self.name)} are" if places else f"no {self.name} is"
            raise ValueError(f"{count} called {text!r}")
        return places[0]

    def resized(self, size: int) -> Axis:
        """Axis of another size.

        New coordinates continue with the last step. On an axis with labels they are also the new
        labels.
        """
        before, last = self.coordinates[max(self.size - 2, 0)], self.coordinates[-1]
        more = last + ((last - before) or 1) * np.arange(1, size - self.size + 1)
        labels = self.labels and (*self.labels[:size], *map(number_text, more))
        coordinates = np.concatenate([self.coordinates[:size], more])
        return replace(self, coordinates=coordinates, labels=labels)

    def laid_over(self, axis: Axis) -> Axis:
        """Axis as long as another, whose texts it has beyond its own ones."""
        longer = self.resized(axis.size)
        if not self.labels or not axis.labels:
            return longer
        return replace(longer, labels=self.labels[: axis.size] + axis.labels[self.size :])

    def with_label(self, index: int, label: Any) -> Axis:
        """Axis with another label or coordinate at one index.

        Coordinates after the index continue with the last step.

        Parameters
        ----------
        index : int
        label : str or float
            A number becomes the coordinate; anything else becomes a label, and so does a number
            on an axis with labels, tokens or prompts.

        Raises
        ------
        ValueError
            If a number is not in order with those before it.
        """
        if self.labels or self.is_item or isinstance(label, (str, bytes)):
            texts = list(self.labels or map(number_text, self.coordinates))
            texts[index] = _as_text(label)
            return replace(self, labels=tuple(texts))
        argument = plural(self.name)
        numbers = _as_numbers(argument, [*self.coordinates[:index].tolist(), label], index + 1)
        return replace(self, coordinates=numbers).resized(self.size)

    def _nearest(self, coordinate: float) -> int:
        """Index of the nearest coordinate, on an axis with increasing coordinates."""
        right = min(int(np.searchsorted(self.coordinates, coordinate)), self.size - 1)
        left = max(right - 1, 0)
        distance = (abs(self.coordinates[i] - coordinate) for i in (left, right))
        return left if operator.le(*distance) else right


def lay_over(own: Iterable[Axis | None], axes: Iterable[Axis]) -> tuple[Axis, ...]:
    """Own axes as long as those of an array; None stands for the array's axis itself."""
    pairs = zip(own, axes, strict=True)
    return tuple(axis if mine is None else mine.laid_over(axis) for mine, axis in pairs)


def number_text(number: Any) -> str:
    """Number as text in its usual form: 3, 0.25, 1e-05."""
    value = float(number)
    return str(int(number)) if value.is_integer() and abs(value) < 1e16 else str(number)


def make_axis(name: str, size: int, coords: Any = None) -> Axis:
    """Axis of a given size, with validated coordinates or labels.

    Parameters
    ----------
    name : str
    size : int
        Number of indices.
    coords : array_like or mapping, optional
        One for each index: numbers that strictly increase or decrease, or texts. For tokens and
        prompts all values are texts. A mapping of numbers to texts gives both. By default
        0..size-1, also for layers, which may count from 1 in the model.

    Raises
    ------
    TypeError
        If iterations or layers are neither numbers nor texts, or `coords` is not a sequence.
    ValueError
        If the number of coordinates is not `size`, or iterations or layers are not in order.
    """
    positions = np.arange(size, dtype=np.int64)
    if coords is None:
        return Axis(name, positions)
    argument = plural(name)
    if isinstance(coords, Mapping) and coords:
        numbers = _as_numbers(argument, list(coords), size)
        return Axis(name, numbers, _as_texts(argument, list(coords.values()), size))
    if role_of(name) in ITEM_ROLES:
        texts = _as_list(argument, coords, f"{size} texts")
        return Axis(name, positions, _as_texts(argument, texts, size))
    items = _as_list(argument, coords, f"{size} numbers or texts")
    if items and all(isinstance(item, (str, bytes)) for item in items):
        return Axis(name, positions, _as_texts(argument, items, size))
    try:
        return Axis(name, _as_numbers(argument, items, size))
    except (TypeError, ValueError):
        # Seeds and similar numbers may come in any order. They are then used as labels.
        if role_of(name) is not None or len(items) != size:
            raise
        return Axis(name, positions, _as_texts(argument, items, size))


def _as_list(argument: str, coords: Any, what: str) -> list[Any]:
    n_axes = getattr(coords, "ndim", 1)
    if n_axes > 1:
        shape = tuple(coords.shape)
        raise ValueError(f"{argument} must be a sequence of {what}, got shape {shape}")
    # A set has no order.
    if n_axes == 1 and not isinstance(coords, (str, bytes, set, frozenset, Mapping)):
        if hasattr(coords, "detach"):  # list() of a tensor gives tensors
            return list(coords.tolist())
        with suppress(TypeError):
            return list(coords)
    raise TypeError(f"{argument} must be a sequence of {what}, got {coords!r}")


def _as_texts(argument: str, items: list[Any], size: int) -> tuple[str, ...]:
    if len(items) != size:
        raise ValueError(f"{argument} must have one text for each of {size}, got {len(items)}")
    return tuple(map(_as_text, items))


def _as_text(text: Any) -> str:
    return text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)


def _as_numbers(argument: str, items: list[Any], size: int) -> Numbers:
    way_out = f"; {argument}=range({size}) numbers them instead"
    try:
        numbers = np.asarray(items)
    except ValueError as error:
        raise ValueError(f"{argument} must be one number each: {error}") from error
    if numbers.dtype.kind not in "iuf":
        got = f"got dtype {numbers.dtype}"
        raise TypeError(f"{argument} must be numbers or texts, {got}{way_out}")
    if numbers.shape != (size,):
        raise ValueError(
            f"{argument} must have one number for each of {size}, got shape {numbers.shape}"
        )
    plain = _plain_numbers(numbers)
    rises, falls = (plain[1:] > plain[:-1]).all(), (plain[1:] < plain[:-1]).all()
    if not np.isfinite(plain).all() or not (rises or falls):
        raise ValueError(
            f"{argument} must be numbers that strictly increase or decrease, got {numbers}{way_out}"
        )
    return plain


def _plain_numbers(numbers: NDArray[Any]) -> Numbers:
    """Numbers as int64 if all are whole, else as float64."""
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64)
    if np.array_equal(whole, numbers):
        return whole
    if numbers.dtype.kind == "f" and numbers.dtype.itemsize < 8:
        # By way of the shortest decimal: float32 0.1 becomes 0.1, not 0.10000000149.
        return np.array([float(str(number)) for number in numbers])
    return numbers.astype(np.float64)
