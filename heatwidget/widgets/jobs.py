"""What is to be read beside the page, and how it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from ..arrays import ArraySource, Axis, Block, Region
from ..frames.overview import Overview
from ..frames.view import CellRule


class Job(NamedTuple):
    """What is to be read: pieces of an overview, or a frame, with an overview or without."""

    overview: Overview | None
    frame: CellRule | None
    generation: int


class Superseded(Exception):
    """Raised in a read that nobody waits for any more."""


class GuardedSource:
    """Source over another one, for one frame of it.

    Parameters
    ----------
    source : ArraySource
    rule : CellRule
        What is going to be read.
    look : callable
        Called before each read with the share that was read, 0 to 1; it may raise.
    """

    def __init__(self, source: ArraySource, rule: CellRule, look: Callable[[float], None]) -> None:
        self._source, self._look = source, look
        self._n_cells, self._n_read = prod(stop - start for start, stop in rule.windows.values()), 0

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes in the array's own order."""
        return self._source.axes

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Sizes in which the values are best read, or None when any region will do."""
        return self._source.chunks

    @property
    def in_memory(self) -> bool:
        """Whether a read costs no more than an access to memory."""
        return self._source.in_memory

    def read(self, region: Region) -> Block:
        """Return the values of a region."""
        self._look(min(self._n_read / self._n_cells, 1.0))
        self._n_read += region.size
        return self._source.read(region)
