"""What is read beside the page: nothing is shown wrong meanwhile, and all of it in the end."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import ref

import numpy as np
import pytest

import heatwidget as hw
from heatwidget.arrays import Block, LabelledArray, NumpySource, Region
from heatwidget.frames import CellState, overview
from heatwidget.frames.budget import Budget
from heatwidget.widgets import heatmap as heatmap_module
from heatwidget.widgets import reader, screen

DIMS = {2: ("token", "iteration"), 3: ("layer", "token", "iteration")}


class SlowSource(NumpySource):
    """Source that is not in memory: each read waits until it is let through."""

    __slots__ = ("error", "gate", "name", "reads")

    in_memory = False

    def __init__(self, array: LabelledArray) -> None:
        super().__init__(array)
        self.gate = threading.Semaphore(0)
        self.reads: list[Region] = []
        self.error: Exception | None = None
        self.name: str | None = None

    def identity(self) -> str | None:  # type: ignore[override]
        return self.name

    def read(self, region: Region) -> Block:
        assert threading.current_thread().name == "heatwidget-read"
        self.gate.acquire()
        self.reads.append(region)
        if self.error is not None:
            raise self.error
        return super().read(region)

    def let(self, n: int = 10_000) -> None:
        self.gate.release(n)


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small arrays count as large ones, and are read in pieces of a few hundred cells."""
    budget = Budget(small_cells=100, copy_cells=0, piece_cells=1 << 12)
    monkeypatch.setattr(reader, "BUDGET", budget)
    monkeypatch.setattr(screen, "_FIRST", 0.0)


Slow = Callable[..., tuple[hw.Heatmap, SlowSource]]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, cut: None) -> Iterator[Slow]:
    """Makes heatmaps of slow sources, which are let through at the end."""
    made: list[SlowSource] = []

    def make(array: Any, labelled: LabelledArray, request: Any) -> SlowSource:
        made.append(SlowSource(labelled))
        return made[-1]

    def build(values: Any, **asked: Any) -> tuple[hw.Heatmap, SlowSource]:
        with monkeypatch.context() as patch:
            patch.setattr(heatmap_module, "make_source", make)
            return heatmap(values, **asked), made[-1]

    yield build
    for source in made:
        source.let()


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 1, shape).astype(np.float32)


def heatmap(values: Any, **asked: Any) -> hw.Heatmap:
    return hw.Heatmap(
        values, dims=DIMS[values.ndim], rows="token", columns="iteration", height=150, **asked
    )


def expected(values: np.ndarray, **asked: Any) -> np.ndarray:
    """Frame of the same array read at once."""
    widget = heatmap(np.array(values), **asked)
    frame = widget.frame
    assert frame is not None
    widget.close()
    return frame.values


def reading_row(widget: hw.Heatmap) -> Any:
    return widget.children[-1]


def wait_until(widget: hw.Heatmap, done: Any) -> None:
    """Wait for a frame of which something holds."""
    seen = threading.Event()

    def look(_: Any = None) -> None:
        if done():
            seen.set()

    widget.observe(look, "frame")
    look()
    assert seen.wait(30)
    widget.unobserve(look, "frame")


def test_a_small_array_needs_no_thread() -> None:
    before = set(threading.enumerate())
    widget = heatmap(numbers(10, 20))
    assert widget.reading is None
    assert set(threading.enumerate()) <= before


def test_without_threads_all_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the browser's Python; the colours are those of the whole array, too."""
    monkeypatch.setattr("sys.platform", "emscripten")
    values = numbers(30, 40)
    np.save(tmp_path / "run.npy", values)
    widget = heatmap(np.load(tmp_path / "run.npy", mmap_mode="r"))
    assert widget.reading is None
    np.testing.assert_array_equal(widget.frame.values, values)
    limits = widget.frame.view.colors.limits
    assert limits == (float(values.min()), float(values.max()))


@pytest.mark.usefixtures("cut")
def test_a_large_array_in_memory_is_exact_at_once_and_later() -> None:
    values = numbers(3, 700, 900)
    widget = heatmap(values, reducer="max")
    before = widget.frame
    assert before is not None
    assert before.coarse is None
    np.testing.assert_array_equal(before.values, expected(values, reducer="max"))
    assert widget.wait_for_reading(30)
    assert widget.reading is None
    assert reading_row(widget).layout.display == "none"
    for asked in ({"iteration_range": (0, 77)}, {"layer_band": (1, 2)}, {"reducer": "mean"}):
        for name, value in asked.items():
            setattr(widget, name, value)
        shown = {"iteration_range": widget.iteration_range, "layer_band": widget.layer_band}
        wanted = expected(values, reducer=widget.reducer, **shown)
        np.testing.assert_allclose(widget.frame.values, wanted, rtol=2e-6)


