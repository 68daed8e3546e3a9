"""How many cells, pixels and bytes a picture may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Room for what is read, kept and worked on; passed in from above.

    Parameters
    ----------
    small_cells : int
        Cells of an array in memory that are read anew for each frame: a few milliseconds.
    block_cells : int
        Array cells read at a time for a frame: bounds its temporaries to a few tens of megabytes.
    copy_cells : int
        Cells of an array that is not in memory, up to which all of it is kept as it is.
    piece_cells, max_piece_cells : int
        Array cells in a piece of an overview that is put together, and most in one: a larger
        chunk is cut.
    min_pieces : int
        Pieces that an array in chunks comes in, if it has so many.
    bin_cells, any_window_bin_cells : int
        Array cells for each cell of a level, at least: for the windows that sliders cut, and for
        any other window. With 16 and 64 all levels take three eighths of the array's cells.
    level_cells : int
        About as many cells as the levels for either have at most, however large the array is.
    min_pixels, max_pixels : int
        Smallest and largest picture of a whole axis that is foreseen.
    disk_bytes : int
        Size of all overviews on disk together; those not used for longest go first.
    """

    small_cells: int = 1 << 22
    block_cells: int = 1 << 21
    copy_cells: int = 1 << 24
    piece_cells: int = 1 << 21
    max_piece_cells: int = 1 << 25
    min_pieces: int = 16
    bin_cells: int = 16
    any_window_bin_cells: int = 64
    level_cells: int = 1 << 28  # 1 GB
    min_pixels: int = 64
    max_pixels: int = 1024
    disk_bytes: int = 4 << 30


BUDGET = Budget()
