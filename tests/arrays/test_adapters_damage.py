"""What is damaged, cut, gone or changed: a clear error, and never a picture of something else."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray
import zarr

from heatwidget.arrays import Region, StoredSource
from heatwidget.arrays.adapters import stamps

from .kinds import DIMS
from .test_adapters import labelled, source_of

NUMBERS = np.arange(8 * 40 * 50, dtype="f4").reshape(8, 40, 50)
WHOLE = Region(((0, 8), (0, 40), (0, 50)))
LAST = Region(((7, 8), (39, 40), (49, 50)))


def in_a_map(folder: Path) -> StoredSource:
    np.save(folder / "kept.npy", NUMBERS)
    return source_of(np.load(folder / "kept.npy", mmap_mode="r"))


def in_zarr(folder: Path) -> StoredSource:
    if not (folder / "kept.zarr").exists():
        zarr.create_array(folder / "kept.zarr", data=NUMBERS, chunks=(4, 20, 50), fill_value=-1)
    return source_of(zarr.open_array(folder / "kept.zarr", mode="r"))


def in_a_zip(folder: Path) -> StoredSource:
    path = folder / "kept.zip"
    if not path.exists():
        with zarr.storage.ZipStore(path, mode="w") as store:
            zarr.create_array(store, data=NUMBERS, chunks=(4, 20, 50))
    return source_of(zarr.open_array(zarr.storage.ZipStore(path, mode="r"), mode="r"))


def in_hdf5(folder: Path, **more: Any) -> StoredSource:
    if not (folder / "kept.h5").exists():
        with h5py.File(folder / "kept.h5", "w") as file:
            file.create_dataset("x", data=NUMBERS, **more)
            file["y"] = -NUMBERS
    return source_of(h5py.File(folder / "kept.h5")["x"])


def fails(source: StoredSource, region: Region, text: str) -> None:
    """Reading raises an error that names the array, and has the original as its cause."""
    with pytest.raises(OSError, match=text) as caught:
        source.read(region)
    assert caught.value.__cause__ is not None
    with pytest.raises(OSError, match=text):
        list(source.map(lambda *_: None, [region]))


def chunk_file(folder: Path) -> Path:
    return folder / "kept.zarr" / "c" / "1" / "1" / "0"


def test_a_damaged_chunk_of_zarr(tmp_path: Path) -> None:
    """The others can be read; one that is not there is the fill value, as zarr has it."""
    source = in_zarr(tmp_path)
    for content in (b"", b"nonsense", chunk_file(tmp_path).read_bytes()[:-100]):
        chunk_file(tmp_path).write_bytes(content)
        fails(source, LAST, r"cannot read zarr array .*kept\.zarr: \w+: ")
        assert source.read(Region(((0, 1), (0, 1), (0, 50)))).values[0, 0, 49] == 49
    chunk_file(tmp_path).unlink()
    assert source.read(LAST).values == -1


def test_a_zarr_array_that_is_gone(tmp_path: Path) -> None:
    """It is no array of fill values."""
    source = in_zarr(tmp_path)
    shutil.rmtree(tmp_path / "kept.zarr")
    fails(source, WHOLE, r"kept\.zarr: FileNotFoundError: the folder holds no array any more")
    assert source.identity() in (None, stamps.fingerprint([]))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zarr_array_in_the_place_of_another(tmp_path: Path, zarr_format: Any) -> None:
    """Its chunks are not read as if they were the old ones; a change of values or size is seen."""
    path = tmp_path / "kept.zarr"

    def write(values: np.ndarray, chunks: Any = (4, 20, 50)) -> None:
        zarr.create_array(path, data=values, chunks=chunks, zarr_format=zarr_format, overwrite=True)

    write(NUMBERS)
    source = source_of(zarr.open_array(path, mode="r"))
    write(-NUMBERS)
    assert source.read(LAST).values == -NUMBERS[-1, -1, -1]
    array = zarr.open_array(path, mode="r+")
    array.attrs["more"] = 1
    array.resize((9, 40, 50))
    assert source.read(LAST).values == -NUMBERS[-1, -1, -1]
    source.refresh()
    for values, chunks in ((NUMBERS.astype("i4"), (4, 20, 50)), (NUMBERS, (8, 10, 50))):
        write(values, chunks)
        fails(source, LAST, "it has become one of shape")
        with pytest.raises(OSError, match="it has become one of shape"):
            source.refresh()


def test_a_damaged_chunk_of_hdf5(tmp_path: Path) -> None:
    in_hdf5(tmp_path, chunks=(4, 20, 50), compression="gzip", fletcher32=True)
    with h5py.File(tmp_path / "kept.h5") as file:
        info = file["x"].id.get_chunk_info(file["x"].id.get_num_chunks() - 1)
    with open(tmp_path / "kept.h5", "r+b") as kept:
        kept.seek(info.byte_offset + info.size // 2)
        kept.write(b"nonsense")
    fails(in_hdf5(tmp_path), LAST, r"cannot read HDF5 dataset /x of .*kept\.h5: OSError: ")


def test_a_hdf5_file_that_was_closed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "kept.h5", "w") as file:
        file["x"] = NUMBERS
        source = source_of(file["x"])
    fails(source, LAST, r"kept\.h5: ValueError: the file was closed")
    assert source.identity() is None


@pytest.mark.parametrize("make", [in_a_map, in_hdf5])
def test_a_file_that_was_cut(make: Any, tmp_path: Path) -> None:
    """Neither the end of the process nor zeros that were never there."""
    source = make(tmp_path)
    path = next(tmp_path.iterdir())
    identity, size = source.identity(), path.stat().st_size
    assert identity is not None
    os.truncate(path, size // 2)
    fails(source, LAST, "(has lost .* bytes since it was mapped|has become shorter)")
    assert source.identity() != identity


@pytest.mark.parametrize("make", [in_a_map, in_hdf5])
def test_a_file_that_was_replaced(make: Any, tmp_path: Path) -> None:
    """What was opened is read on; but nothing is kept of it under the new file's name."""
    source = make(tmp_path)
    path = next(tmp_path.iterdir())
    assert source.identity() is not None
    (tmp_path / "new").write_bytes(b"nothing")
    os.replace(tmp_path / "new", path)
    assert source.read(LAST).values == NUMBERS[-1, -1, -1]
    assert source.identity() is None
    path.unlink()
    assert source.read(LAST).values == NUMBERS[-1, -1, -1]
    assert source.identity() is None