@pytest.mark.usefixtures("cut")
def test_after_the_overview_a_scrub_reads_almost_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = numbers(3, 2000, 200)
    widget = heatmap(values)
    assert widget.wait_for_reading(30)
    read: list[int] = []
    plain = NumpySource.read

    def count(self: NumpySource, region: Region) -> Block:
        read.append(region.size)
        return plain(self, region)

    monkeypatch.setattr(NumpySource, "read", count)
    widget.layer_band = (0, 1)
    assert sum(read) == 0
    assert widget.frame.shape[0] < 300


@pytest.mark.usefixtures("cut")
def test_a_live_array_grows_past_its_overview() -> None:
    live = hw.LiveArray({"iteration": 500, "layer": 3, "token": 400})
    values = numbers(700, 3, 400)
    live[:500] = values[:500]
    widget = hw.Heatmap(live, rows="token", columns="iteration", height=150)
    assert widget.wait_for_reading(30)
    for row in values[500:]:
        live.append(row)
    widget.flush()
    assert widget.wait_for_reading(30)
    widget.layer_band = (0, 1)
    plain = hw.Heatmap(live.to_numpy(), rows="token", columns="iteration", height=150)
    plain.layer_band = (0, 1)
    np.testing.assert_allclose(widget.frame.values, plain.frame.values, rtol=2e-6)


@pytest.mark.usefixtures("cut")
def test_an_interrupted_drawing_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    live = hw.LiveArray({"token": 600, "iteration": 500})
    values = numbers(600, 500)
    live[:] = values
    widget = hw.Heatmap(live, rows="token", columns="iteration", height=150, interval=60)
    assert widget.wait_for_reading(30)
    interrupted = False
    while not interrupted:
        values[300:310] += 1
        live[300:310] = values[300:310]
        with monkeypatch.context() as patch:
            patch.setattr("heatwidget.frames.overview.summarize", interrupt)
            try:
                widget.flush()  # without an interrupt where the drawing thread came before it
            except KeyboardInterrupt:
                interrupted = True
    widget.flush()
    assert widget.wait_for_reading(30)
    widget.iteration_range = (0, 400)
    np.testing.assert_array_equal(widget.frame.values, expected(values, iteration_range=(0, 400)))


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("cut")
def test_a_live_array_keeps_its_overview() -> None:
    live = hw.LiveArray({"token": 600, "iteration": 500})
    live[:300] = 0.5
    widget = hw.Heatmap(live, rows="token", columns="iteration", height=150)
    assert widget.wait_for_reading(30)
    values = numbers(600, 500)
    for row in range(0, 600, 50):
        live[row : row + 50] = values[row : row + 50]
        widget.flush()
    np.testing.assert_array_equal(widget.frame.values, expected(values))
    assert widget.wait_for_reading(30)


def test_a_slow_array_is_coarse_first(slow: Slow) -> None:
    values = numbers(700, 900)
    widget, source = slow(values)
    assert widget.frame.states_present() == (CellState.PENDING,)
    assert widget.reading == 0
    row = reading_row(widget)
    source.let(3)
    wait_until(widget, lambda: CellState.PENDING not in widget.frame.states_present())
    assert 0 < widget.reading < 0.1
    assert widget.frame.coarse.any()
    assert row.layout.display is None
    assert "coarse" in row.children[2].value
    source.let()
    widget.flush()
    assert widget.frame.coarse is None
    assert widget.reading is None
    assert row.layout.display == "none"
    np.testing.assert_array_equal(widget.frame.values, expected(values))
    # Each cell once.
    assert sum(region.size for region in source.reads) == values.size


@pytest.mark.parametrize("asked", [{"pooling": "max"}, {"iteration_range": (3, 9)}])
def test_what_no_overview_gives_is_read_for_itself(slow: Slow, asked: dict[str, Any]) -> None:
    values = numbers(3, 700, 900)
    widget, source = slow(values)
    source.let()
    widget.flush()
    for name, value in asked.items():
        setattr(widget, name, value)
    widget.flush()
    assert widget.frame.coarse is None
    np.testing.assert_allclose(widget.frame.values, expected(values, **asked), rtol=2e-6)
    before = widget.frame
    widget.color_scheme = "magma"
    widget.flush()
    assert widget.frame is before


def test_what_is_looked_at_is_read_first(slow: Slow) -> None:
    values = numbers(30, 100, 900)
    widget, source = slow(values, reducer="last", layer_band=(None, 4))
    source.let(60)
    wait_until(widget, lambda: widget.frame.coarse is None and not widget.frame.states.any())
    assert widget.reading is not None
    wanted = expected(values, reducer="last", layer_band=(None, 4))
    np.testing.assert_array_equal(widget.frame.values, wanted)


