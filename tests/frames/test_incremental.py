"""Frames made from the last one and what changed, against frames made anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.arrays import LabelledArray, Region
from heatwidget.frames import Frame, ResolvedView, View, render, resolve

from .oracle import assert_matches, assert_states, expected_frame
from .sources import WatchedSource
from .strategies import arrays, fill, views
from .test_frame import labelled, make_view

pytestmark = pytest.mark.filterwarnings("error")


def tick(
    watched: WatchedSource, view: View, previous: Frame | None
) -> tuple[Frame, ResolvedView, tuple[Region, ...]]:
    """Do as a widget does."""
    changed = watched.take_changed()
    resolved = resolve(view, watched.axes, watched.value_range())
    return render(watched, resolved, previous=previous, changed=changed), resolved, changed


def same(a: Frame, b: Frame) -> bool:
    """Whether two frames show the same."""
    return (
        a.view == b.view
        and np.array_equal(a.values, b.values, equal_nan=True)
        and np.array_equal(a.states, b.states)
        and np.array_equal(a.row_edges, b.row_edges)
        and np.array_equal(a.column_edges, b.column_edges)
    )


@st.composite
def regions(draw: st.DrawFn, shape: tuple[int, ...]) -> Region:
    """Box inside an array, of one cell or more."""
    pairs = [sorted(draw(st.tuples(*[st.integers(0, n - 1)] * 2))) for n in shape]
    return Region(tuple((a, b + 1) for a, b in pairs))


def write_randomly(draw: Any, watched: WatchedSource) -> None:
    """Change a few regions; what is written may be what was there."""
    for _ in range(draw(st.integers(0, 3))):
        region = draw(regions(watched.values.shape))
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        kind = draw(st.sampled_from(["wild", "whole", "signed", "same"]))
        now = watched.values[region.slices]
        values = now.copy() if kind == "same" else fill(rng, now.shape, now.dtype.str, kind)
        watched.write(region, values, draw(st.sampled_from([False, False, True])))


@given(arrays(), st.data())
@settings(max_examples=150)
def test_incremental_is_full(array: LabelledArray, data: st.DataObject) -> None:
    """After any history of writes and views the frame is that of a fresh start."""
    watched = WatchedSource(array)
    view, previous = data.draw(views(array)), None
    for _ in range(data.draw(st.integers(1, 4))):
        step = data.draw(st.sampled_from(["same view", "same view", "color", "other view"]))
        other = data.draw(views(array))
        if step == "other view":
            view = other
        elif step == "color":
            view = replace(view, color_range=other.color_range, color_scale=other.color_scale)
        write_randomly(data.draw, watched)
        made, resolved, _ = tick(watched, view, previous)
        fresh = render(watched, resolved)
        expected = expected_frame(watched.labelled(), view)
        assert_matches(made, expected)
        assert_states(made, expected.pending)
        how = {axis.reducer for axis in resolved.cells.hidden}
        if not {*how, resolved.cells.pooling} & {"mean", "rms", "std"}:
            assert same(made, fresh)
        if previous is not None and same(previous, made):
            assert made is previous
        previous = made


@given(arrays(), st.data())
def test_only_what_is_needed_is_read(array: LabelledArray, data: st.DataObject) -> None:
    """A write makes the array cells behind the frame cells that it touches be read, at most."""
    watched = WatchedSource(array)
    view = data.draw(views(array))
    previous, resolved, _ = tick(watched, view, None)
    watched.take_reads()
    write_randomly(data.draw, watched)
    made, _, changed = tick(watched, view, previous)
    needed = np.zeros(array.shape, bool)
    for region in changed:
        needed[behind(array, made, resolved, region)] = True
    assert not watched.take_reads()[~needed].any()


def behind(
    array: LabelledArray, made: Frame, resolved: ResolvedView, region: Region
) -> tuple[slice, ...]:
    """Array cells behind the frame cells that a region touches."""
    rule = resolved.cells
    edges = {rule.rows: made.row_edges.tolist(), rule.columns: made.column_edges.tolist()}
    slices, empty = [], False
    for dim, (start, stop) in zip(array.dims, region.bounds, strict=True):
        cells = edges.get(dim, list(rule.windows[dim]))
        pairs = list(pairwise(cells))
        hit = [(a, b) for a, b in pairs if a < stop and start < b]
        empty |= not hit
        slices.append(slice(hit[0][0], hit[-1][1]) if hit else slice(0))
    return (slice(0),) * len(slices) if empty else tuple(slices)


def test_colors_alone_read_nothing() -> None:
    """New limits or another scale recolour what is there, and keep the same values."""
    watched = WatchedSource(labelled(np.arange(24.0).reshape(2, 3, 4)))
    first, _, _ = tick(watched, make_view(), None)
    watched.take_reads()
    for asked in ({"color_range": (3, 5)}, {"color_scale": "log"}, {"color_range": (None, 7)}):
        made, _, _ = tick(watched, make_view(**asked), first)
        assert made is not first
        assert made.values is first.values
    assert not watched.take_reads().any()


def test_nothing_new_is_the_same_frame() -> None:
    """The last frame itself comes back when the same is asked, and nothing is read."""
    watched = WatchedSource(labelled(np.arange(24.0).reshape(2, 3, 4)))
    first, _, _ = tick(watched, make_view(), None)
    watched.take_reads()
    assert tick(watched, make_view(ranges={"layer": (None, 2)}), first)[0] is first
    assert not watched.take_reads().any()


@pytest.mark.parametrize(
    "bounds",
    [((0, 2), (0, 3), (0, 4)), ((2, 4), (0, 1), (0, 4)), ((0, 5), (2, 3), (0, 4))],
    ids=["before the window", "beside the band", "after the band"],
)
def test_writes_out_of_sight_read_nothing(bounds: tuple[tuple[int, int], ...]) -> None:
    """Neither outside the window nor outside the band."""
    watched = WatchedSource(labelled(np.arange(60.0).reshape(5, 3, 4)))
    view = make_view(ranges={"iteration": (2, 4), "layer": (1, 1)}, color_range=(0, 9))
    first, _, _ = tick(watched, view, None)
    watched.take_reads()
    watched.write(Region(bounds), 5.0, False)
    assert tick(watched, view, first)[0] is first
    assert not watched.take_reads().any()


def test_same_values_again_are_the_same_frame() -> None:
    """A write that changes no value on screen sends nothing."""
    watched = WatchedSource(labelled(np.full((3, 4), np.nan)))
    first, _, _ = tick(watched, make_view(), None)
    watched.write(Region(((0, 2), (0, 4))), np.nan, False)
    assert tick(watched, make_view(), first)[0] is first


def test_last_frame_is_left_alone() -> None:
    """Who holds the last frame sees no change in it."""
    watched = WatchedSource(labelled(np.zeros((3, 4))))
    first, _, _ = tick(watched, make_view(color_range=(0, 1)), None)
    watched.write(Region(((1, 2), (0, 4))), 1.0, False)
    made, _, _ = tick(watched, make_view(color_range=(0, 1)), first)
    assert not first.values.any()
    assert made.values[1].all()
