"""Dask arrays, computed by dask region by region: on a cluster where there is one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from math import isnan
from threading import Event
from typing import Any

from numpy.typing import NDArray

from ..source import Region, T
from .adapter import Mapped, nothing_to_check, plain, plain_dtype

# What `dask.config` calls a cluster; None is as if nothing was said.
_ON_CLUSTER = (None, "distributed", "dask.distributed")


class DaskAdapter:
    """A dask array, of which only what is read is computed.

    With a client of `dask.distributed` that is done on its cluster, and what a function makes
    of a region is all that comes back. A worker that is lost costs a retry, by dask.

    Parameters
    ----------
    array : dask.array.Array
    """

    in_memory = False
    dims = None
    coords = ()
    check = nothing_to_check

    def __init__(self, array: Any) -> None:
        if any(isnan(size) for size in array.shape):
            raise ValueError(
                f"array must have a known shape, got {array.shape}: compute_chunk_sizes()"
            )
        self._array = array
        self.dtype = plain_dtype(array.dtype)
        self.shape = tuple(int(size) for size in array.shape)
        self.chunks = tuple(int(max(sizes)) for sizes in array.chunks)
        self.name = f"dask array {array.name}"
        self.attrs: Mapping[str, Any] = {}
        self._closed = Event()
        # What is under way on a cluster, for `close`, which comes from another thread.
        self._futures: set[Any] = set()

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region; its chunks are computed."""
        found = [values for _, values in self.map(_values, [region])]
        if not found:
            raise ValueError("it was closed")
        return found[0]

    def map(
        self, function: Callable[[Region, NDArray[Any]], T], regions: Iterable[Region]
    ) -> Mapped[T]:
        """Yield ``function(region, values)`` of each region, in the order they are done.

        A few are under way at a time: on a cluster two for each of its threads.
        """
        client = _client()
        if client is None:
            return self._map_here(function, iter(regions))
        return self._map_there(client, function, iter(regions))

    def identity(self) -> None:
        """What a computation yields is not known before."""

    def close(self) -> None:
        """Cancel what is under way on a cluster; threads here end what they are at."""
        self._closed.set()
        _release(self._futures)

    def _map_here(
        self, function: Callable[[Region, NDArray[Any]], T], regions: Iterator[Region]
    ) -> Mapped[T]:
        import dask

        most = dask.config.get("num_workers", None) or os.cpu_count() or 1
        while not self._closed.is_set() and (batch := list(islice(regions, most))):
            results = dask.compute(*(self._job(function, region) for region in batch))
            yield from zip(batch, results, strict=True)

    def _map_there(
        self, client: Any, function: Callable[[Region, NDArray[Any]], T], regions: Iterator[Region]
    ) -> Mapped[T]:
        from distributed import as_completed

        waiting: dict[Any, Region] = {}
        try:
            most = 2 * sum(client.nthreads().values()) or 2
            done = as_completed(loop=client.loop)
            while True:
                for region in islice(regions, most - len(waiting)):
                    future = client.compute(self._job(function, region))
                    waiting[future] = region
                    self._futures.add(future)
                    done.add(future)
                # Looked at after they were added: whoever closes now cancels these too.
                if self._closed.is_set() or not waiting:
                    return
                future = next(done)
                self._futures.discard(future)
                if self._closed.is_set():
                    return
                result = future.result()
                yield waiting.pop(future), result
        except Exception as error:
            if client.status == "running":
                raise
            raise ConnectionError("the cluster is gone, or its client was closed") from error
        finally:
            # Also one that failed: while it is held its cluster would not try again.
            self._futures.difference_update(waiting)
            _release(waiting)

    def _job(self, function: Callable[[Region, NDArray[Any]], T], region: Region) -> Any:
        """The call as dask is to make it, where the chunks of the region are."""
        from dask import delayed

        call = partial(_call, function, region)
        return delayed(call, pure=False)(self._array[region.slices])


def _client() -> Any:
    """Client of the cluster that dask would compute on, None where that is this process."""
    import dask

    distributed = sys.modules.get("distributed")
    if distributed is None or dask.config.get("scheduler", "distributed") not in _ON_CLUSTER:
        return None
    try:
        client = distributed.default_client()
    except ValueError:  # there is none
        return None
    return None if client.asynchronous else client


def _release(futures: Iterable[Any]) -> None:
    """Cancel what nobody else waits for; unlike `cancel` this waits for no answer."""
    for future in list(futures):
        future.release()


def _call(function: Callable[[Region, NDArray[Any]], T], region: Region, values: Any) -> T:
    return function(region, plain(values))


def _values(region: Region, values: NDArray[Any]) -> NDArray[Any]:
    return values
