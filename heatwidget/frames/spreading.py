"""Cells of which nothing was read yet, shown as the nearest that was."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..arrays.source import Block


def spread(cells: Block, unread: NDArray[np.bool_]) -> Block:
    """Cells of which those that are pending because they were not read take a neighbour's value.

    Parameters
    ----------
    cells : Block, shape (n_rows, n_columns)
    unread : ndarray of bool, shape (n_rows, n_columns)
        Cells of which some part was not read.

    Returns
    -------
    Block
        The same block where nothing is to be filled, or nothing to fill it with.
    """
    pending = cells.pending
    if pending is None or not (pending & unread).any() or pending.all():
        return cells
    fill = pending & unread
    values = cells.values.copy()
    values[fill] = cells.values.ravel()[nearest(~pending)[fill]]
    return Block(values, pending & ~fill)


def nearest(known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Flat index of the nearest known cell, counted in rows plus columns, for each cell."""
    n_rows, n_columns = known.shape
    across = np.arange(n_columns)
    before = np.maximum.accumulate(np.where(known, across, -n_rows - 2 * n_columns), axis=1)
    after = np.minimum.accumulate(np.where(known, across, n_rows + 3 * n_columns)[:, ::-1], axis=1)[
        :, ::-1
    ]
    column = np.where(across - before <= after - across, before, after)
    distance = np.abs(across - column)
    index = np.arange(n_rows)[:, np.newaxis] * n_columns + column
    for rows in (range(n_rows), range(n_rows)[::-1]):
        for near, row in pairwise(rows):
            closer = distance[near] + 1 < distance[row]
            distance[row][closer] = distance[near][closer] + 1
            index[row][closer] = index[near][closer]
    nearest_index: NDArray[np.int64] = index
    return nearest_index
