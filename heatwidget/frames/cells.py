"""Cells of a picture, made from the array cells behind them, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..arrays.axis import Axis
from ..arrays.casting import finite_cast
from ..arrays.source import Block, Region
from .budget import Budget
from .reducers import PICKS, POOLINGS, Collapse, pool
from .view import CellRule, HiddenAxis

Span = tuple[int, int]
Edges = NDArray[np.int64]

# Cells made at a time: they stay in the processor's cache.
_MADE_CELLS = 1 << 16
# Indices of the hidden axes and of the slower axis that are read together, at least: more would
# leave less than a cache line of each run along the faster one.
_DEPTH = 64
_WIDTH = 32


class Readable(Protocol):
    """What a frame needs of an array."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes in the array's own order."""
        ...

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Sizes in which the values are best read, or None when any region will do."""
        ...

    @property
    def in_memory(self) -> bool:
        """Whether a read costs no more than an access to memory."""
        ...

    def read(self, region: Region) -> Block:
        """Return the values of a region, in the array's own axis order."""
        ...


@dataclass(frozen=True, slots=True)
class BoxReader:
    """Reads boxes of an array, its axes in the order in which they are worked on.

    Parameters
    ----------
    read : callable
        Takes the span of each axis by its name; gives a `Block` of the hidden axes, the one
        that is collapsed first last, then rows and columns.
    budget : Budget
    chunk : mapping of str to int
        Sizes in which it is best read, by the name of the axis; 1 where there is none.
    rows_run : bool
        Whether neighbours in memory are rows, not columns.
    rounded : bool
        Whether values are means that were rounded to float32.
    """

    read: Callable[[Mapping[str, Span]], Block]
    budget: Budget
    chunk: Mapping[str, int] = field(default_factory=dict)
    rows_run: bool = False
    rounded: bool = False

    def cut(self, rule: CellRule, rows: Edges, columns: Edges) -> Iterator[tuple[Edges, Edges]]:
        """Cut cells into pieces as they are best read."""
        depth = min(prod(axis.size for axis in rule.hidden), _DEPTH)
        chunk = self.chunk.get(rule.rows, 1), self.chunk.get(rule.columns, 1)
        most = self.budget.block_cells // depth
        return cut(rows, columns, most=most, chunk=chunk, rows_run=self.rows_run)


def reading_order(rule: CellRule) -> tuple[str, ...]:
    """Names of the axes as a `BoxReader` gives them."""
    return (*(axis.name for axis in reversed(rule.hidden)), rule.rows, rule.columns)


def box_reader(source: Readable, rule: CellRule, budget: Budget) -> BoxReader:
    """BoxReader of an array, whatever order its axes have."""
    names = [axis.name for axis in source.axes]
    order = [names.index(name) for name in reading_order(rule)]
    chunks = source.chunks or (1,) * len(names)

    def read(spans: Mapping[str, Span]) -> Block:
        return rearranged(source.read(Region(tuple(spans[name] for name in names))), order)

    rows_run = order[-2] > order[-1]
    if source.in_memory:
        # How a box lies in memory; also one without a cell tells.
        *_, down, across = read(dict.fromkeys(names, (0, 0))).values.strides
        rows_run = abs(down) < abs(across)
    return BoxReader(read, budget, dict(zip(names, chunks, strict=True)), rows_run)


def merged_cells(
    reader: BoxReader,
    rule: CellRule,
    row_edges: Edges,
    column_edges: Edges,
    *,
    pooled: bool,
    dtype: DTypeLike = np.float32,
) -> Block:
    """Cells between the given edges: the hidden axes collapsed, neighbours pooled.

    Parameters
    ----------
    reader : BoxReader
    rule : CellRule
        Its hidden axes and pooling; the windows are those of the edges. It compares nothing.
    row_edges, column_edges : ndarray of int64
        Indices as the reader takes them.
    pooled : bool
        Whether cells are bins, even if only of one index.
    dtype : dtype
        Floating type of the cells.

    Returns
    -------
    Block of that type, shape (n_rows, n_columns)
        NaN where pending; one count where it is the same for all.
    """
    shape = (len(row_edges) - 1, len(column_edges) - 1)
    values, pending = np.empty(shape, dtype), np.zeros(shape, bool)
    counts: list[tuple[tuple[slice, slice], NDArray[np.integer[Any]]]] = []
    for r, c in reader.cut(rule, row_edges, column_edges):
        block = collapsed(reader, rule, r, c)
        if pooled:
            block = pool(block, r - r[0], c - c[0], rule.pooling)
        i, j = np.searchsorted(row_edges, r[0]), np.searchsorted(column_edges, c[0])
        index = (slice(i, i + len(r) - 1), slice(j, j + len(c) - 1))
        values[index] = finite_cast(native(block.values), dtype)
        counts.append((index, np.ones((1, 1), int) if block.count is None else block.count))
        if block.pending is not None:
            pending[index] = block.pending
    values[pending] = np.nan
    return Block(values, pending, _joined(counts, shape))


