"""Which kind of file a path leads to."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

# Suffix -> the module beside this one that reads it, and writes it if it can hold labels.
_MODULES = {
    ".npz": "npz",
    ".npy": "npy",
    ".zarr": "zarr",
    ".nc": "netcdf",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".safetensors": "safetensors",
}
_SUFFIXES = ", ".join(_MODULES)
# What a zarr array or group of either version has in its folder.
_ZARR_FILES = ("zarr.json", ".zarray", ".zgroup")


def module_to_read(path: Path) -> Any:
    """Return the module that reads what is at a path: by its suffix, else by its first bytes.

    Raises
    ------
    OSError
        If there is nothing, or it may not be read.
    ValueError
        If it is of none of these kinds, or empty.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        if not is_zarr(path):
            raise ValueError(f"path must be a file or a zarr store; {path} is another folder")
        return _module(".zarr")
    if path.exists() and not path.is_file():
        raise ValueError(f"path must be a file or a zarr store; {path} is a pipe or a device")
    with path.open("rb") as file:
        head = file.read(9)
    if not head:
        raise ValueError(f"path must be a file with something in it; {path} is empty")
    if suffix not in _MODULES:
        suffix = _suffix_of(head)
    if not suffix or suffix == ".zarr":
        raise ValueError(f"path must be one of {_SUFFIXES}; {path} is a file of another kind")
    return _module(suffix)


def module_to_write(path: Path) -> Any:
    """Return the module that writes the kind of file that a suffix stands for.

    Raises
    ------
    ValueError
        If there is none, or something at the path may not be replaced by it.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        raise ValueError(f"path must be of a kind that holds labels, .npz for one, got {path}")
    if suffix not in _MODULES:
        raise ValueError(f"path must end in one of {_SUFFIXES}, got {path}")
    if suffix != ".zarr" and path.is_dir():
        raise ValueError(f"path must lead to a file, and {path} is a folder")
    if suffix == ".zarr" and path.exists() and not is_zarr(path):
        raise ValueError(f"path must lead to a zarr store if to anything; {path} is something else")
    return _module(suffix)


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr array or group."""
    return any((path / name).is_file() for name in _ZARR_FILES)


def _module(suffix: str) -> Any:
    """Module of a kind, imported when it is first needed."""
    return importlib.import_module(f".{_MODULES[suffix]}", __package__)


def _suffix_of(head: bytes) -> str:
    """Suffix that a file with these first bytes should have, or none."""
    starts = {b"PK": ".npz", b"\x93NUMPY": ".npy", b"\x89HDF": ".h5", b"CDF": ".nc"}
    if head[8:] == b"{":
        return ".safetensors"
    return next((suffix for start, suffix in starts.items() if head.startswith(start)), "")
