"""An array with named axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..tensors import stacked
from .adapters import Adapter, ArrayAdapter, adapt, adapt_any, is_from, is_registered, is_short
from .axis import Axis, make_axis
from .indexing import cut_axis, shifted, span_of, spread_index
from .mappings import is_cache, read_cache
from .names import ROLES, find_roles, plural, role_of
from .origin import Origin
from .source import Region
from .tables import is_table, read_table

# Ends errors about dims; whoever asks for them otherwise than in Python leaves it out.
RENAMES = "; dims= renames them"

# Arrays that take numpy's index as it is; a part of them is a view, or as lazy.
_INDEXED = (("numpy", "ndarray"), ("torch", "Tensor"), ("dask.array", "Array"), ("jax", "Array"))


@dataclass(frozen=True, slots=True, eq=False)
class LabelledArray:
    """Values with their axes, and what they measure.

    Parameters
    ----------
    data : array of real numbers, shape (n_0, n_1, ...)
        What holds the values: a numpy array, or a zarr array, a dask array, ... of which
        only `values` and ``np.asarray`` read the whole.
    axes : tuple of Axis
        One for each axis of `data`, in order.
    quantity : str
        What is measured, with its unit if it has one, as a colour bar would say it.
    attrs : mapping
        Anything else that is known: origin, model, seed.
    origin : Origin, optional
        The file that `open` has read; it counts while `data` is what was read there.

    Examples
    --------
    >>> array = hw.samples.load("core-activations")
    >>> array.dims, array.shape
    (('iteration', 'layer', 'token'), (64, 4, 42))
    >>> array.coords["layer"]
    array([1, 2, 3, 4])
    >>> array[-1, :, :3]  # labels are kept
    <LabelledArray (layer: 4, token: 3) float32 probability of the final prediction>
    """

    data: Any
    axes: tuple[Axis, ...]
    quantity: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = field(default=None, repr=False)

    @property
    def values(self) -> NDArray[Any]:
        """All values, read as a numpy array; one of numpy's is itself."""
        adapter = adapt(self.data)
        if adapter is None:
            values: NDArray[Any] = np.asanyarray(self.data)
            return values
        return adapter.read(Region(tuple((0, size) for size in self.shape)))

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes, in order."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes, in order."""
        return tuple(axis.size for axis in self.axes)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        adapter = adapt(self.data)
        dtype: np.dtype[Any] = self.data.dtype if adapter is None else adapter.dtype
        return dtype

    @property
    def coords(self) -> dict[str, Any]:
        """Coordinates of each axis by its name: labels where it has them, else numbers."""
        return {axis.name: axis.labels or axis.coordinates for axis in self.axes}

    def axis(self, name: str) -> Axis:
        """Axis of that name."""
        if name not in self.dims:
            raise ValueError(f"name must be one of {self.dims}, got {name!r}")
        return self.axes[self.dims.index(name)]

    def __len__(self) -> int:
        """Return the size of the first axis."""
        return self.shape[0]

    def __getitem__(self, index: Any) -> LabelledArray:
        """Return a part, labels and numbers kept; a whole number drops its axis.

        Of what is in memory, or with dask, it is a view or as lazy as before; of a file the part
        alone is read.

        Parameters
        ----------
        index : int, slice, ..., sequence of int or of bool, or a tuple of these
            One for each axis; a sequence at most once.

        Raises
        ------
        IndexError
            If it does not fit the axes.
        """
        parts = spread_index(index, self.shape)
        axes = [cut_axis(axis, part) for axis, part in zip(self.axes, parts, strict=True)]
        kept = tuple(axis for axis in axes if axis is not None)
        return LabelledArray(self._cut(parts), kept, self.quantity, self.attrs)

    def _cut(self, parts: tuple[Any, ...]) -> Any:
        """Values at an index of each axis."""
        if any(is_from(*kind, self.data) for kind in _INDEXED):
            return self.data[parts]
        # A file's own array knows neither numpy's index nor how its values are packed.
        spans = list(map(span_of, parts))
        values = adapt_any(self.data).read(Region(tuple(spans)))
        starts = [start for start, _ in spans]
        return values[tuple(map(shifted, parts, starts))]

    def to_numpy(self) -> NDArray[Any]:
        """Return all values as a numpy array; one of numpy's is itself."""
        return self.values

    def to_xarray(self) -> Any:
        """Return the array as `xarray.DataArray`; xarray must be installed.

        What dask holds stays lazy; anything else is read.
        """
        try:
            import xarray
        except ImportError as error:
            raise ImportError("to_xarray needs xarray, which is not installed") from error
        lazy = is_from("dask.array", "Array", self.data)
        # The positions of tokens are left out: they are no labels.
        known = [axis for axis in self.axes if axis.labels or not axis.is_item]
        coords = {axis.name: list(axis.labels or axis.coordinates) for axis in known}
        attrs = {**self.attrs, **({"long_name": self.quantity} if self.quantity else {})}
        return xarray.DataArray(
            self.data if lazy else self.values, coords, list(self.dims), attrs=attrs
        )

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the plain values, so that numpy functions take the whole thing."""
        values = self.values
        if dtype is None or np.dtype(dtype) == values.dtype:
            return values.copy() if copy else values
        return values.astype(dtype)

    def __repr__(self) -> str:
        """Return sizes, type and quantity in one line."""
        sizes = ", ".join(f"{a.name}: {a.size}" for a in self.axes)
        what = f" {self.quantity}" if self.quantity else ""
        return f"<LabelledArray ({sizes}) {self.dtype}{what}>"


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
    array : array_like, LabelledArray, xarray.DataArray, data frame or dictionary
        Real numbers with two or more axes. Tensors in a list are stacked on their device. Memory
        maps, arrays of zarr, h5py, dask, torch and jax, and xarray's over any of them, are kept as
        they are and not read. A dictionary whose names differ in one number, as caches of
        activations have them, is stacked along a layer axis. Of anything else the values are
        not copied where numpy need not.
    default_dims : mapping of int to tuple of str
        Names of the axes of a plain array, by its number of axes.
    dims : sequence of str, optional
        Names of the axes, in order; goes before what the array says itself.
    coords : mapping of str to array_like or None, optional
        Coordinates by dim, or by the role of a dim (``token`` for one called ``position``);
        goes before what the array says itself. See `make_axis`.

    Raises
    ------
    TypeError
        If the values are no real numbers, or a name or coordinate is of the wrong kind.
    ValueError
        If shape, dims and coordinates do not fit each other.
    """
    layers: list[int] | None = None
    if not is_registered(array):
        if is_from("xarray", "Dataset", array):
            array = _only_variable(array)
        elif is_cache(array):
            layers, array = read_cache(array)
            default_dims = {2: ("layer", default_dims.get(2, ROLES)[-1])}
        array = stacked("array", array)
        if is_table(array):
            array = read_table(array, default_dims.get(2, dims or ROLES))
    data, adapter = _find_data(array)
    shape = tuple(data.shape if adapter is None else adapter.shape)
    _check_shape(shape)
    names = _check_dims(_find_dims(array, adapter, len(shape), dims, default_dims), shape)
    known = _own_coords(array, adapter, names)
    if layers is not None:
        known[names[0]] = layers
    roles: Mapping[Any, str] = find_roles(names)
    for name, given in (coords or {}).items():
        if given is not None:
            found = name if name in names else roles.get(name)
            if found is None:
                raise ValueError(f"{plural(name)} given, but the array's dims are {names}{RENAMES}")
            known[found] = given
    try:
        axes = tuple(make_axis(n, size, known.get(n)) for n, size in zip(names, shape, strict=True))
    except ValueError as error:
        # The commonest cause is another order of axes than the one expected.
        read = f"array of shape {shape} was read as {names}; dims= can say otherwise"
        raise ValueError(f"{error} ({read})") from error
    attrs = getattr(array, "attrs", {}) if adapter is None or _is_named(array) else adapter.attrs
    origin = array.origin if isinstance(array, LabelledArray) else None
    return LabelledArray(data, axes, _quantity(array, attrs), attrs, origin)


