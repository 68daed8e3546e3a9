"""Nothing is read at first, and of a region no more than the chunks that it touches."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import h5py
import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.arrays import Region, StoredSource

from .kinds import DIMS, regions
from .test_adapters import labelled, source_of

SHAPE, CHUNKS = (7, 9, 5), (2, 4, 3)
NUMBERS = np.arange(np.prod(SHAPE), dtype="f4").reshape(SHAPE)


def touched(region: Region) -> set[tuple[int, ...]]:
    """Indices of the chunks that a region touches."""
    spans = [
        range(start // size, (stop - 1) // size + 1)
        for (start, stop), size in zip(region.bounds, CHUNKS, strict=True)
    ]
    return {(a, b, c) for a in spans[0] for b in spans[1] for c in spans[2]}


# The library zarr 2, on Python 3.10, has none; its tests are skipped.
WrapperStore: Any = getattr(zarr.storage, "WrapperStore", object)


class CountingStore(WrapperStore):  # type: ignore[misc]
    """A store that notes which chunks are asked for."""

    def __init__(self, store: Any, seen: list[tuple[int, ...]]) -> None:
        super().__init__(store)
        self.seen = seen

    def _with_store(self, store: Any) -> CountingStore:
        return CountingStore(store, self.seen)

    async def get(self, key: str, *rest: Any, **more: Any) -> Any:
        parts = key.split("/c/")[-1].split("/")
        if all(part.isdigit() for part in parts):
            self.seen.append(tuple(map(int, parts)))
        return await super().get(key, *rest, **more)


@pytest.fixture(scope="module")
def store() -> Any:
    kept = zarr.storage.MemoryStore()
    zarr.create_array(kept, name="x", data=NUMBERS, chunks=CHUNKS, dimension_names=DIMS[3])
    zarr.consolidate_metadata(kept)
    return kept


@pytest.mark.parametrize("through", ["zarr", "xarray", "xarray of dask", "dask"])
@settings(max_examples=12, deadline=None)
@given(region=regions(SHAPE))
@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_only_these_chunks_of_a_store(through: str, store: Any, region: Region) -> None:
    """Each once, whatever stands between; and none before."""
    seen: list[tuple[int, ...]] = []
    counted = CountingStore(store, seen)
    array: Any = zarr.open_array(counted, path="x", mode="r")
    if through.startswith("xarray"):
        chunks = {} if "dask" in through else None
        array = xarray.open_zarr(counted, chunks=chunks, consolidated=False)["x"]
    if through == "dask":
        array = da.from_array(array)
    source = source_of(array)
    assert repr(labelled(array))
    assert (source.identity(), seen) == (None, [])
    with dask.config.set(scheduler="synchronous"):
        found = source.read(region).values
    np.testing.assert_array_equal(found, NUMBERS[region.slices])
    assert (len(seen), set(seen)) == (len(touched(region)), touched(region))


class CountingArray:
    """What dask takes for an array, and notes what is read of it."""

    shape, dtype, ndim = SHAPE, NUMBERS.dtype, len(SHAPE)

    def __init__(self) -> None:
        self.reads = np.zeros(SHAPE, int)

    def __getitem__(self, index: Any) -> np.ndarray:
        self.reads[index] += 1
        return NUMBERS[index]


@settings(max_examples=20, deadline=None)
@given(region=regions(SHAPE))
def test_only_these_chunks_of_dask(region: Region) -> None:
    """Nothing is read twice, nor beyond the chunks touched."""
    counting = CountingArray()
    source = source_of(da.from_array(counting, chunks=CHUNKS, asarray=False))
    assert not counting.reads.any()
    with dask.config.set(scheduler="synchronous"):
        source.read(region)
    assert counting.reads.max() == 1
    assert (counting.reads[region.slices] == 1).all()
    read = {tuple(i // n for i, n in zip(at, CHUNKS, strict=True)) for at in np.argwhere(counting.reads)}  # fmt: skip  # noqa: E501
    assert read == touched(region)


class CountingFile(io.BytesIO):
    """A file that counts the bytes read."""

    n_read = 0

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self.n_read += count
        return count


@pytest.mark.parametrize("chunks", [None, (1, 100, 100)])
def test_only_this_part_of_a_hdf5_file(chunks: Any) -> None:
    """A thousandth of it, in one piece or in chunks; nothing of it before."""
    kept = CountingFile()
    with h5py.File(kept, "w") as file:
        file.create_dataset("x", data=np.ones((100, 100, 100)), chunks=chunks)
    with h5py.File(kept, "r") as file:
        source = source_of(file["x"])
        assert (source.identity(), source.chunks) == (None, chunks)
        source.read(Region(((50, 51), (0, 10), (0, 100))))  # what HDF5 reads of itself once
        before, region = kept.n_read, Region(((7, 8), (20, 30), (0, 100)))
        assert before < 150_000
        assert source.read(region).values.sum() == 1000
        assert kept.n_read - before <= (8_000 if chunks is None else 80_000) + 4096


def test_a_large_map_is_not_read(tmp_path: Path) -> None:
    """A sparse file much larger than memory is opened, named, and read in part."""
    shape = (65, 2**20, 2**10)
    with open(tmp_path / "map", "wb") as file:
        file.truncate(4 * int(np.prod(shape)))
    source = source_of(np.memmap(tmp_path / "map", "f4", "r", shape=shape))
    assert source.identity() is not None
    assert not source.read(Region(((64, 65), (5, 9), (0, 1024)))).values.any()


def test_a_scan_takes_whole_chunks_and_each_once() -> None:
    """Also of an array with no chunks, in pieces of bounded size."""
    for chunks in (CHUNKS, None):
        source: Any = StoredSource(labelled(da.from_array(NUMBERS, chunks=CHUNKS)))
        source.chunks = chunks
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("heatwidget.arrays.stored._PIECE_CELLS", 30)
            pieces = list(source._pieces())
        reads = np.zeros(SHAPE, int)
        for piece in pieces:
            reads[piece.slices] += 1
            assert piece.size <= 30
            starts = [start for start, _ in piece.bounds]
            sizes = chunks or (1, 1, 1)
            assert not any(start % size for start, size in zip(starts, sizes, strict=True))
        assert (reads == 1).all()
        assert len(pieces) < 40


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 40))
def test_regions_are_taken_as_they_are_needed(n_taken: int) -> None:
    """A few at a time, and no more once nobody wants any."""
    taken = []

    def endless() -> Any:
        while True:
            taken.append(0)
            yield Region(((0, 1), (0, 1), (0, 1)))

    source = source_of(da.from_array(NUMBERS, chunks=CHUNKS))
    with dask.config.set(scheduler="synchronous", num_workers=4):
        results = source.map(lambda region, block: block.values.item(), endless())
        assert [next(results)[1] for _ in range(n_taken)] == [0.0] * n_taken
        results.close()
    assert len(taken) == -(-n_taken // 4) * 4


def test_nothing_is_computed_once_closed() -> None:
    source = source_of(da.from_array(NUMBERS, chunks=CHUNKS))
    region = Region(((0, 1), (0, 1), (0, 1)))
    source.close()
    assert list(source.map(lambda *_: None, [region])) == []
    with pytest.raises(OSError, match=r"cannot read dask array array-\w+: ValueError: it was clo"):
        source.read(region)
