"""Arrays of other libraries: read as numpy would read them, and refused in clear words."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask.array as da
import h5py
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import torch
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.arrays import (
    ArraySource,
    Block,
    LabelledArray,
    NumpySource,
    Region,
    StoredSource,
    as_labelled,
)
from heatwidget.arrays.extent import scan_values
from heatwidget.widgets.arguments import make_source

from .kinds import DIMS, KINDS, SHORT, in_numpy, regions, stored_values

WHOLE = Region(((0, 4), (0, 6)))
NUMBERS = (np.arange(24) % 7).reshape(4, 6).astype("f4")


def labelled(array: Any, **more: Any) -> LabelledArray:
    return as_labelled(array, default_dims=DIMS, **more)


def source_of(array: Any) -> StoredSource:
    return StoredSource(labelled(array))


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def texts(region: Region, block: Block) -> tuple[Region, str]:
    return region, repr(block.values.tolist())


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_every_kind_is_numpys(kind: str, data: st.DataObject) -> None:
    """Regions, whole, extent and what a function makes of regions, whatever the type."""
    values, chunks = data.draw(stored_values(kind))
    expected = in_numpy(values)
    region = data.draw(regions(values.shape))
    with TemporaryDirectory(ignore_cleanup_errors=True) as name, np.errstate(all="ignore"):
        array = labelled(KINDS[kind][0](values, chunks, Path(name)))
        source: ArraySource = StoredSource(array)
        block = source.read(region)
        np.testing.assert_array_equal(block.values, expected[region.slices])
        assert (block.values.dtype, block.pending) == (source.dtype, None)
        assert (array.dtype, array.shape) == (source.dtype, values.shape)
        assert source.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(array.values, expected)
        np.testing.assert_array_equal(np.asarray(array), expected)
        assert source.value_range() == scan_values(expected)
        parts = [region, Region(tuple((0, n) for n in values.shape))]
        found = dict(source.map(texts, iter(parts)))
        assert found == {part: texts(part, Block(expected[part.slices], None)) for part in parts}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_source_says(kind: str, folder: Path) -> None:
    """Chunks where the array is stored in them, and whether it is in memory."""
    values = NUMBERS.astype(ml_dtypes.bfloat16 if KINDS[kind][1] == (SHORT,) else "f4")
    source = source_of(KINDS[kind][0](values, (2, 4), folder))
    in_chunks = kind.startswith(("zarr", "hdf5", "dask")) or kind in (
        "xarray of dask", "xarray of zarr",
    )  # fmt: skip
    assert source.chunks == ((2, 4) if in_chunks else None)
    assert source.in_memory == kind.startswith(("torch", "jax", "short"))
    assert [axis.name for axis in source.axes] == ["iteration", "token"]
    assert source.take_error() is None
    source.close()
    source.close()


def test_a_function_of_blocks_can_be_sent_away() -> None:
    """What a source passes to an adapter can be pickled if the user's function can."""
    from heatwidget.arrays import stored

    call = pickle.loads(pickle.dumps(partial(stored._on_block, texts)))
    assert call(WHOLE, NUMBERS) == (WHOLE, repr(NUMBERS.tolist()))


def test_which_source() -> None:
    """A plain array is read in place, and anything else by its adapter."""
    kinds = [(NUMBERS, NumpySource), (np.ma.array(NUMBERS, mask=True), NumpySource)]
    kinds += [(torch.tensor(NUMBERS), StoredSource), (da.from_array(NUMBERS), StoredSource)]
    for array, kind in kinds:
        assert type(make_source(array, labelled(array), lambda: None)) is kind
    with pytest.raises(TypeError, match="kept elsewhere than in numpy's memory, got ndarray"):
        source_of(NUMBERS)


def test_a_map_is_not_copied(folder: Path) -> None:
    """What is read of it is a view, also through xarray and numpy."""
    array = np.memmap(folder / "map", "f4", "w+", shape=(4, 6))
    array[:] = NUMBERS
    wrapped = xarray.DataArray(array, dims=DIMS[2])
    for kind in (array, array[1:], np.asarray(array)[::2], wrapped, labelled(array)):
        block = source_of(kind).read(Region(((0, 1), (0, 6))))
        assert np.shares_memory(block.values, array)


