"""Files as others write them: names that mean nothing to us, coordinates, packed values, kinds."""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest
import torch
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget import samples
from heatwidget.arrays import Region, StoredSource, files
from heatwidget.arrays.adapters.packing import Packing, unpacked

from .test_files import refused, write_tensors

ACTS = np.arange(12, dtype="f4").reshape(3, 4)
DIMS = ("layer", "token")
# What is called as we call things, of any type.
ENTRIES: dict[str, Any] = {
    "labels": np.array([0, 1, 1]),
    "dims": np.array("pos neg"),
    "attrs": np.array([b"x", b"y"]),
    "coord.layer": np.array(3.5),
}


def write_arrays(path: Path, arrays: dict[str, Any], **attrs: Any) -> None:
    """Arrays, and attributes of the whole file, as its usual library writes them."""
    if path.suffix == ".npz":
        np.savez(path, **arrays, **{name: np.array(value) for name, value in attrs.items()})
    elif path.suffix == ".zarr":
        group = zarr.open_group(path, mode="w", attributes=attrs)
        for name, values in arrays.items():
            group.create_array(name, data=values)
    elif path.suffix == ".safetensors":
        tensors = {
            n: ("F32", np.asarray(a, "f4")) for n, a in arrays.items() if a.dtype.kind != "S"
        }
        write_tensors(path, **tensors)
    else:
        with h5py.File(path, "w") as file:
            file.attrs.update(attrs)
            for name, values in arrays.items():
                file[name] = values.item() if values.dtype.kind == "U" else values


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".nc", ".zarr", ".safetensors"])
def test_names_that_we_use_too(tmp_path: Path, suffix: str) -> None:
    """Entries and attributes called so are ordinary ones, and can be chosen."""
    path = tmp_path / f"run{suffix}"
    arrays = {n: a for n, a in ENTRIES.items() if suffix in (".npz", ".h5") or a.dtype.kind == "i"}
    write_arrays(path, {"acts": ACTS, **arrays}, **({} if suffix == ".npz" else {"dims": "a b"}))
    for asked in ({}, {"name": "acts"}, {"name": "/acts"}):
        np.testing.assert_array_equal(files.open(path, **asked).values, ACTS)
    refused(path, "array must have two or more axes, got 1 (shape (3,))", name="labels")
    write_arrays(path, {"acts": ACTS, "labels": -ACTS, "dims": ACTS[0]})
    refused(path, "'acts' (3, 4) float32, 'labels' (3, 4) float32")
    np.testing.assert_array_equal(files.open(path, name="labels").values, -ACTS)
    write_arrays(path, {"values": ACTS, "labels": -ACTS, "dims": ACTS[0], "attrs": ACTS})
    array = files.open(path)
    np.testing.assert_array_equal(array.values, ACTS)
    assert array.dims == ("iteration", "token")
    np.testing.assert_array_equal(files.open(path, name="labels").values, -ACTS)


@pytest.mark.parametrize(
    "text", ["pos neg", "", "[]", "{", '{"dims": ["layer"]}', "é\0", "[" * 9999]
)
def test_texts_that_we_have_not_written(tmp_path: Path, text: str) -> None:
    """Not in any place where we, or earlier versions of ours, keep what we say."""
    np.savez(tmp_path / "a.npz", values=ACTS, labels=np.array(text.encode()))
    np.savez(tmp_path / "b.npz", values=ACTS, labels=np.array(text), attrs=np.array(text))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["values"] = ACTS
        file["labels"] = text.replace("\0", "")
    zarr.open_group(tmp_path / "a.zarr", mode="w", attributes={"labels": text}).create_array(
        "values", data=ACTS
    )
    header = {"__metadata__": {"labels": text, "format": "pt"}}
    header["values"] = {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}  # type: ignore[dict-item]
    content = json.dumps(header).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(content).to_bytes(8, "little") + content + ACTS.tobytes())
    for path in tmp_path.iterdir():
        array = files.open(path)
        np.testing.assert_array_equal(array.values, ACTS)
        assert (array.dims, array.quantity) == (("iteration", "token"), "")


