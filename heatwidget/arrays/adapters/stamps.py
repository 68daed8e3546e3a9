"""What tells whether a file has changed, without reading all of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

# A sample of a file: so many blocks of so many bytes, spread evenly from its first to its last.
_N_BLOCKS = 64
_BLOCK_BYTES = 4096
# In a folder with more files than this, looking at each takes too long.
_MOST_FILES = 100_000


def stat_file(path: str | os.PathLike[str]) -> tuple[int, int, int, int] | None:
    """Device and inode, size in bytes and time of change in ns; None where there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def same_file(opened: tuple[int, ...] | None, now: tuple[int, ...] | None) -> bool:
    """Whether two results of `stat_file` are of one file, be it with other content."""
    return opened is not None and now is not None and opened[:2] == now[:2]


def sample_blocks(size: int) -> Iterator[slice]:
    """Yield where the blocks of a sample lie among `size` bytes."""
    last = max(size - _BLOCK_BYTES, 0)
    starts = {last * block // (_N_BLOCKS - 1) for block in range(_N_BLOCKS)}
    for start in sorted(starts):
        yield slice(start, min(start + _BLOCK_BYTES, size))


def stamp_file(path: str | os.PathLike[str], opened: tuple[int, ...] | None) -> str | None:
    """Text made of a file's size, its time of change and a sample of its content.

    None where it cannot be read, or is no longer the file that `stat_file` saw when it was
    opened.
    """
    now = stat_file(path)
    if now is None or not same_file(opened, now):
        return None
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in sample_blocks(now[2]):
                file.seek(block.start)
                digest.update(file.read(block.stop - block.start))
    except OSError:
        return None
    return fingerprint(now[2:], digest.hexdigest())


def stamp_folder(folder: Path) -> str | None:
    """Text made of the names, sizes and times of change of all files below a folder.

    None where it cannot be read, or has too many files.
    """
    found: list[tuple[str, int, int]] = []
    try:
        for parent, _, names in os.walk(folder, onerror=_reraise):
            for name in names:
                path = os.path.join(parent, name)
                status = os.stat(path)
                key = path[len(str(folder)) :]
                found.append((key, status.st_size, status.st_mtime_ns))
            if len(found) > _MOST_FILES:
                return None
    except OSError:
        return None
    return fingerprint(sorted(found))


def _reraise(error: OSError) -> NoReturn:
    raise error


def fingerprint(*facts: Any) -> str:
    """Short text that differs where any of the facts does."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()
