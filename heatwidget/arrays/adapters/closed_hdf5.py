"""Datasets of HDF5 files that are open only while they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .hdf5 import Hdf5Adapter
from .stamps import same_file, stat_file


class ClosedDataset:
    """A dataset of a file that is open only while it is looked at.

    HDF5 opens no file for writing, in the same process, while it is open for reading.

    Parameters
    ----------
    path, name : str
        Of the file, and of the dataset in it.
    reading : callable
        Of a path: opens the file as a context.
    """

    def __init__(
        self, path: str, name: str, reading: Callable[[str], AbstractContextManager[Any]]
    ) -> None:
        self.path, self.name, self._reading = path, name, reading

    @cached_property
    def adapter(self) -> ClosedHdf5Adapter:
        """How it is read: made once, because the file is opened for it."""
        return ClosedHdf5Adapter(self)

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the file; the dataset, or ValueError where there is none any more."""
        with self._reading(self.path) as file:
            dataset = file.get(self.name)
            if getattr(dataset, "shape", None) is None:
                raise ValueError(f"the file has no array {self.name!r}")
            yield dataset

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self.adapter.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.adapter.dtype

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all values."""
        values = self.adapter.at(...)
        return values if dtype is None else values.astype(dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return the values at an index of h5py."""
        return self.adapter.at(key)

    def __repr__(self) -> str:
        """Return what it is, in one line."""
        return f"<HDF5 dataset {self.name!r} of {self.path}, closed>"


class ClosedHdf5Adapter(Hdf5Adapter):
    """A dataset whose file is opened for each read.

    Parameters
    ----------
    dataset : ClosedDataset
    """

    dims: tuple[Any, ...] = ()
    coords: tuple[Any, ...] = ()
    attrs: Mapping[str, Any] = {}

    def __init__(self, dataset: ClosedDataset) -> None:
        self._closed = dataset
        with dataset.opened() as found:
            open_one = Hdf5Adapter(found)
            self._take(found)
            self._stored = found.dtype
            self.dims, self.coords, self.attrs = open_one.dims, open_one.coords, open_one.attrs

    @contextmanager
    def _looked_at(self) -> Iterator[Any]:
        if not self._is_there():
            raise OSError(
                "the file was replaced, or is gone, since it was opened: refresh() shows what"
                " there is now, and heatwidget.open reads it"
            )
        with self._closed.opened() as dataset:
            if not self._fits(dataset):
                raise OSError(f"it has become one of shape {dataset.shape}, {dataset.dtype}")
            yield dataset

    def _is_settled(self) -> bool:
        return True

    def _is_there(self) -> bool:
        """Whether the file is the one that was opened; some disks number files anew."""
        opened, now = self._opened, stat_file(self._path)
        if opened is None or now is None:
            return False
        return same_file(opened, now) or opened[2:] == now[2:]

    def _fits(self, dataset: Any) -> bool:
        """Whether it is the array that was opened, or has grown since."""
        same = dataset.ndim == len(self.shape) and dataset.dtype == self._stored
        return same and all(n >= was for n, was in zip(dataset.shape, self.shape, strict=True))
