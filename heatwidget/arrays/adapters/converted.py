"""Arrays of jax, and of types in which numpy does not compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..source import Region, map_here
from .adapter import is_from, nothing_to_check, plain, plain_dtype


class ConvertedAdapter:
    """An array of which each region is copied or converted as it is read.

    Parameters
    ----------
    array : array
        What gives numpy a part of itself, by slices.
    name : str
        What it is, for messages.
    in_memory : bool
    """

    chunks = None
    dims = None
    coords = ()
    map = map_here
    check = nothing_to_check

    def __init__(self, array: Any, name: str, *, in_memory: bool) -> None:
        self._array, self.name, self.in_memory = array, name, in_memory
        self.dtype = plain_dtype(array.dtype)
        self.shape: tuple[int, ...] = array.shape
        self.attrs: Mapping[str, Any] = {}

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region."""
        return plain(self._array[region.slices])

    def identity(self) -> None:
        """Only a look at all of it would tell."""

    def close(self) -> None:
        """Nothing is under way."""


def adapt_values(array: NDArray[Any]) -> ConvertedAdapter:
    """Adapter of a numpy array in memory: one of bfloat16 or the like needs it."""
    return ConvertedAdapter(array, f"array of {array.dtype}", in_memory=True)


def adapt_jax(array: Any) -> ConvertedAdapter:
    """Adapter of a jax array: on the processor a view of its memory, else the array itself."""
    if is_from("jax.core", "Tracer", array) or not isinstance(array.dtype, np.dtype):
        raise TypeError(f"array must hold real numbers, got {array}")
    if array.is_deleted():
        raise ValueError("array must hold values, got a jax array that was deleted")
    if not array.is_fully_addressable:
        raise TypeError("array must lie on this machine, got a jax array that is spread over more")
    platforms = sorted({device.platform for device in array.devices()})
    here = platforms == ["cpu"]
    values = np.asarray(array) if here else array
    return ConvertedAdapter(values, f"jax array on {platforms[0]}", in_memory=here)
