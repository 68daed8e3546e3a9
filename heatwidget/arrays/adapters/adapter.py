"""What is asked of a kind of array that is no plain numpy array."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..source import Region, Storage, T

# What a kind's `map` yields: a region, and what the function made of its values.
Mapped = Generator[tuple[Region, T], None, None]


class Adapter(Storage, Protocol):
    """What a source needs to know about an array; a small class for each kind.

    The array is never read whole. What a read raises is passed on as it is: `StoredSource`
    says of what it came. To close it leaves the array itself, which belongs to the user.
    """

    @property
    def name(self) -> str:
        """What the array is, for messages: its kind, and where it lies."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        ...

    @property
    def dims(self) -> tuple[Any, ...] | None:
        """Names of the axes where the array says them."""
        ...

    @property
    def coords(self) -> tuple[Any, ...]:
        """Coordinates or labels of each axis, None where the array says none; or nothing."""
        ...

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Anything else the array says of itself."""
        ...

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region, a masked array where some are not there."""
        ...

    def map(
        self, function: Callable[[Region, NDArray[Any]], T], regions: Iterable[Region]
    ) -> Mapped[T]:
        """Yield ``function(region, values)`` of each region, made where the values are."""
        ...

    def check(self) -> None:
        """See that it is still what lies where it was opened.

        Raises
        ------
        OSError
            If another file has taken the place of the one that the user has opened.
        """
        ...


def nothing_to_check(self: Adapter) -> None:
    """`Adapter.check` of what no file takes the place of."""


def plain_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Type in which numpy can compute: float32 for the short ones of ml_dtypes, bfloat16 first.

    Raises
    ------
    TypeError
        If it is no type of real numbers.
    """
    if is_short(dtype):
        return np.dtype(np.float32)
    if dtype.kind not in "biuf":
        raise TypeError(f"array must hold real numbers, got dtype {dtype}")
    return dtype


def plain(values: Any) -> NDArray[Any]:
    """Values as an ndarray, plain or masked, of a type in which numpy can compute."""
    array: NDArray[Any] = np.asanyarray(values)
    if not isinstance(array, np.ma.MaskedArray):
        array = np.asarray(array)
    return array.astype(np.float32, copy=False) if is_short(array.dtype) else array


def is_short(dtype: np.dtype[Any]) -> bool:
    """Whether it is a real type of ml_dtypes, in which numpy itself does not compute."""
    real = dtype.name.startswith(("bfloat", "float", "int", "uint"))
    return dtype.type.__module__ == "ml_dtypes" and real


def is_from(module: str, name: str, value: object) -> bool:
    """Whether a value is of a class of a library, which need not be there."""
    # An instance cannot come from a module that was never imported.
    found = getattr(sys.modules.get(module), name, None)
    return found is not None and isinstance(value, found)
