"""The same values as arrays of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import torch
import xarray
import zarr
from hypothesis import strategies as st

from heatwidget.arrays import Region
from tests.frames.strategies import fill

DIMS = {2: ("iteration", "token"), 3: ("iteration", "layer", "token")}
PLAIN = ("?", "i1", "i2", "i4", "u1", "u2", "u4", "f2", "f4")
ALL = (*PLAIN, "i8", "u8", "f8", ">f2", ">f4", ">f8", ">i4")
SHORT = "bfloat16"

Make = Callable[[np.ndarray, tuple[int, ...], Path], Any]


def mapped(values: np.ndarray, chunks: Any, folder: Path) -> Any:
    """Of either order of memory, with something before it in the file."""
    order = "C" if chunks[0] % 2 else "F"
    with open(folder / "map", "wb") as file:
        file.write(b"heading")
        file.write(values.tobytes(order))
    return np.memmap(folder / "map", values.dtype, "r", 7, values.shape, order)


def stored_in_zarr(zarr_format: int, **more: Any) -> Make:
    def make(values: np.ndarray, chunks: Any, folder: Path) -> Any:
        settings = {name: give(chunks) for name, give in more.items()}
        array = zarr.create_array(
            {}, shape=values.shape, dtype=values.dtype, chunks=chunks, **settings,
            zarr_format=zarr_format,
        )  # fmt: skip
        array[...] = values
        return array

    return make


def in_hdf5(values: np.ndarray, chunks: Any, folder: Path) -> Any:
    """In chunks or in one piece."""
    file = h5py.File(folder / "file.h5", "w", driver="core", backing_store=False)
    return file.create_dataset("x", data=values, chunks=None if chunks[0] % 2 else chunks)


def lazy(values: np.ndarray, chunks: Any, folder: Path) -> Any:
    return da.from_array(values, chunks=chunks)


def tensor(values: np.ndarray, chunks: Any, folder: Path) -> Any:
    """With gradients where it may have them, and not in the order of memory."""
    found = torch.tensor(values.T.copy()).T if values.ndim == 2 else torch.tensor(values)
    return found.requires_grad_(found.is_floating_point())


def short_tensor(values: np.ndarray, chunks: Any, folder: Path) -> Any:
    return torch.tensor(values.astype("f4")).bfloat16()


def of_jax(values: np.ndarray, chunks: Any, folder: Path) -> Any:
    return jnp.asarray(values)


def of_xarray(make: Make) -> Make:
    def made(values: np.ndarray, chunks: Any, folder: Path) -> Any:
        return xarray.DataArray(make(values, chunks, folder), dims=DIMS[values.ndim])

    return made


def xarray_of_zarr(values: np.ndarray, chunks: Any, folder: Path) -> Any:
    store = zarr.storage.MemoryStore()
    array = zarr.create_array(
        store, name="x", shape=values.shape, dtype=values.dtype, chunks=chunks,
        zarr_format=2, attributes={"_ARRAY_DIMENSIONS": list(DIMS[values.ndim])}, fill_value=None,
    )  # fmt: skip
    array[...] = values
    return xarray.open_zarr(store, chunks=None, consolidated=False)["x"]


# Kind -> what makes one, and of which types it can be.
KINDS: dict[str, tuple[Make, tuple[str, ...]]] = {
    "map": (mapped, (*ALL, SHORT)),
    "zarr 2": (stored_in_zarr(2), ALL),
    "zarr 3": (stored_in_zarr(3), ALL),
    "zarr 3, sharded": (
        stored_in_zarr(3, shards=lambda chunks: tuple(2 * n for n in chunks)),
        PLAIN,
    ),
    "hdf5": (in_hdf5, ALL),
    "dask": (lazy, (*ALL, SHORT)),
    "torch": (tensor, (*PLAIN, "i8", "f8")),
    "torch, bf16": (short_tensor, (SHORT,)),
    "jax": (of_jax, (*PLAIN, SHORT)),
    "short": (lambda values, chunks, folder: values, (SHORT,)),
    "xarray of dask": (of_xarray(lazy), ALL),
    "xarray of a map": (of_xarray(mapped), ALL),
    "xarray of zarr": (xarray_of_zarr, PLAIN),
}


@st.composite
def stored_values(draw: st.DrawFn, kind: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Values that a kind can hold, and sizes of chunks."""
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=2, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(KINDS[kind][1]))
    filling = draw(st.sampled_from(["wild", "whole", "signed"]))
    if dtype == SHORT:
        return fill(rng, shape, "f4", filling).astype(ml_dtypes.bfloat16), _chunks(draw, shape)
    return fill(rng, shape, dtype, filling), _chunks(draw, shape)


def _chunks(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(draw(st.integers(1, size)) for size in shape)


@st.composite
def regions(draw: st.DrawFn, shape: tuple[int, ...]) -> Region:
    """Any box with something in it."""
    starts = [draw(st.integers(0, size - 1)) for size in shape]
    stops = [draw(st.integers(a + 1, n)) for a, n in zip(starts, shape, strict=True)]
    return Region(tuple(zip(starts, stops, strict=True)))


def in_numpy(values: np.ndarray) -> np.ndarray:
    """What is to be read of them: short types as float32."""
    return values.astype("f4") if values.dtype.name == SHORT else values


# What jax calls by default int64 and float64 are not.
assert not jax.config.jax_enable_x64
