"""An array of a file that was opened by us, and can be opened anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..source import Region
from .adapter import Adapter

if TYPE_CHECKING:
    from ..labelled import LabelledArray


class FileArray:
    """An array of a file, as it was found when the file was opened.

    Parameters
    ----------
    path : str
    adapter : Adapter
        How it is read.
    reopen : callable
        Opens the file anew: what it holds now, over another `FileArray`.
    """

    def __init__(self, path: str, adapter: Adapter, reopen: Callable[[], LabelledArray]) -> None:
        self.path, self.adapter, self._reopen = path, adapter, reopen
        self.axes: list[Any] | None = None  # as the file names them

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self.adapter.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.adapter.dtype

    def anew(self) -> FileArray:
        """Open the file anew, after it was replaced or written to.

        Raises
        ------
        OSError
            If it is gone, or may not be read.
        ValueError
            If it is damaged, or its array has another shape or other labels.
        """
        found = self._reopen()
        other: FileArray = found.data
        if other.shape != self.shape:
            was = f"shape {self.shape}, and now it is {other.shape}"
        elif other.axes != self.axes:
            was = "other labels"
        else:
            return other
        raise ValueError(
            f"array of {self.path} had {was}: set_array(heatwidget.open({self.path!r})) shows it"
        )

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return a part of the values, all of which are read."""
        part: NDArray[Any] = np.asarray(self)[key]
        return part

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all values."""
        values = self.adapter.read(Region(tuple((0, size) for size in self.shape)))
        return values if dtype is None else values.astype(dtype)

    def __repr__(self) -> str:
        """Return what it is, in one line."""
        return f"<FileArray {self.shape} {self.dtype} of {self.path}>"
