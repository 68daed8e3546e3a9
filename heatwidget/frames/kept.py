"""Overviews kept on disk, so that a large array opens at once the next time.

One file each in the user's cache directory, `HEATWIDGET_CACHE` if that is set: the arrays as
they are in memory, then a text that says what they are. A file that is not whole, or not
ours, counts as none and is removed.
"""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from struct import Struct
from time import time
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ..arrays.extent import ValueRange
from .overview import Overview

# Part of every key: another version of what is in a file is another file.
_FORMAT = "heatwidget overview 2"
_SUFFIX = ".overview"
# What ends the name of a file that is being written, and seconds after which nobody is at it.
_UNFINISHED = ".unfinished"
_ABANDONED = 24 * 3600.0
# Arrays lie on multiples of this, as memory pages do.
_ALIGNMENT = 4096
# Last in each file: a mark, and length and check sum of the text before it.
_END = Struct("<8sQI")
_MAGIC = b"heatview"
# Blocks of a file, spread evenly, that are compared with what was written.
_SAMPLES = 256


def cache_folder() -> Path:
    """Folder in which overviews are kept."""
    chosen = os.environ.get("HEATWIDGET_CACHE")
    if chosen:
        return Path(chosen).expanduser() / "overviews"
    # Only when something is to be kept: arrays and frames need numpy alone.
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("heatwidget")) / "overviews"


def keep(overview: Overview, identity: str) -> Path:
    """Write a complete overview beside the one of the same key, and put it in its place.

    Parameters
    ----------
    overview : Overview
    identity : str
        What `ArraySource.identity` says of the array that it was made from.

    Raises
    ------
    ValueError
        If not all was read.
    OSError
        If the folder cannot be written, or the disk is full. What was there stays.
    """
    if not overview.complete:
        raise ValueError(f"overview must be complete to be kept, got {overview!r}")
    path = _path(overview, identity)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.parent / f".{uuid4().hex}{_UNFINISHED}"
        try:
            _write(beside, overview, identity)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        _prune(path.parent, path, overview.budget.disk_bytes)
    except OSError as error:
        raise OSError(f"cannot keep the overview in {path.parent}: {error}") from error
    return path


def load_kept(overview: Overview, identity: str) -> bool:
    """Fill an empty overview from the file kept for its array, mapped, not read.

    Returns
    -------
    bool
        Whether there was one; else the overview is as it was.
    """
    path = _path(overview, identity)
    try:
        parts, extent = _read(path, _key(overview, identity))
    except OSError:
        return False
    except _DamagedError:
        with suppress(OSError):
            path.unlink()
        return False
    overview.restore(parts, extent)
    with suppress(OSError):
        os.utime(path)
    return True


class _DamagedError(Exception):
    """A file does not hold what it should."""


def _key(overview: Overview, identity: str) -> str:
    return json.dumps([_FORMAT, identity, overview.description])


def _path(overview: Overview, identity: str) -> Path:
    name = sha256(_key(overview, identity).encode()).hexdigest()[:40]
    return cache_folder() / (name + _SUFFIX)


def _write(path: Path, overview: Overview, identity: str) -> None:
    with overview.lock:
        # What is written later goes to copies of these.
        parts, extent = overview.parts(), overview.extent
    with path.open("w+b") as file:
        layout = []
        for name, part in parts.items():
            file.write(b"\0" * (-file.tell() % _ALIGNMENT))
            layout.append([name, part.dtype.str, part.shape, file.tell()])
            part.tofile(file)
        file.flush()
        about = {
            "key": _key(overview, identity),
            "layout": layout,
            "extent": asdict(extent),
            "size": file.tell(),
            "sample": _sample(file, file.tell()),
        }
        text = json.dumps(about).encode()
        file.write(text)
        file.write(_END.pack(_MAGIC, len(text), zlib.crc32(text)))
        file.flush()
        # Or a power cut could leave a file of the right name and size with nothing in it.
        os.fsync(file.fileno())


def _read(path: Path, key: str) -> tuple[dict[str, NDArray[Any]], ValueRange]:
    with path.open("rb") as file:
        about = _about(file)
        if about["key"] != key or about["sample"] != _sample(file, about["size"]):
            raise _DamagedError
        parts: dict[str, NDArray[Any]] = {
            name: np.asarray(np.memmap(file, np.dtype(dtype), "r", offset, tuple(shape)))
            for name, dtype, shape, offset in about["layout"]
        }
    return parts, ValueRange(**about["extent"])


def _about(file: BinaryIO) -> dict[str, Any]:
    """What the end of a file says of it."""
    size = file.seek(0, os.SEEK_END)
    if size < _END.size:
        raise _DamagedError
    file.seek(size - _END.size)
    magic, length, check = _END.unpack(file.read(_END.size))
    if magic != _MAGIC or length > size - _END.size:
        raise _DamagedError
    file.seek(size - _END.size - length)
    text = file.read(length)
    if zlib.crc32(text) != check:
        raise _DamagedError
    about: dict[str, Any] = json.loads(text)
    if about["size"] != size - _END.size - length:
        raise _DamagedError
    return about


def _sample(file: BinaryIO, size: int) -> int:
    """Check sum of blocks spread over the first bytes of a file: of all, if it is small."""
    check, last = 0, max(-(-size // _ALIGNMENT) - 1, 0)
    for block in np.unique(np.linspace(0, last, _SAMPLES).astype(np.int64)).tolist():
        file.seek(block * _ALIGNMENT)
        check = zlib.crc32(file.read(min(_ALIGNMENT, size - block * _ALIGNMENT)), check)
    file.seek(size)
    return check


def _prune(folder: Path, newest: Path, n_bytes: int) -> None:
    """Remove what was not used for longest, until the rest is no larger than it may be.

    And what another process has begun to write, and was ended.
    """
    for path in folder.glob("*" + _UNFINISHED):
        with suppress(OSError):
            if time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()
    found = []
    for path in folder.glob("*" + _SUFFIX):
        with suppress(OSError):  # another process removes too
            found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total > n_bytes and path != newest:
            with suppress(OSError):
                path.unlink()
                total -= size
