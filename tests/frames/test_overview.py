"""Frames made from an overview, against frames made from the array."""

from __future__ import annotations

import pickle
from unittest import mock

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from heatwidget.arrays import LabelledArray, Region, ValueRange
from heatwidget.arrays.axis import make_axis
from heatwidget.arrays.extent import scan_values
from heatwidget.frames import (
    POOLINGS,
    CellState,
    Frame,
    ResolvedView,
    View,
    levels,
    render,
    resolve,
)
from heatwidget.frames.bins import bin_size
from heatwidget.frames.budget import BUDGET, Budget
from heatwidget.frames.overview import Overview, Subject
from heatwidget.frames.spreading import nearest

from .sources import WatchedSource
from .strategies import fill, views
from .test_incremental import regions

pytestmark = pytest.mark.filterwarnings("error")

SUMS = {"mean", "rms"}


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    """Levels and pieces for arrays of a few hundred cells."""
    least, piece = draw(st.sampled_from([2, 4])), draw(st.integers(1, 200))
    return Budget(
        copy_cells=draw(st.sampled_from([0, 99])),
        piece_cells=piece,
        max_piece_cells=4 * piece,
        bin_cells=least,
        any_window_bin_cells=2 * least,
        level_cells=draw(st.sampled_from([1 << 28, 1 << 28, 200])),
        min_pixels=4,
        max_pixels=8,
    )


