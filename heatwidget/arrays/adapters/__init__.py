"""Arrays of other libraries, read region by region; none of these libraries is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .adapter import Adapter, is_from, is_short
from .base import ArrayAdapter
from .closed_hdf5 import ClosedDataset
from .converted import adapt_jax, adapt_values
from .dask_arrays import DaskAdapter
from .hdf5 import Hdf5Adapter
from .mapped import MappedAdapter, is_mapped
from .registry import adapt_found, adapt_registered, is_registered, register_adapter
from .stacked import StackedAdapter, StackedArray
from .tensors import FileTensor, FileTensorAdapter, TensorAdapter
from .xarrays import XarrayAdapter
from .zarr_arrays import ZarrAdapter

__all__ = [
    "Adapter", "ArrayAdapter", "ClosedDataset", "FileTensor", "adapt", "adapt_any", "is_from",
    "is_registered", "is_short", "register_adapter",
]  # fmt: skip

# Where a kind of array comes from, and what adapts it.
_KINDS: tuple[tuple[str, str, Callable[[Any], Adapter]], ...] = (
    ("zarr", "Array", ZarrAdapter),
    ("h5py", "Dataset", Hdf5Adapter),
    ("dask.array", "Array", DaskAdapter),
    ("torch", "Tensor", TensorAdapter),
    ("jax", "Array", adapt_jax),
    ("xarray", "DataArray", XarrayAdapter),
)
# What holds arrays, but is none.
_HOLDERS = (("zarr", "Group"), ("h5py", "Group"), ("xarray", "Dataset"))


def adapt(array: Any) -> Adapter | None:
    """Adapter of an array that is no plain numpy array in memory, else None.

    Raises
    ------
    TypeError
        If it holds no real numbers, or holds several arrays.
    ValueError
        If it can no longer be read, or does not know its own shape.
    """
    if (registered := adapt_registered(array)) is not None:
        return registered
    if isinstance(array, ClosedDataset):
        return array.adapter
    if isinstance(array, StackedArray):
        return StackedAdapter([adapt_any(part) for part in array.parts])
    if isinstance(array, FileTensor):
        return FileTensorAdapter(array)
    for module, name, make in _KINDS:
        if is_from(module, name, array):
            return make(array)
    for module, name in _HOLDERS:
        if is_from(module, name, array):
            raise TypeError(
                "array must hold real numbers, got one that holds other arrays"
                f" ({module} {name}): take one of {sorted(map(str, array))}"
            )
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        return adapt_found(array)
    if is_mapped(array):
        return MappedAdapter(array)
    return adapt_values(array) if is_short(array.dtype) else None


def adapt_any(array: Any) -> Adapter:
    """Adapter of an array, be it a plain numpy array in memory."""
    return adapt(array) or adapt_values(array)
