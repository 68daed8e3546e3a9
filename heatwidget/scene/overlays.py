"""Overlays: shapes and texts over the cells, in data coordinates.

Data coordinates are array indices along the columns and rows shown; index ``i`` covers ``i`` to
``i + 1``. So an overlay keeps its place under any window, pooling and size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Polyline:
    """Line from point to point, with a gap at NaN.

    Parameters
    ----------
    columns, rows : ndarray of float, shape (n,)
        Coordinates of the points along columns and rows.
    color : str, optional
        CSS colour.
    width : float, optional
        Width in CSS pixels.
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
        Coordinates of the dots along columns and rows.
    color : str, optional
        CSS colour.
    size : float, optional
        Area of each dot in square CSS pixels.
    """

    columns: NDArray[Any]
    rows: NDArray[Any]
    color: str = "#ffffff"
    size: float = 36.0


@dataclass(frozen=True, slots=True)
class Band:
    """Strip over all rows or over all columns.

    Parameters
    ----------
    start, stop : float
        Edges of the strip, along the columns or the rows.
    across : bool, optional
        Whether the edges are along the columns, so that the strip covers all rows.
    color : str, optional
        CSS colour.
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
    """Text to the right of a point.

    Parameters
    ----------
    column, row : float
        Left end of the text, at the middle of its height.
    text : str
    color : str, optional
        CSS colour.
    """

    column: float
    row: float
    text: str
    color: str = "#ffffff"


Overlay = Polyline | Points | Band | Text


def steps(columns: Any, **look: Any) -> Polyline:
    """Step line down the rows: over the whole height of row ``r`` at column ``columns[r]``.

    Parameters
    ----------
    columns : array_like, shape (n_rows,)
        Position in each row; NaN leaves a gap.
    **look
        As for `Polyline`.

    Examples
    --------
    >>> from heatwidget.scene import steps
    >>> line = steps([3, 5])
    >>> line.columns, line.rows
    (array([3., 3., 5., 5.]), array([0., 1., 1., 2.]))
    """
    edges = np.asarray(columns, np.float64)
    rows = np.repeat(np.arange(len(edges) + 1.0), 2)[1:-1]
    return Polyline(np.repeat(edges, 2), rows, **look)