def test_masked_values_of_dask_are_pending() -> None:
    masked = da.ma.masked_less(da.from_array(NUMBERS, chunks=(3, 4)), 2)
    block = source_of(masked).read(WHOLE)
    assert block.pending is not None
    np.testing.assert_array_equal(block.pending, NUMBERS < 2)
    assert source_of(masked).value_range().low == 2
    assert source_of(da.ma.masked_less(da.from_array(NUMBERS), -1)).read(WHOLE).pending is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_tensor_written_in_place(dtype: torch.dtype) -> None:
    """What a model does to it is seen by the next read, and told after `refresh`."""
    tensor = torch.nn.Parameter(torch.zeros(4, 6, dtype=dtype))
    source = source_of(tensor)
    assert source.value_range().high == 0
    with torch.no_grad():
        tensor[1, 2] = 5
    assert source.read(WHOLE).values[1, 2] == 5
    assert (source.take_changed(), source.value_range().high) == ((), 0)
    source.refresh()
    assert (source.take_changed(), source.value_range().high) == ((WHOLE,), 5)
    tensor.data = torch.full((4, 6), 7, dtype=dtype)
    assert source.read(WHOLE).values[0, 0] == 7


def test_a_tensor_read_as_it_is() -> None:
    """A view where torch and numpy share the type; negation is resolved."""
    tensor = torch.tensor(NUMBERS)
    assert np.shares_memory(source_of(tensor).read(WHOLE).values, tensor.numpy())
    negated = torch.complex(tensor, tensor).conj().imag
    np.testing.assert_array_equal(source_of(negated).read(WHOLE).values, -NUMBERS)


class Elsewhere(torch.Tensor):
    """A tensor that says it is on another device."""

    @property
    def device(self) -> Any:
        return torch.device("cuda", 1)


def test_a_tensor_on_another_device() -> None:
    """A read of it is no access to memory, and errors say which device."""
    source = source_of(torch.tensor(NUMBERS).as_subclass(Elsewhere))
    assert not source.in_memory
    np.testing.assert_array_equal(source.read(WHOLE).values, NUMBERS)
    with pytest.raises(OSError, match="cannot read torch tensor on cuda:1: IndexError"):
        source.read(Region(((0, 1), (0, 1), (0, 1))))


@pytest.mark.parametrize(
    ("dims", "expected"),
    [
        (("layer", "prompt"), ("layer", "prompt")),
        (("layer", None), DIMS[2]),
        (("y", "x"), DIMS[2]),
        (None, DIMS[2]),
    ],
)
def test_dims_that_an_array_brings(dims: Any, expected: tuple[str, ...], folder: Path) -> None:
    """Names that we know are used; names of another trade are not."""
    kept = zarr.create_array({}, data=NUMBERS, dimension_names=dims)
    assert labelled(kept).dims == expected
    assert labelled(kept, dims=("prompt", "layer")).dims == ("prompt", "layer")
    with h5py.File(folder / "file.h5", "w") as file:
        file["x"] = NUMBERS
        for axis, name in enumerate(dims or ()):
            file["x"].dims[axis].label = name or ""
        assert labelled(file["x"]).dims == expected


def test_names_in_the_manner_of_netcdf(folder: Path) -> None:
    """Dimension scales of HDF5, `_ARRAY_DIMENSIONS` of zarr 2; quantity and attributes."""
    array = xarray.DataArray(NUMBERS, dims=("layer", "token"), coords={"layer": [3, 4, 5, 6]})
    array.attrs = {"long_name": "norm", "units": "nat", "seed": 7}
    array.to_dataset(name="x").to_netcdf(folder / "file.nc", engine="h5netcdf")
    array.to_dataset(name="x").to_zarr(folder / "kept.zarr", zarr_format=2, consolidated=False)
    with h5py.File(folder / "file.nc") as file:
        for kept in (file["x"], zarr.open(folder / "kept.zarr")["x"]):
            found = labelled(kept)
            assert (found.dims, found.quantity) == (("layer", "token"), "norm [nat]")
            assert {name: found.attrs[name] for name in ("units", "seed")} == {
                "units": "nat",
                "seed": 7,
            }
            assert not [name for name in found.attrs if name.startswith("DIM")]
    with xarray.open_dataset(folder / "file.nc", engine="h5netcdf") as dataset:
        found = labelled(dataset["x"])
        assert found.axis("layer").coordinates.tolist() == [3, 4, 5, 6]
        assert (found.dims, found.quantity) == (("layer", "token"), "norm [nat]")


