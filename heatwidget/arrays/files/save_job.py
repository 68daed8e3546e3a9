"""Data of one save: the labels as text and the values block by block."""

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

_EXTRA_BYTES = 64 << 10  # size of a file beyond its values and labels


class SaveJob:
    """Array to be saved: its labels as text, and its values block by block.

    Parameters
    ----------
    array : LabelledArray
    block_bytes : int
        Of values that are in memory at a time.

    Raises
    ------
    TypeError
        If an attribute cannot be written as JSON, or the values are long doubles, which are
        not portable.
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
        """Yield regions of whole rows and their values, in C order.

        Parameters
        ----------
        multiple : int
            Number of rows of a chunk in the file. A block holds whole chunks if they fit.
        """
        n_rows, *others = self.shape
        thickness = self._thickness(multiple)
        for start in range(0, n_rows, thickness):
            rows = (start, min(start + thickness, n_rows))
            region = Region((rows, *((0, size) for size in others)))
            yield region, self._filled(self._source.read(region))

    @property
    def n_bytes(self) -> int:
        """Upper limit of the size of the file in bytes, without compression."""
        widest = max(self.dtype.itemsize, 4)  # netCDF has no float16 and takes float32 instead
        return prod(self.shape) * widest + len(self.text) + _EXTRA_BYTES

    @property
    def max_rows(self) -> int:
        """Number of rows of a block in memory."""
        return max(self.block_bytes // (prod(self.shape[1:]) * self.dtype.itemsize), 1)

    def _thickness(self, multiple: int) -> int:
        """Rows of a block: whole chunks if they fit, so that each chunk is accessed once."""
        stored = self._source.chunks[0] if self._source.chunks else 1
        max_ = self.max_rows
        chunk = next((n for n in (lcm(stored, multiple), multiple) if n <= max_), 1)
        return max_ - max_ % chunk

    def _filled(self, block: Block) -> NDArray[Any]:
        """Values of a block in the type of the file, NaN where they are pending."""
        values = block.values
        if block.pending is not None and block.pending.any():
            if self.dtype.kind != "f":
                raise ValueError(
                    f"array has masked values, which are saved as NaN: {self.dtype} has none"
                )
            values = np.where(block.pending, self.dtype.type(np.nan), values)
        return np.ascontiguousarray(values, self.dtype)
