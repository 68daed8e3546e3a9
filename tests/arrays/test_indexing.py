"""Parts of a labelled array: labels and numbers go with the values."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest
import torch
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import heatwidget as hw
from heatwidget.arrays import LabelledArray, as_labelled

SHAPE = (5, 4, 3)
VALUES = np.arange(60.0).reshape(SHAPE)
LABELS = {
    "iteration": [0, 4, 8, 12, 16],
    "layer": [1, 2, 3, 36],
    "token": ["a", "b", "a"],
}


def in_hdf5(folder: Path) -> Any:
    return h5py.File(folder / "x.h5", "w").create_dataset("x", data=VALUES)


def in_zarr(folder: Path) -> Any:
    array = zarr.create_array({}, shape=SHAPE, dtype=float, chunks=(2, 4, 3))
    array[...] = VALUES
    return array


def mapped(folder: Path) -> Any:
    np.save(folder / "x.npy", VALUES)
    return np.load(folder / "x.npy", mmap_mode="r")


KINDS = {
    "numpy": lambda _: VALUES,
    "masked": lambda _: np.ma.masked_less(VALUES, 7),
    "mapped": mapped,
    "torch": lambda _: torch.tensor(VALUES),
    "dask": lambda _: da.from_array(VALUES, chunks=2),
    "hdf5": in_hdf5,
    "zarr": in_zarr,
}


def labelled(values: Any, **labels: Any) -> LabelledArray:
    dims = ("iteration", "layer", "token")
    return as_labelled(values, default_dims={}, dims=dims, coords=labels or LABELS)


def slices(size: int) -> st.SearchStrategy[slice]:
    ends = st.one_of(st.none(), st.integers(-size - 1, size + 1))
    return st.builds(slice, ends, ends, st.one_of(st.none(), st.integers(1, 3)))


def parts(size: int) -> st.SearchStrategy[Any]:
    places = st.lists(st.booleans(), min_size=size, max_size=size)
    return st.one_of(st.integers(-size, size - 1), slices(size), places)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_part_is_xarrays(kind: str, data: st.DataObject) -> None:
    """Values, dims, numbers and texts, whatever holds the values."""
    index = [data.draw(slices(size)) for size in SHAPE]
    at = data.draw(st.integers(0, 2))
    index[at] = data.draw(parts(SHAPE[at]))
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        array = labelled(KINDS[kind](Path(folder)))
        part = array[tuple(index)]
        expected = array.to_xarray()[tuple(index)].reset_coords(drop=True)
        assert part.dims == expected.dims
        np.testing.assert_array_equal(np.ma.filled(part.to_numpy(), np.nan), expected.values)
        if 0 not in part.shape:
            assert part.to_xarray().equals(expected)
        kept = np.ndarray if kind in ("mapped", "hdf5", "zarr") else type(array.data)
        assert isinstance(part.data, kept)


def test_what_is_left_out_is_whole() -> None:
    array = labelled(VALUES)
    assert array[1].dims == ("layer", "token")
    assert array[..., 0].shape == (5, 4)
    assert array[:, [1, 3]].axis("layer").coordinates.tolist() == [2, 36]
    assert (len(array), array[2:4].axis("iteration").coordinates.tolist()) == (5, [8, 12])
    assert hw.ConvergenceHeatmap(array[:, -1]).tokens == ("a", "b", "a")
    assert array[0, 0, 0].to_numpy() == 0
    assert np.shares_memory(array[1:3].values, VALUES)


def test_tokens_without_texts_keep_their_places() -> None:
    array = labelled(VALUES, layer=[1, 2, 3, 36])
    assert array[:, :, 1:].axis("token").labels == ("1", "2")
    assert array[:, :, :2].axis("token").labels is None


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (5, r"must lie within -5\.\.4, got 5"),
        ((0, 0, 0, 0), "must fit 3 axes"),
        ((..., ...), "must fit 3 axes"),
        (True, "must lie within"),
        ("iteration", r"must hold whole numbers within -5\.\.4, a slice or 5 booleans"),
        ([0, 9], r"must hold whole numbers within -5\.\.4, a slice or 5 booleans"),
        ([True], r"must hold whole numbers within -5\.\.4, a slice or 5 booleans"),
        (1.5, r"must hold whole numbers within -5\.\.4, a slice or 5 booleans"),
        (None, r"must hold whole numbers within -5\.\.4, a slice or 5 booleans"),
        (slice(None, None, -1), "must go upwards along an axis"),
        ([2, 0, 1], "must keep the order of iterations"),
        (([0], [0]), "must hold one sequence at most"),
    ],
)
def test_a_wrong_index_is_named(index: Any, message: str) -> None:
    with pytest.raises(IndexError, match=f"^index {message}"):
        labelled(VALUES)[index]


def test_a_packed_file_gives_what_its_values_stand_for(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        made = file.create_dataset("x", data=np.array([[1, 2], [3, 4]], "i2"))
        made.attrs["scale_factor"] = 0.5
    array = hw.open(tmp_path / "x.h5", dims=("layer", "token"))
    assert array[1].to_numpy().tolist() == [1.5, 2]