def test_pickled_entries(tmp_path: Path) -> None:
    """They are refused only where they are chosen."""
    path = tmp_path / "run.npz"
    objects = np.array([{"a": 1}, None, 2], object)
    np.savez(path, acts=ACTS, labels=objects, dims=objects, attrs=objects)
    np.testing.assert_array_equal(files.open(path).values, ACTS)
    refused(path, "got pickled objects", TypeError, name="labels")


LABELS = {
    "dims": ["layer", "token"],
    "coords": {"layer": [1, 2, 36], "token": ["a", "b", "c", "\ud800\0"]},
    "quantity": "norm",
    "attrs": {"seed": 3},
}


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".nc", ".zarr", ".safetensors"])
def test_files_that_earlier_versions_wrote(tmp_path: Path, suffix: str) -> None:
    """Their labels stood where others have theirs."""
    path, text = tmp_path / f"run{suffix}", json.dumps(LABELS)
    if suffix == ".npz":
        np.savez(path, labels=np.array(text.encode()), values=ACTS)
    elif suffix == ".zarr":
        group = zarr.open_group(path, mode="w", attributes={"labels": text})
        group.create_array("values", data=ACTS, dimension_names=DIMS)
    elif suffix == ".safetensors":
        header = {"__metadata__": {"labels": text}}
        header["values"] = {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}  # type: ignore[dict-item]
        content = json.dumps(header).encode()
        path.write_bytes(len(content).to_bytes(8, "little") + content + ACTS.tobytes())
    else:
        with h5py.File(path, "w") as file:
            file["values"], file["labels"] = ACTS, text
    array = files.open(path)
    assert (array.dims, array.quantity, array.attrs) == (DIMS, "norm", {"seed": 3})
    assert array.coords["layer"].tolist() == [1, 2, 36]
    assert array.coords["token"] == ("a", "b", "c", "\ud800\0")
    refused(path, "name must be one of those", name="labels")


def test_damaged_labels_of_ours(tmp_path: Path) -> None:
    """What is said where nobody else says anything is not passed over."""
    np.savez(tmp_path / "a.npz", values=ACTS, **{"heatwidget.labels": np.array(b"{")})
    refused(tmp_path / "a.npz", "path must be a whole npz file")


def test_the_layout_by_hand_keeps_its_other_arrays() -> None:
    path = samples.path("core-activations")
    refused(path, "array must have two or more axes, got 1", name="coord.layer")


# Axis -> what its coordinates can be.
NUMBERS = st.sets(st.integers(-(2**31), 2**31), min_size=3, max_size=3).map(sorted)
TEXTS = st.lists(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=4),
    min_size=4,
    max_size=4,
)


def in_netcdf(path: Path, data: xarray.Dataset) -> None:
    data.to_netcdf(path, engine="h5netcdf")


def in_zarr(zarr_format: Any, *, consolidated: bool) -> Callable[[Path, xarray.Dataset], None]:
    def write(path: Path, data: xarray.Dataset) -> None:
        data.to_zarr(path, mode="w", zarr_format=zarr_format, consolidated=consolidated)

    return write


