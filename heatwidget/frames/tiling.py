"""How a picture is cut into tiles, each made from one level of an overview or from the array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from .cells import Edges
from .level import Level
from .levels import Levels
from .view import CellRule


class Part(NamedTuple):
    """Run of bins of one size along an axis, from one array index up to another."""

    start: int
    stop: int
    size: int
    whole: bool


class Tile(NamedTuple):
    """Rows and columns of a picture, and the level that they are made from, if there is one."""

    rows: Part
    columns: Part
    level: Level | None


def tiling(
    levels: Levels, rule: CellRule, row_edges: Edges, column_edges: Edges
) -> list[list[Tile]]:
    """Tiles of a picture, in rows of tiles; each is of the largest bins that fit there."""
    least = levels.finest(rule.row_bin, rule.column_bin)
    rows = list(_parts(row_edges, rule.row_bin, least[0], levels.sizes[0]))
    columns = list(_parts(column_edges, rule.column_bin, least[1], levels.sizes[1]))
    return [[_tile(levels, r, c) for c in columns] for r in rows]


def rough_tiling(
    levels: Levels, rule: CellRule, row_edges: Edges, column_edges: Edges
) -> list[list[Tile]]:
    """One tile for all; bins that the window cuts count as whole."""
    rows, columns = (
        Part(int(edges[0]), int(edges[-1]), size, True)
        for edges, size in ((row_edges, rule.row_bin), (column_edges, rule.column_bin))
    )
    return [[_tile(levels, rows, columns)]]


def groups(parts: Sequence[Part], size: int) -> list[slice]:
    """Parts that belong together: those of one bin that the window cuts; else each alone."""
    keys = [(part.start // size, part.size == size and part.whole) for part in parts]
    starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    return [slice(a, b) for a, b in pairwise([*starts, len(keys)])]


def _tile(levels: Levels, rows: Part, columns: Part) -> Tile:
    whole = rows.whole and columns.whole
    return Tile(rows, columns, levels.best(rows.size, columns.size) if whole else None)


def _parts(edges: Edges, size: int, finest: int, n_indices: int) -> Iterator[Part]:
    """Cut a window into runs of whole bins, as large as can be up to `size`.

    What is less than a bin of the finest size is a part that is not whole. The last bin
    of the axis is whole, however long.
    """
    start, stop = int(edges[0]), int(edges[-1])
    limit = -(-stop // size) * size if stop == n_indices else stop
    while start < stop:
        fitting = size
        while fitting > finest and (start % fitting or start + fitting > limit):
            fitting //= 2
        whole = start % fitting == 0 and start + fitting <= limit
        if not whole:
            end = (start // finest + 1) * finest
        elif fitting == size:
            end = limit // size * size
        else:
            end = start + fitting
        yield Part(start, min(end, stop), fitting, whole)
        start = end
