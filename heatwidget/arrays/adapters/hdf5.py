"""Datasets of HDF5 files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..source import Region
from .adapter import map_here, plain, plain_dtype
from .packing import PACKING_ATTRS, Packing, unpacked
from .stamps import check_place, fingerprint, same_file, stamp_file, stat_file

# How HDF5 itself notes what belongs to an axis; no more is said there than in `dims`.
_INTERNAL = (
    *("CLASS", "DIMENSION_LABELS", "DIMENSION_LIST", "NAME", "REFERENCE_LIST"),
    "coordinates",  # of netCDF
)
# Drivers that keep the whole file as one on this machine.
_PLAIN_DRIVERS = ("sec2", "stdio", "windows")
# What netCDF notes at a scale that stands for the length of an axis alone.
_ONLY_A_LENGTH = "This is a netCDF dimension but not a netCDF variable"


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
    def adapter(self) -> Hdf5Adapter:
        """How it is read: made once, because the file is opened for it."""
        return Hdf5Adapter(self)

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
        values = self.adapter.read(Region(tuple((0, size) for size in self.shape)))
        return values if dtype is None else values.astype(dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return some of the values, of which all are read."""
        part: NDArray[Any] = np.asarray(self)[key]
        return part

    def __repr__(self) -> str:
        """Return what it is, in one line."""
        return f"<HDF5 dataset {self.name!r} of {self.path}, closed>"


class Hdf5Adapter:
    """A dataset of an HDF5 file, which the user has open, or which is opened for each read.

    Parameters
    ----------
    dataset : h5py.Dataset or ClosedDataset
    """

    in_memory = False
    map = map_here

    def __init__(self, dataset: Any) -> None:
        if not isinstance(dataset, ClosedDataset):
            if not dataset:
                raise ValueError(f"array must be in an open file, got {dataset!r}")
            if dataset.shape is None:
                raise ValueError("array must have 2 or 3 axes, got an HDF5 dataset without any")
        self._dataset = dataset
        with self._opened_dataset() as found:
            self._stored = found.dtype
            raw: np.dtype[Any] = plain_dtype(found.dtype)
            self._packing = Packing.of(raw, _attrs(found, (*PACKING_ATTRS, "dtype")))
            self.shape: tuple[int, ...] = found.shape
            self.chunks: tuple[int, ...] | None = found.chunks
            self._path = found.file.filename
            self._opened = stat_file(self._path)
            self._name = found.name
            self._spread = bool(found.is_virtual or found.external)
            self._facts = self._said(found) if isinstance(dataset, ClosedDataset) else None
        self.dtype = raw if self._packing is None else self._packing.dtype
        self.name = f"HDF5 dataset {self._name} of {self._path}"

    @property
    def dims(self) -> tuple[Any, ...]:
        """Labels of the axes, or the names of their scales; "" where they have neither."""
        return self._say()[0]

    @property
    def coords(self) -> tuple[Any, ...]:
        """What the scale of each axis holds, None where it has none that fits."""
        return self._say()[1]

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Attributes but those that HDF5 keeps for itself, or that told how to unpack."""
        return self._say()[2]

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region; all chunks that it touches are read."""
        closed = isinstance(self._dataset, ClosedDataset)
        if not closed and not self._dataset:
            raise ValueError("the file was closed")
        if closed and not self._is_there():
            raise OSError(
                "the file was replaced, or is gone, since it was opened: refresh() shows what"
                " there is now, and heatwidget.open reads it"
            )
        with self._opened_dataset() as dataset:
            if not closed and self._is_cut(dataset.file):
                raise OSError("the file has become shorter since it was opened")
            if closed and not self._fits(dataset):
                raise OSError(f"it has become one of shape {dataset.shape}, {dataset.dtype}")
            return unpacked(self._packing, plain(dataset[region.slices]))

    def identity(self) -> str | None:
        """Return a text made of the file's size, its time of change and some of its content.

        None for what is open for writing, spread over several files, or not on this machine.
        """
        if not self._dataset or self._spread:
            return None
        if not isinstance(self._dataset, ClosedDataset) and not _is_settled(self._dataset.file):
            return None
        stamp = stamp_file(self._path, self._opened)
        facts = (self._name, *([] if self._packing is None else [self._packing]))
        return None if stamp is None else fingerprint("hdf5", *facts, stamp)

    def check(self) -> None:
        """See that no other file has taken the place of the one that was opened."""
        check_place(self._path, self._opened)

    def close(self) -> None:
        """Nothing is under way; the user's file stays open."""

    def _opened_dataset(self) -> AbstractContextManager[Any]:
        if isinstance(self._dataset, ClosedDataset):
            return self._dataset.opened()
        return _as_it_is(self._dataset)

    def _say(self) -> tuple[tuple[Any, ...], tuple[Any, ...], Mapping[str, Any]]:
        """Dims, coords and attributes: of a user's dataset what it says now."""
        return self._said(self._dataset) if self._facts is None else self._facts

    def _said(self, dataset: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], Mapping[str, Any]]:
        sides = range(dataset.ndim)
        hidden = (*_INTERNAL, *PACKING_ATTRS, *(() if self._packing is None else ("dtype",)))
        own = (n for n in dataset.attrs if n not in hidden and not n.startswith("_"))
        attrs = {name: _plain_attr(value) for name, value in _attrs(dataset, own).items()}
        dims = tuple(_label(dataset.dims[at]) for at in sides)
        return dims, tuple(_coords(dataset, at, dims[at]) for at in sides), attrs

    def _is_there(self) -> bool:
        """Whether the file is the one that was opened; some disks number files anew."""
        opened, now = self._opened, stat_file(self._path)
        same = same_file(opened, now) or (opened is not None and opened[2:] == (now or ())[2:])
        return now is not None and same

    def _fits(self, dataset: Any) -> bool:
        """Whether it is the array that was opened, or has grown since."""
        same = dataset.ndim == len(self.shape) and dataset.dtype == self._stored
        return same and all(n >= was for n, was in zip(dataset.shape, self.shape, strict=True))

    def _is_cut(self, file: Any) -> bool:
        """Whether the file has lost its end, in whose place HDF5 reads zeros."""
        opened, now = self._opened, stat_file(self._path)
        if opened is None or now is None or not same_file(opened, now):
            return False
        return _is_settled(file) and now[2] < opened[2]


