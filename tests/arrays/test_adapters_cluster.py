"""How a dask array is read on a cluster; what a widget makes of that is in test_cluster.py."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Event, Thread, current_thread, main_thread
from typing import Any

import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster
from distributed import Event as ClusterEvent

from heatwidget.arrays import Block, Region, StoredSource

from .test_adapters import source_of

NUMBERS = np.arange(12 * 5 * 4, dtype="f4").reshape(12, 5, 4)
ROWS = [Region(((k, k + 1), (0, 5), (0, 4))) for k in range(12)]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two workers in threads of this process: no other process is needed to see what is sent."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as made,
    ):  # fmt: skip
        yield made


def sums() -> list[tuple[Region, float]]:
    return [(row, float(NUMBERS[row.slices].sum())) for row in ROWS]


def add(region: Region, block: Block) -> float:
    assert block.values.shape == (1, 5, 4)
    return float(block.values.sum())


def held(array: da.Array, go: str) -> StoredSource:
    """Source whose chunks, but the first four, wait until the test sets an event.

    So two results can be had: then a held chunk may lie on each of the two threads.
    """

    def hold(values: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info[0]["chunk-location"][0] >= 4:
            ClusterEvent(go).wait()
        return values

    return source_of(array.map_blocks(hold, dtype=array.dtype))


@pytest.fixture
def lazy() -> da.Array:
    return da.from_array(NUMBERS, chunks=(1, 5, 4))


def await_no_tasks(client: Client) -> None:
    """Return once the scheduler has forgotten all; the test's own timeout is the limit."""
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        Event().wait(0.01)


def test_few_are_under_way(client: Client, lazy: da.Array) -> None:
    """Two for each thread of the cluster, and the next when one is done."""
    taken = []
    source = source_of(lazy)
    results = source.map(add, (taken.append(row) or row for row in ROWS))
    next(results)
    assert len(taken) == 4
    next(results)
    assert len(taken) == 5
    results.close()
    await_no_tasks(client)


def test_closing_the_source_ends_who_waits(client: Client, lazy: da.Array) -> None:
    """From another thread, as a widget is closed while it reads."""
    source, some, found = held(lazy, "ended"), Event(), []

    def read() -> None:
        for result in source.map(add, iter(ROWS)):
            found.append(result)
            if len(found) == 2:
                some.set()

    reader = Thread(target=read)
    reader.start()
    assert some.wait(60)
    source.close()
    reader.join(60)
    assert not reader.is_alive()
    assert set(found) <= set(sums()[:4])
    with pytest.raises(OSError, match="it was closed"):
        source.read(ROWS[0])
    ClusterEvent("ended").set()
    await_no_tasks(client)


def test_dask_is_told_to_compute_here(client: Client, lazy: da.Array) -> None:
    """A scheduler that the user has set goes before the cluster."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        found = list(source_of(lazy).map(is_here, ROWS))
    assert found == [(region, True) for region in ROWS]


def is_here(region: Region, block: Block) -> bool:
    """Whether the main thread computes, not a worker's."""
    return current_thread() is main_thread()
