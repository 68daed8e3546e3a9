"""Arrays as numpy writes them: ``.npy``."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contents import VALUES, Contents, Entry, UnknownTypeError
from .libraries import needed

# As what numpy writes the short types of ml_dtypes: bare bytes. Of those with two there is one.
_TWO_BYTES, _ONE_BYTE = np.dtype("V2"), np.dtype("V1")
_BFLOAT16 = "bfloat16"


class Header(NamedTuple):
    """What stands before the values, in a file of its own or inside another one."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def word(self) -> np.dtype[Any] | str:
        """Type of the values, as it is called."""
        return _BFLOAT16 if self.dtype == _TWO_BYTES else self.dtype

    def map(self, path: Path, offset: int) -> NDArray[Any]:
        """Return the values that start at a byte of a file, mapped into memory."""
        dtype, order = self.readable(path), "F" if self.fortran else "C"
        return np.memmap(path, dtype, "r", offset, self.shape, order)  # type: ignore[call-overload, no-any-return]

    def readable(self, path: Path) -> np.dtype[Any]:
        """Type as which values are read.

        Raises
        ------
        UnknownTypeError
            If they are none that is read.
        """
        if self.dtype.hasobject:
            raise UnknownTypeError(f"array must hold real numbers, got pickled objects (in {path})")
        if self.dtype == _ONE_BYTE:
            raise UnknownTypeError(
                f"array must hold real numbers, got bare bytes (in {path}), as numpy writes the"
                " floats of 8 bits: numpy.load(path).view(ml_dtypes.float8_e4m3fn), or of"
                " another type, gives them back"
            )
        if self.dtype != _TWO_BYTES:
            return self.dtype
        with needed("safetensors", path):
            import ml_dtypes
        short: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return short


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
    return Contents({VALUES: Entry(header.shape, header.word, lambda: header.map(path, offset))})
