"""Datasets of HDF5 files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ..source import Region
from .adapter import map_here, plain, plain_dtype
from .stamps import fingerprint, same_file, stamp_file, stat_file

# How HDF5 itself notes what belongs to an axis; no more is said there than in `dims`.
_INTERNAL = ("CLASS", "DIMENSION_LABELS", "DIMENSION_LIST", "NAME", "REFERENCE_LIST")
# Drivers that keep the whole file as one on this machine.
_PLAIN_DRIVERS = ("sec2", "stdio", "windows")


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
            raise ValueError("array must have 2 or 3 axes, got an HDF5 dataset without any")
        self._dataset = dataset
        self.dtype = plain_dtype(dataset.dtype)
        self.shape: tuple[int, ...] = dataset.shape
        self.chunks: tuple[int, ...] | None = dataset.chunks
        self._path = dataset.file.filename
        self._opened = stat_file(self._path)
        self.name = f"HDF5 dataset {dataset.name} of {self._path}"

    @property
    def dims(self) -> tuple[Any, ...]:
        """Labels of the axes, or the names of their scales; "" where they have neither."""
        return tuple(map(_label, self._dataset.dims))

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Attributes but those that HDF5 keeps for itself."""
        attrs = self._dataset.attrs
        own = (name for name in attrs if name not in _INTERNAL and not name.startswith("_"))
        return {name: _plain_attr(attrs[name]) for name in own}

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region; all chunks that it touches are read."""
        if not self._dataset:
            raise ValueError("the file was closed")
        if self._is_cut():
            raise OSError("the file has become shorter since it was opened")
        return plain(self._dataset[region.slices])

    def identity(self) -> str | None:
        """Return a text made of the file's size, its time of change and some of its content.

        None for what is open for writing, spread over several files, or not on this machine.
        """
        dataset = self._dataset
        if not dataset or dataset.is_virtual or dataset.external or not self._is_settled():
            return None
        stamp = stamp_file(self._path, self._opened)
        return None if stamp is None else fingerprint("hdf5", dataset.name, stamp)

    def close(self) -> None:
        """Nothing is under way; the file stays open."""

    def _is_settled(self) -> bool:
        """Whether the dataset's file is one on this machine, and not open for writing."""
        file = self._dataset.file
        return file.mode == "r" and file.driver in _PLAIN_DRIVERS

    def _is_cut(self) -> bool:
        """Whether the file has lost its end, in whose place HDF5 reads zeros."""
        opened, now = self._opened, stat_file(self._path)
        if opened is None or now is None or not same_file(opened, now):
            return False
        return self._is_settled() and now[2] < opened[2]


def _plain_attr(value: Any) -> Any:
    """Attribute as Python has it: netCDF keeps one number as an array, and text as bytes."""
    value = value.item() if getattr(value, "size", 0) == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _label(dimension: Any) -> str:
    if dimension.label:
        return str(dimension.label)
    return str(dimension[0].name).rsplit("/", 1)[-1] if len(dimension) else ""