def put(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    """Write numbers, or texts of any length."""
    if values.dtype.kind in "UOT":
        return group.create_dataset(name, data=values.astype(object), dtype=h5py.string_dtype())
    return group.create_dataset(name, data=values)


def with_scales(path: Path, data: xarray.Dataset) -> None:
    """As h5py has it: scales made and attached by hand."""
    with h5py.File(path, "w") as file:
        file["run/acts"] = data["acts"].values
        for at, dim in enumerate(data["acts"].dims):
            values = data[dim].values if dim in data.coords else np.arange(data.sizes[dim])
            put(file, f"scales/{dim}", values).make_scale(str(dim))
            file["run/acts"].dims[at].attach_scale(file[f"scales/{dim}"])


def with_labels(path: Path, data: xarray.Dataset) -> None:
    """Axes that are only named, and arrays of these names beside."""
    with h5py.File(path, "w") as file:
        file["acts"] = data["acts"].values
        for at, dim in enumerate(data["acts"].dims):
            file["acts"].dims[at].label = str(dim)
            if dim in data.coords:
                put(file, str(dim), data[dim].values)


WRITERS: dict[str, Callable[[Path, xarray.Dataset], None]] = {
    "a.nc": in_netcdf,
    "a.h5": in_netcdf,
    "scales.h5": with_scales,
    "labels.hdf5": with_labels,
    "two.zarr": in_zarr(2, consolidated=False),
    "two-consolidated.zarr": in_zarr(2, consolidated=True),
    "three.zarr": in_zarr(3, consolidated=False),
    "three-consolidated.zarr": in_zarr(3, consolidated=True),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@settings(max_examples=8, deadline=None)
@given(layer=st.none() | NUMBERS, token=st.none() | TEXTS | NUMBERS.map(lambda n: [*n, 2**32]))
def test_coordinates(
    tmp_path_factory: pytest.TempPathFactory, name: str, layer: Any, token: Any
) -> None:
    """The same array has the same labels in each kind of file."""
    path = tmp_path_factory.getbasetemp() / name
    coords = {n: c for n, c in (("layer", layer), ("token", token)) if c is not None}
    data = xarray.Dataset({"acts": (DIMS, ACTS)}, coords)
    # What has more axes, or none, is no coordinate of one.
    data = data.assign_coords(depth=(DIMS, ACTS), seed=3)
    WRITERS[name](path, data)
    array = files.open(path)
    np.testing.assert_array_equal(array.values, ACTS)
    assert array.dims == DIMS
    assert array.coords["layer"].tolist() == (layer or [0, 1, 2])
    written = token is None and name == "scales.h5"  # there it has a scale anyway
    expected = None if token is None else tuple(map(str, token))
    assert array.axis("token").labels == (("0", "1", "2", "3") if written else expected)
    renamed = files.open(path, dims=("iteration", "prompt"))
    assert renamed.coords["iteration"].tolist() == (layer or [0, 1, 2])


def test_texts_of_other_types(tmp_path: Path) -> None:
    """Bytes of one length, letters along an axis of their own, and what is not UTF-8."""
    fixed = np.array([b"a", b"bc", b"\xff", "é".encode()])
    letters = np.array([[b"a", b""], [b"b", b"c"], [b"\xff", b""], [b"\xc3", b"\xa9"]], "S1")
    for number, texts in enumerate((fixed, letters)):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["acts"], file["token"] = ACTS, texts
            file["token"].make_scale("token")
            file["acts"].dims[1].attach_scale(file["token"])
            file["acts"].dims[0].label = "layer"
        assert files.open(tmp_path / f"{number}.h5").coords["token"] == ("a", "bc", r"\xff", "é")
    array = xarray.DataArray(ACTS, {"token": list("abcd")}, DIMS, name="acts")
    array.to_netcdf(tmp_path / "old.nc", format="NETCDF3_64BIT", engine="scipy")
    assert files.open(tmp_path / "old.nc").coords["token"] == tuple("abcd")


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_coordinates_that_an_axis_cannot_have(tmp_path: Path, name: str) -> None:
    """They are refused, not passed over: the numbers would be false."""
    for layer in ([3, 1, 2], [0.0, np.nan, 1.0]):
        WRITERS[name](tmp_path / name, xarray.Dataset({"acts": (DIMS, ACTS)}, {"layer": layer}))
        refused(tmp_path / name, "layers must be numbers that strictly")
    for layer in ([3, 2, 1], [0.0, 0.5, 1.0], ["a", "b", "c"]):
        WRITERS[name](tmp_path / name, xarray.Dataset({"acts": (DIMS, ACTS)}, {"layer": layer}))
        assert list(files.open(tmp_path / name).coords["layer"]) == layer
    WRITERS[name](
        tmp_path / name, xarray.Dataset({"acts": (DIMS, ACTS)}, {"layer": [0.0, 2.0, 4.0]})
    )
    assert files.open(tmp_path / name).coords["layer"].tolist() == [0, 2, 4]


def test_what_a_variable_measures(tmp_path: Path) -> None:
    """In a netCDF file its name, or what it says, with its unit."""
    acts = xarray.DataArray(ACTS, dims=DIMS, attrs={"units": "K"})
    for engine, name in (("h5netcdf", "new.nc"), ("scipy", "old.nc")):
        xarray.Dataset({"acts": acts}).to_netcdf(tmp_path / name, engine=engine)
        assert files.open(tmp_path / name).quantity == "acts [K]"
        said = acts.assign_attrs(long_name="norm")
        xarray.Dataset({"acts": said}).to_netcdf(tmp_path / name, engine=engine)
        assert files.open(tmp_path / name).quantity == "norm [K]"
        xarray.Dataset({"acts": acts.rename(layer="depth")}).to_netcdf(
            tmp_path / name, engine=engine
        )
        assert files.open(tmp_path / name).dims == ("depth", "token")


def test_coordinates_of_another_length(tmp_path: Path) -> None:
    """They are of something else."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["acts"], file["layer"] = ACTS, [1, 2]
        file["acts"].dims[0].label = "layer"
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("acts", data=ACTS, dimension_names=DIMS)
    group.create_array("layer", data=np.array([1, 2]))
    for path in tmp_path.iterdir():
        array = files.open(path, name="acts", dims=DIMS)
        assert array.coords["layer"].tolist() == [0, 1, 2]


def test_other_coordinates_can_be_given(tmp_path: Path) -> None:
    """The error says how: in place of what the file has, be it ours or not."""
    path = tmp_path / "a.h5"
    data = xarray.Dataset({"acts": (DIMS, ACTS)}, {"layer": [3, 1, 2]})
    data.to_netcdf(path, engine="h5netcdf")
    refused(path, "heatwidget.open(path, layers=...) gives it others")
    array = files.open(path, layers=[1, 2, 3], tokens=list("abcd"))
    assert array.coords["layer"].tolist() == [1, 2, 3]
    files.save(array, tmp_path / "b.npz")
    array = files.open(tmp_path / "b.npz", layers=[5, 6, 7])
    assert array.coords["layer"].tolist() == [5, 6, 7]
    assert array.coords["token"] == tuple("abcd")
    refused(path, "prompts given, but the array's dims are", layers=[1, 2, 3], prompts=["a"])


def test_attributes_and_arrays_of_any_type(tmp_path: Path) -> None:
    """What numpy has no type for is passed over."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["acts"] = ACTS
        acts = file["acts"]
        acts.attrs["labels"], acts.attrs["dims"] = np.array([1, 2]), file.ref
        acts.attrs["attrs"] = h5py.Empty("f4")
        file["labels"] = h5py.Empty("S4")
        for make, owner in ((h5py.h5d.create, file.id), (h5py.h5a.create, acts.id)):
            space = h5py.h5s.create_simple((3, 4))
            make(owner, b"time", h5py.h5t.UNIX_D32LE.copy(), space)
    np.testing.assert_array_equal(files.open(tmp_path / "a.h5").values, ACTS)
    refused(tmp_path / "a.h5", "No NumPy equivalent", TypeError, name="time")


# Stored type, and what the file says of it.
PACKED = [
    ("i2", {"scale_factor": 0.1, "add_offset": 5.0, "_FillValue": -32768}),
    ("i2", {"scale_factor": np.float32(0.5), "add_offset": np.float32(3)}),
    ("i2", {"scale_factor": 0.01, "missing_value": 2, "_FillValue": 1}),
    ("i4", {"_FillValue": 10}),
    ("u1", {"add_offset": -7.0, "_FillValue": 255}),
    ("i1", {"_Unsigned": "true", "_FillValue": -1, "scale_factor": 2.0}),
    ("i1", {"_Unsigned": "true"}),
    ("u1", {"_Unsigned": "false"}),
    ("f4", {"_FillValue": np.float32(10)}),
    ("f4", {"_FillValue": np.float32(np.nan)}),
    ("f8", {"missing_value": 1e20, "scale_factor": 2.0}),
    ("i8", {"missing_value": np.array([1, 2])}),
]
STORED = np.array([[-32768, 1], [2, 10]])


def write_packed(path: Path, dtype: str, attrs: dict[str, Any]) -> None:
    """Stored values, and attributes as netCDF and xarray write them."""
    stored = STORED.astype("i2").astype(dtype)
    if path.suffix != ".zarr":
        with h5py.File(path, "w") as file:
            file["acts"] = stored
            kinds = {"_FillValue": dtype, "missing_value": dtype}
            for name, value in attrs.items():
                plain = isinstance(value, str)
                file["acts"].attrs[name] = value if plain else np.asarray(value, kinds.get(name))
            for at, (dim, size) in enumerate(zip(DIMS, stored.shape, strict=True)):
                file[dim] = np.arange(size)
                file[dim].make_scale(dim)
                file["acts"].dims[at].attach_scale(file[dim])
        return
    variable = xarray.Variable(DIMS, stored, dict(attrs))
    zarr_format: Any = 2 if "two" in path.name else 3
    xarray.Dataset({"acts": variable}).to_zarr(
        path, mode="w", zarr_format=zarr_format, consolidated=False
    )


@pytest.mark.parametrize("name", ["a.h5", "a.nc", "two.zarr", "three.zarr"])
@pytest.mark.parametrize(("dtype", "attrs"), PACKED)
@pytest.mark.filterwarnings("ignore")
def test_packed_values(tmp_path: Path, name: str, dtype: str, attrs: dict[str, Any]) -> None:
    """What they stand for, as xarray has it; and what told it says nothing of them any more."""
    path = tmp_path / name
    write_packed(path, dtype, {**attrs, "units": "K"})
    engine = {"engine": "zarr", "consolidated": False} if path.is_dir() else {"engine": "h5netcdf"}
    with xarray.open_dataset(path, decode_times=False, **engine) as oracle:
        expected = oracle["acts"].values
    array = files.open(path, name="acts")
    np.testing.assert_allclose(array.values, expected, 1e-6)
    assert array.attrs == {"units": "K"}
    source = StoredSource(array)
    assert array.values.dtype == source.dtype
    np.testing.assert_allclose(source.read(Region(((1, 2), (0, 1)))).values, expected[1:, :1], 1e-6)
    assert source.identity() is not None


KINDS = ("i1", "u1", "i2", ">i2", "u2", "i4", "u4", "i8", "f4", ">f4", "f8")


@st.composite
def packed(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, Any]]:
    """Stored values, and any of what says what they stand for."""
    dtype = np.dtype(draw(st.sampled_from(KINDS)))
    whole = st.integers(0, 100) if dtype.kind == "u" else st.integers(-100, 100)
    stored = np.array(draw(st.lists(whole, min_size=6, max_size=6)), dtype).reshape(2, 3)
    factor = st.sampled_from([0.5, 0.1, -3.0, 1e-3, 100.0])
    kind = draw(st.sampled_from([np.float32, np.float64]))
    attrs: dict[str, Any] = {
        "scale_factor": draw(st.none() | factor.map(kind)),
        "add_offset": draw(st.none() | factor.map(kind)),
        "_FillValue": draw(st.none() | whole.map(dtype.type)),
        "missing_value": draw(st.none() | whole.map(dtype.type)),
        "_Unsigned": draw(st.sampled_from([None, "true", "false"])),
    }
    if dtype.kind == "f" or dtype.itemsize > 2 or dtype.byteorder == ">":  # xarray errs there
        del attrs["_Unsigned"]
    elif attrs["_Unsigned"]:  # those xarray takes as they are, netCDF as it takes the values
        del attrs["missing_value"]
    return stored, {name: value for name, value in attrs.items() if value is not None}


@pytest.mark.filterwarnings("ignore")
@given(packed())
def test_packed_as_xarray_has_it(case: tuple[np.ndarray, dict[str, Any]]) -> None:
    stored, attrs = case
    variable = xarray.Variable(("x", "y"), stored, attrs)
    expected = xarray.conventions.decode_cf_variable("v", variable, decode_times=False).values
    packing = Packing.of(stored.dtype, attrs)
    got = unpacked(packing, stored)
    np.testing.assert_allclose(got.astype("f8"), expected.astype("f8"), 1e-5, 1e-5)
    assert packing is None or got.dtype == packing.dtype


@pytest.mark.parametrize("name", ["a.h5", "two.zarr"])
@pytest.mark.filterwarnings("ignore")
def test_values_out_of_range(tmp_path: Path, name: str) -> None:
    """They stand for none, as netCDF has it, in the type in which the ends are said."""
    nan = np.nan
    for attrs, expected in (
        ({"valid_min": 0}, [[nan, 1], [2, 10]]),
        ({"valid_max": 2}, [[-32768, 1], [2, nan]]),
        ({"valid_range": [1, 2], "scale_factor": 0.5}, [[nan, 0.5], [1, nan]]),
        ({"valid_range": [0.0, 0.7], "scale_factor": 0.5}, [[nan, 0.5], [nan, nan]]),
    ):
        write_packed(tmp_path / name, "i2", attrs)
        np.testing.assert_array_equal(files.open(tmp_path / name, name="acts").values, expected)


@pytest.mark.parametrize("name", ["a.h5", "a.nc", "two.zarr"])
@pytest.mark.filterwarnings("ignore")
def test_packed_in_a_way_that_is_not_known(tmp_path: Path, name: str) -> None:
    for attrs in ({"scale_factor": [1.0, 2.0]}, {"valid_range": [1, 2, 3]}):
        write_packed(tmp_path / name, "i2", attrs)
        refused(tmp_path / name, "unpack the values with the library that wrote", name="acts")


def test_a_zarr_without_the_conventions(tmp_path: Path) -> None:
    """Its fill value is a value: so zarr has it."""
    zarr.create_array(tmp_path / "a.zarr", data=ACTS, fill_value=3, zarr_format=2)
    np.testing.assert_array_equal(files.open(tmp_path / "a.zarr").values, ACTS)


def saved_by_torch(path: Path) -> None:
    """As torch saves them, today and before it made archives."""
    state = {"acts": torch.tensor(ACTS).bfloat16(), "more": [torch.ones(3), {"step": 7}]}
    torch.save(state, path, _use_new_zipfile_serialization=path.suffix == ".pt")


@pytest.mark.parametrize("name", ["run.pt", "run.pth"])
def test_tensors_of_torch(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    saved_by_torch(path)
    array = files.open(path)
    np.testing.assert_array_equal(array.values, ACTS)
    assert StoredSource(array).in_memory == (name == "run.pth")
    assert (StoredSource(array).identity() is None) == (name == "run.pth")
    refused(path, "'more/0' (3,) float32", name="none")
    np.testing.assert_array_equal(files.open(path.rename(tmp_path / "blob")).values, ACTS)
    torch.save(torch.tensor(ACTS), path)
    np.testing.assert_array_equal(files.open(path).values, ACTS)
    torch.save({"acts": torch.tensor(ACTS), "when": Path("x")}, path)
    refused(path, "weights_only=False) reads it")
    monkeypatch.setitem(sys.modules, "torch", None)
    refused(path, 'pip install "heatwidget[capture]"', ImportError)


def test_a_cut_file_of_torch(tmp_path: Path) -> None:
    """An error, and not the end of the process."""
    path = tmp_path / "run.pt"
    torch.save(torch.ones(1000, 500), path)
    source = StoredSource(files.open(path))
    with path.open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(OSError, match="has become shorter"):
        source.read(Region(((0, 1000), (0, 500))))


@pytest.mark.parametrize("folder", ["", "run.zarr/"])
def test_a_zarr_in_a_zip_file(tmp_path: Path, folder: str) -> None:
    data = xarray.Dataset({"acts": (DIMS, ACTS)}, {"layer": [1, 2, 36]})
    data.to_zarr(tmp_path / "run.zarr", zarr_format=2)
    path = tmp_path / "run.zarr.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in (tmp_path / "run.zarr").rglob("*"):
            archive.write(part, folder + str(part.relative_to(tmp_path / "run.zarr")))
    array = files.open(path)
    np.testing.assert_array_equal(array.values, ACTS)
    assert array.coords["layer"].tolist() == [1, 2, 36]
    assert StoredSource(array).identity() is not None


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed, np.save])
def test_bfloat16_of_numpy(tmp_path: Path, save: Any) -> None:
    """Numpy calls it two bare bytes; of those of 8 bits it does not say which they are."""
    path = tmp_path / ("run.npy" if save is np.save else "run.npz")
    save(path, ACTS.astype(ml_dtypes.bfloat16))
    np.testing.assert_array_equal(np.asarray(files.open(path).values, "f4"), ACTS)
    save(path, ACTS.astype(ml_dtypes.float8_e4m3fn))
    refused(path, "numpy.load(path).view(ml_dtypes.float8_e4m3fn)", TypeError)


