"""Which kind of file a path leads to."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from .contents import NamedKindError
from .others import way_out

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
# What is only read.
_READ_ONLY = {".pt": "torch", ".pth": "torch"}
# What a zarr array or group of either version has in its folder.
_ZARR_FILES = ("zarr.json", ".zarray", ".zgroup")
# How files begin; HDF5 leaves room for others before it.
_STARTS = {b"\x93NUMPY": ".npy", b"CDF": ".nc"}
_HDF5, _HDF5_PLACES = b"\x89HDF\r\n\x1a\n", (0, 512, 1024, 2048)
# A pickle of a number that torch began its files with before it made archives of them.
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_HEAD = max(_HDF5_PLACES) + len(_HDF5)


def module_to_read(path: Path) -> Any:
    """Return the module that reads what is at a path: by its content, else by its suffix.

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
            raise ValueError(
                f"path must be a file or a zarr store; {path} is another folder{_openable(path)}"
            )
        return _module(".zarr")
    if path.exists() and not path.is_file():
        raise ValueError(f"path must be a file or a zarr store; {path} is a pipe or a device")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise ValueError(f"path must be a file with something in it; {path} is empty")
    found = _suffix_of(path, head)
    if found == ".h5" and suffix == ".nc":
        found = suffix
    known = found or (suffix if suffix != ".zarr" else "")
    way = "" if found else way_out(path, head)
    if way or known not in (*_MODULES, *_READ_ONLY):
        raise NamedKindError(
            f"path must be one of {_SUFFIXES}, .pt; {path} is {way or 'a file of another kind'}"
        )
    return _module(known)


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


def zarr_roots(names: Iterable[str]) -> list[str]:
    """Folders among the names in an archive that are zarr arrays or groups."""
    found = (name.rpartition("/") for name in names)
    return [folder for folder, _, last in found if last in _ZARR_FILES]


def _module(suffix: str) -> Any:
    """Module of a kind, imported when it is first needed."""
    name = {**_MODULES, **_READ_ONLY}[suffix]
    return importlib.import_module(f".{name}", __package__)


def _suffix_of(path: Path, head: bytes) -> str:
    """Suffix that a file with this content should have, or none."""
    if head[4:9] == b"\0\0\0\0{":  # after a length of less than 4 GB
        return ".safetensors"
    if any(head[at : at + len(_HDF5)] == _HDF5 for at in _HDF5_PLACES):
        return "" if head.startswith(b"MATLAB") else ".h5"
    if head.startswith(b"PK"):
        return _archive(path)
    if head.startswith(_OLD_TORCH):
        return ".pt"
    return next((suffix for start, suffix in _STARTS.items() if head.startswith(start)), "")


def _archive(path: Path) -> str:
    """What a zip file is an archive of, or none."""
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError, ValueError):
        return path.suffix.lower() if path.suffix.lower() in (".npz", ".pt", ".pth") else ".npz"
    if zarr_roots(names):
        return ".zarr"
    if any(name.endswith(".npy") for name in names):
        return ".npz"
    if any(name.endswith("/data.pkl") for name in names):
        return ".pt"
    return ".npz" if not names or path.suffix.lower() == ".npz" else ""


def _openable(folder: Path) -> str:
    """Some of what a folder holds that can be opened."""
    known = {*_MODULES, *_READ_ONLY}
    found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in known or is_zarr(p))
    more = ", ..." if len(found) > 5 else ""
    return f": take one of {', '.join(map(repr, found[:5]))}{more}" if found else ""
