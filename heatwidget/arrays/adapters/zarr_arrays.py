"""Arrays kept by zarr, in a folder or elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from operator import ge
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..source import Region, map_here
from .adapter import plain, plain_dtype
from .packing import PACKING_ATTRS, Packing, unpacked
from .stamps import fingerprint, stamp_file, stamp_folder, stat_file

# Files of which a folder that holds an array has one, by format.
_METADATA_FILES = ("zarr.json", ".zarray")
# Attribute in which xarray names the axes of an array of format 2.
_XARRAY_DIMS = "_ARRAY_DIMENSIONS"


class ZarrAdapter:
    """A zarr array, of format 2 or 3.

    A chunk that is not there holds the fill value: so zarr has it. But a whole array that is
    not there any more is an error.

    Parameters
    ----------
    array : zarr.Array
    """

    in_memory = False
    map = map_here

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.chunks: tuple[int, ...] = tuple(array.chunks)
        self._said = dict(array.attrs)
        raw = plain_dtype(array.dtype)
        self._packing = _packing(array, raw)
        self.dtype = raw if self._packing is None else self._packing.dtype
        self._folder = _folder(array)
        self._zip = getattr(array.store, "path", None) if _is_kept(array, "ZipStore") else None
        self._opened = None if self._zip is None else stat_file(self._zip)
        self._noted = self._stat_metadata()

    @property
    def name(self) -> str:
        """What the array is, for messages."""
        where = self._folder or self._zip or self._array.store
        return f"zarr array {where}"

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Attributes but those that told how to unpack the values."""
        hidden = (_XARRAY_DIMS, "coordinates", *PACKING_ATTRS)
        return {name: value for name, value in self._said.items() if name not in hidden}

    @property
    def dims(self) -> tuple[Any, ...] | None:
        """Names of the axes: zarr's own of format 3, those of xarray in format 2."""
        names = getattr(getattr(self._array, "metadata", None), "dimension_names", None)
        names = names or self._said.get(_XARRAY_DIMS)
        return None if names is None else tuple(names)

    @property
    def coords(self) -> tuple[Any, ...]:
        """What the array beside that has an axis's name holds, None where none fits it."""
        sides = zip(self.dims or (), self.shape, strict=False)
        return tuple(_coords(self._array, name, size) for name, size in sides)

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region; all chunks that it touches are read."""
        self.check()
        return unpacked(self._packing, plain(self._array[region.slices]))

    def identity(self) -> str | None:
        """Return a text made of names, sizes, times of change and a sample of all files.

        Of a zip file, of its content. None for what is neither in a folder nor in a zip file.
        """
        stamp = None
        if self._folder is not None:
            stamp = stamp_folder(self._folder)
        elif self._zip is not None and self._array.read_only:
            stamp = stamp_file(self._zip, self._opened)
        facts: tuple[Any, ...] = (
            "zarr",
            self._array.path,
            self.shape,
            str(self.dtype),
            self.chunks,
        )
        facts += () if self._packing is None else (self._packing,)
        return None if stamp is None else fingerprint(facts, stamp)

    def check(self) -> None:
        """See that the folder holds an array that is stored in the same way, and is no smaller."""
        now = self._stat_metadata()
        if now == self._noted:
            return
        if now is None:
            raise FileNotFoundError("the folder holds no array any more")
        found = _open(self._array, self._array.path)
        grown = len(found.shape) == len(self.shape) and all(map(ge, found.shape, self.shape))
        if not grown or _layout(found) != _layout(self._array):
            raise OSError(
                f"it has become one of shape {found.shape}, {found.dtype}, in chunks of"
                f" {found.chunks}: refresh() shows it, or set_array() of the array opened anew"
            )
        self._noted = now

    def close(self) -> None:
        """Nothing is under way."""

    def _stat_metadata(self) -> tuple[int, ...] | None:
        """What tells whether the array's metadata were written anew; None where there are none."""
        if self._folder is None:
            return None
        stats = (stat_file(self._folder / name) for name in _METADATA_FILES)
        return next((found for found in stats if found is not None), None)


def _open(array: Any, path: str) -> Any:
    """Another array of the same store."""
    zarr: Any = sys.modules["zarr"]  # the array is of it
    return zarr.open_array(store=array.store, path=path, mode="r")


def _layout(array: Any) -> str:
    """How an array is stored: all of its metadata but for its size and what it says of itself."""
    if not hasattr(array, "metadata"):
        return str((array.dtype, array.chunks))
    about = array.metadata.to_dict()
    kept = (name for name in sorted(about) if name not in ("shape", "attributes"))
    return str([(name, about[name]) for name in kept])


def _folder(array: Any) -> Path | None:
    """Folder of an array's own files on this machine."""
    if not _is_kept(array, "LocalStore", "DirectoryStore", "NestedDirectoryStore"):
        return None
    store = array.store
    return Path(store.root if hasattr(store, "root") else store.path, array.path)


def _is_kept(array: Any, *stores: str) -> bool:
    return type(array.store).__name__ in stores


def _packing(array: Any, dtype: np.dtype[Any]) -> Packing | None:
    """How values are packed: of format 2, xarray takes the fill value for a missing one."""
    attrs = dict(array.attrs)
    metadata = getattr(array, "metadata", None)  # the library zarr 2 has none
    if _XARRAY_DIMS in attrs and getattr(metadata, "zarr_format", 2) == 2:
        fill = array.fill_value
        attrs = attrs if fill is None else {"_FillValue": fill, **attrs}
    return Packing.of(dtype, attrs)


def _coords(array: Any, name: Any, size: int) -> Any:
    """What the array of a name in the same group holds, if it has one value for each index."""
    group = array.path.strip("/").rpartition("/")[0]
    if not isinstance(name, str) or not name or name == array.path.strip("/").rpartition("/")[2]:
        return None
    try:
        found = _open(array, f"{group}/{name}".strip("/"))
    except (KeyError, OSError, ValueError):  # there is none, or it is no array
        return None
    if found.shape != (size,):
        return None
    values = np.asarray(found[...])
    return unpacked(_packing(found, values.dtype), values)
