"""Arrays as numpy writes them: ``.npy``."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contents import VALUES, Contents, Entry, UnknownTypeError


class Header(NamedTuple):
    """What stands before the values, in a file of its own or inside another one."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    def map(self, path: Path, offset: int) -> NDArray[Any]:
        """Return the values that start at a byte of a file, mapped into memory."""
        if self.dtype.hasobject:
            raise UnknownTypeError(f"array must hold real numbers, got pickled objects (in {path})")
        order = "F" if self.fortran else "C"
        return np.memmap(path, self.dtype, "r", offset, self.shape, order)  # type: ignore[call-overload, no-any-return]


def read_header(file: IO[bytes]) -> Header:
    """Header of an array, with the file left at its first value.

    Raises
    ------
    ValueError
        If there is none.
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return Header(*np.lib.format.read_array_header_1_0(file))
    return Header(*np.lib.format.read_array_header_2_0(file))


def read(path: Path) -> Contents:
    """Return the one array of a file, to be mapped into memory."""
    with path.open("rb") as file:
        header, offset = read_header(file), file.tell()
    entry = Entry(header.shape, header.dtype, lambda: header.map(path, offset))
    return Contents({VALUES: entry})
