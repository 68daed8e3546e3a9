"""File formats, recognised by content and suffix."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from .contents import UnreadableFormatError
from .others import way_out

# Suffix -> module of this package that reads the format, and writes it if it can hold labels.
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
# Formats that are read but not written.
_READ_ONLY = {".pt": "torch", ".pth": "torch"}
# Files in the folder of a zarr array or group, version 2 or 3.
_ZARR_FILES = ("zarr.json", ".zarray", ".zgroup")
# First bytes of files. HDF5 allows a user block of fixed sizes before its own.
_STARTS = {b"\x93NUMPY": ".npy", b"CDF": ".nc"}
_HDF5, _HDF5_PLACES = b"\x89HDF\r\n\x1a\n", (0, 512, 1024, 2048)
# First bytes of files of torch before 1.6: the pickle of a number.
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_HEAD = max(_HDF5_PLACES) + len(_HDF5)


def module_to_read(path: Path) -> Any:
    """Return the module that reads a file: by its content, else by its suffix.

    Raises
    ------
    OSError
        If the file does not exist or may not be read.
    ValueError
        If it has no known format, or is empty.
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
        raise ValueError(f"path must be a file with content; {path} is empty")
    found = _suffix_of(path, head)
    if found == ".h5" and suffix == ".nc":
        found = suffix
    known = found or (suffix if suffix != ".zarr" else "")
    way = "" if found else way_out(path, head)
    if way or known not in (*_MODULES, *_READ_ONLY):
        raise UnreadableFormatError(
            f"path must be one of {_SUFFIXES}, .pt; {path} is {way or 'a file of unknown format'}"
        )
    return _module(known)


def module_to_write(path: Path) -> Any:
    """Return the module that writes the format of a suffix.

    Raises
    ------
    ValueError
        If no format with labels has this suffix, or the path holds something that a file of this
        format may not replace.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        raise ValueError(f"path must have a format with labels, such as .npz, got {path}")
    if suffix not in _MODULES:
        raise ValueError(f"path must end in one of {_SUFFIXES}, got {path}")
    if suffix != ".zarr" and path.is_dir():
        raise ValueError(f"path must be a file; {path} is a folder")
    if suffix == ".zarr" and path.exists() and not is_zarr(path):
        raise ValueError(f"path must be new or a zarr store; {path} is something else")
    return _module(suffix)


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr array or group."""
    return any((path / name).is_file() for name in _ZARR_FILES)


def zarr_roots(names: Iterable[str]) -> list[str]:
    """Folders of zarr arrays or groups among the names in an archive."""
    found = (name.rpartition("/") for name in names)
    return [folder for folder, _, last in found if last in _ZARR_FILES]


def _module(suffix: str) -> Any:
    """Module of a format, imported on first use."""
    name = {**_MODULES, **_READ_ONLY}[suffix]
    return importlib.import_module(f".{name}", __package__)


def _suffix_of(path: Path, head: bytes) -> str:
    """Suffix for a file with this content; "" if the format is unknown."""
    if head[4:9] == b"\0\0\0\0{":  # after a header length of less than 4 GB
        return ".safetensors"
    if any(head[at : at + len(_HDF5)] == _HDF5 for at in _HDF5_PLACES):
        return "" if head.startswith(b"MATLAB") else ".h5"
    if head.startswith(b"PK"):
        return _archive(path)
    if head.startswith(_OLD_TORCH):
        return ".pt"
    return next((suffix for start, suffix in _STARTS.items() if head.startswith(start)), "")


def _archive(path: Path) -> str:
    """Suffix for the content of a zip file; "" if the format is unknown."""
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
    """Advice that lists a few files of a folder that can be opened."""
    known = {*_MODULES, *_READ_ONLY}
    found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in known or is_zarr(p))
    more = ", ..." if len(found) > 5 else ""
    return f": take one of {', '.join(map(repr, found[:5]))}{more}" if found else ""
