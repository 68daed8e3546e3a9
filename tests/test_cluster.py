"""Arrays on a cluster of dask.distributed: two worker processes, and one who looks."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from distributed import Client, LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin

from heatwidget import ConvergenceHeatmap
from heatwidget.frames.budget import Budget
from heatwidget.frames.overview import Overview
from heatwidget.metrics import relative_residuals, residual_norms, step_norms
from heatwidget.widgets import reader

SHAPE = (65, 200, 2048)


class Seen(SchedulerPlugin):
    """What the scheduler has seen: how often tasks were done, and bytes of what a client took."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster
        self.done: Counter[str] = Counter()
        self.taken = 0
        self.begun = Event()
        # Called with the process id of the worker that did what a client wants.
        self.on_taken: Callable[[int], None] = lambda pid: None

    @property
    def tasks(self) -> dict[Any, Any]:
        """What the scheduler still knows of."""
        return self._cluster.scheduler.tasks

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        if finish == "processing":
            self.begun.set()
        if finish == "memory":
            task = self.tasks[key]
            self.done[task.prefix.name] += 1
            if task.who_wants:
                self.taken += task.nbytes
                worker = next(iter(task.who_has))
                self.on_taken(self._cluster.workers[worker.name].pid)


def new_cluster(*, processes: bool = True) -> LocalCluster:
    """Two workers; any free ports."""
    return LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=processes,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with new_cluster() as cluster:
        yield cluster


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    with Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def seen(cluster: LocalCluster, client: Client) -> Iterator[Seen]:
    seen = Seen(cluster)
    cluster.scheduler.add_plugin(seen, name="seen")
    yield seen
    cluster.scheduler.remove_plugin("seen")


@pytest.fixture(scope="module")
def latents(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, np.ndarray]:
    """Latent states that converge, 106 MB: where they are stored, and their residual norms."""
    path = str(tmp_path_factory.mktemp("cluster") / "latents.zarr")
    rng = np.random.default_rng(0)
    start, end = rng.standard_normal((2, *SHAPE[1:]), dtype=np.float32)
    states = end + start * np.float32(0.8) ** np.arange(65, dtype=np.float32)[:, None, None]
    zarr.create_array(path, data=states, chunks=(5, 100, 2048), compressors=None)
    return path, states


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a widget asks for at a time is one chunk."""
    monkeypatch.setattr(reader, "BUDGET", Budget(piece_cells=1))


def until(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = monotonic() + 30
    while not condition():
        assert monotonic() < end
        Event().wait(0.01)


def assert_shows(widget: ConvergenceHeatmap, values: np.ndarray) -> None:
    """All of a picture is there, and is that of an array in memory."""
    with closing(ConvergenceHeatmap(values, iteration_range=widget.iteration_range)) as plain:
        assert widget.frame.coarse is None
        np.testing.assert_allclose(widget.frame.values, plain.frame.values, rtol=2e-6)
        np.testing.assert_array_equal(widget.frame.states, plain.frame.states)


def in_blocks(values: np.ndarray, before: Callable[[tuple[int, ...]], None]) -> da.Array:
    """An array in chunks of (2, 10), of each of which a function is told where it is made."""

    def block(values: np.ndarray, block_info: Any) -> np.ndarray:
        before(block_info[0]["chunk-location"])
        return values

    meta = np.empty((0,) * values.ndim, values.dtype)
    return da.from_array(values, chunks=(2, 10)).map_blocks(block, meta=meta)


@pytest.fixture
def norms() -> np.ndarray:
    return np.random.default_rng(1).random((12, 40)) + 0.1


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A file for which a worker waits; it is there at the end of the test."""
    path = tmp_path / "gate"
    yield path
    path.touch()


def held(values: np.ndarray, gate: Path) -> da.Array:
    """An array whose chunks come once there is a file."""

    def wait(place: tuple[int, ...]) -> None:
        while not gate.exists():
            Event().wait(0.01)

    return in_blocks(values, wait)


