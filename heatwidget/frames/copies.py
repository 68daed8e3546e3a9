"""The whole of an array, as far as it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.axis import Axis
from ..arrays.source import Block, Region


class Copy:
    """The whole of an array, as far as it was read, in its own type and order of axes.

    Parameters
    ----------
    axes : tuple of Axis
    dtype : dtype
    """

    chunks = None
    in_memory = True

    def __init__(self, axes: tuple[Axis, ...], dtype: np.dtype[Any]) -> None:
        self.axes = axes
        shape = tuple(axis.size for axis in axes)
        self._values = np.zeros(shape, dtype)
        self._pending = np.ones(shape, bool)

    def read(self, region: Region) -> Block:
        """Return the values of a region; what was not read is pending."""
        pending = self._pending[region.slices]
        return Block(self._values[region.slices], pending if pending.any() else None)

    def merge(self, region: Region, parts: Sequence[Block]) -> None:
        """Take in a region."""
        self._own()
        values, pending, _ = parts[0]
        self._values[region.slices] = values
        self._pending[region.slices] = False if pending is None else pending

    def clear(self, region: Region) -> None:
        """Forget a region."""
        self._own()
        self._pending[region.slices] = True

    @contextmanager
    def rewritten(self, region: Region) -> Iterator[None]:
        """Forget a region, to be merged anew within the context."""
        self.clear(region)
        yield

    def whole(self, region: Region) -> Region:
        """Return the region itself: each cell stands alone."""
        return region

    def lift(self, region: Region) -> None:
        """Nothing else is made of it."""

    @property
    def description(self) -> str:
        """What its parts are."""
        return f"copy {self._values.dtype.str}"

    def parts(self) -> dict[str, NDArray[Any]]:
        """Return all that it holds, by name; changes are made to copies from now on."""
        self._values.flags.writeable = self._pending.flags.writeable = False
        return {"values": self._values, "pending": self._pending}

    def restore(self, parts: Mapping[str, NDArray[Any]]) -> None:
        """Take the parts of another one with the same description."""
        # It is small: a look at it does not wait for the disk.
        self._values, self._pending = parts["values"].copy(), parts["pending"].copy()

    def settle(self) -> None:
        """Nothing is kept that would say nothing."""

    def _own(self) -> None:
        if not self._values.flags.writeable:
            self._values, self._pending = self._values.copy(), self._pending.copy()