@pytest.mark.skipif(zarr.__version__ >= "3", reason="of the library zarr 2, on Python 3.10")
def test_arrays_of_the_library_zarr_2(folder: Path) -> None:
    """They are shown, with the names and numbers that xarray writes; their changes are seen."""
    group = zarr.group(zarr.DirectoryStore(str(folder / "kept.zarr")))
    for name, values, dims in (("x", NUMBERS, ["layer", "token"]), ("layer", [3, 4, 5, 6], [])):
        group.array(name, values, chunks=2, fill_value=0).attrs["_ARRAY_DIMENSIONS"] = dims
    found = labelled(group["x"])
    assert found.dims == ("layer", "token")
    assert found.axis("layer").coordinates.tolist() == [3, 4, 5, 6]
    source = source_of(group["x"])
    expected = np.where(NUMBERS == 0, np.nan, NUMBERS)  # the fill value, as xarray has it
    np.testing.assert_array_equal(source.read(WHOLE).values, expected)
    assert source.identity() is not None
    group["x"].resize(5, 6)
    np.testing.assert_array_equal(source.read(WHOLE).values, expected)
    group.array("x", NUMBERS, chunks=3, overwrite=True)
    with pytest.raises(OSError, match="it has become one of shape"):
        source.read(WHOLE)
    with pytest.raises(TypeError, match=r"take one of \['layer', 'x'\]"):
        labelled(group)


def closed_dataset() -> Any:
    with h5py.File("none", "w", driver="core", backing_store=False) as file:
        file["x"] = NUMBERS
        return file["x"]


def deleted_array() -> Any:
    array = jnp.asarray(NUMBERS)
    array.delete()
    return array


def structured_map() -> Any:
    with TemporaryDirectory() as name:
        return np.memmap(Path(name) / "map", [("x", "f4")], "w+", shape=(2, 3))


def unknown_shape() -> Any:
    x = da.from_array(NUMBERS, chunks=2)
    return x[x[:, 0] > 1]


def group_of_hdf5() -> Any:
    file = h5py.File("none", "w", driver="core", backing_store=False)
    file["b"], file["a"] = NUMBERS, NUMBERS
    return file


def group_of_zarr() -> Any:
    group = zarr.create_group({})
    group.create_array("only", data=NUMBERS)
    return group


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (closed_dataset, ValueError, "array must be in an open file, got <Closed HDF5 dataset>"),
        (group_of_hdf5, TypeError, "(h5py Group): take one of ['a', 'b']"),
        (group_of_zarr, TypeError, "(zarr Group): take one of ['only']"),
        (lambda: xarray.Dataset({"x": ("a", [1])}), TypeError, "take one of dataset['x'] ('a',)"),
        (structured_map, TypeError, "real numbers, got dtype [('x', '<f4')]"),
        (lambda: zarr.create_array({}, data=NUMBERS + 1j), TypeError, "got dtype complex64"),
        (lambda: zarr.create_array({}, data=NUMBERS[0]), ValueError, "two or more axes, got 1"),
        (unknown_shape, ValueError, "array must have a known shape, got (nan, 6): compute_chunk"),
        (lambda: da.ones((2, 0)), ValueError, "must not have an empty axis, got shape (2, 0)"),
        (lambda: da.ones((2, 3), dtype="c8"), TypeError, "got dtype complex64"),
        (lambda: torch.ones(2, 3) * 1j, TypeError, "real numbers, got dtype complex64"),
        (lambda: torch.ones(2, 3).to_sparse(), TypeError, "dense, got a torch tensor of layout sp"),
        (lambda: torch.ones(2, 3, device="meta"), TypeError, "values, got a torch tensor on the m"),
        (lambda: torch.ones(3), ValueError, "array must have two or more axes, got 1 (shape (3,))"),
        (lambda: jnp.ones((2, 3), "c8"), TypeError, "got dtype complex64"),
        (lambda: jax.random.split(jax.random.key(0), (2, 2)), TypeError, "must hold real numbers"),
        (deleted_array, ValueError, "got a jax array that was deleted"),
        (lambda: np.ones((2, 3), ml_dtypes.complex32), TypeError, "got dtype complex32"),
    ],
)  # fmt: skip
def test_refused(make: Any, error: type[Exception], text: str) -> None:
    """What cannot be shown, and why."""
    with pytest.raises(error, match=re.escape(text)):
        labelled(make())


def test_traced_by_jax() -> None:
    """Inside a compiled function an array has no values."""
    with pytest.raises(TypeError, match=r"array must hold real numbers, got .*race"):
        jax.jit(lambda x: labelled(x) and x)(NUMBERS)