@pytest.mark.parametrize("metric", [residual_norms, relative_residuals, step_norms])
def test_metrics_equal_numpys_and_each_chunk_is_read_once(
    seen: Seen, latents: tuple[str, np.ndarray], metric: Any
) -> None:
    path, states = latents
    lazy = da.from_zarr(path)
    found = metric(lazy)
    assert isinstance(found, da.Array)
    assert not seen.done
    values = found.compute()
    np.testing.assert_allclose(values, metric(states), rtol=1e-5)
    assert seen.done["from-zarr"] == lazy.npartitions
    assert seen.taken == values.nbytes


# Of its own, so that nothing but this has set the high-water mark of its memory.
CLIENT = """
import json, resource, sys, tracemalloc
import dask.array as da, numpy as np
from distributed import Client
import heatwidget as hw

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

address, source, target = sys.argv[1:]
with Client(address):
    lazy = da.from_zarr(source)
    hw.residual_norms(lazy[:2, :2, :2]).compute()  # imports
    before = most()
    tracemalloc.start()
    result = hw.residual_norms(lazy).compute()
    peak = tracemalloc.get_traced_memory()[1]
    np.save(target, result)
    print(json.dumps({"peak": peak, "grown": most() - before}))
"""


def test_the_client_holds_no_more_than_the_result(
    cluster: LocalCluster, latents: tuple[str, np.ndarray], tmp_path: Path
) -> None:
    path, states = latents
    target = tmp_path / "result.npy"
    command = [sys.executable, "-c", CLIENT, cluster.scheduler_address, path, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    np.testing.assert_allclose(np.load(target), residual_norms(states), rtol=1e-5)
    found = json.loads(done.stdout)
    # 52 kB of result, and what dask needs to ask for it; one chunk would be 4 MB.
    assert found["peak"] < 2e6
    assert found["grown"] < 16e6


def test_a_scrub_computes_nothing(seen: Seen, latents: tuple[str, np.ndarray]) -> None:
    path, states = latents
    lazy = da.from_zarr(path)
    values = residual_norms(states)
    with closing(ConvergenceHeatmap(residual_norms(lazy))) as widget:
        widget.flush()
        assert_shows(widget, values)
        # Each chunk, and with it the one that holds the last state.
        n_read = sum(n for name, n in seen.done.items() if name.startswith("from-zarr"))
        assert lazy.npartitions <= n_read <= 2 * lazy.npartitions
        seen.done.clear()
        for asked in [(0, 20), (13, 14), (40, 64)]:
            widget.iteration_range = asked
            assert_shows(widget, values)
        assert not seen.done


def test_of_a_large_array_only_the_overview_crosses(seen: Seen) -> None:
    shape, chunks = (64, 9, 32768), (64, 9, 2048)
    scale = np.float32(0.9) ** np.arange(64, dtype=np.float32)[:, None, None]

    def block(block_info: Any) -> np.ndarray:
        (low, high), layers = block_info[None]["array-location"][2], np.arange(9)[:, None]
        wave = np.sin(np.arange(low, high, dtype=np.float32) / 99 + layers.astype(np.float32))
        return (wave + 2) * scale

    lazy = da.map_blocks(
        block, chunks=da.core.normalize_chunks(chunks, shape), meta=np.empty((0, 0, 0), np.float32)
    )
    values = block({None: {"array-location": [(0, 64), (0, 9), (0, 32768)]}})
    with closing(ConvergenceHeatmap(lazy)) as widget:
        widget.flush()
        assert 0 < seen.taken < lazy.nbytes / 8
        seen.done.clear()
        assert_shows(widget, values)
        for asked in [(0, 40), (60, 63)]:
            widget.iteration_range = asked
            assert_shows(widget, values)
        assert not seen.done


def test_a_lost_worker_costs_a_retry(seen: Seen, small_pieces: None, norms: np.ndarray) -> None:
    killed: list[int] = []

    def kill(pid: int) -> None:
        # Before its result is fetched.
        if not killed:
            os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    seen.on_taken = kill
    with closing(ConvergenceHeatmap(in_blocks(norms, lambda place: None))) as widget:
        widget.flush()
        assert len(killed) > 24
        assert widget.error is None
        assert_shows(widget, norms)


def test_a_task_that_kills_each_worker_is_said(
    seen: Seen,
    cluster: LocalCluster,
    norms: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    gate: Path,
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)

    def die(place: tuple[int, ...]) -> None:
        if place == (2, 1) and not gate.exists():
            os.kill(os.getpid(), signal.SIGKILL)

    with closing(ConvergenceHeatmap(in_blocks(norms, die))) as widget:
        with pytest.raises(OSError, match=r"KilledWorker.* died while running it"):
            widget.flush()
        assert isinstance(widget.error, OSError)
        gate.touch()
        widget.resume_reading()
        widget.flush()
        assert_shows(widget, norms)


def test_a_chunk_that_cannot_be_computed_is_said(
    seen: Seen, small_pieces: None, norms: np.ndarray, gate: Path
) -> None:
    def fail(place: tuple[int, ...]) -> None:
        if place == (3, 1) and not gate.exists():
            raise ValueError("chunk (3, 1) is damaged")

    with closing(ConvergenceHeatmap(in_blocks(norms, fail))) as widget:
        with pytest.raises(OSError, match=r"dask array.*ValueError: chunk \(3, 1\) is damaged"):
            widget.flush()
        assert "chunk (3, 1) is damaged" in str(widget.error)
        widget.iteration_range = (0, 5)
        assert widget.frame.values.shape == (40, 6)
        # What has failed is not kept there, or it would fail for good.
        until(lambda: not seen.tasks)
        gate.touch()
        widget.refresh()
        widget.flush()
        assert widget.error is None
        assert_shows(widget, norms)


def test_a_closed_cluster_is_said_and_another_goes_on(
    cluster: LocalCluster, small_pieces: None, norms: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, closed, add = Event(), Event(), Overview.add

    def add_later(self: Overview, *piece: Any) -> None:
        first.set()
        assert closed.wait(30)
        add(self, *piece)

    monkeypatch.setattr(Overview, "add", add_later)
    with new_cluster(processes=False) as other, Client(other):
        widget = ConvergenceHeatmap(in_blocks(norms, lambda place: None))
        assert first.wait(30)
        other.close()
        closed.set()
        with pytest.raises(OSError, match="the cluster is gone"):
            widget.flush()
    assert "the cluster is gone" in str(widget.error)
    widget.iteration_range = (0, 5)
    assert widget.frame.values.shape == (40, 6)
    with Client(cluster), closing(widget):
        widget.refresh()
        widget.flush()
        assert widget.error is None
        assert_shows(widget, norms)


@pytest.mark.parametrize("end", ["close", "drop"])
def test_what_is_under_way_is_cancelled(
    seen: Seen, client: Client, small_pieces: None, norms: np.ndarray, gate: Path, end: str
) -> None:
    widget = ConvergenceHeatmap(held(norms, gate))
    assert seen.begun.wait(30)
    if end == "close":
        widget.close()
    del widget
    gc.collect()
    until(lambda: not seen.tasks and not client.futures)


def test_without_a_cluster_each_chunk_is_computed_once(norms: np.ndarray) -> None:
    computed: Counter[tuple[int, ...]] = Counter()

    def count(place: tuple[int, ...]) -> None:
        computed[place] += 1

    with closing(ConvergenceHeatmap(in_blocks(norms, count))) as widget:
        widget.flush()
        assert_shows(widget, norms)
        for asked in [(0, 5), (3, 11)]:
            widget.iteration_range = asked
            assert_shows(widget, norms)
    assert len(computed) == 24
    assert set(computed.values()) == {1}
