"""Files mapped into memory by numpy."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..source import Region, map_here
from .adapter import plain, plain_dtype
from .stamps import check_place, fingerprint, same_file, sample_blocks, stat_file


class MappedAdapter:
    """A numpy array whose values lie in a mapped file.

    A file that has become shorter than its map would end the process at the first access
    beyond its end; so its length is looked at before each read. What another program does
    to the file between that look and the access cannot be guarded against.

    Parameters
    ----------
    array : np.memmap, or an ndarray over one
    """

    chunks = None
    in_memory = False
    dims = None
    coords = ()
    map = map_here

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = np.asarray(array)
        # A part without a cell is a memmap that knows no file.
        maps = (base for base in _bases(array) if isinstance(base, np.memmap))
        self._file = next(file for file in maps if file.offset is not None)
        self._map = next(base for base in _bases(array) if isinstance(base, mmap.mmap))
        self._opened = None if self._path is None else stat_file(self._path)
        self.shape, self.dtype = self._array.shape, plain_dtype(self._array.dtype)
        self.attrs: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        """What the array is, for messages."""
        return f"memory map {self._path or 'without a file name'}"

    @property
    def _path(self) -> str | None:
        return None if self._file.filename is None else os.fspath(self._file.filename)

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region, as a view of the map where their type is plain."""
        missing = self._n_missing()
        if missing > 0:
            raise OSError(f"the file has lost {missing} bytes since it was mapped")
        return plain(self._array[region.slices])

    def identity(self) -> str | None:
        """Return a text made of the file's size, its time of change and some of its content.

        None for a map that can be written to, of which the time tells nothing, and for a
        file that is no longer the one that was mapped.
        """
        now = None if self._path is None else stat_file(self._path)
        if self._file.mode != "r" or now is None or not same_file(self._opened, now):
            return None
        if self._n_missing() > 0:
            return None
        digest = hashlib.sha256()
        for block in sample_blocks(len(self._map)):
            digest.update(self._map[block])
        place = self._array.__array_interface__["data"][0] - _address(self._map)
        layout = (place, self._array.strides, self.shape, self._array.dtype.str)
        return fingerprint("memory map", now[2:], layout, digest.hexdigest())

    def check(self) -> None:
        """See that no other file has taken the place of the one that was mapped."""
        if self._path is not None:
            check_place(self._path, self._opened)

    def close(self) -> None:
        """Nothing is under way."""

    def _n_missing(self) -> int:
        """How many bytes of the map lie beyond the end of its file."""
        start = self._file.offset - self._file.offset % mmap.ALLOCATIONGRANULARITY
        return start + len(self._map) - self._map.size()


def is_mapped(array: Any) -> bool:
    """Whether an array's values lie in a file mapped by numpy."""
    bases = list(_bases(array))
    return any(isinstance(base, np.memmap) for base in bases) and isinstance(bases[-1], mmap.mmap)


def _bases(array: Any) -> Iterator[Any]:
    """Yield an array, what it is a view of, and so on."""
    while isinstance(array, np.ndarray):
        yield array
        array = array.base
    yield array


def _address(memory: mmap.mmap) -> int:
    return int(np.frombuffer(memory, np.uint8).__array_interface__["data"][0])
