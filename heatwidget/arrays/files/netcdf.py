"""Arrays in netCDF files: read by h5py, or by xarray in netCDF-3; written by h5netcdf."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

from . import hdf5
from .contents import LABELS, VALUES, Contents, Entry
from .libraries import require_extra
from .save_job import SaveJob
from .space import ensure_free_space


def read(path: Path) -> Contents:
    """Return the variables of a file and the labels of ``values``."""
    with path.open("rb") as file:
        if file.read(3) == b"CDF":
            return _read_classic(path)
    contents = hdf5.read(path, extra="netcdf")
    entries = {
        name: replace(entry, named=True, quantity=name) for name, entry in contents.entries.items()
    }
    return Contents(entries, contents.labels)


def _read_classic(path: Path) -> Contents:
    """Variables of a netCDF-3 file, which is not HDF5."""
    with require_extra("netcdf", path):
        import_module("scipy")  # without scipy xarray reports an unknown file format
        import xarray

        dataset = xarray.open_dataset(path, engine="scipy", cache=False, decode_times=False)
    variables = {str(name): item for name, item in dataset.data_vars.items()}
    return Contents(
        {name: Entry.of(item, named=True, quantity=name) for name, item in variables.items()}
    )


def write(path: Path, job: SaveJob) -> None:
    """Write values and labels, block by block. netCDF has no float16: float32 instead."""
    with require_extra("netcdf", path):
        import h5netcdf
        import h5py
    dtype = {"b": np.dtype(np.int8), "f": np.promote_types(job.dtype, np.float32)}
    ensure_free_space(path, job.n_bytes)
    with h5netcdf.File(path, "x") as file:
        file.dimensions = dict(zip(job.labels.dims, job.shape, strict=True))
        values = file.create_variable(VALUES, job.labels.dims, dtype.get(job.dtype.kind, job.dtype))
        # For other programs. This package reads the quantity from the labels, which hold any text.
        name = job.labels.quantity.replace("\0", "")
        values.attrs["long_name"] = name.encode(errors="replace").decode()
        if job.dtype.kind == "b":
            values.attrs["dtype"] = "bool"  # as xarray marks it
        file.create_variable(LABELS, (), h5py.string_dtype())[...] = job.text
        for region, block in job.blocks():
            values[region.slices] = block