@pytest.mark.parametrize("make", [in_a_map, in_zarr, in_a_zip, in_hdf5])
def test_identity(make: Any, tmp_path: Path) -> None:
    """The same for the same content, another once the file's time or content is another."""
    identity = make(tmp_path).identity()
    assert identity is not None
    assert make(tmp_path).identity() == identity or make is in_a_map  # that is written anew
    path = next(tmp_path.iterdir())
    if path.is_dir():
        path = chunk_file(tmp_path)
    source, status = make(tmp_path), path.stat()
    identity = source.identity()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert source.identity() not in (None, identity)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert source.identity() == identity
    if make is not in_zarr:  # of which only names, sizes and times are looked at
        with open(path, "r+b") as file:
            file.write(file.read()[:64][::-1])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert source.identity() not in (None, identity)


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    """The next read sees it, `refresh` tells it."""
    source = in_a_map(tmp_path)
    assert source.value_range().high == NUMBERS.max()
    with open(tmp_path / "kept.npy", "r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(np.float32(1e6).tobytes())
    assert source.read(LAST).values == 1e6
    source.refresh()
    assert source.take_changed() == (WHOLE,)
    assert source.value_range().high == 1e6


def test_arrays_of_one_file_differ(tmp_path: Path) -> None:
    """Two datasets, two parts of a map, two types, two orders."""
    in_hdf5(tmp_path)
    file = h5py.File(tmp_path / "kept.h5")
    assert source_of(file["x"]).identity() != source_of(file["y"]).identity()
    NUMBERS.tofile(tmp_path / "map")
    whole = np.memmap(tmp_path / "map", "f4", "r", shape=NUMBERS.shape)
    maps = [whole, whole[1:], whole[:-1], whole[:, ::2], whole.T, whole.view("i4"), whole[::-1]]
    maps += [np.memmap(tmp_path / "map", "f4", "r", 40, (8, 40, 40))]
    found = [source_of(one).identity() for one in maps]
    assert None not in found
    assert len(set(found)) == len(found)
    assert source_of(np.asarray(whole)).identity() == found[0]


def test_where_nothing_is_known(tmp_path: Path) -> None:
    """What can be written here, is spread over files or has too many, or is on no disk."""
    NUMBERS.tofile(tmp_path / "map")
    for mode in ("r+", "c"):
        array = np.memmap(tmp_path / "map", "f4", mode, shape=NUMBERS.shape)
        assert source_of(array).identity() is None
    with open(tmp_path / "map", "rb") as unnamed:
        array = np.memmap(unnamed.raw, "f4", "r", shape=NUMBERS.shape)
        assert source_of(array).identity() is not None
    in_hdf5(tmp_path)
    with h5py.File(tmp_path / "kept.h5", "r+") as file:
        assert source_of(file["x"]).identity() is None
        layout = h5py.VirtualLayout(NUMBERS.shape, "f4")
        layout[:] = h5py.VirtualSource(file["x"])
        file.create_virtual_dataset("virtual", layout)
    with h5py.File(tmp_path / "kept.h5") as file:
        assert source_of(file["virtual"]).identity() is None
        np.testing.assert_array_equal(source_of(file["virtual"]).read(WHOLE).values, NUMBERS)
    assert source_of(zarr.create_array({}, data=NUMBERS)).identity() is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stamps, "_MOST_FILES", 3)
        assert in_zarr(tmp_path).identity() is None


