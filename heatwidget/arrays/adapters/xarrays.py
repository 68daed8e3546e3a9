"""Arrays of xarray that are read from a file when they are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..source import Region, map_here
from .adapter import nothing_to_check, plain, plain_dtype


class XarrayAdapter:
    """A data array that xarray has not loaded, and is not made to.

    Parameters
    ----------
    array : xarray.DataArray
    """

    in_memory = False
    map = map_here
    check = nothing_to_check

    def __init__(self, array: Any) -> None:
        # Without its coordinates, which would be cut along with each region.
        self._variable = array.variable
        self.dtype: np.dtype[Any] = plain_dtype(array.dtype)
        self.shape: tuple[int, ...] = array.shape
        self.dims: tuple[Any, ...] = array.dims
        self.coords = tuple(array.coords.get(name) for name in self.dims)
        self.attrs: Mapping[str, Any] = array.attrs
        origin = array.encoding.get("source")
        self.name = f"xarray {array.name or 'array'}" + (f" of {origin}" if origin else "")
        self._stored = array.encoding.get("preferred_chunks") or {}

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Sizes in which the file keeps the values, where xarray knows them."""
        if not set(self.dims) <= set(self._stored):
            return None
        return tuple(int(self._stored[name]) for name in self.dims)

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region."""
        return plain(self._variable[region.slices].values)

    def identity(self) -> None:
        """What was done to the file's values on the way is not known."""

    def close(self) -> None:
        """Nothing is under way."""
