"""Labelled arrays from files and into them: what comes back, and what is said if it cannot."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray
import zarr

import heatwidget.arrays.files as files
from heatwidget import samples

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)
CUBE = np.arange(24.0).reshape(2, 3, 4)
BY_HAND: dict[str, Any] = {"values": VALUES, "dims": ["layer", "token"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "array.npz"


def refused(path: Any, text: str, error: type[Exception] = ValueError, **asked: Any) -> None:
    with pytest.raises(error, match=re.escape(text)):
        files.open(path, **asked)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_made_by_hand(path: Path, save: Any) -> None:
    """Values, names, coordinates, labels, quantity and attributes come back."""
    attrs = {"quantity": "‖x − x*‖", "seed": 3}
    coords = {"coord.layer": [1, 2], "coord.token": ["a", "\n", "é"], "coord.answer": [1, 0, 0]}
    save(path, **BY_HAND, **coords, attrs=json.dumps(attrs))
    array = files.open(str(path))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array.values, VALUES)
    assert array.dims == ("layer", "token")
    assert array.axis("layer").coordinates.tolist() == [1, 2]
    assert array.axis("token").labels == ("a", "\n", "é")
    assert array.quantity == attrs["quantity"]
    assert array.attrs["seed"] == 3
    assert array.attrs["answer"].tolist() == [1, 0, 0]
    # Only what is stored as it is can be mapped.
    assert isinstance(array.data, np.memmap) == (save is np.savez)


def test_values_and_dims_are_enough(path: Path) -> None:
    np.savez(path, **BY_HAND)
    array = files.open(path)
    assert array.quantity == ""
    assert array.axis("layer").coordinates.tolist() == [0, 1]
    assert array.axis("token").labels is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dims": ["layer"]}, "dims must name each axis of shape (2, 3) once, got 1"),
        ({"dims": "layer"}, "dims must name each axis of shape (2, 3) once, got 1"),
        ({"dims": ["layer", "layer"]}, "dims must not repeat"),
        ({"coord.layer": [1, 2, 3]}, "layers must have one number for each of 2"),
        ({"coord.layer": [2, 2]}, "layers must be numbers that strictly increase"),
        ({"coord.token": ["a"]}, "tokens must have one text for each of 3, got 1"),
        ({"values": np.zeros(3)}, "array must have two or more axes, got 1 (shape (3,))"),
        ({"attrs": "{"}, "Expecting property name"),
    ],
)
def test_parts_that_do_not_fit(path: Path, change: dict[str, Any], text: str) -> None:
    """A file is checked as an array that the user gives."""
    np.savez(path, **{**BY_HAND, **change})
    refused(path, text)


def test_no_real_numbers(path: Path) -> None:
    np.savez(path, **{**BY_HAND, "values": np.zeros((2, 3), complex)})
    refused(path, "array must hold real numbers", TypeError)


def test_pickles(path: Path) -> None:
    """They are refused, as they can run code."""
    np.savez(path, **{**BY_HAND, "dims": np.array(["layer", "token"], object)})
    refused(path, "got pickled objects", TypeError)
    np.savez(path, values=np.array([[None]]), dims=["layer", "token"])
    refused(path, "got pickled objects", TypeError)


def write_foreign(path: Path) -> Path:
    """A file such as other tools write, with one array that a heatmap can show."""
    if path.suffix == ".npy":
        np.save(path, np.asfortranarray(CUBE))
    elif path.suffix == ".npz":
        np.savez(path, cube=CUBE, loss=np.ones(5))
    elif path.suffix == ".zarr":
        group = zarr.open_group(path, mode="w", zarr_format=2)
        group.create_array("inner/cube", data=CUBE, chunks=(1, 2, 2))
        group.create_array("loss", data=np.ones(5))
    elif path.suffix == ".nc":
        dims = ("iteration", "layer", "token")
        cube = xarray.DataArray(CUBE, {"layer": [1, 2, 3]}, dims, attrs={"long_name": "norm"})
        data = xarray.Dataset(
            {"cube": cube, "loss": ("k", np.ones(5)), "labels": ("k", list("abcde"))}
        )
        packed = {"cube": {"dtype": "int16", "scale_factor": 0.5, "_FillValue": -1}}
        data.to_netcdf(path, engine="h5netcdf", encoding=packed)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("inner/cube", data=CUBE, chunks=(1, 2, 2), compression="gzip")
            file["loss"] = np.ones(5)
            file["empty"] = h5py.Empty("f4")
    else:
        write_tensors(path, cube=("F64", CUBE), loss=("F64", np.ones(5)))
    return path


def write_tensors(path: Path, **tensors: tuple[str, np.ndarray]) -> None:
    """A .safetensors file of tensors with the type that it has for each."""
    header, start = {}, 0
    for name, (code, values) in tensors.items():
        ends = [start, start + values.nbytes]
        header[name] = {"dtype": code, "shape": values.shape, "data_offsets": ends}
        start = ends[1]
    text = json.dumps(header).encode()
    content = b"".join(values.tobytes() for _, values in tensors.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


SUFFIXES = (".npy", ".npz", ".zarr", ".nc", ".h5", ".safetensors")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_of_others(tmp_path: Path, suffix: str) -> None:
    """The array that a heatmap can show is meant; axes without names get the usual ones."""
    array = files.open(write_foreign(tmp_path / f"run{suffix}"))
    assert type(array.data) is not np.ndarray
    assert array.dims == ("iteration", "layer", "token")
    np.testing.assert_array_equal(array.values, CUBE)
    assert array.coords["layer"].tolist() == ([1, 2, 3] if suffix == ".nc" else [0, 1, 2])
    renamed = files.open(tmp_path / f"run{suffix}", dims=("layer", "iteration", "prompt"))
    assert renamed.dims == ("layer", "iteration", "prompt")


def test_an_old_netcdf_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.nc"
    cube = xarray.DataArray(CUBE, {"layer": [1, 2, 3]}, ("iteration", "layer", "token"))
    xarray.Dataset({"cube": cube}).to_netcdf(path, format="NETCDF3_64BIT", engine="scipy")
    array = files.open(path)
    np.testing.assert_array_equal(array.values, CUBE)
    assert array.coords["layer"].tolist() == [1, 2, 3]
    monkeypatch.setitem(sys.modules, "scipy", None)
    refused(path, 'pip install "heatwidget[netcdf]"', ImportError)


@pytest.mark.parametrize("suffix", sorted({*SUFFIXES} - {".zarr", ".nc"}))
def test_a_file_is_known_by_its_content(tmp_path: Path, suffix: str) -> None:
    path = write_foreign(tmp_path / f"run{suffix}").rename(tmp_path / "blob")
    np.testing.assert_array_equal(files.open(path).values, CUBE)


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
def test_an_array_of_another_name(tmp_path: Path, suffix: str) -> None:
    path = write_foreign(tmp_path / f"run{suffix}")
    known = "'loss' (5,) float64"
    refused(path, known, name="lost")
    refused(path, "array must have two or more axes, got 1", name="loss")


def test_several_arrays(tmp_path: Path) -> None:
    """The error names them all, but for those that cannot be meant."""
    path = tmp_path / "run.npz"
    np.savez(path, a=VALUES, b=CUBE, c=np.ones(3), d=np.ones((2, 2), complex))
    refused(path, f"name must choose an array of {path}: 'a' (2, 3) float32, 'b' (2, 3, 4) float64")
    assert files.open(path, name="a").dims == ("iteration", "token")
    np.savez(path, a=np.ones(3), b=np.ones((0, 2)))
    refused(path, f"{path}: it has 'a' (3,) float64, 'b' (0, 2) float64")
    np.savez(path)
    refused(path, "it has none at all")
    np.savez(path, **{f"t{k}": VALUES for k in range(25)})
    refused(path, "'t19' (2, 3) float32 and 5 more")


@pytest.mark.parametrize("name", samples.names())
def test_the_samples(name: str) -> None:
    opened, loaded = files.open(samples.path(name)), samples.load(name)
    assert (opened.quantity, opened.dims) == (loaded.quantity, loaded.dims)
    np.testing.assert_array_equal(opened.values, loaded.values)


def test_short_floats_of_tensors(tmp_path: Path) -> None:
    """Types that numpy lacks are read as float32; other ones are named."""
    path = tmp_path / "run.safetensors"
    bits = np.array([[0x3F80, 0xC000, 0x7FC0]], np.uint16)  # 1, -2, NaN
    short = np.array([[0x38, 0xC0, 0x7F]], np.uint8)
    write_tensors(path, b=("BF16", bits), f=("F8_E4M3", short), g=("F4", short))
    for name in "bf":
        array = files.open(path, name=name)
        np.testing.assert_array_equal(np.asarray(array.values, np.float32), [[1, -2, np.nan]])
    refused(path, "array must hold real numbers, and 'g' has the type F4", TypeError, name="g")


@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 20]},
        {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
        {"dtype": "F32", "shape": [-2, -3], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [2, 3], "data_offsets": [-8, 16]},
        {"dtype": "F32", "shape": [2, 3]},
        [],
    ],
)
def test_tensors_that_lie_elsewhere(tmp_path: Path, tensor: Any) -> None:
    path = tmp_path / "run.safetensors"
    header = json.dumps({"a": tensor}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))
    refused(path, f"path must be a whole safetensors file; {path} is not: ")


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("suffix", sorted({*SUFFIXES} - {".zarr"}))
def test_truncated(tmp_path: Path, suffix: str, part: float) -> None:
    """A file that was not written to its end is refused."""
    path = write_foreign(tmp_path / f"run{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    refused(path, f"file; {path} is not: ")
    path.write_bytes(b"\0\1\2 nothing of the kind " * 9)
    refused(path, f"file; {path} is not: ")


def test_damaged(path: Path) -> None:
    """Compressed content that does not fit its checksum is refused."""
    np.savez_compressed(path, **{**BY_HAND, "values": np.random.default_rng(0).random((9, 9))})
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    refused(path, "path must be a whole npz file")


@pytest.mark.parametrize("text", ["{", "", "[]"])
def test_damaged_zarr(tmp_path: Path, text: str) -> None:
    path = write_foreign(tmp_path / "run.zarr")
    (path / "zarr.json").write_text(text)
    (path / ".zgroup").unlink()
    refused(path, f"path must be a whole zarr file; {path} is not: ")


def test_what_is_no_such_file(tmp_path: Path, path: Path) -> None:
    refused(path, str(path), FileNotFoundError)
    refused(tmp_path, f"path must be a file or a zarr store; {tmp_path} is another folder")
    path.touch()
    refused(path, f"{path} is empty")
    (tmp_path / "run.txt").write_text("some text")
    refused(tmp_path / "run.txt", "path must be one of .npz, .npy, .zarr, .nc, .h5, .hdf5,")
    (tmp_path / "run.zarr").write_text("some text")
    refused(tmp_path / "run.zarr", "run.zarr is a file of unknown format")
    os.mkfifo(tmp_path / "run.npz")
    refused(tmp_path / "run.npz", "run.npz is a pipe or a device")
    refused(3, "path must be a text or a path, got 3", TypeError)


def test_a_file_that_may_not_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own word goes through (root may read anything, so it is put in its mouth)."""
    np.savez(path, **BY_HAND)

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    refused(path, f"Permission denied: '{path}'", PermissionError)