@pytest.mark.parametrize("name", ["token", "layer", "head"])
@given(
    shape=st.tuples(*[st.sampled_from([1, 36, 900, 5000, 10**6, 10**8])] * 3),
    in_memory=st.booleans(),
)
def test_what_it_takes_is_bounded_however_large_the_array(
    name: str, shape: tuple[int, int, int], in_memory: bool
) -> None:
    """All levels together take not much more than they may; there is one where that can be."""
    n_hidden, *sizes = shape
    rows, columns = (
        levels.make_side(side, n, bin_size(n, 500), BUDGET)
        for side, n in zip((name, "iteration"), sizes, strict=True)
    )
    bins = levels.level_bins(rows, columns, n_hidden, BUDGET, in_memory=in_memory)
    n_cells = sum(n_hidden * -(-rows.size // r) * -(-columns.size // c) for r, c in bins)
    coarsest = rows.bins[-1] * columns.bins[-1]
    whole = np.prod(shape, dtype=float)
    most = BUDGET.level_cells
    assert n_cells <= max(4 * most, 4 * whole / max(coarsest, BUDGET.bin_cells))
    assert bins or in_memory or whole / coarsest >= most
    if in_memory:
        assert n_cells <= whole * 3 / 8 + 5 * n_hidden * (rows.size + columns.size)


@st.composite
def sources(draw: st.DrawFn) -> WatchedSource:
    """Array of 2 to 4 axes, some cells of it not there or not finite; of any chunks."""
    item = draw(st.sampled_from(["token", "prompt"]))
    names = draw(st.permutations(["iteration", "layer", item, "seed"]))[: draw(st.integers(2, 4))]
    shape = tuple(draw(st.integers(1, {2: 30, 3: 14, 4: 7}[len(names)])) for _ in names)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(["f4", "f4", "f8", "f2", "i2", "?", ">f4"]))
    values = fill(rng, shape, dtype, draw(st.sampled_from(["whole", "positive", "signed"])))
    if np.dtype(dtype).kind == "f" and draw(st.booleans()):
        odd = rng.random(shape) < 0.02
        values[odd] = rng.choice([np.nan, np.inf, -np.inf], int(odd.sum()))
    part = draw(st.sampled_from([0.0, 0.0, 0.1, 0.9]))
    mask = rng.random(shape) < part
    if draw(st.booleans()):
        mask[...] = mask[:1]
    axes = tuple(make_axis(name, n) for name, n in zip(names, shape, strict=True))
    chunks = tuple(draw(st.integers(1, n)) for n in shape) if draw(st.booleans()) else None
    return WatchedSource(
        LabelledArray(np.ma.array(values, mask=mask), axes),
        chunks=chunks,
        in_memory=draw(st.booleans()),
    )


def resolved(draw: st.DrawFn, source: WatchedSource) -> ResolvedView:
    """Any view, most often one in which cells are pooled as the hidden axis is reduced."""
    view = draw(views(source.labelled()))
    if draw(st.integers(0, 3)):
        how = draw(st.sampled_from(POOLINGS))
        asked = {name: getattr(view, name) for name in View.__dataclass_fields__}
        reducers = [how, how, "first", "last", "difference"]
        asked.update(reducer=draw(st.sampled_from(reducers)), pooling=how, reducers={})
        asked.update(max_rows=draw(st.integers(2, 5)), max_columns=draw(st.integers(2, 5)))
        if draw(st.booleans()):
            asked.update(ranges={})
        view = View(**asked)
    return resolve(view, source.axes, source.value_range())


def fill_up(made: Overview, source: WatchedSource, n_pieces: int | None = None) -> None:
    """Read some or all of what is missing."""
    for region, summary in source.map(made.summarize(), made.missing()):
        if n_pieces == 0:
            return
        n_pieces = None if n_pieces is None else n_pieces - 1
        made.add(region, summary)


def share_read(made: Overview, view: ResolvedView) -> float:
    """Share of the cells, of pieces that a picture needs, that were read."""
    needed = Region(tuple(view.cells.windows[name] for name in made.dims))
    return made.pieces.progress_within(needed)


def assert_alike(frame: Frame, base: Frame, where: np.ndarray | None = None) -> None:
    """Equal, or up to rounding where values were summed."""
    where = np.ones(base.shape, bool) if where is None else where
    rule = base.view.cells
    np.testing.assert_array_equal(frame.row_edges, base.row_edges)
    np.testing.assert_array_equal(frame.column_edges, base.column_edges)
    largest = np.max(np.abs(base.values), where=np.isfinite(base.values), initial=1)
    summed = {*(axis.reducer for axis in rule.hidden), rule.pooling} & SUMS
    np.testing.assert_allclose(
        frame.values[where],
        base.values[where],
        rtol=2e-6 if summed else 0,
        atol=2e-6 * largest if summed else 0,
        equal_nan=True,
    )
    pending = (frame.states == 1), (base.states == 1)
    np.testing.assert_array_equal(pending[0][where], pending[1][where])


@given(budgets(), sources(), st.data())
@settings(max_examples=100)
def test_frame_from_an_overview_is_the_arrays(
    budget: Budget, source: WatchedSource, data: st.DataObject
) -> None:
    """Whatever is pooled, pending or cut by the window, and in whatever order it was read."""
    made = Overview(source, resolved(data.draw, source).cells, budget)
    regions = data.draw(st.permutations([*made.missing()]))
    for region, summary in source.map(made.summarize(), regions):
        made.add(region, summary)
    assert made.complete
    for _ in range(3):
        view = resolved(data.draw, source)
        event(made.plan(view.cells).kind)
        frame = render(source, view, overview=made)
        assert frame.coarse is None
        assert_alike(frame, render(source, view))
    if made.store.parts():
        assert made.extent == scan_values(source.values, source.pending)


@given(budgets(), sources(), st.data())
@settings(max_examples=60)
def test_what_is_not_coarse_is_exact(
    budget: Budget, source: WatchedSource, data: st.DataObject
) -> None:
    """Amid reading: a cell is coarse, or as it will be; and it improves the last frame."""
    view, frame = resolved(data.draw, source), None
    made = Overview(source, view.cells, budget)
    while not made.complete:
        fill_up(made, source, data.draw(st.integers(1, 9)))
        frame = render(source, view, previous=frame, overview=made)
        base = render(source, view)
        coarse = np.zeros(base.shape, bool) if frame.coarse is None else frame.coarse
        event(f"coarse {coarse.mean():.0%}"[:10])
        assert_alike(frame, base, ~coarse)
        assert made.progress <= 1
    assert made.progress == share_read(made, view) == 1


@given(budgets(), sources(), st.data())
@settings(max_examples=150)
def test_kept_up_to_date(budget: Budget, source: WatchedSource, data: st.DataObject) -> None:
    """After any writes, while it is read and later, it is as one made anew."""
    view, frame = resolved(data.draw, source), None
    made = Overview(source, view.cells, budget)
    in_flight = []
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            in_flight = [*source.map(made.summarize(), made.missing())]
        region = data.draw(regions(source.values.shape))
        rng = np.random.default_rng(data.draw(st.integers(0, 99)))
        now = source.values[region.slices]
        new = fill(rng, now.shape, now.dtype.str, "whole")
        source.write(region, new, data.draw(st.sampled_from([False, False, True])))
        changed = source.take_changed()
        made.update(source, changed)
        keep = data.draw(st.integers(0, len(in_flight)))
        for piece in in_flight[keep:]:
            made.add(*piece)
        del in_flight[keep:]
        frame = render(source, view, previous=frame, changed=changed, overview=made)
        coarse = np.zeros(frame.shape, bool) if frame.coarse is None else frame.coarse
        assert_alike(frame, render(source, view), ~coarse)
    while not made.complete:
        fill_up(made, source)
    fresh = Overview(source, view.cells, budget)
    fill_up(fresh, source)
    assert_alike(render(source, view, overview=made), render(source, view, overview=fresh))


def labelled(values: np.ndarray, *dims: str) -> LabelledArray:
    axes = (make_axis(name, n) for name, n in zip(dims, values.shape, strict=True))
    return LabelledArray(values, tuple(axes))


def make_view(source: WatchedSource, reducer: str = "mean", **asked: object) -> ResolvedView:
    """Layers collapsed, a picture of 40 by 50 cells at most."""
    view = View("token", "iteration", reducer, "linear", max_rows=40, max_columns=50, **asked)
    return resolve(view, source.axes, ValueRange(0, 1, 0.1, 0.1, empty=False))


def filled(
    shape: tuple[int, int, int], view: dict[str, object], budget: Budget = BUDGET, **kind: object
) -> tuple:
    """Source of iterations, layers and tokens, and a complete overview of it."""
    values = np.random.default_rng(3).random(shape, np.float32)
    source = WatchedSource(labelled(values, "iteration", "layer", "token"), **kind)
    made = Overview(source, make_view(source, **view).cells, budget)
    fill_up(made, source)
    return source, made


@pytest.mark.parametrize("chunks", [None, (7, 2, 50), (1, 4, 300), (1503, 1, 1)])
def test_each_cell_is_read_once(chunks: tuple[int, ...] | None) -> None:
    """To make the overview, whatever the chunks; and then hardly any for a frame."""
    source, made = filled((1503, 4, 300), {}, chunks=chunks)
    assert (source.take_reads() == 1).all()
    for first, last in ((0, 1502), (3, 1490), (9, 1502), (700, 1301)):
        view = make_view(source, ranges={"iteration": (first, last)})
        plan = made.plan(view.cells)
        assert plan.serves
        frame = render(source, view, overview=made)
        reads = source.take_reads()
        # The two ends of the window, where it cuts the finest bin.
        finest = min(c for _, c in made.layout.roots)
        ends = -first % finest + (0 if last == 1502 else (last + 1) % finest)
        assert reads.sum() == ends * 4 * 300
        assert (plan.kind == "exact") == (ends == 0)
        assert frame.coarse is None


def test_reads_of_a_frame_do_not_grow_with_the_array() -> None:
    """A window of the same length costs the same in an array ten times as long."""
    counts = []
    for n in (2000, 20_000):
        source, made = filled((n, 3, 64), {})
        source.take_reads()
        render(source, make_view(source, ranges={"iteration": (101, 1701)}), overview=made)
        counts.append(int(source.take_reads().sum()))
    assert counts[0] == counts[1] < 32 * 64 * 3


def test_finer_views_read_the_array() -> None:
    """At most 16 cells of it for each cell of the picture, and index of the band."""
    source, made = filled((3000, 3, 160), {})
    source.take_reads()
    view = make_view(source, ranges={"iteration": (10, 55)})
    assert made.subject == Subject.of(source, view.cells)
    plan = made.plan(view.cells)
    assert plan.kind == "coarse"
    frame = render(source, view, overview=made)
    assert source.take_reads().sum() <= 16 * 3 * frame.values.size
    assert made.plan(plan.rule).serves
    near = ResolvedView(plan.rule, view.colors)
    rough = render(source, near, overview=made, approximate=True)
    assert rough.coarse.all()
    assert not source.take_reads().any()
    assert abs(rough.values.mean() - frame.values.mean()) < 0.05


@pytest.mark.parametrize("reducer", ["first", "last"])
def test_first_and_last_where_some_are_pending(reducer: str) -> None:
    """A bin of which only a part is there at the first layer cannot tell: the array does."""
    values = np.random.default_rng(3).random((640, 3, 64), np.float32)
    mask = np.zeros(values.shape, bool)
    mask[320:, [0, 2]] = True
    for torn in (False, True):
        mask[100:103, [0, 2], 7] = torn
        array = labelled(np.ma.array(values, mask=mask), "iteration", "layer", "token")
        source = WatchedSource(array)
        view = make_view(source, reducer)
        made = Overview(source, view.cells)
        fill_up(made, source)
        source.take_reads()
        frame = render(source, view, overview=made)
        assert source.take_reads().any() == torn
        assert_alike(frame, render(source, view))
        assert made.plan(view.cells).kind == "edges"


def test_torn_cells_do_not_wait_for_the_array() -> None:
    """Amid reading they are coarse: the array, slow to read, is not looked at for them."""
    values = np.random.default_rng(3).random((640, 3, 64), np.float32)
    mask = np.zeros(values.shape, bool)
    mask[100:103, [0, 2], 7] = True
    array = labelled(np.ma.array(values, mask=mask), "iteration", "layer", "token")
    source = WatchedSource(array, in_memory=False, chunks=(320, 3, 64))
    view = make_view(source, "last", ranges={"iteration": (0, 319)})
    made = Overview(source, view.cells, Budget(copy_cells=0, piece_cells=1))
    fill_up(made, source, 1)
    assert share_read(made, view) == 1
    source.take_reads()
    frame = render(source, view, overview=made)
    assert not source.take_reads().any()
    assert 0 < frame.coarse.sum() < frame.coarse.size / 10
    assert_alike(frame, render(source, view), ~frame.coarse)


def test_means_that_overflow_float32() -> None:
    """Sums of means are as large as they come."""
    values = np.full((640, 20, 64), 3e38, np.float32)
    source = WatchedSource(labelled(values, "iteration", "layer", "token"))
    made = Overview(source, make_view(source).cells)
    fill_up(made, source)
    frame = render(source, make_view(source), overview=made)
    np.testing.assert_allclose(frame.values, 3e38, rtol=2e-6)


def test_a_copy_serves_any_view() -> None:
    """What is slow to read and not large is read once, and never again."""
    source, made = filled((30, 5, 20), {}, in_memory=False)
    assert (source.take_reads() == 1).all()
    for reducer in ("mean", "last", "max"):
        view = make_view(source, reducer, pooling="min", ranges={"iteration": (3, 17)})
        assert made.plan(view.cells).kind == "exact"
        render(source, view, overview=made)
    assert not source.take_reads().any()


def test_what_is_looked_at_is_read_first() -> None:
    """Then the rest, coarse to fine, each piece once; and the order follows the view."""
    values = np.zeros((640, 4, 64), np.float32)
    source = WatchedSource(labelled(values, "iteration", "layer", "token"), chunks=(10, 4, 64))
    made = Overview(source, make_view(source).cells, Budget(piece_cells=1))
    made.want(make_view(source, ranges={"iteration": (100, 139)}).cells)
    missing = made.missing()
    first = [next(missing).bounds[0][0] for _ in range(4)]
    assert sorted(first) == [100, 110, 120, 130]
    made.want(make_view(source, ranges={"iteration": (500, 500)}).cells)
    assert next(missing).bounds[0] == (500, 510)
    made.want(make_view(source).cells)
    rest = [region.bounds[0][0] for region in missing]
    assert rest[:3] == [0, 320, 160]
    assert sorted([*first, 500, *rest]) == list(range(0, 640, 10))


def test_nearest_value_stands_in() -> None:
    """Amid reading each cell shows the nearest that was read; nothing read is pending."""
    values = np.repeat(np.arange(64, dtype=np.float32), 10)[:, None, None] * np.ones(
        (1, 2, 64), "f4"
    )
    source = WatchedSource(labelled(values, "iteration", "layer", "token"), chunks=(10, 2, 64))
    made = Overview(source, make_view(source).cells, Budget(piece_cells=1))
    assert (render(source, make_view(source), overview=made).states == CellState.PENDING).all()
    fill_up(made, source, 2)
    frame = render(source, make_view(source), overview=made)
    assert set(np.unique(frame.values)) == {0, 32}
    n_zeros = (frame.values[0] == 0).sum()
    assert (frame.values[:, :n_zeros] == 0).all()
    assert 9 <= n_zeros <= 12
    assert frame.coarse.mean() > 0.9


def test_summaries_travel() -> None:
    """The function and what it gives can be pickled, and neither is large."""
    source, made = filled((300, 4, 100), {})
    function = pickle.dumps(made.summarize())
    assert len(function) < 1000
    region = Region(((0, 300), (0, 4), (0, 100)))
    summary = pickle.loads(function)(region, source.read(region))
    assert len(pickle.dumps(summary)) < source.values.nbytes / 4


def test_a_small_array_needs_none() -> None:
    """Where nothing would be pooled there is nothing to read."""
    source, made = filled((9, 4, 5), {})
    assert made.complete
    assert made.progress == 1
    assert not source.take_reads().any()
    made.update(source, [Region(((0, 9), (0, 4), (0, 5)))])
    assert made.plan(make_view(source).cells).kind == "nothing"


def test_no_bins_are_large_enough() -> None:
    """A long hidden axis behind a small picture: pooled it would be as large as it is."""
    budget = Budget(copy_cells=0, level_cells=99)
    source, made = filled((32, 2000, 40), {}, budget, in_memory=False)
    view = make_view(source)
    assert made.subject == Subject.of(source, view.cells, budget)
    assert made.plan(view.cells).kind == "nothing"
    assert made.complete
    assert made.extent.empty
    assert not made.parts()
    assert not source.take_reads().any()


def test_of_another_shape() -> None:
    """Once an array has grown, or is another one, it is not of that array."""
    source, made = filled((300, 4, 100), {})
    rule = make_view(source).cells
    assert made.subject == Subject.of(source, rule)
    for shape, dims in (
        ((301, 4, 100), ("iteration", "layer", "token")),
        ((300, 4, 100), ("iteration", "layer", "prompt")),
        ((300, 4), ("iteration", "layer")),
    ):
        other = WatchedSource(labelled(np.zeros(shape, "f4"), *dims))
        assert made.subject.sizes != Subject.of(other, rule).sizes


@pytest.mark.parametrize("when", ["update", "add"])
def test_interrupted(when: str) -> None:
    """By the user, or for want of memory: nothing that is half done counts as read."""
    values = np.random.default_rng(3).random((640, 4, 64), np.float32)
    source = WatchedSource(labelled(values, "iteration", "layer", "token"), chunks=(10, 4, 64))
    view = make_view(source)
    made = Overview(source, view.cells, Budget(piece_cells=1))
    if when == "update":
        fill_up(made, source)
        source.write(Region(((95, 215), (0, 4), (0, 64))), np.float32(5), False)
        reads = iter([source.read, source.read, mock.Mock(side_effect=KeyboardInterrupt)])
        with (
            mock.patch.object(source, "read", lambda region: next(reads)(region)),
            pytest.raises(KeyboardInterrupt),
        ):
            made.update(source, source.take_changed())
    else:
        fill_up(made, source, 5)
        with (
            mock.patch.object(levels.Levels, "lift", side_effect=MemoryError),
            pytest.raises(MemoryError),
        ):
            fill_up(made, source)
    assert not made.complete
    fill_up(made, source)
    assert made.complete
    fresh = Overview(source, view.cells)
    fill_up(fresh, source)
    assert_alike(render(source, view, overview=made), render(source, view, overview=fresh))
    assert made.extent == fresh.extent


def test_a_write_costs_what_it_touches() -> None:
    """Counts, once there, are not made anew or looked through for each of many writes."""
    source, made = filled((6000, 4, 64), {})
    view = make_view(source)
    spares = []
    with mock.patch.object(np, "array_equal", wraps=np.array_equal) as compared:
        for i in range(3):
            source.write(Region(((i, i + 1), (0, 4), (0, 64))), np.float32(i), False)
            made.update(source, source.take_changed())
            assert all(level.count is None for level in made.store.by_bins.values())
            spares.append({id(level._spare) for level in made.store.by_bins.values()})
    assert spares[0] == spares[1] == spares[2]
    seen = sum(call.args[0].size for call in compared.call_args_list)
    assert seen < sum(level.values.size for level in made.store.by_bins.values()) / 4
    assert_alike(render(source, view, overview=made), render(source, view))


def test_a_region_that_is_no_piece() -> None:
    """Only what was given out is taken."""
    source, made = filled((300, 4, 100), {})
    region = Region(((0, 3), (0, 4), (0, 100)))
    with pytest.raises(ValueError, match="region must be one that missing"):
        made.add(region, made.summarize()(region, source.read(region)))


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 1), (1, 30), (33, 64)])
def test_nearest_known_cell(shape: tuple[int, int]) -> None:
    """By rows plus columns, as looking at all of them tells."""
    rng = np.random.default_rng(5)
    known = rng.random(shape) < 0.05
    known[tuple(rng.integers(0, n) for n in shape)] = True
    rows, columns = np.nonzero(known)
    grid = np.indices(shape)
    wanted = np.min(abs(grid[0, ..., None] - rows) + abs(grid[1, ..., None] - columns), axis=-1)
    found = np.unravel_index(nearest(known), shape)
    assert known[found].all()
    assert (abs(grid[0] - found[0]) + abs(grid[1] - found[1]) == wanted).all()


def test_single_cells_keep_their_sign() -> None:
    """Of an array whose picture is as fine as it, whatever pools coarser ones."""
    values = -np.ones((300, 4, 5), np.float32)
    source = WatchedSource(
        labelled(values, "iteration", "layer", "token"), in_memory=False, chunks=(300, 4, 5)
    )
    view = View("layer", "token", "last", "linear", 50, 50, pooling="rms")
    rule = resolve(view, source.axes, source.value_range())
    made = Overview(source, rule.cells, Budget(copy_cells=0))
    fill_up(made, source)
    assert made.plan(rule.cells).kind == "exact"
    assert (render(source, rule, overview=made).values == -1).all()
    pooled = resolve(
        View("layer", "token", "last", "linear", 3, 3, pooling="rms"), source.axes, ValueRange()
    )
    assert (render(source, pooled, overview=made).values == 1).all()
