"""Arrays kept by zarr, in a folder or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..source import Region
from .adapter import map_here, plain, plain_dtype
from .stamps import fingerprint, stamp_file, stamp_folder, stat_file

# Files of which a folder that holds an array has one, by format.
_METADATA_FILES = ("zarr.json", ".zarray")


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
        self.dtype = plain_dtype(array.dtype)
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.chunks: tuple[int, ...] = tuple(array.chunks)
        self.attrs: Mapping[str, Any] = dict(array.attrs)
        self._folder = _folder(array)
        self._zip = getattr(array.store, "path", None) if _is_kept(array, "ZipStore") else None
        self._opened = None if self._zip is None else stat_file(self._zip)

    @property
    def name(self) -> str:
        """What the array is, for messages."""
        where = self._folder or self._zip or self._array.store
        return f"zarr array {where}"

    @property
    def dims(self) -> tuple[Any, ...] | None:
        """Names of the axes: zarr's own of format 3, those of xarray in format 2."""
        names = getattr(getattr(self._array, "metadata", None), "dimension_names", None)
        names = names or self.attrs.get("_ARRAY_DIMENSIONS")
        return None if names is None else tuple(names)

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region; all chunks that it touches are read."""
        folder = self._folder
        if folder is not None and not any((folder / name).exists() for name in _METADATA_FILES):
            raise FileNotFoundError("the folder holds no array any more")
        return plain(self._array[region.slices])

    def identity(self) -> str | None:
        """Return a text made of names, sizes, times of change and a sample of all files.

        Of a zip file, of its content. None for what is neither in a folder nor in a zip file.
        """
        stamp = None
        if self._folder is not None:
            stamp = stamp_folder(self._folder)
        elif self._zip is not None and self._array.read_only:
            stamp = stamp_file(self._zip, self._opened)
        facts = ("zarr", self._array.path, self.shape, str(self.dtype), self.chunks)
        return None if stamp is None else fingerprint(facts, stamp)

    def close(self) -> None:
        """Nothing is under way."""


def _folder(array: Any) -> Path | None:
    """Folder of an array's own files on this machine."""
    if not _is_kept(array, "LocalStore", "DirectoryStore", "NestedDirectoryStore"):
        return None
    store = array.store
    return Path(store.root if hasattr(store, "root") else store.path, array.path)


def _is_kept(array: Any, *stores: str) -> bool:
    return type(array.store).__name__ in stores
