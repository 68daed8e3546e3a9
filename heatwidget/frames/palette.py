"""Palettes: the colours of values and of cell states, and the PNG that carries them."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

try:
    from isal.isal_zlib import compress
except ImportError:  # where it is not made for the platform: the same, slower
    from zlib import compress  # type: ignore[assignment]

# A palette PNG has 256 entries: 248 for values, then one for each `CellState`, so that the
# entry of a state is 248 + state. Entry 248 itself (a plain value's state) stays unused.
N_VALUE_COLORS = 248
STATE_COLORS: tuple[str, ...] = (
    "#000000",  # unused
    "#c4abd0",  # pending
    "#00e5ff",  # NaN
    "#ff3dff",  # +inf
    "#00ff66",  # -inf
    "#784b0f",  # zero or negative under log
    "#0000ff",  # below the range
    "#ff2a1f",  # above the range
)

#: Schemes with two hues that part at a middle.
DIVERGING = ("coolwarm",)

# Hardly faster below, hardly smaller above, on noise as on smooth pictures.
_LEVEL = 2


@cache
def palette(scheme: str) -> NDArray[np.uint8]:
    """Colours of a scheme: values from low to high, then the cell states.

    Parameters
    ----------
    scheme : str
        One of `color_schemes`.

    Returns
    -------
    ndarray of uint8, shape (256, 3)
        sRGB; read-only.
    """
    states = [bytes.fromhex(color[1:]) for color in STATE_COLORS]
    colors = np.concatenate([_stored()[scheme], np.array([list(s) for s in states], np.uint8)])
    colors.flags.writeable = False
    return colors


def color_schemes() -> tuple[str, ...]:
    """Names of the colour schemes."""
    return tuple(_stored())


def hex_colors(scheme: str) -> list[str]:
    """Return a palette as 256 texts like ``#440154``."""
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in palette(scheme)]


def encode_png(indices: NDArray[np.uint8], colors: NDArray[np.uint8]) -> bytes:
    """Palette PNG, one pixel a cell.

    Parameters
    ----------
    indices : ndarray of uint8, shape (n_rows, n_columns)
    colors : ndarray of uint8, shape (256, 3)

    Returns
    -------
    bytes
        At most about one byte a cell; the first row is the top one.
    """
    n_rows, n_columns = indices.shape
    # Each line starts with its filter. 1 is the difference to the pixel on the left: neighbours
    # have similar values, so that half or a third is left of what plain indices take.
    lines = np.ones((n_rows, n_columns + 1), np.uint8)
    lines[:, 1] = indices[:, 0]
    np.subtract(indices[:, 1:], indices[:, :-1], out=lines[:, 2:])
    header = struct.pack(">IIBBBBB", n_columns, n_rows, 8, 3, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", colors.tobytes()),
            _chunk(b"IDAT", compress(lines, _LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


@cache
def _stored() -> dict[str, NDArray[np.uint8]]:
    with files(__package__).joinpath("palettes.npz").open("rb") as file, np.load(file) as stored:
        return {name: stored[name] for name in stored.files}
