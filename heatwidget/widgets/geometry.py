"""How many pixels the picture, its margins and its labels take."""

from __future__ import annotations

from dataclasses import dataclass

from ..arrays import Axis
from .text import label, text_width

_CHARACTER = 6.4  # pixels across of a digit or letter at the tick font's size
_LINE = 14  # pixels down of a line of ticks
_UPRIGHT_LINE = 10  # pixels across of an upright label
_ROW_SHARE = 0.3  # most of the width that labels beside rows may take
_ROW_PIXELS = 200  # and most pixels, because a narrow page has the same margin
_COLUMN_COLUMNS = 14  # most text columns of a label under its column
_LONG = 100  # text columns of a label that are looked at at all
_TALLEST = 520
_ROW = 32
_SHORTEST = 120
_BAR = 80


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

    @property
    def picture_width(self) -> int:
        """Pixels across that cells can have."""
        return max(self.width - self.left - self.right, 2)

    @property
    def picture_height(self) -> int:
        """Pixels down that cells can have."""
        return max(self.height - self.top - self.bottom, 2)

    @property
    def most_row_ticks(self) -> int:
        """Number of labels beside the rows."""
        return max(self.picture_height // _LINE, 1)

    @property
    def most_column_ticks(self) -> int:
        """Number of labels under the columns, on a page half as wide as asked."""
        return max(int(self.picture_width / 2 / _pitch(self.column_columns, self.rotated)), 1)


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
    row_columns = min(row_columns, int(most / _CHARACTER))
    column_columns = min(_longest(columns), _COLUMN_COLUMNS)
    left = int(row_columns * _CHARACTER) + 40
    half = (width - _BAR - left - 12) / 2
    rotated = columns.labels is not None and column_columns * _CHARACTER > half / columns.size
    column_columns += _place(columns, int(half / _pitch(column_columns, rotated)))
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
        right=12,
        row_columns=row_columns,
        column_columns=column_columns,
        rotated=rotated,
    )


def _longest(axis: Axis) -> int:
    """Text columns of an axis's longest label."""
    if axis.labels is None:
        return max(len(str(bound)) for bound in axis.bounds)
    return max(text_width(label(text, _LONG)) for text in set(axis.labels))


def _place(axis: Axis, room: int) -> int:
    """Text columns of the positions that stand before texts where there is no room for all."""
    return len(f"{axis.size} ") if axis.labels is not None and axis.size > room else 0


def _pitch(columns: int, rotated: bool) -> float:
    """Pixels across from one label to the next."""
    # Upright, labels lie side by side by their height alone.
    return _UPRIGHT_LINE if rotated else (columns + 1) * _CHARACTER
