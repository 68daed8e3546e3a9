"""Arrays in numpy's ``.npy`` files."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contents import VALUES, Contents, Entry, UnknownTypeError
from .libraries import require_extra

# numpy writes the types of ml_dtypes as raw bytes. Only one of them has two bytes: bfloat16.
_TWO_BYTES, _ONE_BYTE = np.dtype("V2"), np.dtype("V1")
_BFLOAT16 = "bfloat16"


class Header(NamedTuple):
    """Header of an array in numpy's format, in a file of its own or inside an archive."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def word(self) -> np.dtype[Any] | str:
        """Type of the values; its name for bfloat16."""
        return _BFLOAT16 if self.dtype == _TWO_BYTES else self.dtype

    def map(self, path: Path, offset: int) -> NDArray[Any]:
        """Return the values from byte `offset` of a file on, mapped into memory."""
        dtype, order = self.readable(path), "F" if self.fortran else "C"
        return np.memmap(path, dtype, "r", offset, self.shape, order)  # type: ignore[call-overload, no-any-return]

    def readable(self, path: Path) -> np.dtype[Any]:
        """Type to read the values as.

        Raises
        ------
        UnknownTypeError
            If this package does not read values of their type.
        """
        if self.dtype.hasobject:
            raise UnknownTypeError(f"array must hold real numbers, got pickled objects (in {path})")
        if self.dtype == _ONE_BYTE:
            raise UnknownTypeError(
                f"array must hold real numbers, got raw bytes (in {path}), as numpy writes"
                " 8-bit floats: numpy.load(path).view(ml_dtypes.float8_e4m3fn), or another such"
                " type, restores them"
            )
        if self.dtype != _TWO_BYTES:
            return self.dtype
        with require_extra("safetensors", path):
            import ml_dtypes
        short: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return short


def read_header(file: IO[bytes]) -> Header:
    """Read the header of an array; the file is then at its first value.

    Raises
    ------
    ValueError
        If there is no header.
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return Header(*np.lib.format.read_array_header_1_0(file))
    return Header(*np.lib.format.read_array_header_2_0(file))


def read(path: Path) -> Contents:
    """Return the array of a file, mapped into memory when it is loaded."""
    with path.open("rb") as file:
        header, offset = read_header(file), file.tell()
    return Contents({VALUES: Entry(header.shape, header.word, lambda: header.map(path, offset))})