def test_reading_stops_and_goes_on(slow: Slow) -> None:
    values = numbers(700, 900)
    widget, source = slow(values)
    source.let(2)
    wait_until(widget, lambda: CellState.PENDING not in widget.frame.states_present())
    row = reading_row(widget)
    button = row.children[1]
    assert button.description == "stop"
    button.click()
    source.let(2)
    widget.flush()  # does not wait for what nobody reads
    wait_until(widget, lambda: button.description == "go on")
    assert "stopped at" in row.children[2].value
    assert widget.frame.coarse is not None
    button.click()
    source.let()
    widget.flush()
    np.testing.assert_array_equal(widget.frame.values, expected(values))
    assert row.layout.display == "none"


def test_the_row_stays_as_long_as_the_picture_is_coarse(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the last piece is read between a drawing and its row."""
    widget, source = slow(numbers(400, 300))
    render, hidden = reader.Reader.render, []

    def render_and_read_on(self: reader.Reader, *arguments: Any) -> Any:
        frame = render(self, *arguments)
        source.let()
        assert self.wait(30)
        return frame

    def look(change: Any) -> None:
        if change["new"] == "none":
            hidden.append(widget._screen.frame.coarse is None)

    reading_row(widget).layout.observe(look, "display")
    monkeypatch.setattr(reader.Reader, "render", render_and_read_on)
    widget.reducer = "max"
    widget.color_scheme = "magma"
    widget.flush()
    assert hidden == [True]


def test_an_error_stands_below_the_picture(slow: Slow) -> None:
    values = numbers(700, 900)
    widget, source = slow(values)
    source.error = OSError("the disk is gone")
    source.let()
    with pytest.raises(OSError, match="the disk is gone"):
        widget.flush()
    assert "the disk is gone" in str(widget.error)
    n_reads = len(source.reads)
    widget.color_scheme = "magma"
    assert len(source.reads) == n_reads  # not again and again
    source.error = None
    widget.refresh()
    widget.flush()
    assert widget.error is None
    np.testing.assert_array_equal(widget.frame.values, expected(values))


def test_a_frame_is_read_once_whatever_the_colours(slow: Slow) -> None:
    widget, source = slow(numbers(3, 700, 900), pooling="max")
    source.let(1)
    for scheme in ("magma", "inferno", "greys"):
        widget.color_scheme = scheme
        source.let(1)
    source.let()
    widget.flush()
    n_frame = sum(region.size for region in source.reads) - 3 * 700 * 900
    assert n_frame <= 3 * 700 * 900  # the frame, and the overview


def test_a_picture_as_fine_as_the_array_is_coarse_first(slow: Slow) -> None:
    """And read once, though pooled the array is no smaller."""
    values = numbers(3000, 8, 10)
    widget, source = slow(values, reducer="mean")
    source.let(1)
    wait_until(widget, lambda: not widget.frame.states.any())
    assert widget.frame.coarse.all()
    source.let()
    widget.flush()
    np.testing.assert_allclose(widget.frame.values, expected(values), rtol=2e-6)
    n_reads = len(source.reads)
    widget.layer_band = (2, 5)
    np.testing.assert_allclose(widget.frame.values, expected(values, layer_band=(2, 5)), rtol=2e-6)
    assert len(source.reads) == n_reads


def test_of_the_last_one_that_is_read_first(slow: Slow) -> None:
    """The right picture stands long before all is read."""
    values = numbers(4000, 30, 40)
    widget, source = slow(values, reducer="last")
    seen = expected(values, reducer="last")
    source.let(1)
    wait_until(widget, lambda: np.array_equal(widget.frame.values, seen))
    assert len(source.reads) == 1


def test_where_no_bins_help_the_frame_is_read(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BUDGET", replace(reader.BUDGET, level_cells=1000))
    values = numbers(3000, 8, 10)
    widget, source = slow(values, reducer="mean")
    assert widget.frame.states_present() == (CellState.PENDING,)
    source.let()
    widget.flush()
    np.testing.assert_allclose(widget.frame.values, expected(values), rtol=2e-6)
    widget.layer_band = (2, 5)
    widget.flush()
    np.testing.assert_allclose(widget.frame.values, expected(values, layer_band=(2, 5)), rtol=2e-6)


def test_what_has_changed_meanwhile_is_read_anew(
    slow: Slow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never kept under the name of what it is not."""
    monkeypatch.setenv("HEATWIDGET_CACHE", str(tmp_path))
    values = np.full((700, 900), 0.5, np.float32)
    widget, source = slow(values)
    source.name = "before"
    source.let(3)
    wait_until(widget, lambda: CellState.PENDING not in widget.frame.states_present())
    widget.stop_reading()
    source.let(2)
    values[:] = 1
    source.name = "after"
    widget.resume_reading()
    source.let()
    widget.flush()
    assert (widget.frame.values == 1).all()


def test_a_refresh_amid_a_frame(slow: Slow) -> None:
    values = numbers(3, 700, 900)
    widget, source = slow(values, pooling="max")
    source.let(2)
    wait_until(widget, lambda: len(source.reads) > 0 or widget.reading == 0)
    values += 1
    widget.refresh()
    source.let()
    widget.flush()
    np.testing.assert_array_equal(widget.frame.values, expected(values, pooling="max"))


def test_a_failed_reading_goes_on_by_the_button(slow: Slow) -> None:
    values = numbers(700, 900)
    widget, source = slow(values)
    source.error = OSError("gone")
    source.let()
    wait_until_said(widget, "gone")
    button = reading_row(widget).children[1]
    assert button.description == "go on"
    source.error = None
    button.click()
    widget.flush()
    assert widget.error is None
    np.testing.assert_array_equal(widget.frame.values, expected(values))


def wait_until_said(widget: hw.Heatmap, text: str) -> None:
    """Wait for something in the status line."""
    status, said = widget._screen.view._status, threading.Event()
    status.observe(lambda change: said.set() if text in change["new"] else None, "value")
    assert text in status.value or said.wait(30)


def test_one_that_failed_goes_with_its_owner(slow: Slow) -> None:
    widget, source = slow(numbers(700, 900))
    source.error = OSError("gone")
    source.let()
    with pytest.raises(OSError, match="gone"):
        widget.flush()
    gone = ref(widget)
    del widget
    # The thread that read may just be drawing, and holds the widget while it does.
    end = monotonic() + 60
    while gone() is not None and monotonic() < end:
        gc.collect()
    assert gone() is None


def test_stopped_and_nothing_left_to_read(slow: Slow) -> None:
    values = numbers(3, 700, 900)
    widget, source = slow(values)
    source.let()
    widget.flush()
    while source.gate.acquire(blocking=False):
        pass
    widget.pooling = "max"
    assert widget.reading is not None
    widget.stop_reading()
    widget.pooling = None
    assert widget.reading is None
    assert reading_row(widget).layout.display == "none"


def test_refresh_reads_again(slow: Slow) -> None:
    values = numbers(700, 900)
    widget, source = slow(values)
    source.let()
    widget.flush()
    values[:] = values[::-1].copy()
    widget.refresh()
    widget.flush()
    np.testing.assert_array_equal(widget.frame.values, expected(values))


def test_closing_ends_the_reading(slow: Slow) -> None:
    widget, source = slow(numbers(700, 900))
    source.let(2)
    wait_until(widget, lambda: CellState.PENDING not in widget.frame.states_present())
    source.let(1)
    widget.close()
    for thread in threading.enumerate():
        if thread.name == "heatwidget-read":
            source.let(1)
            thread.join(30)
    assert len(source.reads) <= 5


def test_another_array_ends_the_reading(slow: Slow) -> None:
    widget, source = slow(numbers(700, 900))
    other = numbers(500, 400)
    widget.set_array(other, dims=DIMS[2])
    widget.flush()
    np.testing.assert_array_equal(widget.frame.values, expected(other))
    source.let()
    assert len(source.reads) <= 2


def test_color_limits_come_from_what_was_read(slow: Slow) -> None:
    values = numbers(700, 900)
    values[699, 899] = 7
    widget, source = slow(values)
    source.let()
    widget.flush()
    assert widget.frame.view.colors.limits == (pytest.approx(float(values.min())), 7)


def test_the_overview_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: None) -> None:
    monkeypatch.setenv("HEATWIDGET_CACHE", str(tmp_path / "cache"))
    values = numbers(700, 900)
    np.save(tmp_path / "run.npy", values)
    first = heatmap(np.load(tmp_path / "run.npy", mmap_mode="r"))
    first.flush()
    assert first.wait_for_reading(30)
    wanted = first.frame.values
    first.close()
    monkeypatch.setattr(overview, "summarize", None)  # nothing is read any more
    again = heatmap(np.load(tmp_path / "run.npy", mmap_mode="r"))
    again.flush()
    np.testing.assert_array_equal(again.frame.values, wanted)


def test_no_permission_for_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: None
) -> None:
    (tmp_path / "cache").write_text("a file, where a folder is needed")
    monkeypatch.setenv("HEATWIDGET_CACHE", str(tmp_path / "cache"))
    np.save(tmp_path / "run.npy", numbers(700, 900))
    widget = heatmap(np.load(tmp_path / "run.npy", mmap_mode="r"))
    widget.flush()
    assert widget.frame.coarse is None
    wait_until(widget, lambda: widget.error is not None)
    assert "cache" in str(widget.error)
    widget.iteration_range = (0, 5)
    widget.flush()
    assert widget.frame.shape[1] == 6
