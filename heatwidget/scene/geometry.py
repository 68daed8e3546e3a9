"""Sizes of the picture, its margins and its labels in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Axis
from .text import label, text_width

# Sizes in CSS pixels, but for counts of text columns.
_CHARACTER = 6.4  # width of a digit or letter at the font size of ticks
_LINE = 14  # height of a line of ticks
_VERTICAL_LINE = 10  # width of a vertical label
_ROW_SHARE = 0.3  # maximum share of the width for the labels of rows
_ROW_PIXELS = 200  # maximum width of these labels, because the margin is the same on a narrow page
_VERTICAL_COLUMNS = 14  # maximum text columns of a vertical label
_HORIZONTAL_COLUMNS = 12  # minimum text columns of a horizontal label, if its text is that long
_NUMBERS_PIXELS = 300  # picture width from which on numbers get no more labels
_MIN_PIXELS = 160  # minimum width of a picture on any page
_SAMPLED = 500  # number of coordinates sampled for the longest one
_LONG = 100  # maximum text columns measured of a label
_MAX_HEIGHT = 520  # maximum height of the rows without `height`
_ROW = 32  # maximum height of a row without `height`
_MIN_HEIGHT = 120  # minimum height of the rows without `height`
_BAR = 80  # width of the colour bar
_PIXELS_PER_COLOR = 34  # height for each tick of the colour bar
_RIGHT = 12  # right margin


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes in CSS pixels. They stay the same while the user scrubs.

    Parameters
    ----------
    width, height : int
        Size of the figure with its margins, at full width.
    top, bottom, left, right : int
        Margins.
    row_columns, column_columns : int
        Maximum text columns of a label of a row, and of a column.
    rotated : bool
        Whether the labels of columns are vertical.
    max_column_ticks : int
        Maximum number of labels of columns.
    least_width : int
        Minimum width of the figure on a narrow page, without overlap of these labels.
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
    max_column_ticks: int
    least_width: int

    @property
    def picture_width(self) -> int:
        """Width of the cells in pixels."""
        return max(self.width - self.left - self.right, 2)

    @property
    def picture_height(self) -> int:
        """Height of the cells in pixels."""
        return max(self.height - self.top - self.bottom, 2)

    @property
    def max_color_ticks(self) -> int:
        """Approximate maximum number of labels of the colour bar."""
        return (self.height - self.top - self.bottom) // _PIXELS_PER_COLOR

    @property
    def max_row_ticks(self) -> int:
        """Maximum number of labels of rows."""
        return max(self.picture_height // _LINE, 1)


def lay_out(rows: Axis, columns: Axis, *, width: int, height: int | None) -> Geometry:
    """Sizes for two axes.

    Parameters
    ----------
    rows, columns : Axis
    width : int
        Maximum width of the widget, with the colour bar.
    height : int or None
        Height of the figure; None fits it to the number of rows.
    """
    max_ = min(width * _ROW_SHARE, _ROW_PIXELS)
    row_columns = _longest(rows) + _place(rows, (height or _MAX_HEIGHT) // _LINE)
    # Limited in pixels, not in characters. Otherwise a wider page could have a narrower picture.
    left = int(min(row_columns * _CHARACTER, max_)) + 40
    row_columns = min(row_columns, int(max_ / _CHARACTER))
    # Labels fit a page half as wide, because the width of the page is not known here.
    half = (width - _BAR - left - _RIGHT) / 2
    column_columns, rotated, max_column_ticks = _column_labels(columns, half)
    pitch = _pitch(column_columns, rotated)
    label_pixels = int(pitch * min(max_column_ticks, columns.size)) + 1
    if height is not None and rotated:
        # Vertical labels are cut so that a low figure still has room for the picture.
        column_columns = min(column_columns, max(int((height - 10 - 56) / _CHARACTER), 1))
    bottom = int(column_columns * _CHARACTER) + 32 if rotated else 44
    if height is None:
        # A whole number of pixels per row, if it fits, gives all rows the same height.
        row = max(min(_MAX_HEIGHT // rows.size, _ROW), -(-_MIN_HEIGHT // rows.size))
        height = min(row * rows.size, _MAX_HEIGHT) + 10 + bottom
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
        max_column_ticks=max_column_ticks,
        least_width=left
        + min(max(label_pixels, _MIN_PIXELS), width - _BAR - left - _RIGHT)
        + _RIGHT,
    )


def _column_labels(axis: Axis, pixels: float) -> tuple[int, bool, int]:
    """Text columns of the labels under a picture, whether they are vertical, and how many fit.

    Texts are horizontal if all of them fit with little or no cutting, else vertical. So more
    room or shorter texts never show fewer labels.
    """
    longest = _longest(axis)
    if axis.labels is None:
        room = min(pixels, _NUMBERS_PIXELS)
        return longest, False, max(int(room / _pitch(longest, False)), 1)
    horizontal = int(pixels / axis.size / _CHARACTER) - 1
    if horizontal >= min(longest, _HORIZONTAL_COLUMNS):
        return min(longest, horizontal), False, axis.size
    max_ = max(int(pixels / _VERTICAL_LINE), 1)
    return min(longest, _VERTICAL_COLUMNS) + _place(axis, max_), True, max_


def _pitch(columns: int, rotated: bool) -> float:
    """Distance from one label to the next in pixels."""
    return _VERTICAL_LINE if rotated else (columns + 1) * _CHARACTER


def _longest(axis: Axis) -> int:
    """Text columns of the longest label of an axis."""
    if axis.labels is None:
        # The longest whole number is at an end, the longest other number anywhere.
        whole = axis.coordinates.dtype.kind == "i"
        some = (0, -1) if whole else np.linspace(0, axis.size - 1, _SAMPLED).astype(int)
        return max(len(axis.label(index)) for index in some)
    return max(text_width(label(text, _LONG)) for text in set(axis.labels))


def _place(axis: Axis, room: int) -> int:
    """Text columns of the position in front of a text, if not all labels fit; else 0."""
    return len(f"{axis.size} ") if axis.labels is not None and axis.size > room else 0
