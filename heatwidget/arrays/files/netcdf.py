"""Arrays in a netCDF file: read by h5py, or by xarray what is no HDF5; written by h5netcdf."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

from . import hdf5
from .contents import LABELS, VALUES, Contents, Entry
from .draft import Draft
from .libraries import needed
from .room import check_room


def read(path: Path) -> Contents:
    """Return the variables of a file and what it says of ``values``."""
    with path.open("rb") as file:
        if file.read(3) == b"CDF":
            return _read_classic(path)
    contents = hdf5.read(path, extra="netcdf")
    entries = {
        name: replace(entry, named=True, quantity=name) for name, entry in contents.entries.items()
    }
    return Contents(entries, contents.labels)


def _read_classic(path: Path) -> Contents:
    """Variables of a file of the old format, which is no HDF5."""
    with needed("netcdf", path):
        import_module("scipy")  # or xarray would say that it knows no such kind of file
        import xarray

        dataset = xarray.open_dataset(path, engine="scipy", cache=False, decode_times=False)
    variables = {str(name): item for name, item in dataset.data_vars.items()}
    return Contents(
        {name: Entry.of(item, named=True, quantity=name) for name, item in variables.items()}
    )


def write(path: Path, draft: Draft) -> None:
    """Write values and labels, block by block; float16, which netCDF lacks, as float32."""
    with needed("netcdf", path):
        import h5netcdf
        import h5py
    dtype = {"b": np.dtype(np.int8), "f": np.promote_types(draft.dtype, np.float32)}
    check_room(path, draft.n_bytes)
    with h5netcdf.File(path, "x") as file:
        file.dimensions = dict(zip(draft.labels.dims, draft.shape, strict=True))
        values = file.create_variable(
            VALUES, draft.labels.dims, dtype.get(draft.dtype.kind, draft.dtype)
        )
        # For other programs; we read the labels, which can hold any text.
        name = draft.labels.quantity.replace("\0", "")
        values.attrs["long_name"] = name.encode(errors="replace").decode()
        if draft.dtype.kind == "b":
            values.attrs["dtype"] = "bool"  # as xarray has it
        file.create_variable(LABELS, (), h5py.string_dtype())[...] = draft.text
        for region, block in draft.blocks():
            values[region.slices] = block