def names_axes(array: Any) -> bool:
    """Whether an array says itself what its axes are."""
    if not is_registered(array):
        dataset = is_from("xarray", "Dataset", array)
        if dataset or _is_named(array) or is_table(array) or is_cache(array):
            return True
    adapter = None if isinstance(array, (list, tuple)) else adapt(array)
    return adapter is not None and _known_dims(adapter) is not None


def _known_dims(adapter: Adapter) -> tuple[Any, ...] | None:
    """Names that an adapter's array gives to its axes, where one of them is a known one.

    What a file calls its axes may be anything, ``x`` or ``dim_0``. Who writes an adapter for
    heatmaps means the names that it gives.
    """
    dims = adapter.dims or ()
    names = [name for name in dims if name and isinstance(name, str)]
    meant = isinstance(adapter, ArrayAdapter) or any(map(role_of, names))
    known = len(set(names)) == len(dims) and meant
    return adapter.dims if known else None


def _find_data(array: Any) -> tuple[Any, Adapter | None]:
    """What holds an array's values, and how it is read if not by numpy."""
    if isinstance(array, LabelledArray):
        array = array.data
    elif is_from("xarray", "DataArray", array) and not is_registered(array):
        array = _unwrapped(array)
    elif _is_named(array):
        array = array.values
    adapter = adapt(array)
    return (_as_values(array), None) if adapter is None else (array, adapter)


