"""Datasets of HDF5 files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..source import Region, map_here
from .adapter import plain, plain_dtype
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
_PACKING = (*PACKING_ATTRS, "dtype")


class Hdf5Adapter:
    """A dataset of an HDF5 file that the user has open.

    Parameters
    ----------
    dataset : h5py.Dataset
    """

    in_memory = False
    map = map_here

    def __init__(self, dataset: Any) -> None:
        if not dataset:
            raise ValueError(f"array must be in an open file, got {dataset!r}")
        if dataset.shape is None:
            raise ValueError("array must have two or more axes, got an HDF5 dataset without any")
        self._dataset = dataset
        self._take(dataset)

    def _take(self, dataset: Any) -> None:
        """Note what is not looked up again."""
        raw = plain_dtype(dataset.dtype)
        self._packing = Packing.of(raw, _attrs(dataset, _PACKING))
        self.dtype = raw if self._packing is None else self._packing.dtype
        self.shape: tuple[int, ...] = dataset.shape
        self.chunks: tuple[int, ...] | None = dataset.chunks
        self._path = dataset.file.filename
        self._opened = stat_file(self._path)
        self._place = dataset.name
        self._spread = bool(dataset.is_virtual or dataset.external)
        self.name = f"HDF5 dataset {self._place} of {self._path}"

    @property
    def dims(self) -> tuple[Any, ...]:
        """Labels of the axes, or the names of their scales; "" where they have neither."""
        return tuple(map(_label, self._dataset.dims))

    @property
    def coords(self) -> tuple[Any, ...]:
        """What the scale of each axis holds, None where it has none that fits."""
        return tuple(_coords(self._dataset, at) for at in range(len(self.shape)))

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Attributes but those that HDF5 keeps for itself, or that told how to unpack."""
        hidden = (*_INTERNAL, *PACKING_ATTRS, *(() if self._packing is None else ("dtype",)))
        own = (n for n in self._dataset.attrs if n not in hidden and not n.startswith("_"))
        return {name: _plain_attr(value) for name, value in _attrs(self._dataset, own).items()}

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region; all chunks that it touches are read."""
        return self.at(region.slices)

    def at(self, key: Any) -> NDArray[Any]:
        """Return the values at an index of h5py."""
        with self._looked_at() as dataset:
            return unpacked(self._packing, plain(dataset[key]))

    def identity(self) -> str | None:
        """Return a text made of the file's size, its time of change and some of its content.

        None for what is open for writing, spread over several files, or not on this machine.
        """
        if self._spread or not self._is_settled():
            return None
        stamp = stamp_file(self._path, self._opened)
        facts = (self._place, *([] if self._packing is None else [self._packing]))
        return None if stamp is None else fingerprint("hdf5", *facts, stamp)

    def check(self) -> None:
        """See that no other file has taken the place of the one that was opened."""
        check_place(self._path, self._opened)

    def close(self) -> None:
        """Nothing is under way; the user's file stays open."""

    @contextmanager
    def _looked_at(self) -> Iterator[Any]:
        """Dataset to be read now, or an error where it would not give what it holds."""
        if not self._dataset:
            raise ValueError("the file was closed")
        if self._is_cut():
            raise OSError("the file has become shorter since it was opened")
        yield self._dataset

    def _is_settled(self) -> bool:
        """Whether the dataset's file is one on this machine, and not open for writing."""
        if not self._dataset:
            return False
        file = self._dataset.file
        return bool(file.mode == "r" and file.driver in _PLAIN_DRIVERS)

    def _is_cut(self) -> bool:
        """Whether the file has lost its end, in whose place HDF5 reads zeros."""
        opened, now = self._opened, stat_file(self._path)
        if opened is None or now is None or not same_file(opened, now):
            return False
        return self._is_settled() and now[2] < opened[2]


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


def _coords(dataset: Any, at: int) -> Any:
    """What an axis's scale holds, or the array beside that has its name, for each index."""
    dimension, size = dataset.dims[at], dataset.shape[at]
    name = _label(dimension)
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
    return unpacked(Packing.of(values.dtype, _attrs(scale, _PACKING)), values)
