"""Bins: sizes, edges, and that they stay put."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatwidget.frames.bins import bin_edges, bin_size

from .oracle import expected_bin_size, expected_edges

starts = st.integers(0, 10_000)
lengths = st.integers(1, 3000)
pixels = st.integers(2, 400)


@given(st.integers(1, 60), st.integers(2, 20))
def test_size_is_the_smallest_that_fits_anywhere(length: int, n_pixels: int) -> None:
    """Half of it would need too many bins, if not here then somewhere on the way."""
    assert bin_size(length, n_pixels) == expected_bin_size((0, length), n_pixels)


@given(starts, lengths, pixels)
def test_edges(start: int, length: int, n_pixels: int) -> None:
    """On multiples, strictly increasing, from end to end, no more bins than pixels."""
    size = bin_size(length, n_pixels)
    edges = bin_edges(start, start + length, size)
    assert edges.dtype == np.int64
    assert (edges[0], edges[-1]) == (start, start + length)
    assert (np.diff(edges) > 0).all()
    assert (edges[1:-1] % size == 0).all()
    assert len(edges) - 1 <= n_pixels
    assert size & (size - 1) == 0


@given(starts, st.integers(1, 90), st.sampled_from([1, 2, 4, 8, 16, 128]))
def test_edges_are_the_oracles(start: int, length: int, size: int) -> None:
    """Each multiple of the size inside the window, and its ends."""
    window = (start, start + length)
    assert bin_edges(*window, size).tolist() == expected_edges(window, size)


@given(starts, lengths, pixels, st.integers(1, 300))
def test_panning_keeps_inner_edges(start: int, length: int, n_pixels: int, shift: int) -> None:
    """Where two windows of one length overlap they have the same edges."""
    size = bin_size(length, n_pixels)
    before = bin_edges(start, start + length, size)
    after = bin_edges(start + shift, start + shift + length, size)
    low, high = start + shift, start + length
    inner = [edges[(edges > low) & (edges < high)].tolist() for edges in (before, after)]
    assert inner[0] == inner[1]


@pytest.mark.parametrize("n_pixels", [-3, 0, 1])
@pytest.mark.parametrize("length", [1, 2, 3, 1000])
def test_a_picture_of_almost_no_pixels(length: int, n_pixels: int) -> None:
    """Fewer than two pixels cannot hold every window; there are two bins at most then."""
    size = bin_size(length, n_pixels)
    assert len(bin_edges(5, 5 + length, size)) - 1 <= max(2, n_pixels)
