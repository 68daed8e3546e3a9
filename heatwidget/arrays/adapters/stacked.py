"""Arrays of any kind side by side, along a new first axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..source import Region
from .adapter import Adapter
from .base import ArrayAdapter


@dataclass(frozen=True, slots=True, eq=False)
class StackedArray:
    """Arrays of one shape along a new first axis; none of them is copied.

    Parameters
    ----------
    parts : tuple of array
    """

    parts: tuple[Any, ...]


class StackedAdapter(ArrayAdapter):
    """Reads each part where it is.

    Parameters
    ----------
    parts : sequence of Adapter
        Its own: they are closed with it.
    """

    def __init__(self, parts: Sequence[Adapter]) -> None:
        self._parts = parts
        self.shape = (len(parts), *parts[0].shape)
        self.dtype = np.result_type(*(part.dtype for part in parts))
        chunks = next((part.chunks for part in parts if part.chunks is not None), None)
        self.chunks = None if chunks is None else (1, *chunks)
        self.in_memory = all(part.in_memory for part in parts)

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region, a masked array where some are not there."""
        (start, stop), *bounds = region.bounds
        found = [part.read(Region(tuple(bounds))) for part in self._parts[start:stop]]
        if not found:
            return np.empty(region.shape, self.dtype)
        join: Callable[..., NDArray[Any]] = np.stack
        if any(isinstance(values, np.ma.MaskedArray) for values in found):
            join = np.ma.stack
        return join(found).astype(self.dtype, copy=False)

    def identity(self) -> str | None:
        """Return a text that differs once the values differ, or None where that is not known."""
        known = [part.identity() for part in self._parts]
        return None if None in known else " | ".join(map(str, known))

    def check(self) -> None:
        """See that each part is still what lies where it was opened."""
        for part in self._parts:
            part.check()

    def close(self) -> None:
        """Cancel what is under way."""
        for part in self._parts:
            part.close()
