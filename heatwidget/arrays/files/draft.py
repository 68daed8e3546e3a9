"""An array as it is about to be written."""

from __future__ import annotations

from collections.abc import Iterator
from math import lcm, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..adapters import adapt
from ..labelled import LabelledArray
from ..source import Block, NumpySource, Region
from ..stored import StoredSource
from .labels import Labels

_EXTRA_BYTES = 64 << 10  # of a file besides values and labels


class Draft:
    """Labels of an array as a text, and its values block by block.

    Parameters
    ----------
    array : LabelledArray
    block_bytes : int
        Of values that are in memory at a time.

    Raises
    ------
    TypeError
        If an attribute is nothing that JSON can hold, or the values are long doubles, which
        other machines could not read.
    """

    def __init__(self, array: LabelledArray, *, block_bytes: int = 64 << 20) -> None:
        self.block_bytes = block_bytes
        self.labels = Labels.of(array)
        self.text = self.labels.to_text()
        self._source = NumpySource(array) if adapt(array.data) is None else StoredSource(array)
        self.shape = array.shape
        self.dtype: np.dtype[Any] = self._source.dtype.newbyteorder("=")
        if self.dtype.itemsize > 8:
            raise TypeError(
                f"array must have at most 64 bits a value to be saved, got {self.dtype}"
            )

    def blocks(self, multiple: int = 1) -> Iterator[tuple[Region, NDArray[Any]]]:
        """Yield the values as they follow each other in memory, some whole rows at a time.

        Parameters
        ----------
        multiple : int
            Of how many rows, in which what is written is chunked.
        """
        n_rows, *others = self.shape
        thickness = self._thickness(multiple)
        for start in range(0, n_rows, thickness):
            rows = (start, min(start + thickness, n_rows))
            region = Region((rows, *((0, size) for size in others)))
            yield region, self._filled(self._source.read(region))

    @property
    def n_bytes(self) -> int:
        """Bytes that a file of it takes at most, without compression."""
        widest = max(self.dtype.itemsize, 4)  # what one format lacks another type stands for
        return prod(self.shape) * widest + len(self.text) + _EXTRA_BYTES

    @property
    def most_rows(self) -> int:
        """Number of rows that memory has room for at a time."""
        return max(self.block_bytes // (prod(self.shape[1:]) * self.dtype.itemsize), 1)

    def _thickness(self, multiple: int) -> int:
        """Rows in a block: whole chunks where there is room, so that each is touched once."""
        stored = self._source.chunks[0] if self._source.chunks else 1
        most = self.most_rows
        chunk = next((n for n in (lcm(stored, multiple), multiple) if n <= most), 1)
        return most - most % chunk

    def _filled(self, block: Block) -> NDArray[Any]:
        """Values of a block in the type that is written, NaN where there is none."""
        values = block.values
        if block.pending is not None and block.pending.any():
            if self.dtype.kind != "f":
                raise ValueError(
                    f"array has masked values, which are saved as NaN: {self.dtype} has none"
                )
            values = np.where(block.pending, self.dtype.type(np.nan), values)
        return np.ascontiguousarray(values, self.dtype)
