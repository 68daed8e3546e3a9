"""An array with named axes: dims, coordinates, labels."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

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
        low, high = min(low, high), max(low, high)
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


@dataclass(frozen=True, slots=True, eq=False)
class LabelledArray:
    """Values with their axes, and what they measure.

    Parameters
    ----------
    values : ndarray of real numbers, shape (n_0, n_1[, n_2])
    axes : tuple of Axis
        One for each axis of `values`, in order.
    quantity : str
        What is measured, with its unit if it has one, as a colour bar would say it.
    attrs : mapping
        Anything else that is known: origin, model, seed.
    """

    values: NDArray[Any]
    axes: tuple[Axis, ...]
    quantity: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes, in order."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes, in order."""
        return tuple(self.values.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.values.dtype

    @property
    def coords(self) -> dict[str, Any]:
        """Coordinates of each axis by its name: labels where it has them, else numbers."""
        return {axis.name: axis.labels or axis.coordinates for axis in self.axes}

    def axis(self, name: str) -> Axis:
        """Axis of that name."""
        return self.axes[self.dims.index(name)]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the plain values, so that numpy functions take the whole thing."""
        if dtype is None or np.dtype(dtype) == self.values.dtype:
            return self.values.copy() if copy else self.values
        return self.values.astype(dtype)

    def __repr__(self) -> str:
        """Return sizes, type and quantity in one line."""
        sizes = ", ".join(f"{a.name}: {a.size}" for a in self.axes)
        what = f" {self.quantity}" if self.quantity else ""
        return f"<LabelledArray ({sizes}) {self.values.dtype}{what}>"


def as_labelled(
    array: Any,
    *,
    default_dims: Mapping[int, tuple[str, ...]],
    dims: Sequence[str] | None = None,
    coords: Mapping[str, ArrayLike | None] | None = None,
) -> LabelledArray:
    """Return an array with its axes named, whatever it came as.

    Parameters
    ----------
    array : array_like, LabelledArray or xarray.DataArray
        Real numbers with 2 or 3 axes. The values are not copied where numpy need not.
    default_dims : mapping of int to tuple of str
        Names of the axes of a plain array, by its number of axes.
    dims : sequence of str, optional
        Names of the axes, in order; goes before what the array says itself.
    coords : mapping of str to array_like or None, optional
        Coordinates by dim; goes before what the array says itself. Whole numbers for
        iteration and layer, anything with a text for token and prompt.

    Raises
    ------
    TypeError
        If the values are no real numbers, or a name or coordinate is of the wrong kind.
    ValueError
        If shape, dims and coordinates do not fit each other.
    """
    values = _as_values(array)
    names = _check_dims(_find_dims(array, values, dims, default_dims), values)
    known = _own_coords(array, names)
    for name, given in (coords or {}).items():
        if given is not None:
            if name not in names:
                raise ValueError(f"{name}s given, but the array's dims are {names}")
            known[name] = given
    axes = tuple(
        make_axis(n, size, known.get(n)) for n, size in zip(names, values.shape, strict=True)
    )
    return LabelledArray(values, axes, _quantity(array), getattr(array, "attrs", {}))


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


def _as_values(array: Any) -> NDArray[Any]:
    """Plain or masked numpy array of real numbers with 2 or 3 non-empty axes."""
    if isinstance(array, LabelledArray) or _is_xarray(array):
        array = array.values
    try:
        values: NDArray[Any] = np.asanyarray(array)
    except ValueError as error:
        raise ValueError(f"array must be rectangular: {error}") from error
    if not isinstance(values, np.ma.MaskedArray):
        values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"array must hold real numbers, got dtype {values.dtype}")
    if values.ndim not in (2, 3):
        raise ValueError(f"array must have 2 or 3 axes, got {values.ndim} (shape {values.shape})")
    if 0 in values.shape:
        raise ValueError(f"array must not have an empty axis, got shape {values.shape}")
    return values


def _is_xarray(array: Any) -> bool:
    """Whether it quacks like an xarray.DataArray; xarray itself is never imported."""
    return all(hasattr(array, name) for name in ("dims", "coords", "values"))


def _find_dims(
    array: Any,
    values: NDArray[Any],
    dims: Sequence[str] | None,
    default_dims: Mapping[int, tuple[str, ...]],
) -> tuple[Any, ...]:
    if dims is not None:
        if isinstance(dims, str) or not isinstance(dims, Sequence):
            raise TypeError(f"dims must be a sequence of names, got {dims!r}")
        return tuple(dims)
    if isinstance(array, LabelledArray) or _is_xarray(array):
        return tuple(array.dims)
    return default_dims[values.ndim]


def _check_dims(dims: tuple[Any, ...], values: NDArray[Any]) -> tuple[str, ...]:
    for name in dims:
        if name not in DIMS:
            raise ValueError(f"dims must be drawn from {', '.join(DIMS)}, got {dims}")
    if len(dims) != values.ndim:
        raise ValueError(
            f"dims must name each axis of shape {values.shape} once, got {len(dims)}: {dims}"
        )
    if len(set(dims)) != len(dims) or set(ITEM_DIMS) <= set(dims):
        raise ValueError(f"dims must not repeat, nor hold both token and prompt, got {dims}")
    return dims


def _own_coords(array: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Coordinates that the array brings along, under the names now given to its axes."""
    if isinstance(array, LabelledArray):
        return {
            name: axis.labels or (None if axis.name in ITEM_DIMS else axis.coordinates)
            for name, axis in zip(names, array.axes, strict=True)
        }
    if not _is_xarray(array):
        return {}
    own = zip(names, array.dims, strict=True)
    return {name: np.asarray(array.coords[dim]) for name, dim in own if dim in array.coords}


def _quantity(array: Any) -> str:
    if isinstance(array, LabelledArray):
        return array.quantity
    if not _is_xarray(array):
        return ""
    text = str(array.attrs.get("long_name") or getattr(array, "name", None) or "")
    units = array.attrs.get("units")
    return f"{text} [{units}]" if text and units else text


def _as_texts(argument: str, coords: Any, size: int) -> tuple[str, ...]:
    if isinstance(coords, (str, bytes)) or not hasattr(coords, "__iter__"):
        raise TypeError(f"{argument} must be a sequence of {size} texts, got {coords!r}")
    texts = tuple(_as_text(text) for text in coords)
    if len(texts) != size:
        raise ValueError(f"{argument} must have one text for each of {size}, got {len(texts)}")
    return texts


def _as_text(text: Any) -> str:
    return text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)


def _as_numbers(argument: str, coords: Any, size: int) -> NDArray[np.int64]:
    numbers = np.asarray(coords if hasattr(coords, "dtype") else list(coords))
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"{argument} must be whole numbers, got dtype {numbers.dtype}")
    if numbers.shape != (size,):
        raise ValueError(
            f"{argument} must have one number for each of {size}, got shape {numbers.shape}"
        )
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64)
    if not np.array_equal(whole, numbers) or not (np.diff(whole) > 0).all():
        raise ValueError(f"{argument} must be whole numbers that increase strictly, got {numbers}")
    return whole
