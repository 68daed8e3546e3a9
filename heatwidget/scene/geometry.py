"""How many pixels the picture, its margins and its labels take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Axis
from .text import label, text_width

_CHARACTER = 6.4  # pixels across of a digit or letter at the tick font's size
_LINE = 14  # pixels down of a line of ticks
_UPRIGHT_LINE = 10  # pixels across of an upright label
_ROW_SHARE = 0.3  # most of the width that labels beside rows may take
_ROW_PIXELS = 200  # and most pixels, because a narrow page has the same margin
_UPRIGHT_COLUMNS = 14  # most text columns of an upright label
_LEVEL_COLUMNS = 12  # and those that a level one has at least, if its text is that long
_NUMBERS_PIXELS = 300  # of a picture that shows as many numbers as any
_LEAST_PIXELS = 160  # of a picture across, whatever the page
_LOOKED_AT = 500  # numbers of an axis, to find the longest
_LONG = 100  # text columns of a label that are looked at at all
_TALLEST = 520
_ROW = 32
_SHORTEST = 120
_BAR = 80
_PIXELS_PER_COLOR = 34
_RIGHT = 12


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes in CSS pixels, settled once for an array, so that scrubbing moves nothing.

    Parameters
    ----------
    width, height : int
        Of the figure with its margins, at full width.
    top, bottom, left, right : int
        Margins.
    row_columns, column_columns : int
        Text columns that a row's and a column's label may take.
    rotated : bool
        Whether the labels under the columns stand upright.
    most_column_ticks : int
        Number of labels under the columns.
    least_width : int
        Of the figure on a narrow page, so that those labels do not overlap.
    """

    width: int
    height: int
    top: int
    bottom: int
    left: int
    right: int
    row_columns: int
    column_columns: int
    rotated: bool
    most_column_ticks: int
    least_width: int

    @property
    def picture_width(self) -> int:
        """Pixels across that cells can have."""
        return max(self.width - self.left - self.right, 2)

    @property
    def picture_height(self) -> int:
        """Pixels down that cells can have."""
        return max(self.height - self.top - self.bottom, 2)

    @property
    def most_color_ticks(self) -> int:
        """Number of labels beside the colour bar, or hardly more."""
        return (self.height - self.top - self.bottom) // _PIXELS_PER_COLOR

    @property
    def most_row_ticks(self) -> int:
        """Number of labels beside the rows."""
        return max(self.picture_height // _LINE, 1)


def lay_out(rows: Axis, columns: Axis, *, width: int, height: int | None) -> Geometry:
    """Sizes for an array.

    Parameters
    ----------
    rows, columns : Axis
    width : int
        Of the whole widget at most, colour bar included.
    height : int or None
        Of the figure; None fits it to the number of rows.
    """
    most = min(width * _ROW_SHARE, _ROW_PIXELS)
    row_columns = _longest(rows) + _place(rows, (height or _TALLEST) // _LINE)
    # In pixels, not in characters: or a wider page could have a narrower picture.
    left = int(min(row_columns * _CHARACTER, most)) + 40
    row_columns = min(row_columns, int(most / _CHARACTER))
    # Labels are made for a page half as wide, because the page's width is not known here.
    half = (width - _BAR - left - _RIGHT) / 2
    column_columns, rotated, most_column_ticks = _column_labels(columns, half)
    pitch = _pitch(column_columns, rotated)
    needed = int(pitch * min(most_column_ticks, columns.size)) + 1
    if height is not None and rotated:
        # Upright labels leave room for a picture, however low.
        column_columns = min(column_columns, max(int((height - 10 - 56) / _CHARACTER), 1))
    bottom = int(column_columns * _CHARACTER) + 32 if rotated else 44
    if height is None:
        # A whole number of pixels a row, where there is room, keeps all rows alike.
        row = max(min(_TALLEST // rows.size, _ROW), -(-_SHORTEST // rows.size))
        height = min(row * rows.size, _TALLEST) + 10 + bottom
    return Geometry(
        width=width - _BAR,
        height=height,
        top=10,
        bottom=bottom,
        left=left,
        right=_RIGHT,
        row_columns=row_columns,
        column_columns=column_columns,
        rotated=rotated,
        most_column_ticks=most_column_ticks,
        least_width=left + min(max(needed, _LEAST_PIXELS), width - _BAR - left - _RIGHT) + _RIGHT,
    )


def _column_labels(axis: Axis, pixels: float) -> tuple[int, bool, int]:
    """Text columns of the labels under a picture, whether they stand upright, and how many fit.

    Texts lie level where there is room for all of them, uncut or hardly cut, and stand
    upright everywhere else: so more room or shorter texts never show fewer of them.
    """
    longest = _longest(axis)
    if axis.labels is None:
        room = min(pixels, _NUMBERS_PIXELS)
        return longest, False, max(int(room / _pitch(longest, False)), 1)
    level = int(pixels / axis.size / _CHARACTER) - 1
    if level >= min(longest, _LEVEL_COLUMNS):
        return min(longest, level), False, axis.size
    most = max(int(pixels / _UPRIGHT_LINE), 1)
    return min(longest, _UPRIGHT_COLUMNS) + _place(axis, most), True, most


def _pitch(columns: int, rotated: bool) -> float:
    """Pixels across from one label to the next."""
    # Upright, labels lie side by side by their height alone.
    return _UPRIGHT_LINE if rotated else (columns + 1) * _CHARACTER


def _longest(axis: Axis) -> int:
    """Text columns of an axis's longest label."""
    if axis.labels is None:
        # Whole numbers are longest at an end; others may be anywhere.
        whole = axis.coordinates.dtype.kind == "i"
        some = (0, -1) if whole else np.linspace(0, axis.size - 1, _LOOKED_AT).astype(int)
        return max(len(axis.label(index)) for index in some)
    return max(text_width(label(text, _LONG)) for text in set(axis.labels))


def _place(axis: Axis, room: int) -> int:
    """Text columns of the positions that stand before texts where there is no room for all."""
    return len(f"{axis.size} ") if axis.labels is not None and axis.size > room else 0