def _joined(
    counts: Sequence[tuple[tuple[slice, slice], NDArray[np.integer[Any]]]], shape: tuple[int, int]
) -> NDArray[np.integer[Any]]:
    """Counts of pieces put together; a single one, shape (1, 1), where all are the same."""
    first = counts[0][1]
    if first.size == 1 and all(np.array_equal(first, count) for _, count in counts):
        return first
    whole = np.empty(shape, np.int64)
    for index, count in counts:
        whole[index] = count
    return whole


def collapsed(reader: BoxReader, rule: CellRule, row_edges: Edges, column_edges: Edges) -> Block:
    """Values of one piece, shape (rows, columns), the hidden axes collapsed."""
    rows = (int(row_edges[0]), int(row_edges[-1]))
    columns = (int(column_edges[0]), int(column_edges[-1]))
    return _collapsed(reader, rule.hidden, rule.pooling, {rule.rows: rows, rule.columns: columns})


def _collapsed(
    reader: BoxReader, hidden: Sequence[HiddenAxis], following: str, spans: Mapping[str, Span]
) -> Block:
    """Values with hidden axes collapsed one after another, as they are merged in the `following`.

    Those in `spans` stay. The last axis is outermost here: so many of its indices are read at a
    time as give a block with all of the others.
    """
    if not hidden:
        return reader.read(spans)
    *inner, last = hidden
    n_cells = prod(stop - start for start, stop in spans.values())
    n_cells *= prod(axis.size for axis in inner if axis.reducer not in PICKS)
    chunk = reader.chunk.get(last.name, 1)
    step = max(reader.budget.block_cells // n_cells // chunk, 1) * chunk
    collapse = Collapse(last.reducer, rounded=reader.rounded and not inner)
    for some in collapse.order(*last.window, step):
        block = _collapsed(reader, inner, last.reducer, {**spans, last.name: some})
        collapse.add(_leading(block, -3))
        if collapse.complete:
            break
    block = collapse.result()
    # Where both merge alike, each array cell weighs the same; else each collapsed cell does.
    alike = last.reducer in PICKS or (last.reducer == following and following in POOLINGS)
    return block if alike else block._replace(count=None)


def _leading(block: Block, axis: int) -> Block:
    """Block with an axis in front."""
    values, pending, count = (
        part if part is None else np.moveaxis(part, axis, 0) for part in block
    )
    return Block(values, pending, count)  # type: ignore[arg-type]


def cut(
    row_edges: Edges,
    column_edges: Edges,
    *,
    most: int = _MADE_CELLS,
    chunk: tuple[int, int] = (1, 1),
    rows_run: bool = False,
) -> Iterator[tuple[Edges, Edges]]:
    """Cut cells into pieces of about so many indices of rows times columns, or of a chunk.

    Parameters
    ----------
    row_edges, column_edges : ndarray of int64
    most : int
        Cut down to what stays in the processor's cache.
    chunk : tuple of int
        Rows and columns that are best read together.
    rows_run : bool
        Whether neighbours in memory are rows, not columns.
    """
    most = max(min(most, _MADE_CELLS), 1)
    if rows_run:
        n_rows, n_columns = _sides(row_edges, column_edges, most)
    else:
        n_columns, n_rows = _sides(column_edges, row_edges, most)
    for c in _pieces(column_edges, n_columns, chunk[1]):
        for r in _pieces(row_edges, n_rows, chunk[0]):
            yield r, c


def _sides(fast: Edges, slow: Edges, most: int) -> tuple[int, int]:
    """Indices of each axis in a piece: as many as can be of the one that runs in memory."""
    n_fast = min(int(fast[-1] - fast[0]), max(most // _WIDTH, 1))
    n_slow = max(most // n_fast, 1)
    return max(most // min(n_slow, int(slow[-1] - slow[0])), 1), n_slow


def _pieces(edges: Edges, length: int, chunk: int) -> Iterator[Edges]:
    """Runs of edges that each span about `length` indices, cut near ends of chunks."""
    length = max(length // chunk, 1) * chunk
    cuts = np.flatnonzero(np.diff(edges[:-1] // length)) + 1
    for start, stop in pairwise([0, *cuts.tolist(), len(edges) - 1]):
        yield edges[start : stop + 1]


def rearranged(block: Block, order: Sequence[int]) -> Block:
    """Block as read, with its axes in the given order."""
    pending = None if block.pending is None else block.pending.transpose(order)
    return Block(native(block.values).transpose(order), pending)


def native(values: NDArray[Any]) -> NDArray[Any]:
    """Values in a type that numpy reduces fast: big-endian, half and long types are not."""
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        return finite_cast(values, np.float32 if values.dtype.itemsize < 4 else np.float64)
    return values.astype(values.dtype.newbyteorder("="), copy=False)