TAR = b"run.npy".ljust(257, b"\0") + b"ustar" + bytes(250)
OTHERS: dict[str, tuple[bytes, str]] = {
    "run.csv": (b"a,b\n1,2\n", "pandas.read_csv(path"),
    "run.tsv": (b"a\tb\n1\t2\n", r'delimiter="\t"'),
    "run.json": (b"[[1, 2]]", "json.load"),
    "run.jsonl": (b'{"a": 1}', "lines=True"),
    "run.pkl": (b"(lp0\n.", "can run code when it is read"),
    "blob": (b"\x80\x04K\x01.", "can run code when it is read"),
    "run.parquet": (b"PAR1....", "pandas.read_parquet(path)"),
    "run.feather": (b"ARROW1\0\0", "pandas.read_feather(path)"),
    "run.mat": (b"MATLAB 5.0 MAT-file".ljust(128), "scipy.io.loadmat(path)"),
    "new.mat": (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", "h5py.File(path)"),
    "run.npy.gz": (gzip.compress(b"x"), "compressed with gzip: unpack it first"),
    "run.npz": (gzip.compress(b"x"), "compressed with gzip: unpack it first"),
    "run.tar": (TAR, "a tar archive: unpack it first"),
    "run.gguf": (b"GGUF\3\0\0\0", "gguf.GGUFReader(path)"),
    "run.txt": (b"some text", "a file of unknown format"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_kinds_that_are_not_read(tmp_path: Path, name: str) -> None:
    """Each is named, with the way out."""
    content, text = OTHERS[name]
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, "path must be one of .npz, .npy, ")
    refused(tmp_path / name, text)


def test_archives_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "run.zip", "w") as archive:
        archive.writestr("readme.txt", "text")
    (tmp_path / "run.xlsx").write_bytes((tmp_path / "run.zip").read_bytes())
    refused(tmp_path / "run.xlsx", "pandas.read_excel(path")
    refused(tmp_path / "run.zip", "without arrays of numpy, torch or zarr: unpack it first")
    with zipfile.ZipFile(tmp_path / "run.npz", "w") as archive:
        archive.writestr("readme.txt", "text")
        with archive.open("acts.npy", "w") as file:
            np.save(file, ACTS)
    np.testing.assert_array_equal(files.open(tmp_path / "run.npz").values, ACTS)
    with tarfile.open(tmp_path / "run.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "run.npz")
    refused(tmp_path / "run.tar.gz", "compressed with gzip: unpack it first")


def test_folders(tmp_path: Path) -> None:
    """What is in one is named."""
    np.save(tmp_path / "b.npy", ACTS)
    zarr.create_array(tmp_path / "a", data=ACTS)
    refused(tmp_path, "is another folder: take one of 'a', 'b.npy'")


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".h5", ".nc", ".safetensors", ".pt"])
def test_another_suffix(tmp_path: Path, suffix: str) -> None:
    """What a file is its content says."""
    np.save(tmp_path / "a.npy", ACTS)
    np.savez(tmp_path / "a.npz", acts=ACTS)
    torch.save(torch.tensor(ACTS), tmp_path / "a.pt")
    write_tensors(tmp_path / "a.safetensors", acts=("F32", ACTS))
    xarray.Dataset({"acts": (DIMS, ACTS)}).to_netcdf(tmp_path / "a.h5", engine="h5netcdf")
    for path in list(tmp_path.iterdir()):
        other = tmp_path / f"b{suffix}"
        other.write_bytes(path.read_bytes())
        np.testing.assert_array_equal(files.open(other).values, ACTS)
