"""Reducers and pooling: one block or many, pending values, NaN, overflow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatwidget.arrays import Block
from heatwidget.frames import POOLINGS, REDUCERS
from heatwidget.frames.reducers import COMPARISONS, Collapse, pool

from .oracle import merge

pytestmark = pytest.mark.filterwarnings("error")

SPECIALS = [0.0, 1.0, -2.0, 0.5, 7.0, np.nan, np.inf, -np.inf]


def collapse(reducer: str, block: Block, step: int) -> Block:
    """Reduce axis 0 in pieces of `step`."""
    collapsing = Collapse(reducer)
    for start, stop in collapsing.order(0, len(block.values), step):
        pending = None if block.pending is None else block.pending[start:stop]
        collapsing.add(Block(block.values[start:stop], pending))
        if collapsing.complete:
            break
    return collapsing.result()


def assert_cells(block: Block, expected: list[list[object]]) -> None:
    """Values are as expected; None is pending."""
    pending = [[cell is None for cell in row] for row in expected]
    actual = np.zeros(block.values.shape, bool) if block.pending is None else block.pending
    assert actual.tolist() == pending
    wanted = np.array([[np.nan if cell is None else cell for cell in row] for row in expected])
    here = ~np.array(pending)
    np.testing.assert_allclose(block.values[here].astype(float), wanted[here], rtol=1e-12)


@st.composite
def blocks(draw: st.DrawFn, n_dims: int) -> Block:
    """Small block, of whole or of odd numbers, with or without pending values."""
    shape = tuple(draw(st.integers(1, 6)) for _ in range(n_dims))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(["?", "i1", "u1", "i8", "f4", "f8"]))
    kind = np.dtype(dtype).kind
    values = rng.choice(SPECIALS if kind == "f" else np.arange(0, 120), shape).astype(dtype)
    part = draw(st.sampled_from([None, 0.0, 0.3, 1.0]))
    return Block(values, None if part is None else rng.random(shape) < part)


def present(block: Block, *index: object) -> list[object]:
    """Values of a part that are not pending."""
    values = block.values[index]
    pending = np.zeros(values.shape, bool) if block.pending is None else block.pending[index]
    return [v for v, p in zip(values.ravel(), pending.ravel(), strict=True) if not p]


@pytest.mark.parametrize("reducer", [how for how in REDUCERS if how not in COMPARISONS])
@given(block=blocks(3), step=st.integers(1, 7))
def test_collapse_is_the_oracles(reducer: str, block: Block, step: int) -> None:
    """Whatever the pieces it comes in, in Python's own arithmetic."""
    _, n_rows, n_columns = block.values.shape
    wanted = [
        [merge(present(block, slice(None), r, c), reducer) for c in range(n_columns)]
        for r in range(n_rows)
    ]
    assert_cells(collapse(reducer, block, step), wanted)


@pytest.mark.parametrize("pooling", POOLINGS)
@given(block=blocks(2), data=st.data())
def test_pool_is_the_oracles(pooling: str, block: Block, data: st.DataObject) -> None:
    """Each value of a bin counts once."""
    edges = [bins(data, n) for n in block.values.shape]
    wanted = [
        [merge(present(block, slice(a, b), slice(c, d)), pooling) for c, d in pairs(edges[1])]
        for a, b in pairs(edges[0])
    ]
    assert_cells(pool(block, np.array(edges[0]), np.array(edges[1]), pooling), wanted)


def bins(data: st.DataObject, size: int) -> list[int]:
    inner = data.draw(st.sets(st.integers(1, size - 1))) if size > 1 else set()
    return sorted({0, size} | inner)


def pairs(edges: list[int]) -> list[tuple[int, int]]:
    return list(pairwise(edges))


@pytest.mark.parametrize(("reducer", "order"), [("first", [0, 1, 2]), ("last", [2, 1, 0])])
@pytest.mark.parametrize("n_pending", [0, 1, 2, 3])
def test_picks_read_no_more_than_they_need(reducer: str, order: list[int], n_pending: int) -> None:
    """One index, nearest first, and further ones only while something is pending."""
    pending = np.zeros((3, 2), bool)
    pending[order[:n_pending], 1] = True
    collapsing, read = Collapse(reducer), []
    for start, stop in collapsing.order(0, 3, 100):
        collapsing.add(Block(np.full((1, 2), start), pending[start:stop]))
        read.append(start)
        if collapsing.complete:
            break
    assert read == order[: n_pending + 1]


@pytest.mark.parametrize("reducer", ["mean", "max", "min", "rms"])
def test_others_are_never_complete_early(reducer: str) -> None:
    """Each further value may change the result."""
    collapsing = Collapse(reducer)
    assert list(collapsing.order(2, 9, 3)) == [(2, 5), (5, 8), (8, 9)]
    collapsing.add(Block(np.ones((3, 1)), None))
    assert not collapsing.complete


def test_nothing_to_reduce() -> None:
    """A result needs a block."""
    with pytest.raises(RuntimeError, match="no block to reduce"):
        Collapse("mean").result()


def test_sums_do_not_overflow() -> None:
    """Small integer and single types are summed in double precision, block by block too."""
    for dtype, value in (("i1", 127), ("u1", 255), ("f4", 3e38)):
        block = Block(np.full((4, 1), value, dtype), None)
        for reducer in ("mean", "rms"):
            for step in (1, 2, 4):
                assert collapse(reducer, block, step).values == pytest.approx(
                    float(block.values[0, 0])
                )


def test_large_integers_are_exact() -> None:
    """Maximum and minimum keep integers that double precision cannot hold."""
    block = Block(np.array([[2**62 + 1], [2**62]]), np.array([[False], [False]]))
    assert collapse("max", block, 1).values.tolist() == [2**62 + 1]
    assert collapse("min", block, 2).values.tolist() == [2**62]


def test_signs_of_what_is_left_out() -> None:
    """All values at the end of their type: what stands in for pending ones does not win."""
    for dtype, worst in (("i1", -128), ("u4", 0), ("?", False), ("f4", -np.inf)):
        values = np.array([[worst], [worst]], dtype)
        block = Block(values, np.array([[True], [False]]))
        result = collapse("max", block, 2)
        assert result.values.tolist() == [worst]
        assert result.pending is None
