"""Pieces in which an array is read: how it is cut, in which order, and which were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import lcm, prod

import numpy as np
from numpy.typing import NDArray

from ..arrays.source import Region
from .budget import Budget


class Pieces:
    """An array cut along all its axes; each cell of it is in exactly one piece.

    Parameters
    ----------
    shape : sequence of int
        Sizes of the array.
    chunks : sequence of int, optional
        Sizes in which it is best read; None is any run of cells in C order.
    bins : sequence of int
        Size along each axis of which cuts fall on multiples where they can.
    budget : Budget

    Attributes
    ----------
    done : ndarray of bool, shape (n_0, n_1[, n_2])
        Which pieces were read.
    """

    def __init__(
        self,
        shape: Sequence[int],
        chunks: Sequence[int] | None,
        bins: Sequence[int],
        budget: Budget,
    ) -> None:
        self.shape = tuple(shape)
        most = budget.piece_cells
        if chunks is None:
            chunks = (1,) * len(self.shape)
        else:
            # Values that are computed come slowly: there is to be something to see soon.
            most = min(most, prod(self.shape) // budget.min_pieces)
        steps = _steps(self.shape, chunks, bins, most, budget.max_piece_cells)
        self.edges = [
            np.append(np.arange(0, size, step), size)
            for size, step in zip(shape, steps, strict=True)
        ]
        self.done = np.zeros([len(edges) - 1 for edges in self.edges], bool)
        self._order = _coarse_to_fine(self.done.shape)

    def progress_within(self, region: Region) -> float:
        """Share of the cells of the pieces that a region touches that were read, 0 to 1."""
        touched = self.touching(region)
        share = self.done[touched].astype(np.float64)
        for axis in reversed(range(share.ndim)):
            lengths = np.diff(self.edges[axis])[touched[axis]]
            share = share @ (lengths / lengths.sum())
        return float(share) if not self.done[touched].all() else 1.0

    def region(self, piece: Sequence[int]) -> Region:
        """Box of a piece, given by its place along each axis."""
        return Region(
            tuple((int(e[i]), int(e[i + 1])) for e, i in zip(self.edges, piece, strict=True))
        )

    def piece(self, region: Region) -> tuple[int, ...]:
        """Place of the piece whose box this is."""
        starts = zip(self.edges, region.bounds, strict=True)
        place = tuple(int(np.searchsorted(edges, start)) for edges, (start, _) in starts)
        if self.region(place) != region:
            raise ValueError(f"region must be one that missing() gave, got {region}")
        return place

    def touching(self, region: Region) -> tuple[slice, ...]:
        """Pieces that a region touches, as a box of places."""
        return tuple(
            slice(
                int(np.searchsorted(edges, start, side="right")) - 1,
                int(np.searchsorted(edges, stop, side="left")),
            )
            for edges, (start, stop) in zip(self.edges, region.bounds, strict=True)
        )

    def meets(self, piece: Sequence[int], region: Region) -> bool:
        """Whether a piece, given by its place, has a cell in a region."""
        box = zip(self.touching(region), piece, strict=True)
        return all(part.start <= place < part.stop for part, place in box)

    def unread(
        self, edges: Sequence[NDArray[np.int64]], shown: tuple[int, int]
    ) -> NDArray[np.bool_]:
        """Which cells of a picture touch a piece that was not read.

        Parameters
        ----------
        edges : sequence of ndarray of int64
            For each axis the edges of the picture's cells; two for one that is not shown.
        shown : tuple of int
            Numbers of the axes that are rows and columns.

        Returns
        -------
        ndarray of bool, shape (n_rows, n_columns)
        """
        total = (~self.done).astype(np.int64)
        for axis, (own, cuts) in enumerate(zip(edges, self.edges, strict=True)):
            first = np.searchsorted(cuts, own[:-1], side="right") - 1
            last = np.searchsorted(cuts, own[1:], side="left")
            sums = np.insert(total.cumsum(axis), 0, 0, axis)
            total = sums.take(last, axis) - sums.take(first, axis)
        order = (*shown, *(axis for axis in range(total.ndim) if axis not in shown))
        flat = total.transpose(order).reshape(total.shape[shown[0]], total.shape[shown[1]])
        unread: NDArray[np.bool_] = flat > 0
        return unread

    def done_within(self, region: Region) -> Iterator[Region]:
        """Parts of a region that lie in pieces that were read."""
        touched = self.touching(region)
        offsets = [part.start for part in touched]
        for place in np.argwhere(self.done[touched]) + offsets:
            box = self.region([int(i) for i in place])
            pairs = zip(box.bounds, region.bounds, strict=True)
            yield Region(tuple((max(a, c), min(b, d)) for (a, b), (c, d) in pairs))

    def todo(self, wanted: Region | None) -> list[tuple[int, ...]]:
        """Pieces not read, coarse to fine; those that a region touches come first."""
        late = np.ones(self.done.shape, bool)
        if wanted is not None:
            late[self.touching(wanted)] = False
        order = self._order[~self.done.ravel()[self._order]]
        order = order[np.argsort(late.ravel()[order], kind="stable")]
        places = np.stack(np.unravel_index(order, self.done.shape), axis=-1)
        return [tuple(place) for place in places.tolist()]


def _steps(
    shape: tuple[int, ...], chunks: Sequence[int], bins: Sequence[int], most: int, largest: int
) -> list[int]:
    """Lengths of a piece: chunks put together, last axis first, or cut, first axis first."""
    steps = [min(chunk, size) for chunk, size in zip(chunks, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        times = max(most // prod(steps), 1)
        if steps[axis] * times >= shape[axis]:
            steps[axis] = shape[axis]
            continue
        whole = lcm(steps[axis], bins[axis]) // steps[axis]
        steps[axis] *= times - times % whole if times > whole else times
        break
    for axis in range(len(shape)):
        while prod(steps) > largest and steps[axis] > 1:
            steps[axis] = -(-steps[axis] // 2)
    return steps


def _coarse_to_fine(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Flat places of a grid, every second one of each axis after those between which it lies."""
    stages = [np.zeros((1,) * len(shape), np.int64)] * 2
    for axis, size in enumerate(shape):
        index = np.arange(size)
        n_bits = int(size - 1).bit_length()
        # The lowest bit that is set says how early an index comes.
        lowest = np.where(index == 0, 1 << n_bits, index & -index)
        stage = (n_bits - np.log2(lowest).astype(np.int64)).reshape(
            [-1 if i == axis else 1 for i in range(len(shape))]
        )
        stages = [np.maximum(stages[0], stage), stages[1] + stage]
    places: NDArray[np.int64] = np.lexsort((stages[1].ravel(), stages[0].ravel()))
    return places
