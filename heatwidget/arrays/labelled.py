"""An array with named axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .axis import DIMS, ITEM_DIMS, Axis, make_axis


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
        if name not in self.dims:
            raise ValueError(f"name must be one of {self.dims}, got {name!r}")
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
    try:
        axes = tuple(
            make_axis(n, size, known.get(n)) for n, size in zip(names, values.shape, strict=True)
        )
    except ValueError as error:
        # The commonest cause is another order of axes than the one expected.
        read = f"array of shape {values.shape} was read as {names}; dims= can say otherwise"
        raise ValueError(f"{error} ({read})") from error
    return LabelledArray(values, axes, _quantity(array), getattr(array, "attrs", {}))


def _as_values(array: Any) -> NDArray[Any]:
    """Plain or masked numpy array of real numbers with 2 or 3 non-empty axes."""
    if isinstance(array, LabelledArray) or _is_xarray(array):
        array = array.values
    try:
        values: NDArray[Any] = np.asanyarray(array)
    except ValueError as error:
        raise ValueError(f"array must be rectangular: {error}") from error
    except (TypeError, RuntimeError) as error:
        raise TypeError(f"array must be what numpy can read: {error}") from error
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
            known = ", ".join(DIMS)
            raise ValueError(f"dims must be drawn from {known}, got {dims}; dims= renames them")
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
