"""Arrays in a netCDF file: read by h5py or xarray, written by h5netcdf.

xarray applies the conventions that netCDF files of others use (fill values, scales). What was
made of the values is not known then, and an overview of them cannot be kept; so files of ours,
which are HDF5 and use none, are read without it.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from . import hdf5
from .contents import LABELS, VALUES, Contents, Entry
from .draft import Draft
from .labels import Labels
from .libraries import needed
from .room import check_room


def read(path: Path) -> Contents:
    """Return the variables of a file and what it says of ``values``."""
    with path.open("rb") as file:
        engine = "scipy" if file.read(3) == b"CDF" else "h5netcdf"
    if engine == "h5netcdf":
        with needed("netcdf", path):
            import h5py  # noqa: F401
        contents = hdf5.read(path)
        values = contents.entries.get(VALUES)
        if contents.labels is not None and values is not None and _is_plain(values.load()):
            return contents
    with needed("netcdf", path):
        import_module(engine)  # or xarray would say that it knows no such kind of file
        import xarray

        dataset = xarray.open_dataset(path, engine=engine, cache=False, decode_times=False)
    variables = {str(name): item for name, item in dataset.data_vars.items()}
    entries = {name: Entry.of(item) for name, item in variables.items() if name != LABELS}
    text = dataset.get(LABELS)
    labels = None if text is None or text.shape else Labels.from_text(text.item())
    return Contents(entries, labels)


def _is_plain(values: Any) -> bool:
    """Whether xarray would take the values as they are, not as bools, which netCDF lacks."""
    return "dtype" not in values.attrs


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