@contextmanager
def _as_it_is(dataset: Any) -> Iterator[Any]:
    yield dataset


def _is_settled(file: Any) -> bool:
    """Whether a file is one on this machine, and not open for writing."""
    return bool(file.mode == "r" and file.driver in _PLAIN_DRIVERS)


def _attrs(dataset: Any, names: Iterable[str]) -> dict[str, Any]:
    """Those of some attributes that are there, and of a type that numpy has."""
    found = {}
    for name in names:
        if name in dataset.attrs:
            with suppress(TypeError, ValueError, OSError):
                found[name] = dataset.attrs[name]
    return found


def _plain_attr(value: Any) -> Any:
    """Attribute as Python has it: netCDF keeps one number as an array, and text as bytes."""
    value = value.item() if getattr(value, "size", 0) == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _label(dimension: Any) -> str:
    if dimension.label:
        return str(dimension.label)
    return str(dimension[0].name).rsplit("/", 1)[-1] if len(dimension) else ""


def _coords(dataset: Any, at: int, name: str) -> Any:
    """What an axis's scale holds, or the array beside that has its name, for each index."""
    dimension, size = dataset.dims[at], dataset.shape[at]
    beside = dataset.parent.get(name) if name else None
    scale: Any = dimension[0] if len(dimension) else beside
    if getattr(scale, "shape", None) is None or scale == dataset:
        return None
    if str(_plain_attr(scale.attrs.get("NAME", ""))).startswith(_ONLY_A_LENGTH):
        return None
    letters = scale.ndim == 2 and scale.dtype == np.dtype("S1")  # as netCDF has texts too
    if scale.shape[:1] != (size,) or (scale.ndim != 1 and not letters):
        return None
    if scale.dtype.kind == "O" and (scale.dtype.metadata or {}).get("vlen") not in (str, bytes):
        return None
    if scale.dtype.kind not in "biufSO":
        return None
    values = scale[...]
    if letters:
        return [b"".join(row.tolist()) for row in values]
    return unpacked(Packing.of(values.dtype, _attrs(scale, (*PACKING_ATTRS, "dtype"))), values)