def _only_variable(dataset: Any) -> Any:
    """Variable of a dataset that a heatmap can show, if there is one only."""
    fitting = [v for v in dataset.data_vars.values() if v.ndim > 1 and _is_real(v.dtype)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(
        f"dataset[{v.name!r}] {v.dims}" for v in fitting or dataset.data_vars.values()
    )
    raise TypeError(f"array must hold real numbers, got a dataset: take one of {names or 'none'}")


def _is_real(dtype: Any) -> bool:
    return dtype.kind in "biuf" or is_short(dtype)


def _unwrapped(array: Any) -> Any:
    """What a data array holds, if asking for it reads nothing; else the data array itself."""
    if array.chunks is not None:
        return array.data
    return array.values if getattr(array, "_in_memory", False) else array


def _as_values(array: Any) -> NDArray[Any]:
    """Plain or masked numpy array of real numbers."""
    if isinstance(array, (str, PathLike)):
        raise TypeError(f"array must hold real numbers, got a path; heatwidget.open({array!r})")
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
    return values


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) < 2:
        raise ValueError(f"array must have two or more axes, got {len(shape)} (shape {shape})")
    if 0 in shape:
        raise ValueError(f"array must not have an empty axis, got shape {shape}")


def _is_named(array: Any) -> bool:
    """Whether it is a LabelledArray or quacks like an xarray.DataArray, which is not imported.

    Of its class, because to ask a data array itself for its values would read them. What has
    an adapter of its own is read by that.
    """
    if is_registered(array):
        return False
    quacks = all(hasattr(type(array), name) for name in ("dims", "coords", "values"))
    return quacks and not is_from("xarray", "Dataset", array)


def _find_dims(
    array: Any,
    adapter: Adapter | None,
    n_axes: int,
    dims: Sequence[str] | None,
    default_dims: Mapping[int, tuple[str, ...]],
) -> tuple[Any, ...]:
    if dims is not None:
        if isinstance(dims, str) or not isinstance(dims, Sequence):
            raise TypeError(f"dims must be a sequence of names, got {dims!r}")
        return tuple(dims)
    if _is_named(array):
        return tuple(array.dims)
    known = None if adapter is None else _known_dims(adapter)
    if known is None and n_axes not in default_dims:
        example = ("seed", "checkpoint", "head", "iteration", "layer", "token")[-n_axes:]
        # Whoever has this many axes has states, most often, and wants to see norms.
        norm = "; of states take the norm first, torch.linalg.norm(states, dim=-1)"
        raise ValueError(
            f"dims must name the {n_axes} axes of the array, such as {', '.join(example)}"
            f"{norm if n_axes > 2 else ''}"
        )
    return default_dims[n_axes] if known is None else known


def _check_dims(dims: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[str, ...]:
    if not all(isinstance(name, str) and name for name in dims):
        raise TypeError(f"dims must be a sequence of names, got {dims}{RENAMES}")
    if len(dims) != len(shape):
        raise ValueError(f"dims must name each axis of shape {shape} once, got {len(dims)}: {dims}")
    if len(set(dims)) != len(dims):
        raise ValueError(f"dims must not repeat, got {dims}")
    return dims


def _own_coords(array: Any, adapter: Adapter | None, names: tuple[str, ...]) -> dict[str, Any]:
    """Coordinates that the array brings along, under the names now given to its axes."""
    if isinstance(array, LabelledArray):
        return {name: _coords_of(axis) for name, axis in zip(names, array.axes, strict=True)}
    if not _is_named(array):
        said = zip(names, () if adapter is None else adapter.coords, strict=False)
        return {name: values for name, values in said if values is not None}
    own = zip(names, array.dims, strict=True)
    return {name: np.asarray(array.coords[dim]) for name, dim in own if dim in array.coords}


def _coords_of(axis: Axis) -> Any:
    """Coordinates of an axis as `make_axis` takes them; None for mere positions of items."""
    if axis.labels is None:
        return None if axis.is_item else axis.coordinates
    return axis.labels if axis.is_counted else axis.mapping


def _quantity(array: Any, attrs: Mapping[str, Any]) -> str:
    if isinstance(array, LabelledArray):
        return array.quantity
    name = getattr(array, "name", None) if _is_named(array) else None
    text = str(attrs.get("long_name") or name or "")
    units = attrs.get("units")
    return f"{text} [{units}]" if text and units else text