def test_a_chunk_written_over_at_the_same_time(tmp_path: Path) -> None:
    """As large as before, and where the file system tells no other time."""
    source = in_zarr(tmp_path)
    before = source.identity()
    path = chunk_file(tmp_path)
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert source.identity() != before


def test_a_sample_covers_a_file() -> None:
    """Its first and last bytes, and no gap larger than its share."""
    for size in (0, 1, 4096, 5000, 300_000, 2**40):
        blocks = list(stamps.sample_blocks(size))
        assert blocks[0].start == 0
        assert blocks[-1].stop == size
        assert sum(block.stop - block.start for block in blocks) <= 64 * 4096
        gaps = [b.start - a.stop for a, b in pairwise(blocks)]
        assert max(gaps, default=0) <= size / 63
        assert len(blocks) <= 64


def test_a_file_of_xarray_that_is_damaged(tmp_path: Path) -> None:
    """Named by its file."""
    array = xarray.DataArray(NUMBERS, dims=DIMS[3], name="x").to_dataset()
    coding = {"x": {"chunksizes": (4, 20, 50), "zlib": True, "fletcher32": True}}
    array.to_netcdf(tmp_path / "kept.nc", engine="h5netcdf", encoding=coding)
    with h5py.File(tmp_path / "kept.nc") as file:
        info = file["x"].id.get_chunk_info(0)
    with open(tmp_path / "kept.nc", "r+b") as kept:
        kept.seek(info.byte_offset + 10)
        kept.write(b"nonsense")
    with xarray.open_dataset(tmp_path / "kept.nc", engine="h5netcdf") as dataset:
        source = source_of(dataset["x"])
        fails(source, Region(((0, 1), (0, 1), (0, 1))), r"cannot read xarray x of .*kept\.nc: OSE")
        assert source.read(LAST).values == NUMBERS[-1, -1, -1]
        assert labelled(dataset["x"]).dims == DIMS[3]
