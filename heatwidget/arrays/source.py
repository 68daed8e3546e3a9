"""Where a picture's values are read from, one region at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .axis import Axis
from .extent import ValueRange, scan_values

if TYPE_CHECKING:
    from .labelled import LabelledArray

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Region:
    """Half-open box of array indices.

    Parameters
    ----------
    bounds : tuple of (start, stop)
        One pair for each axis of the array.
    """

    bounds: tuple[tuple[int, int], ...]

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index for numpy."""
        return tuple(slice(start, stop) for start, stop in self.bounds)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of indices along each axis."""
        return tuple(max(stop - start, 0) for start, stop in self.bounds)

    @property
    def size(self) -> int:
        """Number of cells in the box."""
        return prod(self.shape)


class Block(NamedTuple):
    """Values of one region, and which of them are not there (yet).

    `values` is an ndarray of real numbers in the array's own axis order, possibly a view
    of the user's memory: read it, never write. `pending` is an ndarray of bool of the
    same shape, or None when every value is there. `count` says how many array cells each
    value stands for, as integers that broadcast to the shape of `values`; None is one each.
    """

    values: NDArray[Any]
    pending: NDArray[np.bool_] | None
    count: NDArray[np.integer[Any]] | None = None  # type: ignore[assignment]  # hides tuple's own


class Storage(Protocol):
    """How the values of an array are kept, wherever that is."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        ...

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Sizes in which the values are best read, or None when any region will do."""
        ...

    @property
    def in_memory(self) -> bool:
        """Whether a read costs no more than an access to memory."""
        ...

    def identity(self) -> str | None:
        """Return a text that differs once the values differ, or None where that is not known."""
        ...

    def close(self) -> None:
        """Read nothing more, and cancel what is under way. Twice does no harm."""
        ...


class ArraySource(Storage, Protocol):
    """What the frames need of an array."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes in the array's own order."""
        ...

    def read(self, region: Region) -> Block:
        """Return the values of a region, in the array's own axis order."""
        ...

    def map(
        self, function: Callable[[Region, Block], T], regions: Iterable[Region]
    ) -> Generator[tuple[Region, T], None, None]:
        """Yield ``function(region, block)`` of each region, made where the values are.

        In any order. `function` can be pickled; regions are taken one by one, as results
        are. Closing the generator cancels what is still under way.
        """
        ...

    def value_range(self) -> ValueRange:
        """Return the extent of all values."""
        ...

    def take_changed(self) -> tuple[Region, ...]:
        """Return what has changed since the last call, and forget it."""
        ...

    def refresh(self) -> None:
        """Count everything as changed."""
        ...

    def take_error(self) -> Exception | None:
        """Return what went wrong unseen since the last call, or None."""
        ...


def map_here(
    self: Any, function: Callable[[Region, Any], T], regions: Iterable[Region]
) -> Generator[tuple[Region, T], None, None]:
    """Yield ``function(region, read)`` of each region, in order: `map` of what is read here."""
    for region in regions:
        yield region, function(region, self.read(region))


class NumpySource:
    """Source over a numpy array in memory; nothing is copied.

    Parameters
    ----------
    array : LabelledArray
        A masked array's masked values count as pending: they are not there.
    """

    __slots__ = ("_array", "_changed", "_mask", "_range", "_values", "axes")

    chunks = None
    in_memory = True
    map = map_here

    def __init__(self, array: LabelledArray) -> None:
        self.axes = array.axes
        self._array = array.values
        self._values: NDArray[Any] = np.ma.getdata(array.values)
        self._mask = _mask_of(array.values)
        self._range: ValueRange | None = None
        self._changed: tuple[Region, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self._values.dtype

    def read(self, region: Region) -> Block:
        """Return the values of a region, as a view."""
        pending = None if self._mask is None else self._mask[region.slices]
        return Block(self._values[region.slices], pending)

    def value_range(self) -> ValueRange:
        """Return the extent of all values; kept until `refresh`."""
        if self._range is None:
            self._range = scan_values(self._values, self._mask)
        return self._range

    def refresh(self) -> None:
        """Take note that the user has changed the array in place, its mask too."""
        self._mask = _mask_of(self._array)
        self._range = None
        self._changed = (Region(tuple((0, axis.size) for axis in self.axes)),)

    def take_changed(self) -> tuple[Region, ...]:
        """Return what has changed since the last call, and forget it."""
        changed, self._changed = self._changed, ()
        return changed

    def take_error(self) -> None:
        """Nobody is told of changes, so nothing goes wrong there."""

    def identity(self) -> None:
        """Only a look at all of it would tell."""

    def close(self) -> None:
        """Nothing is held but the array itself."""


def _mask_of(values: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Mask of an array in which something is masked, else None."""
    return np.ma.getmaskarray(values) if np.ma.is_masked(values) else None
