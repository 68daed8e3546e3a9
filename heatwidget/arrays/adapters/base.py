"""What most adapters have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..source import Region, T, map_here
from .adapter import Mapped


class ArrayAdapter(ABC):
    """Base of an adapter for arrays of another library; see `register_adapter`.

    A subclass sets `shape` and `dtype`, and reads regions. All else has a default.

    Attributes
    ----------
    shape : tuple of int
        Sizes of the axes.
    dtype : dtype
        A type of real numbers that numpy knows.
    name : str
        What the array is, for messages. By default the name of the class.
    chunks : tuple of int or None
        Sizes in which it is best read.
    in_memory : bool
        Whether a read costs no more than an access to memory. False by default: then arrays
        are read in a background thread.
    dims : tuple of str or None
        Names of the axes, where the array has some.
    coords : tuple
        Numbers or texts of each axis, None where it has none; or nothing.
    attrs : mapping
        Anything else that is known: ``long_name`` and ``units`` say what is measured.

    Examples
    --------
    An adapter that computes the values of a region when it is read.

    >>> class SumsAdapter(hw.ArrayAdapter):
    ...     dims = ("layer", "token")
    ...     def __init__(self, sizes):
    ...         self.shape, self.dtype = sizes, np.dtype(float)
    ...     def read(self, region):
    ...         rows, columns = (np.arange(*bounds) for bounds in region.bounds)
    ...         return np.add.outer(rows, columns).astype(float)
    >>> from heatwidget.arrays import Region
    >>> SumsAdapter((3, 4)).read(Region(((1, 3), (0, 4))))  # rows 1 and 2, all columns
    array([[1., 2., 3., 4.],
           [2., 3., 4., 5.]])
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None = None
    in_memory: bool = False
    dims: tuple[Any, ...] | None = None
    coords: tuple[Any, ...] = ()
    attrs: Mapping[str, Any] = MappingProxyType({})

    # Unlike a property, it can be set in a subclass's own __init__.
    @cached_property
    def name(self) -> str:
        """What the array is, for messages."""
        return type(self).__name__.removesuffix("Adapter")

    @abstractmethod
    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region, a masked array where some are not there.

        Parameters
        ----------
        region : Region
            ``region.slices`` is an index for numpy, ``region.shape`` the shape to return.
        """

    def map(
        self, function: Callable[[Region, NDArray[Any]], T], regions: Iterable[Region]
    ) -> Mapped[T]:
        """Yield ``function(region, values)`` of each region; here, one after another."""
        return map_here(self, function, regions)

    def identity(self) -> str | None:
        """Return a text that differs once the values differ; None where that is not known."""
        return None

    def check(self) -> None:  # noqa: B027  # most have nothing to check
        """Raise OSError if another file has taken the place of the one that was opened."""

    def close(self) -> None:  # noqa: B027  # nor to end
        """Cancel what is under way. Twice does no harm."""
