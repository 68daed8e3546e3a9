"""A file that is replaced or written to under an open heatmap, which is then refreshed."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import xarray
import zarr

import heatwidget as hw

SHAPE = (40, 30)
DIMS = ("iteration", "token")


def numbers(seed: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).random(shape).astype("f4")


def in_zip(path: Path, values: np.ndarray) -> None:
    with zarr.storage.ZipStore(path, mode="w") as store:
        zarr.create_array(store, data=values)


def classic(path: Path, values: np.ndarray) -> None:
    data = xarray.Dataset({"x": (DIMS, values)})
    data.to_netcdf(path, format="NETCDF3_64BIT", engine="scipy")


WRITERS: dict[str, Callable[[Path, np.ndarray], Any]] = {
    **{f"ours{s}": lambda p, v: hw.save(v, p) for s in (".npz", ".nc", ".h5", ".safetensors")},
    "ours.zarr": lambda p, v: hw.save(v, p),
    "compressed.npz": lambda p, v: np.savez_compressed(p, x=v),
    "a.npy": np.save,
    "classic.nc": classic,
    "a.zarr.zip": in_zip,
    "a.pt": lambda p, v: torch.save({"x": torch.tensor(v)}, p),
}


def replace(path: Path, write: Callable[[Path, np.ndarray], Any], values: np.ndarray) -> None:
    """Write beside and move into the place, as a careful program does."""
    beside = path.with_name(f"beside-{path.name}")
    write(beside, values)
    if beside.is_dir():
        shutil.rmtree(path)
    os.replace(beside, path)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.filterwarnings("ignore")
def test_what_is_there_now_is_shown(tmp_path: Path, name: str) -> None:
    """After each replacement and each writing over; an error leaves what there was."""
    path, write = tmp_path / name, WRITERS[name]
    write(path, numbers(0))
    heatmap = hw.Heatmap(hw.open(path))
    other = hw.Heatmap(hw.open(path))
    heatmap.flush()
    for seed in (1, 2, 1):
        replace(path, write, numbers(seed))
        heatmap.refresh()
        heatmap.flush()
        np.testing.assert_array_equal(heatmap.frame.values, numbers(seed))
    write(path, numbers(3))  # in place where the library does so
    heatmap.refresh()
    heatmap.flush()
    np.testing.assert_array_equal(heatmap.frame.values, numbers(3))
    # Another shape, damage and nothing at all: as it was, and right again once the file is.
    for spoil, error, text in (
        (lambda: replace(path, write, numbers(4, (40, 31))), ValueError, r"shape \(40, 30\), and"),
        (lambda: damage(path), ValueError, "path must be (a whole|one of)"),
        (lambda: remove(path), FileNotFoundError, path.name),
    ):
        spoil()
        with pytest.raises(error, match=text):
            heatmap.refresh()
        np.testing.assert_array_equal(heatmap.frame.values, numbers(3))
    write(path, numbers(5))
    heatmap.refresh()
    heatmap.flush()
    heatmap.iteration_range = (3, 7)
    heatmap.flush()
    np.testing.assert_array_equal(heatmap.frame.values, numbers(5)[3:8])
    other.close()
    heatmap.close()


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def damage(path: Path) -> None:
    remove(path)
    if path.suffix == ".zarr":
        path.mkdir()
        (path / "zarr.json").write_text("{")
    else:
        path.write_bytes(b"\0\1\2 nothing of the kind " * 9)


def test_another_type_is_shown(tmp_path: Path) -> None:
    hw.save(numbers(0), tmp_path / "a.npz")
    heatmap = hw.Heatmap(hw.open(tmp_path / "a.npz"))
    hw.save((numbers(1) * 9).astype("i2"), tmp_path / "a.npz")
    heatmap.refresh()
    heatmap.flush()
    np.testing.assert_array_equal(heatmap.frame.values, (numbers(1) * 9).astype("i2"))
    heatmap.close()


def test_other_labels_are_refused(tmp_path: Path) -> None:
    """They would stand beside what they are not of; those that were given stay."""
    path = tmp_path / "a.npz"
    hw.save(numbers(0, (2, 3)), path, tokens=list("abc"))
    named = hw.Heatmap(hw.open(path), tokens=list("xyz"))
    hw.save(numbers(1, (2, 3)), path, tokens=list("abc"))
    named.refresh()
    named.flush()
    np.testing.assert_array_equal(named.frame.values, numbers(1, (2, 3)))
    hw.save(numbers(2, (2, 3)), path, tokens=list("abd"))
    with pytest.raises(ValueError, match="other labels: set_array"):
        named.refresh()
    named.set_array(hw.open(path))
    named.flush()
    np.testing.assert_array_equal(named.frame.values, numbers(2, (2, 3)))
    named.close()


@pytest.mark.parametrize("suffix", [".h5", ".npy", ".zarr"])
def test_a_large_file_and_its_overview(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept of the old one is not shown for the new one, and is again for the old."""
    monkeypatch.setenv("HEATWIDGET_CACHE", str(tmp_path / "cache"))
    path = tmp_path / f"big{suffix}"
    low, high = np.zeros((4100, 4100), "f4"), np.ones((4100, 4100), "f4")

    def write(place: Path, values: np.ndarray) -> None:
        if suffix == ".npy":
            np.save(place, values)
        elif suffix == ".zarr":
            zarr.create_array(place, data=values, chunks=(1025, 4100), compressors=None)
        else:
            with h5py.File(place, "w") as file:
                file["x"] = values

    write(path, low)
    heatmap = hw.Heatmap(hw.open(path))
    heatmap.flush()
    assert heatmap.frame.values.max() == 0
    replace(path, write, high)
    heatmap.refresh()
    heatmap.flush()
    assert heatmap.frame.values.min() == 1
    again = hw.Heatmap(hw.open(path))
    again.flush()
    assert again.frame.values.min() == 1
    again.close()
    heatmap.close()
    assert len(list((tmp_path / "cache").rglob("*.overview"))) == 2


