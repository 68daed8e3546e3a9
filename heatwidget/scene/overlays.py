"""Overlays: what is drawn over the cells, in data coordinates.

The coordinates are indices of the array along the columns and the rows shown: index ``i`` covers
``i`` up to ``i + 1``, so an overlay stays where it is under any window, pooling and size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Polyline:
    """A line from point to point; NaN interrupts it.

    Parameters
    ----------
    columns, rows : ndarray of float, shape (n,)
        Where its points lie across and down.
    color : str, optional
        As in CSS.
    width : float, optional
        In CSS pixels.
    """

    columns: NDArray[Any]
    rows: NDArray[Any]
    color: str = "#ffffff"
    width: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Dots.

    Parameters
    ----------
    columns, rows : ndarray of float, shape (n,)
        Where they lie across and down.
    color : str, optional
        As in CSS.
    size : float, optional
        Area of each in square CSS pixels.
    """

    columns: NDArray[Any]
    rows: NDArray[Any]
    color: str = "#ffffff"
    size: float = 36.0


@dataclass(frozen=True, slots=True)
class Band:
    """A strip over all rows, or over all columns.

    Parameters
    ----------
    start, stop : float
        Its edges, along the columns or the rows.
    across : bool, optional
        Whether it lies along the columns, and so over all rows.
    color : str, optional
        As in CSS.
    opacity : float, optional
        From 0 to 1.
    """

    start: float
    stop: float
    across: bool = True
    color: str = "#ffffff"
    opacity: float = 0.3


@dataclass(frozen=True, slots=True)
class Text:
    """A text, from a point to the right.

    Parameters
    ----------
    column, row : float
        Where it begins, on the middle of its height.
    text : str
    color : str, optional
        As in CSS.
    """

    column: float
    row: float
    text: str
    color: str = "#ffffff"


Overlay = Polyline | Points | Band | Text


def steps(columns: Any, **look: Any) -> Polyline:
    """Line along the rows: beside row ``r``, all of its height, at ``columns[r]``.

    Parameters
    ----------
    columns : array_like, shape (n_rows,)
        NaN where a row has none.
    **look
        As for `Polyline`.
    """
    edges = np.asarray(columns, np.float64)
    rows = np.repeat(np.arange(len(edges) + 1.0), 2)[1:-1]
    return Polyline(np.repeat(edges, 2), rows, **look)