@pytest.mark.parametrize("suffix", [".h5", ".nc"])
def test_before_it_is_refreshed(tmp_path: Path, suffix: str) -> None:
    """A file that has taken the place of the one that was opened is not mixed with it."""
    path = tmp_path / f"a{suffix}"
    hw.save(numbers(0), path)
    array = hw.open(path)
    hw.save(numbers(1), path)
    with pytest.raises(OSError, match="was replaced, or is gone, since it was opened"):
        _ = array.values


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_part_of_what_was_opened(tmp_path: Path, save: Any) -> None:
    """It is not taken for the whole once that is read anew."""
    path = tmp_path / "a.npz"
    save(path, x=numbers(0))
    array = hw.open(path)
    heatmap = hw.Heatmap(dataclasses.replace(array, data=array.data[::-1]))
    heatmap.refresh()
    heatmap.flush()
    np.testing.assert_array_equal(heatmap.frame.values, numbers(0)[::-1])
    heatmap.close()


@pytest.mark.parametrize("kind", ["map", "hdf5"])
def test_a_file_that_the_user_has_opened(tmp_path: Path, kind: str) -> None:
    """It is not ours to open anew: the error says what to do, and the picture stays."""
    path = tmp_path / "a"

    def write(place: Path, values: np.ndarray) -> None:
        if kind == "map":
            with place.open("wb") as file:
                np.save(file, values)
        else:
            with h5py.File(place, "w") as file:
                file["x"] = values

    def opened() -> Any:
        return np.load(path, mmap_mode="r") if kind == "map" else h5py.File(path)["x"]

    write(path, numbers(0))
    heatmap = hw.Heatmap(opened())
    heatmap.flush()
    heatmap.refresh()
    replace(path, write, numbers(1))
    with pytest.raises(OSError, match=r"another file has taken the place .* set_array\(\)"):
        heatmap.refresh()
    heatmap.flush()
    np.testing.assert_array_equal(heatmap.frame.values, numbers(0))
    heatmap.set_array(opened())
    heatmap.flush()
    np.testing.assert_array_equal(heatmap.frame.values, numbers(1))
    path.unlink()
    heatmap.refresh()
    heatmap.close()
